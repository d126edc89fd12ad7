//! What a process has a file open for.

use std::ffi::c_int;
use std::fs;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use super::pid::Pid;

/// To read and to write; of a queue, to receive and to send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Access {
    pub read: bool,
    pub write: bool,
}

/// From asm-generic/fcntl.h
const F_GETSIG: c_int = 11;
/// From linux/pidfd.h, of Linux 6.9: a thread that is not the first one of its process.
const PIDFD_THREAD: c_int = libc::O_EXCL;
/// What POSIX calls them in a mode.
const READ: i32 = 4;
const WRITE: i32 = 2;

impl Access {
    /// What this and another one give together.
    pub fn and(self, other: Self) -> Self {
        Self { read: self.read || other.read, write: self.write || other.write }
    }

    /// From the flags of open(2).
    pub fn from_flags(flags: i32) -> Self {
        let mode = flags & libc::O_ACCMODE;
        Self { read: mode != libc::O_WRONLY, write: mode != libc::O_RDONLY }
    }

    /// Of a descriptor of a file, as `/proc/PID/fdinfo` tells. None: it does not.
    pub fn of_file(pid: Pid, descriptor: u32) -> Option<Self> {
        let info = fs::read_to_string(format!("/proc/{pid}/fdinfo/{descriptor}")).ok()?;
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"))?;
        i32::from_str_radix(flags.trim(), 8).ok().map(Self::from_flags)
    }

    /// Of a descriptor of a queue. Its FIFO is open for both, and the library notes what `mq_open`
    /// was asked for as the signal of F_SETSIG: so a copy of the descriptor is asked. None: the
    /// process may not be inspected so far, or the system is older than Linux 5.6.
    pub fn of_queue(pid: Pid, descriptor: u32) -> Option<Self> {
        let open = |flags: c_int| {
            // SAFETY: takes no pointers.
            owned(|| unsafe { libc::syscall(libc::SYS_pidfd_open, pid, flags) })
        };
        let process = open(0).or_else(|| open(PIDFD_THREAD))?;
        let copy = owned(|| {
            // SAFETY: takes no pointers.
            unsafe { libc::syscall(libc::SYS_pidfd_getfd, process.as_raw_fd(), descriptor, 0) }
        })?;
        // SAFETY: takes no pointer. The call itself: a preloaded `fcntl` hides the mark.
        let mark = unsafe { libc::syscall(libc::SYS_fcntl, copy.as_raw_fd(), F_GETSIG) };
        let mark = i32::try_from(mark).unwrap_or(0);
        let access = Self { read: mark & READ != 0, write: mark & WRITE != 0 };
        (mark > 0 && access != Self::default()).then_some(access)
    }
}

/// A new descriptor that a call gives.
fn owned(call: impl Fn() -> std::ffi::c_long) -> Option<OwnedFd> {
    let number = c_int::try_from(call()).ok().filter(|number| *number >= 0)?;
    // SAFETY: just made, and nobody else's.
    Some(unsafe { OwnedFd::from_raw_fd(number) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_of_open() {
        let access = |read, write| Access { read, write };
        assert_eq!(Access::from_flags(libc::O_RDONLY | libc::O_NONBLOCK), access(true, false));
        assert_eq!(Access::from_flags(libc::O_WRONLY), access(false, true));
        assert_eq!(access(true, false).and(access(false, true)), Access::from_flags(libc::O_RDWR));
    }
}
