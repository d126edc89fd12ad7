//! Users of a System V queue, killed at random instants: `tests/c/storm/sysv_msg_storm.c` tells
//! what must hold. The kernel's queues are tried first; there no receiver is killed, as the kernel
//! loses the message that it has handed to one.
//!
//! `RSIPC_STORM_SECONDS` sets how long each storm with the preload lasts (20 when unset).

mod support;

use std::path::Path;
use std::time::Duration;

use support::cases::SKIPPED;
use support::{Ended, Place, Way, command, compile, run_bounded, storm};

/// Enough where the test only shows that the program itself is right.
const SHORT: u64 = 3;

#[test]
fn on_the_kernel_a_queue_survives_kills_of_senders() {
    storm(Way::Glibc, SHORT, &["senders"]);
}

#[test]
fn a_sysv_queue_survives_kills() {
    storm(Way::Preload, seconds(), &[]);
}

/// As in two containers that share a directory: the same TIDs on both sides.
#[test]
fn a_sysv_queue_of_two_namespaces_survives_kills() {
    storm(Way::Preload, seconds() / 2, &["namespaces"]);
}

fn seconds() -> u64 {
    storm::seconds(20)
}

fn storm(way: Way, seconds: u64, options: &[&str]) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c/storm/sysv_msg_storm.c");
    let place = Place::new();
    let mut program = command(&compile(&source, way), way);
    program.arg(seconds.to_string()).args(options);
    if way != Way::Glibc {
        program.env("RSIPC_DIR", place.path());
    }
    let ended = run_bounded(program, Duration::from_secs(seconds + 60));
    print!("{way} {options:?}: {}", ended.stdout);
    if ended.ended == Ended::Exit(SKIPPED) {
        return;
    }
    assert!(ended.success(), "{}: {}{}", ended.ended, ended.stdout, ended.stderr);
}
