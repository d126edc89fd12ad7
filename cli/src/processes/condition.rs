//! What a process is doing, in a word or two.

use std::ffi::c_long;

use super::poll;

/// `futex_wait` of Linux 6.7; the same number on all machines.
pub const SYS_FUTEX_WAIT: c_long = 455;

/// As the kernel tells of a process as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    /// It runs, or sleeps in the ordinary way.
    #[default]
    Lives,
    /// By SIGSTOP, or by the terminal: it does nothing until SIGCONT.
    Stopped,
    /// By a debugger.
    Traced,
    /// It has ended, and its parent has not asked for it yet.
    Zombie,
}

impl Condition {
    /// From the letter in `/proc/PID/stat`.
    pub fn of(letter: char) -> Self {
        match letter {
            'T' => Self::Stopped,
            't' => Self::Traced,
            'Z' | 'X' => Self::Zombie,
            _ => Self::Lives,
        }
    }

    /// None where there is nothing to be told.
    pub fn describe(self) -> Option<&'static str> {
        match self {
            Self::Lives => None,
            Self::Stopped => Some("stopped"),
            Self::Traced => Some("stopped by a debugger"),
            Self::Zombie => Some("a zombie: it has ended"),
        }
    }
}

/// What a thread does that is in this system call; None: in no call.
pub fn describe_call(number: Option<c_long>) -> &'static str {
    let Some(number) = number else { return "running" };
    if poll::Call::of(number).is_some() {
        return "in poll";
    }
    match number {
        libc::SYS_futex | SYS_FUTEX_WAIT | libc::SYS_futex_waitv => "in a futex wait",
        libc::SYS_wait4 | libc::SYS_waitid => "waiting for a child",
        libc::SYS_nanosleep | libc::SYS_clock_nanosleep => "sleeping for a time",
        libc::SYS_read | libc::SYS_readv | libc::SYS_pread64 => "in read",
        libc::SYS_write | libc::SYS_writev | libc::SYS_pwrite64 => "in write",
        libc::SYS_accept | libc::SYS_accept4 => "in accept",
        libc::SYS_recvfrom | libc::SYS_recvmsg | libc::SYS_recvmmsg => "in recv",
        number if is_signal_wait(number) => "waiting for a signal",
        _ => "in a system call",
    }
}

/// A call in which a process waits for another process or for the time to pass, as a supervisor
/// does.
pub fn is_sit(number: c_long) -> bool {
    matches!(
        number,
        libc::SYS_read
            | libc::SYS_readv
            | libc::SYS_accept
            | libc::SYS_accept4
            | libc::SYS_recvfrom
            | libc::SYS_recvmsg
            | libc::SYS_recvmmsg
            | libc::SYS_nanosleep
            | libc::SYS_clock_nanosleep
    )
}

/// A call that only a signal ends.
pub fn is_signal_wait(number: c_long) -> bool {
    #[cfg(target_arch = "x86_64")]
    if number == libc::SYS_pause {
        return true;
    }
    matches!(number, libc::SYS_rt_sigsuspend | libc::SYS_rt_sigtimedwait)
}
