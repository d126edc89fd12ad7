//! The checks of `tests/c/semantics/` on another processor, preloaded: `make test-arm64`, which sets
//! the compiler, the library and the emulator.

mod support;

use std::env;
use std::thread;
use std::time::Duration;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use support::cases::{Case, SECONDS, SKIPPED, all_cases};
use support::exempt::{self, CLASSIC, Exempt};
use support::{Ended, Way, command, compile, run_bounded};

/// The emulator cuts the modes of the kernel's own segments in half, so that ours are tried.
const OURS: (&str, &str) = ("RSIPC_SYSV", "sem,msg,shm");

/// What the emulator itself does otherwise than Linux (qemu-user 7.2). It has no robust lists, no
/// `futex_waitv`, no `struct rseq`, no ptrace(2) and no filters either: cases that need those are in
/// the list of poor kernels, or find out themselves.
const EMULATED: &[Exempt] = &[];

/// Cases at a time for each processor: most of them wait for something most of their time.
const PER_PROCESSOR: usize = 3;

fn main() {
    let mut arguments = Arguments::from_args();
    let processors = thread::available_parallelism().map_or(1, usize::from);
    arguments.test_threads.get_or_insert(PER_PROCESSOR * processors);
    let wanted = arguments.ignored || arguments.include_ignored;
    let trials = if wanted { trials() } else { vec![reminder()] };
    libtest_mimic::run(&arguments, trials).exit();
}

/// What stands for all of them in a run that is to be short.
fn reminder() -> Trial {
    Trial::test("another_processor_is_run_by_make_test_arm64", || Ok(())).with_ignored_flag(true)
}

fn trials() -> Vec<Trial> {
    assert!(env::var_os("RSIPC_EMULATOR").is_some(), "run it by: make test-arm64");
    let cases = all_cases();
    let lists =
        [exempt::exist("classic", CLASSIC, &cases), exempt::exist("arm64", EMULATED, &cases)];
    lists.into_iter().chain(cases.into_iter().map(trial)).collect()
}

fn trial(case: Case) -> Trial {
    let name = format!("{}::{}::arm64", case.file, case.name);
    let reason = exempt::reason(CLASSIC, &case).or_else(|| exempt::reason(EMULATED, &case));
    let body = move || match reason {
        Some(reason) => Ok(Completion::ignored_with(reason)),
        None => run(&case),
    };
    Trial::ignorable_test(name, body).with_ignored_flag(true)
}

fn run(case: &Case) -> Result<Completion, Failed> {
    let mut command = command(&compile(&case.source, Way::Preload), Way::Preload);
    command.arg(&case.name).env("CHECK_SECONDS", SECONDS.to_string()).envs([OURS]);
    let output = run_bounded(command, Duration::from_secs(SECONDS + 10));
    let stderr = output.stderr.trim_end();
    match output.ended {
        Ended::Exit(SKIPPED) => Ok(Completion::ignored_with(stderr.lines().last().unwrap_or(""))),
        Ended::Exit(0) => Ok(Completion::Completed),
        ended => Err(Failed::from(format!("{ended}\n{stderr}"))),
    }
}
