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
const OWN: &str = "the emulator needs descriptors and memory of its own";
const OPEN: &str = "fails under the emulator, at least beside many others, and it is open why";
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
    ("mq_open_modes::mq_open_with_access_mode_3_is_so_after_exec", EXEC),
    ("mq_poll_copies::mq_poll_comes_first_after_exec_with_the_queue_as_standard_input", EXEC),
    ("mq_poll_copies::mq_poll_comes_first_after_exec", EXEC),
    ("mq_spawn::mq_is_closed_by_a_clone_child_that_shares_the_descriptors", CLONE),
    ("sysv_sem_undo_clone::*", CLONE),
    ("mq_spawn::mq_goes_on_after_a_clone_child_that_ran_beside_its_parent", CLONE),
    ("mq_spawn::mq_goes_on_with_one_descriptor_after_a_clone_child", CLONE),
    ("load_keys::load_threads_that_have_ended_take_no_memory", THREAD),
    ("mq_threads_none::mq_polls_and_signals_start_no_thread", THREAD),
    (
        "mq_claims_places::mq_send_of_a_handler_on_a_disarmed_alternate_stack_leaves_the_interrupted_one_alone",
        REFUSED,
    ),
    ("mq_notify_late::mq_notify_by_a_sender_that_is_held_up_ends_no_wait", REFUSED),
    ("mq_notify::mq_notify_by_a_realtime_signal_of_another_number", REFUSED),
    ("mq_select::mq_select_counts_as_the_kernel_does", REFUSED),
    ("sysv_sem_credentials::semop_after_unshare_of_the_user_namespace", REFUSED),
    ("sysv_sem_handlers::semop_left_by_siglongjmp_takes_nothing", DEPTH),
    ("mq_file_confined::mq_file_is_changed_where_no_descriptor_is_allowed", OWN),
    ("mq_file_confined::mq_file_is_changed_without_a_descriptor_left", OWN),
    ("mq_file_confined::mq_file_is_changed_without_a_descriptor_left_and_locks_stay", OWN),
    ("mq_file_confined::mq_file_of_another_is_not_changed_without_a_descriptor_left", OWN),
    ("mq_heap::*", OWN),
    ("mq_place::mq_unlink_without_a_descriptor_left_leaves_nothing_in_the_place", OWN),
    ("sem_heap::*", OWN),
    ("sysv_heap::*", OWN),
    ("sem_fork::sem_open_works_in_a_child_forked_while_others_are_inside_it", GLIBC),
    ("mq_handlers_close::mq_timedreceive_whose_descriptor_a_handler_changes_sees_that", OPEN),
    ("mq_handlers_close::mq_timedsend_whose_descriptor_a_handler_changes_sees_that", OPEN),
    ("mq_memory_gone::mq_receive_into_a_buffer_that_has_become_read_only_is_efault", OPEN),
    ("mq_namespaces::mq_senders_of_two_namespaces_wait_for_space", OPEN),
    ("mq_vectors::mq_readv_into_bad_memory_fails", OPEN),
    (
        "mq_wait_burst::mq_receivers_woken_in_one_burst_get_the_messages_in_the_order_in_which_they_came",
        OPEN,
    ),
    ("mq_wait_burst::mq_senders_arrive_in_order_if_one_of_them_has_given_up", OPEN),
    ("mq_wait_burst::mq_senders_arrive_in_order_if_one_of_them_is_killed_in_its_sleep", OPEN),
    ("mq_wait_burst::mq_senders_woken_in_one_burst_arrive_in_order_in_a_deep_queue", OPEN),
    ("mq_wait_burst::mq_senders_woken_in_one_burst_arrive_in_the_order_in_which_they_came", OPEN),
    ("sem_eintr::sem_timedwait_ends_with_a_signal_around_a_second", OPEN),
    ("sem_eintr::sem_timedwait_of_one_process_ends_with_a_signal_around_a_second", OPEN),
    ("sysv_msg_better::msgrcv_into_memory_that_cannot_be_written_is_efault", OPEN),
    ("sysv_msg_better::msgrcv_that_fails_with_efault_leaves_the_message", OPEN),
    ("sysv_msg_memory::msgsnd_and_msgrcv_that_sleep_allocate_nothing", OPEN),
    ("sysv_msg_signals::msgrcv_and_msgsnd_are_interrupted_by_a_timer", OPEN),
    ("sysv_msg_threads::msgsnd_and_msgrcv_of_processes_in_a_wide_queue", OPEN),
    (
        "sysv_removed::msgctl_removal_by_others_leaves_nothing_in_a_process_that_used_the_queues",
        OPEN,
    ),
    ("sysv_removed::semctl_removal_by_others_leaves_nothing_in_a_process_that_used_the_sets", OPEN),
    ("sysv_sem_ctl::semctl_getall_into_memory_that_cannot_be_written_is_efault", OPEN),
    ("sysv_sem_signals::semop_is_interrupted_by_a_timer", OPEN),
    ("sysv_sem_undo_left::semop_undo_comes_by_unshare_once_the_other_thread_has_ended", OPEN),
    ("sysv_sem_undo_left::semop_undo_comes_when_the_process_enters_an_ipc_namespace", OPEN),
    ("sysv_sem_undo_left::semop_undo_comes_when_the_process_leaves_it_by_unshare", OPEN),
    ("sysv_shm_again::shmctl_rmid_of_what_is_attached_leaves_nothing_when_it_is_detached", OPEN),
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
