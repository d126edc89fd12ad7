//! Users of queues, killed at random instants: `tests/c/storm/mq_storm.c` tells what must hold.
//!
//! `RSIPC_STORM_SECONDS` sets how long each storm lasts (10 when unset).

mod support;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::time::Duration;

use support::cases::SKIPPED;
use support::poor::Filter;
use support::{Ended, Way, command, compile, run_bounded};

#[test]
fn a_small_queue_survives_kills() {
    storm("small", |program| command(program, Way::Preload), &["10"]);
}

/// More than 32 slots: found by the tree.
#[test]
fn a_large_queue_survives_kills() {
    storm("large", |program| command(program, Way::Preload), &["1000"]);
}

/// Containers that share a directory: half of the users are process 1 of a namespace.
#[test]
fn a_queue_of_many_namespaces_survives_kills() {
    storm("namespaces", |program| command(program, Way::Preload), &["10", "namespaces"]);
}

/// The same without robust lists, as in gVisor.
#[test]
fn a_queue_of_many_namespaces_survives_kills_that_the_kernel_does_not_tell_of() {
    let filter = Filter::refusing(libc::ENOSYS);
    storm("poor", |program| filter.command(program), &["10", "namespaces"]);
}

/// `arguments`: the depth, and what `mq_storm.c` is told beside it.
fn storm(name: &str, start: impl Fn(&Path) -> Command, arguments: &[&str]) {
    let seconds = env::var("RSIPC_STORM_SECONDS").unwrap_or_else(|_| "10".into());
    let length: u64 = seconds.parse().expect("RSIPC_STORM_SECONDS is a number");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c/storm/mq_storm.c");
    let place = Place::new(name);
    let mut program = start(&compile(&source, Way::Preload));
    let (depth, others) = arguments.split_first().expect("there is a depth");
    program.arg(depth).arg(&seconds).args(others).env("RSIPC_DIR", &place.0);
    let output = run_bounded(program, Duration::from_secs(length + 60));
    print!("{name}: {}", output.stdout);
    if output.ended == Ended::Exit(SKIPPED) {
        return eprint!("{name}: not tried: {}", output.stderr);
    }
    assert!(output.success(), "{}: {}{}", output.ended, output.stdout, output.stderr);
}

/// A directory in memory, for the queues of one storm.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = PathBuf::from(format!("/dev/shm/storm.{}.{name}", process::id()));
        fs::create_dir(&path).expect("a directory can be made");
        Self(path)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What is left over is small, and goes with the memory.
        let _ = fs::remove_dir_all(&self.0);
    }
}
