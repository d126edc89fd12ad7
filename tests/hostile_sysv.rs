//! Sets of System V semaphores whose files are overwritten: errnos only, no crash and no hang.
//! `tests/c/storm/sysv_sem_hostile.c` tells what must hold.

mod support;

use std::path::Path;
use std::time::Duration;

use support::{Place, Way, command, compile, run_bounded};

/// How long a set is overwritten.
const SECONDS: &str = "5";
/// Only bounds a hang.
const BOUND: Duration = Duration::from_secs(90);

#[test]
fn a_small_set_is_overwritten() {
    overwrite("3", "1");
}

/// More than one chunk of members.
#[test]
fn a_large_set_is_overwritten() {
    overwrite("200", "2");
}

fn overwrite(members: &str, seed: &str) {
    let place = Place::new();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c/storm/sysv_sem_hostile.c");
    let mut program = command(&compile(&source, Way::Preload), Way::Preload);
    program.args([members, seed, SECONDS]).env("RSIPC_DIR", place.path());
    let ended = run_bounded(program, BOUND);
    print!("{members} members: {}", ended.stdout);
    assert!(ended.success(), "{}: {}{}", ended.ended, ended.stdout, ended.stderr);
}
