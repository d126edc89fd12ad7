//! What may run in a process all threads of which are asleep: handlers of signals.

use std::fs;

use super::pid::Pid;

/// Signals that a person sends: their handlers are not how a program goes on, but how it ends.
const OF_PERSONS: [i32; 4] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT];

/// Signals that tell of a fault, or that the C library keeps for itself, and others whose handlers
/// are not how a program goes on, either.
const NO_PART_OF_THE_WORK: [i32; 16] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGTRAP,
    libc::SIGABRT,
    libc::SIGSYS,
    libc::SIGPIPE,
    libc::SIGTSTP,
    libc::SIGCONT,
    libc::SIGWINCH,
    libc::SIGXCPU,
    libc::SIGXFSZ,
    // Of the C library: cancellation and changes of the user.
    32,
    33,
    libc::SIGCHLD,
];

/// Signals for which a process has a handler that may go on with the program's work, and that some
/// thread lets through. `of_persons`: also those that a person sends. None where /proc does not
/// tell.
pub fn handled(pid: Pid, of_persons: bool) -> Vec<i32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let open = threads.flatten().fold(0, |open, thread| {
        let status = fs::read_to_string(thread.path().join("status")).unwrap_or_default();
        open | (mask(&status, "SigCgt:") & !mask(&status, "SigBlk:"))
    });
    let is_open = |signal: &i32| open >> (signal - 1) & 1 == 1;
    let may_work = |signal: &i32| {
        !NO_PART_OF_THE_WORK.contains(signal) && (of_persons || !OF_PERSONS.contains(signal))
    };
    (1..=64).filter(is_open).filter(may_work).collect()
}

/// Whether a process has timers of timer_create(2).
pub fn has_timers(pid: Pid) -> bool {
    fs::read(format!("/proc/{pid}/timers")).is_ok_and(|timers| !timers.is_empty())
}

fn mask(status: &str, title: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(title));
    line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

/// `SIGUSR1`, `SIGRTMIN+2`
pub fn name(signal: i32) -> String {
    const FIRST_REAL_TIME: i32 = 34;
    let named = [
        (libc::SIGUSR1, "SIGUSR1"),
        (libc::SIGUSR2, "SIGUSR2"),
        (libc::SIGALRM, "SIGALRM"),
        (libc::SIGVTALRM, "SIGVTALRM"),
        (libc::SIGPROF, "SIGPROF"),
        (libc::SIGIO, "SIGIO"),
        (libc::SIGURG, "SIGURG"),
        (libc::SIGINT, "SIGINT"),
        (libc::SIGTERM, "SIGTERM"),
        (libc::SIGHUP, "SIGHUP"),
        (libc::SIGQUIT, "SIGQUIT"),
    ];
    match named.iter().find(|(number, _)| *number == signal) {
        Some((_, name)) => (*name).to_owned(),
        None if signal == FIRST_REAL_TIME => "SIGRTMIN".to_owned(),
        None if signal > FIRST_REAL_TIME => format!("SIGRTMIN+{}", signal - FIRST_REAL_TIME),
        None => format!("signal {signal}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_and_names() {
        let status = "Name:\tx\nSigBlk:\t0000000000000000\nSigCgt:\t0000000000000200\n";
        assert_eq!((mask(status, "SigCgt:"), mask(status, "SigIgn:")), (0x200, 0));
        assert_eq!([10, 34, 36, 16].map(name), ["SIGUSR1", "SIGRTMIN", "SIGRTMIN+2", "signal 16"]);
    }
}
