//! System V objects whose files are overwritten: errnos only, no crash and no hang.
//! `tests/c/storm/sysv_*_hostile.c` tell what must hold.

mod support;

use std::path::Path;
use std::time::Duration;

use support::{Place, Way, command, compile, run_bounded};

/// How long an object is overwritten.
const SECONDS: &str = "5";
/// Only bounds a hang.
const BOUND: Duration = Duration::from_secs(90);

#[test]
fn a_small_set_is_overwritten() {
    run("sysv_sem_hostile.c", &["3", "1", SECONDS]);
}

/// More than one chunk of members.
#[test]
fn a_large_set_is_overwritten() {
    run("sysv_sem_hostile.c", &["200", "2", SECONDS]);
}

#[test]
fn a_queue_is_overwritten() {
    run("sysv_msg_hostile.c", &["3", SECONDS]);
}

#[test]
fn a_segment_is_overwritten() {
    run("sysv_shm_hostile.c", &["3", SECONDS]);
}

fn run(source: &str, arguments: &[&str]) {
    let place = Place::new();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c/storm").join(source);
    let mut program = command(&compile(&source, Way::Preload), Way::Preload);
    program.args(arguments).env("RSIPC_DIR", place.path()).env("RSIPC_SYSV", "sem,msg,shm");
    let ended = run_bounded(program, BOUND);
    print!("{arguments:?}: {}", ended.stdout);
    assert!(ended.success(), "{}: {}{}", ended.ended, ended.stdout, ended.stderr);
}
