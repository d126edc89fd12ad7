//! The storm on robust semaphores: processes that hold them are killed at random instants, while a
//! process on plain glibc uses one of them, too. Nothing is lost, nothing is given twice.
//!
//! `RSIPC_STORM_SECONDS` sets how long it lasts (20 when unset). In a minute or more it makes
//! 10,000 kills.

mod support;

use std::fs;
use std::path::Path;
use std::process::{self, Child, Command};
use std::time::Duration;

use support::{Ended, Way, command, compile, run_bounded, storm};

/// The process on plain glibc, and the names, which do not outlive the test.
struct Ground {
    name: String,
    plain: Child,
}

impl Drop for Ground {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop((self.plain.kill(), self.plain.wait()));
        let name = &self.name[1..];
        for which in ["sem.NAME.lock", "sem.NAME.pool", "NAME.board"] {
            let path = Path::new("/dev/shm").join(which.replace("NAME", name));
            // The number of its ledger is in a semaphore's last bytes.
            if let Ok(bytes) = fs::read(&path)
                && let Some(&[a, b, c, d]) = bytes.get(28..32).and_then(|last| last.as_array())
            {
                let number = u32::from_ne_bytes([a, b, c, d]);
                let _ = fs::remove_file(format!("/dev/shm/rsipc-rs.{number:08x}"));
            }
            let _ = fs::remove_file(path);
        }
    }
}

fn program(way: Way, name: &str, role: &str) -> Command {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c/storm/robust_storm.c");
    let mut program = command(&compile(&source, way), way);
    program.args([name, role]);
    program
}

#[test]
fn what_the_killed_hold_is_given_back_once() {
    let seconds = storm::seconds(20);
    let name = format!("/storm-robust-{}", process::id());
    let mut raging = program(Way::Shared, &name, &seconds.to_string());
    raging.arg(storm::kills(seconds).to_string());
    let plain = program(Way::Glibc, &name, "plain").spawn().expect("a process can be started");
    let _ground = Ground { name, plain };
    let output = run_bounded(raging, Duration::from_secs(4 * seconds + 120));
    assert_eq!(output.ended, Ended::Exit(0), "{}{}", output.stdout, output.stderr);
    println!("{}", output.stdout);
    storm::assert_many_kills(&output.stdout, seconds);
}
