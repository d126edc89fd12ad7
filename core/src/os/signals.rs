//! Blocks all signals of the calling thread for a few instructions.
//!
//! By a bare system call: the C library's function leaves out two signals that it keeps for itself,
//! and a thread of this library must not receive those either.

use crate::os::errno::preserved;

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

    /// Whether a handler of the program runs as soon as this is dropped. Leaves `errno` alone.
    pub fn holds_back_a_handler(&self) -> bool {
        preserved(|| {
            let mut pending = 0_u64;
            // SAFETY: a valid signal set of the kernel's size.
            unsafe { libc::syscall(libc::SYS_rt_sigpending, &raw mut pending, size_of::<u64>()) };
            let pending = pending & !self.before;
            (1..=u64::BITS).any(|signal| pending & 1 << (signal - 1) != 0 && has_handler(signal))
        })
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

/// Signals that are held back are kept even if they are ignored.
fn has_handler(signal: u32) -> bool {
    // The kernel's `struct sigaction`, which begins with the handler.
    let mut action = [0_usize; 8];
    // SAFETY: the structure is no longer than that.
    unsafe {
        libc::syscall(
            libc::SYS_rt_sigaction,
            signal,
            core::ptr::null::<usize>(),
            &raw mut action,
            size_of::<u64>(),
        )
    };
    ![libc::SIG_DFL, libc::SIG_IGN].contains(&action[0])
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

    extern "C" fn nothing(_: libc::c_int) {}

    #[test]
    fn a_handler_that_is_held_back_is_known() {
        let handler: extern "C" fn(libc::c_int) = nothing;
        let blocked = Blocked::all();
        for (signal, handler, expected) in [
            (libc::SIGURG, libc::SIG_DFL, false),
            (libc::SIGWINCH, libc::SIG_IGN, false),
            (libc::SIGIO, handler as libc::sighandler_t, true),
        ] {
            // SAFETY: the handlers do nothing; the thread signals itself.
            unsafe {
                let before = libc::signal(signal, handler);
                libc::pthread_kill(libc::pthread_self(), signal);
                assert_eq!(blocked.holds_back_a_handler(), expected, "signal {signal}");
                if !expected {
                    libc::signal(signal, before);
                }
            }
        }
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
