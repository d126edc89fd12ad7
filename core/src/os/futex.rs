//! futex(2). No other module knows its operations.
//!
//! A sleep is only *described* here. C makes the system call (`cbits/sleep.c`), because the thread
//! may be cancelled in it: cancellation unwinds the stack by force, and no Rust frame may be on it
//! then.

use core::ffi::{c_int, c_long};
use core::ptr;

use crate::atomic::AtomicU32;
pub use crate::cbits::Sleep;
use crate::cbits::WaitV;
use crate::os::clock::{Clock, Deadline};
use crate::os::errno::{Errno, Result, preserved};
use crate::os::filter;

/// Which threads may wait on a word. The kernel finds private words faster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Threads of this process.
    Private,
    /// Any process that maps the word.
    Shared,
}

/// From linux/futex.h
const FUTEX2_SIZE_U32: u32 = 2;
const FUTEX2_PRIVATE: u32 = 128;

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

fn private_flag(scope: Scope) -> c_int {
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

/// In the place of a sixth argument, which `futex_waitv` does not have.
const NEVER_RESTARTED: c_long = 1;

/// Whether the kernel can be kept from restarting a sleep after a handler with `SA_RESTART`.
pub fn can_be_interrupted() -> bool {
    cfg!(target_arch = "x86_64") && super::cpu::rseq_offset().is_some()
}

/// The kernel goes back to the instruction of the call to restart it. If that instruction alone is
/// a restartable sequence (rseq(2)), the kernel goes to the abort handler of the sequence instead.
#[cfg(target_arch = "x86_64")]
fn run_interruptibly(number: c_long, arguments: &[c_long; 6]) -> c_int {
    let Some(rseq) = super::cpu::rseq_offset() else { return libc::ENOSYS };
    loop {
        // SAFETY: the arguments are those of the described call; the offset is that of what the C
        // library has registered.
        let result = unsafe { super::restartable::call(rseq, number, arguments) };
        if let Some(result) = result {
            return c_int::try_from(-result).unwrap_or(libc::EINVAL);
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn run_interruptibly(_: c_long, _: &[c_long; 6]) -> c_int {
    libc::ENOSYS
}

/// What a signal handler does to a sleep, once it has returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupted {
    /// The sleep ends with EINTR, even after a handler with SA_RESTART.
    Fails,
    /// With `SA_RESTART` the sleep goes on; else it ends with EINTR.
    MayRestart,
}

/// What ends a sleep.
#[derive(Clone, Copy, Debug)]
pub struct Awaited {
    /// A wake on this word.
    pub word: *const u32,
    /// The sleep does not begin unless the word holds this.
    pub expected: u32,
    /// Which threads have the word.
    pub scope: Scope,
    /// Another word on which the kernel gives a wake when a thread dies that has announced it
    /// (`death_word`). Null: none.
    pub death: *const u32,
}

impl WaitV {
    /// No word.
    pub const NONE: Self = Self { value: 0, address: 0, flags: 0, reserved: 0 };

    /// A word, which is expected to hold this.
    pub fn new(word: *const u32, value: u32, scope: Scope) -> Self {
        let private = if scope == Scope::Private { FUTEX2_PRIVATE } else { 0 };
        Self {
            value: value.into(),
            address: word.addr() as u64,
            flags: FUTEX2_SIZE_U32 | private,
            reserved: 0,
        }
    }
}

impl Default for Sleep {
    /// A sleep that is not described yet.
    fn default() -> Self {
        Self {
            number: libc::SYS_futex,
            arguments: [0; 6],
            until: libc::timespec { tv_sec: 0, tv_nsec: 0 },
            waitv: [WaitV::NONE; 2],
        }
    }
}

impl Sleep {
    /// Describes: sleep until one of `awaited`, at most until `until`. `may_wait_on_vectors`:
    /// whether `futex_waitv` may be used (`filter`).
    ///
    /// The kinds of sleep follow from what Linux does after a handler with `SA_RESTART`: FUTEX_WAIT
    /// without a timeout and `futex_waitv` (Linux 5.16) are restarted, FUTEX_WAIT with a timeout is
    /// not.
    ///
    /// | handler | an end | a death word | call | where `futex_waitv` may not be used |
    /// |---|---|---|---|---|
    /// | restarts | no | no | FUTEX_WAIT | |
    /// | restarts | no | yes | `futex_waitv` | FUTEX_WAIT: no death ends the sleep |
    /// | restarts | yes | any | `futex_waitv` | FUTEX_WAIT: EINTR |
    /// | fails | any | any | FUTEX_WAIT with a timeout: no death ends the sleep | |
    pub fn prepare(
        &mut self,
        awaited: Awaited,
        until: Option<Deadline>,
        interrupted: Interrupted,
        may_wait_on_vectors: impl FnOnce() -> bool,
    ) {
        let wants_vector = until.is_some() || !awaited.death.is_null();
        match interrupted {
            Interrupted::Fails => {
                self.prepare_wait(awaited, Some(until.unwrap_or(Deadline::NEVER)));
            }
            Interrupted::MayRestart if wants_vector && may_wait_on_vectors() => {
                self.prepare_vector(awaited, until);
            }
            Interrupted::MayRestart => self.prepare_wait(awaited, until),
        }
    }

    /// The death word comes first. The kernel checks and queues on the words one after the other. A
    /// thread that commits and dies after the death word was queued on wakes this one; an earlier
    /// commit is seen when the kernel checks the awaited word. In the other order, a commit and a
    /// death could both happen between the two.
    fn prepare_vector(
        &mut self,
        Awaited { word, expected, scope, death }: Awaited,
        until: Option<Deadline>,
    ) {
        let awaited = WaitV::new(word, expected, scope);
        let (waitv, count) = if death.is_null() {
            ([awaited, WaitV::NONE], 1)
        } else {
            // The kernel's wake for a dead thread is a shared one.
            ([WaitV::new(death, 0, Scope::Shared), awaited], 2)
        };
        self.waitv = waitv;
        self.prepare_words(address(&raw const self.waitv), count, until);
    }

    /// The same for further words, which stay where they are, between the two: words that remember
    /// a death.
    pub fn prepare_all(&mut self, words: &[WaitV], until: Option<Deadline>) {
        let count = words.len().cast_signed() as c_long;
        self.prepare_words(address(words.as_ptr()), count, until);
    }

    fn prepare_words(&mut self, words: c_long, count: c_long, until: Option<Deadline>) {
        let (timeout, clock) = match until {
            None => (0, 0),
            Some(until) => {
                self.until = until.time;
                (address(&raw const self.until), until.clock.id().into())
            }
        };
        self.number = libc::SYS_futex_waitv;
        self.arguments = [words, count, 0, timeout, clock, 0];
    }

    /// Describes: sleep until a wake on one of these words, which stay where they are. Any signal
    /// handler ends it with EINTR, with or without SA_RESTART. For callers of [`Sleep::run`], and
    /// where [`can_be_interrupted`].
    pub fn prepare_any(&mut self, words: &[WaitV], until: Deadline) {
        self.until = until.time;
        self.number = libc::SYS_futex_waitv;
        let (count, clock) = (words.len().cast_signed() as c_long, until.clock.id().into());
        let timeout = address(&raw const self.until);
        self.arguments = [address(words.as_ptr()), count, 0, timeout, clock, NEVER_RESTARTED];
    }

    fn prepare_wait(&mut self, awaited: Awaited, until: Option<Deadline>) {
        let mut operation = libc::FUTEX_WAIT_BITSET | private_flag(awaited.scope);
        let timeout = match until {
            None => ptr::null(),
            Some(until) => {
                if until.clock == Clock::Realtime {
                    operation |= libc::FUTEX_CLOCK_REALTIME;
                }
                self.until = until.time;
                &raw const self.until
            }
        };
        self.number = libc::SYS_futex;
        self.arguments = [
            address(awaited.word),
            operation.into(),
            c_long::from(awaited.expected.cast_signed()),
            address(timeout),
            0,
            c_long::from(libc::FUTEX_BITSET_MATCH_ANY),
        ];
    }

    /// Sleeps as described, and gives its end: an errno, or minus the index of the word that was
    /// woken. For callers in Rust alone: C makes the call itself where the thread may be cancelled.
    pub fn run(&self) -> c_int {
        let a = &self.arguments;
        if self.number == libc::SYS_futex_waitv && a[5] == NEVER_RESTARTED {
            return run_interruptibly(self.number, a);
        }
        // SAFETY: the arguments are those of the described call; what they point to is in `self`,
        // which is borrowed.
        let result = unsafe { libc::syscall(self.number, a[0], a[1], a[2], a[3], a[4], a[5]) };
        if result < 0 { Errno::last().0 } else { c_int::try_from(-result).unwrap_or(0) }
    }

    /// What the end of the sleep means ([`Sleep::run`]).
    pub fn woken(&self, end: c_int) -> Result<Woken> {
        match end {
            ..=0 => Ok(Woken::Called { word: end.unsigned_abs() as usize }),
            libc::EAGAIN => Ok(Woken::Changed),
            libc::ETIMEDOUT => Ok(Woken::TimedOut),
            // EPERM is the answer of a seccomp filter that does not know the call.
            libc::ENOSYS | libc::EPERM if self.number == libc::SYS_futex_waitv => {
                filter::refuse_vectors();
                Ok(Woken::Changed)
            }
            other => Err(Errno(other)),
        }
    }
}

/// Why a sleep ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// By a wake.
    Called {
        /// Which of the words it was: the last one, if it was several. 0 where there is one.
        word: usize,
    },
    /// There was no sleep: the word was not as expected.
    Changed,
    /// The deadline of the sleep has passed.
    TimedOut,
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

fn address<T>(pointer: *const T) -> c_long {
    pointer.addr().cast_signed() as c_long
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
