//! Users of queues, killed at random instants: `tests/c/storm/mq_storm.c` tells what must hold.
//!
//! `RSIPC_STORM_SECONDS` sets how long each storm lasts. When unset: 10, with loans 20.

mod support;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use support::cases::SKIPPED;
use support::poor::Filter;
use support::{Ended, Place, Way, command, compile, run_bounded, storm};

#[test]
fn a_small_queue_survives_kills() {
    storm("10", preloaded, &[]);
}

/// More than 32 slots: found by the tree.
#[test]
fn a_large_queue_survives_kills() {
    storm("1000", preloaded, &[]);
}

/// As in two containers that share a directory: the same TIDs on both sides.
#[test]
fn a_queue_of_two_namespaces_survives_kills() {
    storm("10", preloaded, &["namespaces"]);
}

/// The same without robust lists, as in gVisor: the kernel does not tell of a death.
#[test]
fn a_queue_of_two_namespaces_survives_kills_on_a_poor_kernel() {
    storm("10", |program| Filter::refusing(libc::ENOSYS).command(program), &["namespaces"]);
}

/// Loans and borrowed messages: `tests/c/storm/mq_loan_storm.c`. A storm of a minute or more makes
/// 10,000 kills.
#[test]
fn a_small_queue_with_loans_survives_kills() {
    loan_storm("10");
}

#[test]
fn a_large_queue_with_loans_survives_kills() {
    loan_storm("200");
}

fn loan_storm(depth: &str) {
    let seconds = storm::seconds(20);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c/storm/mq_loan_storm.c");
    let place = Place::new();
    let mut program = command(&compile(&source, Way::Shared), Way::Shared);
    program.args([depth, &seconds.to_string(), &storm::kills(seconds).to_string()]);
    program.env("RSIPC_DIR", place.path());
    let ended = run_bounded(program, limit(4 * seconds));
    print!("depth {depth}, loans: {}", ended.stdout);
    assert!(ended.success(), "{}: {}{}", ended.ended, ended.stdout, ended.stderr);
    storm::assert_many_kills(&ended.stdout, seconds);
}

/// How long a storm of so many seconds may take in all.
fn limit(seconds: u64) -> Duration {
    Duration::from_secs(seconds + 60)
}

fn preloaded(program: &Path) -> Command {
    command(program, Way::Preload)
}

fn storm(depth: &str, start: impl Fn(&Path) -> Command, options: &[&str]) {
    let seconds = storm::seconds(10);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c/storm/mq_storm.c");
    let place = Place::new();
    let mut program = start(&compile(&source, Way::Preload));
    program.args([depth, &seconds.to_string()]).args(options).env("RSIPC_DIR", place.path());
    let ended = run_bounded(program, limit(seconds));
    print!("depth {depth} {options:?}: {}", ended.stdout);
    if ended.ended == Ended::Exit(SKIPPED) {
        return;
    }
    assert!(ended.success(), "{}: {}{}", ended.ended, ended.stdout, ended.stderr);
}
