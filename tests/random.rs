//! The programs of tests/c/random/: the same random calls, by several processes, on the objects of
//! the kernel and of glibc, and on the library's. What they print has to be the same.

mod support;

use std::env;
use std::path::Path;
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use support::{Ended, Way, command, compile, run_bounded};

/// The library has all three families of System V.
const OURS: (&str, &str) = ("RSIPC_SYSV", "sem,msg,shm");

const PROGRAMS: [&str; 6] = ["sets", "queues", "segments", "mqueues", "semaphores", "objects"];

/// Steps of a run.
const STEPS: &str = "300";

/// Each stands for other steps.
const SEEDS: u32 = 6;

/// Further ones: `RSIPC_SEEDS=100-200`.
const MORE: &str = "RSIPC_SEEDS";

/// Far beyond what any run takes: it only bounds a hang.
const BOUND: Duration = Duration::from_mins(2);

/// Lines that are shown before a difference: what led to it.
const BEFORE: usize = 12;

fn main() {
    let seeds: Vec<u32> = match env::var(MORE) {
        Ok(range) => {
            let (first, last) = range.split_once('-').expect("FIRST-LAST");
            (first.parse().expect("a number")..=last.parse().expect("a number")).collect()
        }
        Err(_) => (1..=SEEDS).collect(),
    };
    let trial = |program: &'static str, seed: u32| {
        Trial::test(format!("{program}::{seed}"), move || compare(program, seed))
    };
    let trials = PROGRAMS.iter().flat_map(|program| seeds.iter().map(|&seed| trial(program, seed)));
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit();
}

fn compare(program: &str, seed: u32) -> Result<(), Failed> {
    let kernels = printed(program, seed, Way::Glibc)?;
    let ours = printed(program, seed, Way::Preload)?;
    let (kernels, ours): (Vec<&str>, Vec<&str>) =
        (kernels.lines().collect(), ours.lines().collect());
    let same = kernels.iter().zip(&ours).take_while(|(one, other)| one == other).count();
    if same == kernels.len() && same == ours.len() {
        return Ok(());
    }
    let before = kernels[same.saturating_sub(BEFORE)..same].join("\n");
    let line = |lines: &[&str]| lines.get(same).copied().unwrap_or("(nothing)").to_owned();
    Err(format!("{before}\nkernel: {}\nours:   {}", line(&kernels), line(&ours)).into())
}

fn printed(program: &str, seed: u32, way: Way) -> Result<String, Failed> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c/random").join(program);
    let mut command = command(&compile(&source.with_extension("c"), way), way);
    command.args([STEPS, &seed.to_string()]).envs([OURS]);
    let output = run_bounded(command, BOUND);
    if output.ended == Ended::Exit(0) {
        Ok(output.stdout)
    } else {
        Err(format!("{program} {STEPS} {seed}, {way}: {}\n{}", output.ended, output.stderr).into())
    }
}
