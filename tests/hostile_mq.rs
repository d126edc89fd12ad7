//! Queues whose files are overwritten: errnos only, no crash and no hang.
//!
//! This program starts itself anew for each run, so that a crash is told with the seed that led to
//! it.

mod hostile;
mod support;

use std::env;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use hostile::Tally;
use libtest_mimic::{Arguments, Failed, Trial};
use support::{Place, Way, command, compile, run_bounded};

/// Seeds of one run, and the runs.
const SEEDS: u64 = 50;
const RUNS: u64 = 4;
/// When the machine is so busy that the seeds take longer than this, the rest is left out.
const ENOUGH: Duration = Duration::from_secs(40);
/// How long a queue is overwritten under load.
const SECONDS: &str = "5";
/// Only bounds a hang.
const BOUND: Duration = Duration::from_secs(90);

/// Runs at a time: they wait most of their time.
const AT_A_TIME: usize = 4;

fn main() {
    let words: Vec<String> = env::args().skip(1).collect();
    match &words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["play", first] => return play(number(first)),
        ["refuse"] => return hostile::foreign::are_refused(),
        ["forget"] => return hostile::forget_registration(),
        _ => {}
    }
    let mut trials: Vec<Trial> = (0..RUNS)
        .map(|run| (run * SEEDS).to_string())
        .map(|first| {
            Trial::test(format!("overwritten_files_give_errnos::from_seed_{first}"), move || {
                start(&["play", &first])
            })
        })
        .collect();
    trials.push(Trial::test("foreign_and_truncated_files_are_refused", || start(&["refuse"])));
    trials.push(Trial::test("overwritten_registration_holds_up_no_process", || start(&["forget"])));
    for depth in ["10", "100"] {
        trials.push(Trial::test(format!("live_queue_of_{depth}_is_overwritten"), move || {
            under_load(depth)
        }));
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_A_TIME);
    libtest_mimic::run(&arguments, trials).exit();
}

fn number(text: &str) -> u64 {
    text.parse().expect("a number")
}

fn play(first: u64) {
    let mut all = Tally::default();
    let begun = Instant::now();
    for seed in (first..first + SEEDS).take_while(|_| begun.elapsed() < ENOUGH) {
        eprintln!("seed {seed}");
        let tally = hostile::play(&bytes(seed));
        all.sent += tally.sent;
        all.received += tally.received;
        all.refused += tally.refused;
        all.overwritten += tally.overwritten;
    }
    eprintln!("{all:?}");
    // The queues were used, before and after they were spoilt.
    assert!(all.sent.min(all.received).min(all.refused).min(all.overwritten) > 100, "{all:?}");
}

/// Like a script that a person has thought of: most of them begin with a good queue.
fn bytes(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) + 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_ne_bytes()[3]
    };
    (0..4000).map(|_| next()).collect()
}

/// This program once more, in a process and a directory of its own.
fn start(words: &[&str]) -> Result<(), Failed> {
    let place = Place::new();
    let mut again = Command::new(env::current_exe()?);
    again.args(words).env("RSIPC_DIR", place.path()).env("RUST_BACKTRACE", "0");
    finish(again)
}

/// `tests/c/storm/mq_hostile.c` tells what must hold.
fn under_load(depth: &str) -> Result<(), Failed> {
    let place = Place::new();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c/storm/mq_hostile.c");
    let mut program = command(&compile(&source, Way::Preload), Way::Preload);
    program.args([depth, "1", SECONDS]).env("RSIPC_DIR", place.path());
    finish(program)
}

fn finish(program: Command) -> Result<(), Failed> {
    let output = run_bounded(program, BOUND);
    if output.success() {
        Ok(())
    } else {
        Err(format!("{}\n{}", output.ended, last(&output.stderr)).into())
    }
}

fn last(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}
