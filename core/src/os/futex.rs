//! futex(2): the only place that knows its calls.
//!
//! A sleep is only *described* here. C makes the call, because a thread may be cancelled in it, and a cancelled
//! thread unwinds its stack by force, which must not have Rust on it (`cbits/sleep.c`).

use core::ffi::{c_int, c_long};
use core::ptr;
use core::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use crate::os::clock::{Clock, Deadline};
use crate::os::errno::{Errno, Result};

/// Who may wait on a word: the kernel finds private ones faster.
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
/// `futex_wait`, which the libc crate does not have yet. The same number on all architectures.
const SYS_FUTEX_WAIT: c_long = 455;

/// How many of [`RESTARTED`] the kernel has turned out not to know. A hint that only ever grows.
static UNKNOWN: AtomicU8 = AtomicU8::new(0);

/// The calls that sleep until a time and are restarted after a handler with `SA_RESTART`, the best first:
/// Linux 6.7; Linux 5.16, a tenth slower in a hand-over.
const RESTARTED: [c_long; 2] = [SYS_FUTEX_WAIT, libc::SYS_futex_waitv];

/// The one to use.
fn restarted() -> Option<c_long> {
    // Relaxed: see `Sleep::woken`.
    RESTARTED.get(usize::from(UNKNOWN.load(Ordering::Relaxed))).copied()
}

/// Wakes up to `count` sleepers on the word at this address, and returns how many. Async-signal-safe, leaves `errno` alone.
///
/// The word is not accessed and may be gone already: then nobody is woken.
#[cold]
pub fn wake(word: *const u32, count: c_int, scope: Scope) -> usize {
    let operation = libc::FUTEX_WAKE | private_flag(scope);
    usize::try_from(call_wake(word, operation, count)).unwrap_or(0)
}

/// The bare instruction: C's `syscall` would need `errno` saved and restored around it.
#[cfg(target_arch = "x86_64")]
fn call_wake(word: *const u32, operation: c_int, count: c_int) -> c_long {
    let mut result = libc::SYS_futex;
    // SAFETY: the kernel only compares the address; the call changes rax, rcx and r11 and no memory.
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

/// What a signal handler does to a sleep, once it has returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupted {
    /// The sleep ends with EINTR, whatever the handler's flags.
    Fails,
    /// With `SA_RESTART` the sleep goes on; else it ends with EINTR.
    MayRestart,
}

/// `struct futex_waitv` of linux/futex.h
#[repr(C)]
struct WaitV {
    value: u64,
    address: u64,
    flags: u32,
    reserved: u32,
}

/// A system call that sleeps: what C is to do. `struct rsipc_sleep` in `cbits/rsipc_cbits.h`.
///
/// Holds pointers into itself from [`Sleep::prepare`] on, so it must stay where it is until the call is made.
#[repr(C)]
pub struct Sleep {
    number: c_long,
    arguments: [c_long; 6],
    until: libc::timespec,
    waitv: WaitV,
}

impl Default for Sleep {
    /// A sleep that is not described yet.
    fn default() -> Self {
        Self {
            number: libc::SYS_futex,
            arguments: [0; 6],
            until: libc::timespec { tv_sec: 0, tv_nsec: 0 },
            waitv: WaitV { value: 0, address: 0, flags: 0, reserved: 0 },
        }
    }
}

impl Sleep {
    /// Describes: sleep while the word holds `expected`, at most until `until`.
    ///
    /// The kinds of sleep follow from what Linux does after a handler with `SA_RESTART`: FUTEX_WAIT without a timeout
    /// and the calls of [`RESTARTED`] are restarted, FUTEX_WAIT with one is not.
    pub fn prepare(
        &mut self,
        word: *const u32,
        expected: u32,
        scope: Scope,
        until: Option<Deadline>,
        interrupted: Interrupted,
    ) {
        match (until, interrupted, restarted()) {
            (Some(until), Interrupted::MayRestart, Some(call)) => {
                self.prepare_restarted(call, word, expected, scope, until);
            }
            _ => self.prepare_wait(word, expected, scope, until),
        }
    }

    fn prepare_restarted(
        &mut self,
        call: c_long,
        word: *const u32,
        expected: u32,
        scope: Scope,
        until: Deadline,
    ) {
        let flags = FUTEX2_SIZE_U32 | if scope == Scope::Private { FUTEX2_PRIVATE } else { 0 };
        self.until = until.time;
        let clock = c_long::from(until.clock.id());
        let timeout = address(&raw const self.until);
        self.number = call;
        self.arguments = if call == SYS_FUTEX_WAIT {
            let any = c_long::from(libc::FUTEX_BITSET_MATCH_ANY.cast_unsigned());
            [address(word), expected.into(), any, flags.into(), timeout, clock]
        } else {
            self.waitv = WaitV { value: expected.into(), address: word.addr() as u64, flags, reserved: 0 };
            [address(&raw const self.waitv), 1, 0, timeout, clock, 0]
        };
    }

    fn prepare_wait(&mut self, word: *const u32, expected: u32, scope: Scope, until: Option<Deadline>) {
        let mut operation = libc::FUTEX_WAIT_BITSET | private_flag(scope);
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
            address(word),
            operation.into(),
            c_long::from(expected.cast_signed()),
            address(timeout),
            0,
            c_long::from(libc::FUTEX_BITSET_MATCH_ANY),
        ];
    }

    /// Sleeps as described, and gives the error of the call (0 = none). For callers in Rust alone: C makes the call
    /// itself where the thread may be cancelled.
    pub fn run(&self) -> c_int {
        let a = &self.arguments;
        // SAFETY: the arguments are those of the described call; what they point to is in `self`, which is borrowed.
        let result = unsafe { libc::syscall(self.number, a[0], a[1], a[2], a[3], a[4], a[5]) };
        if result < 0 { Errno::last().0 } else { 0 }
    }

    /// What the end of the sleep means, given the error of the call (0 = none).
    pub fn woken(&self, error: c_int) -> Result<Woken> {
        match error {
            0 | libc::EAGAIN => Ok(Woken::LookAgain),
            libc::ETIMEDOUT => Ok(Woken::TimedOut),
            // EPERM is the answer of a seccomp filter that does not know the call.
            libc::ENOSYS | libc::EPERM if self.number != libc::SYS_futex => {
                let known_unknown = RESTARTED.iter().take_while(|&&call| call != self.number).count();
                // Relaxed: a thread that does not see it yet finds out for itself.
                UNKNOWN.fetch_max(u8::try_from(known_unknown + 1).unwrap_or(u8::MAX), Ordering::Relaxed);
                Ok(Woken::LookAgain)
            }
            other => Err(Errno(other)),
        }
    }
}

/// Why a sleep ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// The word changed, or may have.
    LookAgain,
    /// The deadline of the sleep has passed.
    TimedOut,
}

/// Sleeps while the word holds `expected`, at most so many milliseconds; for threads of our own, which nobody cancels.
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

/// Whether no thread of this process's PID namespace has this TID.
pub fn is_dead(tid: u32) -> bool {
    // SAFETY: takes no pointer; signal 0 is only a question.
    unsafe { libc::syscall(libc::SYS_tkill, tid, 0) != 0 && Errno::last() == Errno::ESRCH }
}

/// Whether a sleep that is restarted after a handler can also have an end.
pub fn restarts_with_end() -> bool {
    restarted().is_some()
}

fn address<T>(pointer: *const T) -> c_long {
    pointer.addr().cast_signed() as c_long
}
