//! Signals that are held back for a few instructions, and what the program does about them.
//!
//! By bare system calls: the C library's functions leave out two signals that it keeps for itself,
//! and a thread of this library must not receive those either.

use crate::os::errno::preserved;
use crate::os::futex::Interrupted;

/// The signals of the C library itself: by the first one it cancels a thread.
const CANCELS: u32 = 32;
/// Both of its own.
pub const OF_THE_LIBRARY: [u32; 2] = [CANCELS, 33];
/// Caused by an instruction.
const FAULTS: u64 = {
    use libc::{SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP};
    1 << (SIGBUS - 1)
        | 1 << (SIGFPE - 1)
        | 1 << (SIGILL - 1)
        | 1 << (SIGSEGV - 1)
        | 1 << (SIGSYS - 1)
        | 1 << (SIGTRAP - 1)
};

/// What the calling thread held back before: that is so again when this is dropped.
#[must_use]
pub struct Blocked {
    before: u64,
}

/// What has become of a wait by handlers that have run, or run now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Struck {
    /// None has.
    Not,
    /// It goes on.
    GoesOn,
    /// It ends with EINTR.
    Ends,
}

impl Blocked {
    /// Holds back all signals. Async-signal-safe.
    pub fn all() -> Self {
        Self::these(u64::MAX)
    }

    /// The same without those that an instruction causes: held back, they end the process.
    pub fn all_but_faults() -> Self {
        Self::these(!FAULTS)
    }

    /// The same for a call that is a cancellation point: the request is not a handler that ends it.
    pub fn all_but_faults_and_cancellation() -> Self {
        Self::these(!(FAULTS | bit(CANCELS)))
    }

    /// What becomes of a wait as soon as this is dropped. Leaves `errno` alone.
    pub fn held_back(&self, interrupted: Interrupted) -> Struck {
        preserved(|| {
            let mut pending = 0_u64;
            // SAFETY: a valid signal set of the kernel's size.
            unsafe { libc::syscall(libc::SYS_rt_sigpending, &raw mut pending, size_of::<u64>()) };
            let pending = pending & !self.before;
            if pending == 0 {
                return Struck::Not;
            }
            let handlers = (1..=u64::BITS)
                .filter(|&signal| pending & bit(signal) != 0)
                .map(Action::of)
                // Signals that are held back are kept even if they are ignored.
                .filter(Action::has_handler);
            handlers.fold(Struck::Not, |found, action| match found {
                Struck::Ends => found,
                _ if action.ends(interrupted) => Struck::Ends,
                _ => Struck::GoesOn,
            })
        })
    }

    /// What is so again when this is dropped, for one that sets it before.
    pub fn before(&self) -> *const u64 {
        &raw const self.before
    }

    /// It has been set.
    pub fn forget(self) {
        core::mem::forget(self);
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

const fn bit(signal: u32) -> u64 {
    1 << (signal - 1)
}

/// The signals that a program may have handlers for.
pub fn of_the_program() -> impl Iterator<Item = u32> {
    (1..=u64::BITS).filter(|signal| !OF_THE_LIBRARY.contains(signal))
}

/// What is done about a signal: the kernel's `struct sigaction`, which is no longer than this. It
/// begins with handler, flags, and where the handler returns to.
pub struct Action([usize; 8]);

impl Action {
    /// Asks the kernel.
    pub fn of(signal: u32) -> Self {
        let mut action = [0; 8];
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
        Self(action)
    }

    /// Whether the program has one.
    pub fn has_handler(&self) -> bool {
        ![libc::SIG_DFL, libc::SIG_IGN].contains(&self.0[0])
    }

    /// Whether the handler ends such a wait.
    pub fn ends(&self, interrupted: Interrupted) -> bool {
        interrupted == Interrupted::Fails || !self.has(libc::SA_RESTART)
    }

    /// Whether the handler is told of the cause of the signal.
    pub fn is_told_more(&self) -> bool {
        self.has(libc::SA_SIGINFO)
    }

    /// Where the handler returns to.
    pub fn restorer(&self) -> usize {
        self.0[2]
    }

    fn has(&self, flag: libc::c_int) -> bool {
        self.0[1] & flag.cast_unsigned() as usize != 0
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

    extern "C" fn nothing(_: libc::c_int) {}

    #[test]
    fn a_handler_that_is_held_back_is_known() {
        let handler: extern "C" fn(libc::c_int) = nothing;
        let blocked = Blocked::all();
        for (signal, handler, expected) in [
            (libc::SIGURG, libc::SIG_DFL, Struck::Not),
            (libc::SIGWINCH, libc::SIG_IGN, Struck::Not),
            // libc::signal: with SA_RESTART.
            (libc::SIGIO, handler as libc::sighandler_t, Struck::GoesOn),
        ] {
            // SAFETY: the handlers do nothing; the thread signals itself.
            unsafe {
                let before = libc::signal(signal, handler);
                libc::pthread_kill(libc::pthread_self(), signal);
                let held_back = blocked.held_back(Interrupted::MayRestart);
                assert_eq!(held_back, expected, "signal {signal}");
                if expected == Struck::Not {
                    libc::signal(signal, before);
                }
            }
        }
        assert_eq!(blocked.held_back(Interrupted::Fails), Struck::Ends);
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
