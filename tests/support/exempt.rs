//! Cases of `tests/c/semantics/` that do not hold in some place, and why.

use super::cases::Case;

/// `file::case`, or the beginning of it with a `*`; and the reason.
pub type Exempt = (&'static str, &'static str);

const KILL: &str =
    "a sleeper hears through robust lists and futex_waitv of a thread that died with its wake";
const RESTART: &str = "futex(2) does not restart a wait that has a deadline";

const EXEC: &str =
    "robust lists alone tell others that a process that lives on has begun another program";

const EPOLL: &str = "a thread that a filter confines does not open the file that tells whose an event \
                     of an epoll is";

const EARLY: &str = "a handler that runs in the spin is not looked for";
const KNOWN: &str = "a known defect, here as elsewhere";

/// With nothing but futex(2).
pub const CLASSIC: &[Exempt] = &[
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
    ("sysv_sem_exec::semop_thread_asleep_takes_nothing_*", EXEC),
    ("sem_early::*", EARLY),
    ("mq_early::*", EARLY),
    ("sysv_sem_early::*", EARLY),
    ("sysv_msg_early::*", EARLY),
    ("mq_killed::mq_sender_killed_at_any_instruction_while_another_waits_for_an_edge", EPOLL),
    ("mq_poll_early::mq_epoll_*", EPOLL),
    ("mq_vfork::mq_message_of_a_vfork_child_that_closed_all_is_there", EPOLL),
];

/// Why this case is not tried there. `None`: it is.
pub fn reason(exempt: &[Exempt], case: &Case) -> Option<&'static str> {
    if case.is_known_defect() {
        return Some(KNOWN);
    }
    exempt.iter().find(|(pattern, _)| means(pattern, case)).map(|(_, why)| *why)
}

fn means(pattern: &str, case: &Case) -> bool {
    let name = format!("{}::{}", case.file, case.name);
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == pattern,
    }
}

/// The entries that mean no case, with commas: they would hide a mistake.
pub fn unknown(exempt: &[Exempt], cases: &[Case]) -> Result<(), String> {
    let names = exempt.iter().map(|(pattern, _)| *pattern);
    let unknown: Vec<&str> =
        names.filter(|name| !cases.iter().any(|case| means(name, case))).collect();
    if unknown.is_empty() { Ok(()) } else { Err(unknown.join(", ")) }
}
