//! Blocks all signals of the calling thread for a few instructions.
//!
//! By a bare system call: the C library's function leaves out two signals that it keeps for itself,
//! and a thread of this library must not receive those either.

/// What the calling thread held back before: that is so again when this is dropped.
#[must_use]
pub struct Blocked {
    before: u64,
}

impl Blocked {
    /// Holds back all signals. Async-signal-safe.
    pub fn all() -> Self {
        Self::these(u64::MAX)
    }

    /// The same without those that an instruction causes: held back, they end the process.
    pub fn all_but_faults() -> Self {
        use libc::{SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP};
        let faults = [SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP];
        Self::these(!faults.iter().fold(0, |mask, signal| mask | 1 << (signal - 1)))
    }

    fn these(mask: u64) -> Self {
        let mut before = 0;
        set(mask, &mut before);
        Self { before }
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        let mut ignored = 0;
        set(self.before, &mut ignored);
    }
}

fn set(mask: u64, before: &mut u64) {
    // SAFETY: both are valid signal sets of the kernel's size. With these arguments it cannot fail.
    unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            libc::SIG_SETMASK,
            &raw const mask,
            core::ptr::from_mut(before),
            size_of::<u64>(),
        )
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask() -> u64 {
        let mut before = 0;
        set(0, &mut before);
        set(before, &mut 0);
        before
    }

    #[test]
    fn they_come_back() {
        let before = mask();
        let blocked = Blocked::all();
        // SIGKILL and SIGSTOP cannot be held back.
        let never = 1 << (libc::SIGKILL - 1) | 1 << (libc::SIGSTOP - 1);
        assert_eq!(mask(), !never);
        drop(blocked);
        assert_eq!(mask(), before);
        let blocked = Blocked::all_but_faults();
        assert_eq!(mask() & (1 << (libc::SIGSEGV - 1) | 1 << (libc::SIGUSR1 - 1)), {
            1 << (libc::SIGUSR1 - 1)
        });
        drop(blocked);
        assert_eq!(mask(), before);
    }
}
