//! Users of System V semaphores, killed at random instants: `tests/c/storm/sysv_sem_storm.c` and
//! `sysv_sem_late.c` tell what must hold. It holds on the kernel's semaphores, which are tried
//! first.
//!
//! `RSIPC_STORM_SECONDS` sets how long the storm with the preload lasts (20 when unset).

mod support;

use std::path::Path;
use std::time::Duration;

use support::glibc::glibc_version;
use support::{Place, Way, command, compile, run_bounded, storm};

/// Seconds, deaths and reads, where it is only to be shown that the programs tell the truth.
const SHORT: [&str; 3] = ["3", "100", "3"];

#[test]
fn on_the_kernel_values_are_right_after_kills() {
    run("sysv_sem_storm", Way::Glibc, &SHORT[..1], Duration::from_mins(1));
}

#[test]
fn on_the_kernel_undo_is_neither_late_nor_early() {
    run("sysv_sem_late", Way::Glibc, &SHORT[1..], Duration::from_mins(2));
}

#[test]
fn values_are_right_after_kills() {
    let seconds = storm::seconds(20);
    let bound = Duration::from_secs(seconds + 60);
    run("sysv_sem_storm", Way::Preload, &[&seconds.to_string()], bound);
}

#[test]
fn undo_is_neither_late_nor_early() {
    // Before glibc 2.35 there is no rseq(2), and a sleeper looks once a second.
    let deaths = if glibc_version() < (2, 35) { "100" } else { "1000" };
    run("sysv_sem_late", Way::Preload, &[deaths, "20"], Duration::from_mins(5));
}

fn run(name: &str, way: Way, arguments: &[&str], bound: Duration) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/c/storm/{name}.c"));
    let place = Place::new();
    let mut program = command(&compile(&source, way), way);
    program.args(arguments);
    if way != Way::Glibc {
        program.env("RSIPC_DIR", place.path());
    }
    let ended = run_bounded(program, bound);
    print!("{name}, {way}: {}", ended.stdout);
    assert!(ended.success(), "{}: {}{}", ended.ended, ended.stdout, ended.stderr);
}
