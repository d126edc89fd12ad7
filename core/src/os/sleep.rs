//! Sleeps until a word is woken.
//!
//! A sleep is only *described* here. C makes the system call (`cbits/sleep.c`), because the thread
//! may be cancelled in it: cancellation unwinds the stack by force, and no Rust frame may be on it
//! then.

use core::ffi::{c_int, c_long};
use core::ptr;

pub use crate::cbits::Sleep;
use crate::cbits::{NOT_BEGUN, WaitV};
use crate::os::clock::{Clock, Deadline};
use crate::os::errno::{Errno, Result};
use crate::os::filter;
use crate::os::futex::{Interrupted, Scope, private_flag};
#[cfg(target_arch = "x86_64")]
use crate::os::handled::{Canaries, has_stack_for_handlers};
#[cfg(target_arch = "x86_64")]
use crate::os::restartable;
#[cfg(target_arch = "x86_64")]
use crate::os::signals::Struck;

/// From linux/futex.h
const FUTEX2_SIZE_U32: u32 = 2;
const FUTEX2_PRIVATE: u32 = 128;

/// In the place of a sixth argument, which `futex_waitv` does not have.
const NEVER_RESTARTED: c_long = 1;

/// Whether the kernel can be kept from restarting a sleep after a handler with `SA_RESTART`.
pub fn can_be_interrupted() -> bool {
    cfg!(target_arch = "x86_64") && crate::os::cpu::rseq_offset().is_some()
}

/// What the end of a guarded sleep means: an errno, or minus the index of the word that was woken;
/// [`NOT_BEGUN`]. Notes in the sleep whether a handler has run that ends the wait. To be asked at
/// once: little of the stack may be used meanwhile.
#[cfg(target_arch = "x86_64")]
pub fn end_of_guarded(sleep: &mut Sleep, ended: &restartable::Ended) -> c_int {
    let &restartable::Ended { result, struck } = ended;
    if result == restartable::RESTARTED && sleep.is_never_restarted() {
        // A stop and a continuation of the process do not end it. If a handler may have run on a
        // stack of its own, it is assumed that it has.
        let is_stop = struck == 0 && !has_stack_for_handlers();
        return if is_stop { libc::EAGAIN } else { libc::EINTR };
    }
    if result == -c_long::from(libc::EINTR) {
        return libc::EINTR;
    }
    // One that has run before the call, or that has come with its end.
    let found = Canaries::below(struck).map(|canaries| canaries.found(sleep.interrupted()));
    sleep.struck = (found == Some(Struck::Ends)).into();
    match (result, found) {
        (restartable::NOT_BEGUN, None) => NOT_BEGUN,
        (restartable::NOT_BEGUN | restartable::RESTARTED, _) => libc::EAGAIN,
        _ => c_int::try_from(-result).unwrap_or(libc::EINVAL),
    }
}

#[cfg(target_arch = "x86_64")]
fn run_guarded(sleep: &mut Sleep) -> c_int {
    let Some(rseq) = crate::os::cpu::rseq_offset() else { return libc::ENOSYS };
    // SAFETY: the sleep has been described, and is borrowed; the offset is that of what the C
    // library has registered.
    let ended = unsafe { restartable::rsipc_guarded_sleep(sleep, rseq) };
    end_of_guarded(sleep, &ended)
}

