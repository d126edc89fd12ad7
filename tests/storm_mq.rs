//! Producers and consumers of a queue, killed at random instants: `tests/c/storm/mq_storm.c` tells what must hold.
//!
//! `RSIPC_STORM_SECONDS` sets how long each storm lasts (10 when unset).

mod support;

use std::env;
use std::path::Path;
use std::time::Duration;

use support::{Way, command, compile, run_bounded};

#[test]
fn a_small_queue_survives_kills() {
    storm("10");
}

/// More than 32 slots: found by the tree.
#[test]
fn a_large_queue_survives_kills() {
    storm("1000");
}

fn storm(depth: &str) {
    let seconds = env::var("RSIPC_STORM_SECONDS").unwrap_or_else(|_| "10".into());
    let length: u64 = seconds.parse().expect("RSIPC_STORM_SECONDS is a number");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c/storm/mq_storm.c");
    let mut program = command(&compile(&source, Way::Preload), Way::Preload);
    program.args([depth, &seconds]);
    let ended = run_bounded(program, Duration::from_secs(length + 60));
    print!("depth {depth}: {}", ended.stdout);
    assert!(ended.success(), "{}: {}{}", ended.ended, ended.stdout, ended.stderr);
}
