//! The checks of `tests/c/semantics/`, preloaded, where the kernel refuses what older ones and
//! sandboxes do not have: `make test-poor-kernel`.

mod support;

use std::thread;
use std::time::Duration;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use support::cases::{Case, SECONDS, SKIPPED, all_cases};
use support::poor::Filter;
use support::{Ended, Way, compile, run_bounded};

/// Where the checks run.
struct Kernel {
    name: &'static str,
    filter: Filter,
    /// The setting that the documents ask for in such a place.
    setting: Option<(&'static str, &'static str)>,
    /// How the names of the files begin that are tried there.
    files: &'static str,
    /// Cases that do not hold there: `file::case`, or the beginning of it with a `*`.
    exempt: &'static [(&'static str, &'static str)],
}

const KILL: &str =
    "a sleeper hears through robust lists and futex_waitv of a thread that died with its wake";
const RESTART: &str = "futex(2) does not restart a wait that has a deadline";

const KNOWN: &str = "a known defect, here as elsewhere";

/// With nothing but futex(2).
const CLASSIC: &[(&str, &str)] = &[
    ("mq_killed::mq_sender_killed_at_any_instruction_while_another_receives", KILL),
    ("mq_wait_killed::mq_receiver_killed_at_any_instruction_after_its_wake", KILL),
    ("mq_wait_killed::mq_sender_killed_at_any_instruction_after_its_wake", KILL),
    ("mq_wait_killed::mq_two_senders_killed_before_their_wakes_wake_two_receivers", KILL),
    ("sem_killed::poster_killed_at_any_instruction", KILL),
    ("sem_killed::waiter_killed_at_any_instruction_after_its_wake", KILL),
    ("sem_killed::waiter_killed_with_a_wake_that_overtook_the_other", KILL),
    ("sem_wait_killed::poster_killed_before_its_wake_while_another_one_posts", KILL),
    ("sem_wait_killed::two_posters_killed_before_their_wakes_wake_two_waiters", KILL),
    ("mq_signals::mq_timedreceive_is_restarted_with_sa_restart", RESTART),
    ("mq_signals::mq_timedreceive_keeps_its_deadline_over_a_restart", RESTART),
    ("mq_signals::mq_timedsend_is_restarted_with_sa_restart", RESTART),
    ("mq_signals::mq_timedsend_keeps_its_deadline_over_a_restart", RESTART),
    ("mq_eintr::mq_timedreceive_goes_on_after_a_signal_with_sa_restart*", RESTART),
    ("mq_eintr::mq_timedsend_goes_on_after_a_signal_with_sa_restart*", RESTART),
    ("mq_fork_asleep::mq_timed*", RESTART),
];

fn kernels() -> [Kernel; 5] {
    let refusing = |name, error| Kernel {
        name,
        filter: Filter::refusing(error),
        setting: None,
        files: "",
        exempt: CLASSIC,
    };
    let without_system_v = |name, error| Kernel {
        name,
        filter: Filter::without_system_v(error),
        setting: None,
        files: "sysv_",
        exempt: &[],
    };
    [
        refusing("enosys", libc::ENOSYS),
        refusing("eperm", libc::EPERM),
        Kernel {
            name: "kill",
            filter: Filter::killing(),
            setting: Some(("RSIPC_FUTEX", "classic")),
            files: "",
            exempt: CLASSIC,
        },
        without_system_v("system_v_enosys", libc::ENOSYS),
        without_system_v("system_v_eperm", libc::EPERM),
    ]
}

/// Cases at a time for each processor: most of them wait for something most of their time.
const PER_PROCESSOR: usize = 3;

fn main() {
    let mut arguments = Arguments::from_args();
    let processors = thread::available_parallelism().map_or(1, usize::from);
    arguments.test_threads.get_or_insert(PER_PROCESSOR * processors);
    let wanted = arguments.ignored || arguments.include_ignored || arguments.list;
    let trials = if wanted { trials() } else { vec![reminder()] };
    libtest_mimic::run(&arguments, trials).exit();
}

/// What stands for all of them in a run that is to be short.
fn reminder() -> Trial {
    Trial::test("poor_kernels_run_by_make_test_poor_kernel", || Ok(())).with_ignored_flag(true)
}

fn trials() -> Vec<Trial> {
    let cases = all_cases();
    let mut trials = Vec::new();
    for kernel in kernels() {
        trials.push(exempt_cases_exist(&kernel, &cases));
        let tried = cases.iter().filter(|case| case.file.starts_with(kernel.files));
        trials.extend(tried.map(|case| trial(&kernel, case.clone())));
    }
    trials
}

/// Whether an entry of the list means this case.
fn means(pattern: &str, case: &Case) -> bool {
    let name = format!("{}::{}", case.file, case.name);
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == pattern,
    }
}

/// A name that no case has would hide a mistake.
fn exempt_cases_exist(kernel: &Kernel, cases: &[Case]) -> Trial {
    let names = kernel.exempt.iter().map(|(pattern, _)| *pattern);
    let unknown: Vec<&str> =
        names.filter(|name| !cases.iter().any(|case| means(name, case))).collect();
    let found = if unknown.is_empty() { Ok(()) } else { Err(Failed::from(unknown.join(", "))) };
    Trial::test(format!("exempt_cases_exist::{}", kernel.name), move || found)
        .with_ignored_flag(true)
}

fn trial(kernel: &Kernel, case: Case) -> Trial {
    let name = format!("{}::{}::{}", case.file, case.name, kernel.name);
    let exempt = kernel.exempt.iter().find(|(name, _)| means(name, &case)).map(|(_, why)| *why);
    let reason = if case.is_known_defect() { Some(KNOWN) } else { exempt };
    let (filter, setting) = (kernel.filter.clone(), kernel.setting);
    let body = move || match reason {
        Some(reason) => Ok(Completion::ignored_with(reason)),
        None => run(&case, &filter, setting),
    };
    Trial::ignorable_test(name, body).with_ignored_flag(true)
}

fn run(case: &Case, filter: &Filter, setting: Option<(&str, &str)>) -> Result<Completion, Failed> {
    let mut command = filter.command(&compile(&case.source, Way::Preload));
    command.arg(&case.name).env("CHECK_SECONDS", SECONDS.to_string());
    command.envs(setting);
    let output = run_bounded(command, Duration::from_secs(SECONDS + 10));
    let stderr = output.stderr.trim_end();
    match output.ended {
        Ended::Exit(SKIPPED) => Ok(Completion::ignored_with(stderr.lines().last().unwrap_or(""))),
        Ended::Exit(0) => Ok(Completion::Completed),
        ended => Err(Failed::from(format!("{ended}\n{stderr}"))),
    }
}