#[cfg(not(target_arch = "x86_64"))]
fn run_guarded(_: &mut Sleep) -> c_int {
    libc::ENOSYS
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
            mask: ptr::null(),
            may_restart: 0,
            struck: 0,
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

    /// Signals are held back until its call, which sets this mask. Where [`can_be_interrupted`].
    pub fn guard(&mut self, mask: *const u64, interrupted: Interrupted) {
        self.mask = mask;
        self.may_restart = (interrupted == Interrupted::MayRestart).into();
    }

    /// Signals are not held back any more. Whether a handler has run that ends the wait, though
    /// the sleep may have ended otherwise.
    pub fn end_guard(&mut self) -> bool {
        self.mask = ptr::null();
        self.may_restart = 0;
        core::mem::take(&mut self.struck) != 0
    }

    #[cfg(target_arch = "x86_64")]
    fn interrupted(&self) -> Interrupted {
        if self.may_restart != 0 { Interrupted::MayRestart } else { Interrupted::Fails }
    }

    fn is_never_restarted(&self) -> bool {
        self.number == libc::SYS_futex_waitv && self.arguments[5] == NEVER_RESTARTED
    }

    /// Sleeps as described, and gives its end: an errno, or minus the index of the word that was
    /// woken; [`NOT_BEGUN`]. For callers in Rust alone: C makes the call itself where the thread
    /// may be cancelled.
    pub fn run(&mut self) -> c_int {
        if !self.mask.is_null() || self.is_never_restarted() {
            return run_guarded(self);
        }
        let a = &self.arguments;
        // SAFETY: the arguments are those of the described call; what they point to is in `self`,
        // which is borrowed.
        let result = unsafe { libc::syscall(self.number, a[0], a[1], a[2], a[3], a[4], a[5]) };
        if result < 0 { Errno::last().0 } else { c_int::try_from(-result).unwrap_or(0) }
    }

    /// What the end of the sleep means ([`Sleep::run`]).
    pub fn woken(&self, end: c_int) -> Result<Woken> {
        match end {
            ..=0 => Ok(Woken::Called { word: end.unsigned_abs() as usize }),
            libc::EAGAIN | NOT_BEGUN => Ok(Woken::Changed),
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

fn address<T>(pointer: *const T) -> c_long {
    pointer.addr().cast_signed() as c_long
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;
    use crate::atomic::{AtomicU32, Ordering};
    use crate::os::signals::Blocked;

    /// Of SIGWINCH, by which one test alone interrupts a sleep.
    static HANDLED: AtomicU32 = AtomicU32::new(0);

    extern "C" fn count(signal: c_int) {
        if signal == libc::SIGWINCH {
            HANDLED.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A sleep that only a handler ends.
    fn of_a_word(word: &AtomicU32) -> (Sleep, [WaitV; 1]) {
        crate::os::cpu::init();
        (Sleep::default(), [WaitV::new(word.as_ptr(), 0, Scope::Private)])
    }

    fn handle_with_restart(signal: c_int) {
        // SAFETY: the handler counts.
        unsafe {
            let mut action: libc::sigaction = core::mem::zeroed();
            let handler: extern "C" fn(c_int) = count;
            action.sa_sigaction = handler as libc::sighandler_t;
            action.sa_flags = libc::SA_RESTART;
            libc::sigaction(signal, &raw const action, ptr::null_mut());
        }
    }

    #[test]
    fn a_handler_that_restarts_calls_ends_a_sleep() {
        let word = AtomicU32::new(0);
        let (mut sleep, words) = of_a_word(&word);
        if !can_be_interrupted() {
            return;
        }
        handle_with_restart(libc::SIGWINCH);
        // SAFETY: takes no arguments.
        let me = unsafe { libc::pthread_self() };
        let sender = std::thread::spawn(move || {
            while HANDLED.load(Ordering::Relaxed) == 0 {
                std::thread::sleep(core::time::Duration::from_millis(5));
                // SAFETY: the thread waits for us.
                unsafe { libc::pthread_kill(me, libc::SIGWINCH) };
            }
        });
        sleep.prepare_any(&words, Deadline::NEVER);
        let end = loop {
            match sleep.run() {
                NOT_BEGUN => {}
                end => break end,
            }
        };
        sender.join().unwrap();
        // Or the handler came first.
        assert!(end == libc::EINTR || sleep.end_guard(), "{end}");
    }

    #[test]
    fn a_signal_that_was_held_back_ends_a_sleep_before_it_begins() {
        let word = AtomicU32::new(0);
        let (mut sleep, words) = of_a_word(&word);
        if !can_be_interrupted() {
            return;
        }
        handle_with_restart(libc::SIGURG);
        for (interrupted, ends) in [(Interrupted::Fails, true), (Interrupted::MayRestart, false)] {
            let signals = Blocked::all();
            // SAFETY: the thread signals itself; the handler counts.
            unsafe { libc::pthread_kill(libc::pthread_self(), libc::SIGURG) };
            sleep.prepare_any(&words, Deadline::NEVER);
            sleep.guard(signals.before(), interrupted);
            let end = sleep.run();
            signals.forget();
            assert_eq!((end, sleep.end_guard()), (libc::EAGAIN, ends));
        }
    }
}
