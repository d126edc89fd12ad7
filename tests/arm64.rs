//! The checks of `tests/c/semantics/` on another processor, preloaded: `make test-arm64`, which
//! sets the compiler, the library and the emulator.

mod support;

use std::env;
use std::thread;
use std::time::Duration;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use support::cases::{Case, SECONDS, SKIPPED, all_cases, some_cases};
use support::exempt::{self, CLASSIC, Exempt};
use support::{Ended, Way, command, compile, run_bounded};

/// The emulator cuts the modes of the kernel's own segments in half, so that ours are tried.
const OURS: (&str, &str) = ("RSIPC_SYSV", "sem,msg,shm");

const MAPS: &str = "the emulator makes no second mapping of the same memory by mremap(2)";
const EXEC: &str = "the emulator leaves a program that is executed to the machine below it";
const CLONE: &str = "the emulator refuses clone(2) with these flags";
const THREAD: &str = "the emulator has a thread and memory of its own";
const REFUSED: &str = "the emulator refuses, or takes for itself, what the case needs";
const DEPTH: &str = "a call that was left by siglongjmp is found by the next one no deeper on the stack, and there semctl is deeper than semop";
const GLIBC: &str = "hangs under the emulator on plain glibc, too";

/// What does not hold under the emulator (qemu-user 7.2). It has no robust lists, no `futex_waitv`,
/// no `struct rseq`, no ptrace(2) and no filters either: cases that need those are in the list of
/// poor kernels, or find out themselves.
const EMULATED: &[Exempt] = &[
    ("mq_errno::mq_notify_keeps_errno", MAPS),
    ("mq_notify_attr::mq_notify_thread_has_the_affinity_of_attributes_destroyed_since", MAPS),
    ("mq_notify_attr::mq_notify_thread_has_the_attributes_of_the_last_registration", MAPS),
    ("mq_notify_attr::mq_notify_thread_has_the_stack_size_of_attributes_destroyed_since", MAPS),
    ("mq_notify_attr::mq_notify_thread_runs_again_with_other_attributes", MAPS),
    ("mq_notify_attributes::mq_notify_thread_runs_on_the_processors_of_its_attributes", MAPS),
    ("mq_notify_attributes::mq_notify_thread_runs_on_the_stack_of_its_attributes", MAPS),
    ("mq_notify_attributes::mq_notify_thread_with_a_signal_mask_in_its_attributes", MAPS),
    (
        "mq_notify_attributes::mq_notify_thread_without_processors_in_its_attributes_has_those_of_the_process",
        MAPS,
    ),
    ("mq_notify_life::mq_notify_by_thread_ends_with_sigkill", MAPS),
    ("mq_notify_thread::*", MAPS),
    ("mq_namespaces::mq_notify_belongs_to_one_of_two_processes_with_the_same_number", MAPS),
    ("mq_notify_namespaces::mq_notify_reaches_the_namespace_above", MAPS),
    ("mq_notify_sender::mq_notify_reaches_a_process_that_has_become_another_user", MAPS),
    ("mq_notify_users::mq_notify_reaches_root_from_nobody", MAPS),
    ("sysv_shm_permissions::shmat_a_user_without_privileges_has_segments", MAPS),
    ("mq_fd::mqd_is_closed_by_exec", EXEC),
    ("mq_fd::mqd_without_close_on_exec_serves_the_new_program", EXEC),
    ("mq_file_second_user::mq_kept_over_exec_leads_to_no_queue_of_another_user", EXEC),
    ("mq_poll_copies::mq_poll_comes_first_after_exec", EXEC),
    ("mq_spawn::mq_goes_on_after_a_clone_child_that_ran_beside_its_parent", CLONE),
    ("mq_spawn::mq_goes_on_with_one_descriptor_after_a_clone_child", CLONE),
    ("load_keys::load_threads_that_have_ended_take_no_memory", THREAD),
    ("mq_threads_none::mq_polls_and_signals_start_no_thread", THREAD),
    (
        "mq_claims_places::mq_send_of_a_handler_on_a_disarmed_alternate_stack_leaves_the_interrupted_one_alone",
        REFUSED,
    ),
    ("mq_notify::mq_notify_by_a_realtime_signal_of_another_number", REFUSED),
    ("mq_select::mq_select_counts_as_the_kernel_does", REFUSED),
    ("sysv_sem_credentials::semop_after_unshare_of_the_user_namespace", REFUSED),
    ("sysv_sem_handlers::semop_left_by_siglongjmp_takes_nothing", DEPTH),
    ("sem_fork::sem_open_works_in_a_child_forked_while_others_are_inside_it", GLIBC),
];

/// What the emulator says when it gives up itself, as it does in some children of processes with
/// threads. It names its own sources.
const GAVE_UP: &str = "ERROR:../../";

/// The files of a run that is to be short: something of each family, and of each piece of assembly.
const SHORT: &[&str] = &[
    "mq_order",
    "mq_poll",
    "mq_receive",
    "mq_send",
    "mq_threads",
    "sem_open",
    "sem_timed",
    "sem_value",
    "sem_wait",
    "shm_open",
    "sysv_msg_senders",
    "sysv_msg_types",
    "sysv_sem_ops",
    "sysv_sem_undo",
    "sysv_shm_attach",
    "sysv_shm_count",
];

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
    if env::var_os("RSIPC_ARM64_SHORT").is_some() {
        return some_cases(|file| SHORT.contains(&file)).into_iter().map(trial).collect();
    }
    let cases = all_cases();
    let lists = [
        exempt_cases_exist("classic", CLASSIC, &cases),
        exempt_cases_exist("arm64", EMULATED, &cases),
    ];
    lists.into_iter().chain(cases.into_iter().map(trial)).collect()
}

fn exempt_cases_exist(place: &str, list: &[Exempt], cases: &[Case]) -> Trial {
    let found = exempt::unknown(list, cases).map_err(Failed::from);
    Trial::test(format!("exempt_cases_exist::{place}"), move || found).with_ignored_flag(true)
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
        Ended::Exit(0) => Ok(Completion::Completed),
        _ if stderr.contains(GAVE_UP) => Ok(Completion::ignored_with("the emulator gave up")),
        Ended::Exit(SKIPPED) => Ok(Completion::ignored_with(stderr.lines().last().unwrap_or(""))),
        ended => Err(Failed::from(format!("{ended}\n{stderr}"))),
    }
}
