//! futex(2): wakes, short sleeps, and whether a thread lives. Sleeps that a program waits in are in
//! `sleep`. No other module knows the operations.

use core::ffi::{c_int, c_long};
use core::ptr;

use crate::atomic::AtomicU32;
use crate::os::errno::{Errno, preserved};

/// Which threads may wait on a word. The kernel finds private words faster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Threads of this process.
    Private,
    /// Any process that maps the word.
    Shared,
}

/// Wakes up to `count` sleepers on the word at this address, and returns how many.
/// Async-signal-safe, leaves `errno` alone.
///
/// The word is not accessed and may be gone already: then no thread is woken.
#[cold]
pub fn wake(word: *const u32, count: c_int, scope: Scope) -> usize {
    let operation = libc::FUTEX_WAKE | private_flag(scope);
    usize::try_from(call_wake(word, operation, count)).unwrap_or(0)
}

/// The bare instruction: C's `syscall` would need `errno` saved and restored around it.
#[cfg(target_arch = "x86_64")]
fn call_wake(word: *const u32, operation: c_int, count: c_int) -> c_long {
    let mut result = libc::SYS_futex;
    // SAFETY: the kernel only compares the address; the call changes rax, rcx and r11 and no
    // memory.
    unsafe {
        core::arch::asm!("syscall", inlateout("rax") result, in("rdi") word, in("esi") operation,
            in("edx") count, lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    result
}

#[cfg(not(target_arch = "x86_64"))]
fn call_wake(word: *const u32, operation: c_int, count: c_int) -> c_long {
    // SAFETY: the kernel only compares the address; errno_location is valid in each thread.
    unsafe {
        let errno = libc::__errno_location();
        let before = *errno;
        let woken = libc::syscall(libc::SYS_futex, word, operation, count);
        *errno = before;
        woken
    }
}

/// What an operation on such a word has.
pub(super) fn private_flag(scope: Scope) -> c_int {
    match scope {
        Scope::Private => libc::FUTEX_PRIVATE_FLAG,
        Scope::Shared => 0,
    }
}

/// Whether the kernel has `futex_waitv`, and no filter refuses it.
pub fn knows_vectors() -> bool {
    // A vector of nothing is EINVAL.
    // SAFETY: no vector is read.
    let called = super::errno::preserved(|| unsafe {
        (libc::syscall(libc::SYS_futex_waitv, 0, 0, 0, 0, 0), Errno::last())
    });
    called == (-1, Errno::EINVAL)
}

/// What a signal handler does to a sleep, once it has returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupted {
    /// The sleep ends with EINTR, even after a handler with SA_RESTART.
    Fails,
    /// With `SA_RESTART` the sleep goes on; else it ends with EINTR.
    MayRestart,
}

/// Sleeps while the word holds `expected`, at most so many milliseconds; for threads of our own,
/// which are never cancelled.
pub fn wait(word: &AtomicU32, expected: u32, scope: Scope, milliseconds: Option<u32>) {
    let timeout = milliseconds.map(|milliseconds| libc::timespec {
        tv_sec: (milliseconds / 1000).into(),
        tv_nsec: (milliseconds % 1000 * 1_000_000).into(),
    });
    let timeout = timeout.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the word lives through the call; `timeout` is NULL or a timespec.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAIT | private_flag(scope),
            expected,
            timeout,
        )
    };
}

/// Sleeps for so many microseconds, or until a signal is handled. By the call that the timed waits
/// of the C library make, too: a filter that allows those kills nobody for it. Leaves `errno`
/// alone. Async-signal-safe, and no cancellation point.
pub fn pause_us(microseconds: u32) {
    let word = 0_u32;
    let timeout = libc::timespec {
        tv_sec: (microseconds / 1_000_000).into(),
        tv_nsec: (microseconds % 1_000_000 * 1000).into(),
    };
    let operation = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: word and time are valid through the call.
    preserved(|| unsafe {
        libc::syscall(libc::SYS_futex, &raw const word, operation, 0, &raw const timeout)
    });
}

/// Whether no thread of this process's PID namespace has this TID, or only one that has ended and
/// has not been waited for (a zombie). Leaves `errno` alone.
pub fn is_dead(tid: u32) -> bool {
    preserved(|| {
        // SAFETY: takes no pointer, and signal 0 is only a question.
        let failed = unsafe { libc::syscall(libc::SYS_tkill, tid, 0) } != 0;
        (failed && Errno::last() == Errno::ESRCH) || is_zombie(tid)
    })
}

/// The kernel looks for the thread whose TID is in a lock with priority inheritance: ESRCH if it
/// finds none, or one that is past its robust list. In doubt (EWOULDBLOCK, EDEADLK, no such locks)
/// it lives.
fn is_zombie(tid: u32) -> bool {
    let lock = AtomicU32::new(tid);
    let operation = libc::FUTEX_TRYLOCK_PI | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: the word lives through the call.
    let failed = unsafe { libc::syscall(libc::SYS_futex, lock.as_ptr(), operation, 0, 0) } != 0;
    failed && Errno::last() == Errno::ESRCH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zombie_is_dead_and_a_living_thread_is_not() {
        // SAFETY: the child makes one system call and ends; the parent waits for it.
        unsafe {
            let own = u32::try_from(libc::syscall(libc::SYS_gettid)).unwrap();
            assert!(!is_dead(own));
            let child = libc::fork();
            if child == 0 {
                libc::pause();
                libc::_exit(0);
            }
            assert!(child > 0, "fork failed");
            let tid = child.cast_unsigned();
            assert!(!is_dead(tid));
            libc::kill(child, libc::SIGKILL);
            let mut end: libc::siginfo_t = core::mem::zeroed();
            let unreaped = libc::WEXITED | libc::WNOWAIT;
            assert_eq!(libc::waitid(libc::P_PID, tid, &raw mut end, unreaped), 0);
            assert!(is_dead(tid));
            assert_eq!(libc::waitpid(child, ptr::null_mut(), 0), child);
            assert!(is_dead(tid));
        }
    }
}
