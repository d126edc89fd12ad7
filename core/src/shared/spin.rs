//! A short wait before a sleep, only where it pays.
//!
//! A hand-over between two processors costs a fraction of a microsecond when the waiter spins, and
//! tens of microseconds when it sleeps. On one processor a spin only delays the thread that the
//! waiter waits for; there the waiter yields once (sched_yield(2)), which saves the wake. So two
//! things are stored next to the word that is waited on:
//!
//! * the processor of a waker: if it is the waiter's own, the waiter yields, otherwise it spins;
//! * how many attempts in a row were in vain, and how many waits are to sleep at once because of
//!   that.
//!
//! A yield may hand the processor to an unrelated thread for a whole time slice. A wake would have
//! been faster, so that counts as worse than a spin in vain. If the word has changed many times
//! meanwhile, the slice went to threads that use the same object, and a wake would have been no
//! better.
//!
//! All of this is a hint. Any value is harmless: a wrong one causes a spin in vain, or a sleep too
//! early.

use crate::atomic::{AtomicU16, AtomicU32, Ordering};
use crate::os::futex::Interrupted;
use crate::os::handled::Canaries;
use crate::os::signals::Struck;
use crate::os::{Errno, Result, clock, cpu, settings};
use crate::shared::experience::Experience;

/// How long a spin may last, in nanoseconds: near the cost of a sleep and a wake across processors.
const BUDGET_NS: u64 = 20_000;
/// A yield that takes longer than this, in nanoseconds, has given another thread a time slice.
/// Interrupts take less.
const SLICE_NS: u64 = 300_000;
/// So many changes during a time slice show that threads had it that share what is waited for.
const MANY_CHANGES: u32 = 16;
/// Looks at the word between two looks at the clock.
const LOOKS_PER_CLOCK: u32 = 32;

/// See [`Hint`].
const ASKED: u32 = 0;

/// What wakers and waiters know of each other. Lives in shared memory next to the word that is
/// waited on.
///
/// All accesses are `Relaxed`: nothing is published through these words, and a lost update loses a
/// hint.
#[repr(C)]
#[derive(Default)]
pub struct Hint {
    /// The processor of a waker plus one: of the first since a waiter has asked. 0 = [`ASKED`], and
    /// not known. A waiter asks whose attempt was in vain; wakers answer.
    waker: AtomicU32,
    /// [`Experience`] with spins. Stored by waiters.
    spins: AtomicU16,
    /// [`Experience`] with yields. Stored by waiters.
    yields: AtomicU16,
}

impl Hint {
    /// Leaves word of where the waker runs, if a waiter has asked. Async-signal-safe.
    #[inline]
    pub fn waking(&self) {
        if !self.is_answered() {
            self.answer();
        }
    }

    /// Whether [`Self::waking`] has nothing to do.
    #[inline(always)]
    pub fn is_answered(&self) -> bool {
        self.waker.load(Ordering::Relaxed) != ASKED
    }

    /// Whether the waker, as far as we know, can only run when we do not.
    fn is_waker_here(&self) -> bool {
        let here = cpu::current();
        cpu::saw(here);
        match self.waker.load(Ordering::Relaxed) {
            0 => cpu::is_only_one(),
            waker => {
                cpu::saw(waker.wrapping_sub(1));
                waker == here.wrapping_add(1)
            }
        }
    }

    #[cold]
    fn answer(&self) {
        self.waker.store(cpu::current().wrapping_add(1), Ordering::Relaxed);
    }

    /// Spins, or yields, until `ready` gives true. False: it did not happen within the time that a
    /// spin is worth. EINTR: nor did it happen before a handler ran that ends a wait like this.
    /// `may_call`: the thread may make system calls that glibc's waits do not make, as
    /// sched_yield(2).
    pub fn spin(
        &self,
        interrupted: Interrupted,
        may_call: impl Fn() -> bool,
        ready: impl Fn() -> bool,
    ) -> Result<bool> {
        self.spin_until_changed(interrupted, may_call, || u32::from(ready()))
    }

    /// The same, until `changes` says that what is waited for has changed, and how often.
    pub fn spin_until_changed(
        &self,
        interrupted: Interrupted,
        may_call: impl Fn() -> bool,
        changes: impl Fn() -> u32,
    ) -> Result<bool> {
        let settings = settings::get();
        if !settings.spin {
            return Ok(false);
        }
        let (is_here, may_call) = (self.is_waker_here(), may_call());
        if is_here && !may_call {
            return Ok(false);
        }
        let word = if is_here { &self.yields } else { &self.spins };
        let before = Experience::of(word);
        let canaries = if may_call && !before.says_rest() { Some(Canaries::set()) } else { None };
        let (happened, after) = if before.says_rest() {
            (false, before.rested())
        } else if is_here {
            let (happened, was_slow) = yield_once(&changes);
            (happened, after_yield(before, happened, was_slow))
        } else {
            let happened = spin_within_budget(|| changes() > 0);
            (happened, before.tried(happened))
        };
        if !happened && self.waker.load(Ordering::Relaxed) != ASKED {
            self.waker.store(ASKED, Ordering::Relaxed);
        }
        after.replace(before, word);
        end(happened, canaries, interrupted, changes)
    }

    /// Yields for as long as a spin may last. For after a spin that was in vain, or not worth it:
    /// the thread that is waited for may be waiting for this processor, as where more threads than
    /// processors share a lock. If waiters slept at once there, each of them would get its turn by
    /// a wake. The result is that of [`Self::spin_until_changed`]. For a thread that may make the
    /// calls.
    pub fn yield_to_others(
        &self,
        interrupted: Interrupted,
        changes: impl Fn() -> u32,
    ) -> Result<bool> {
        let before = Experience::of(&self.yields);
        if !settings::get().spin {
            return Ok(false);
        }
        let canaries = Canaries::set();
        let (happened, after) = if before.says_rest() {
            (false, before.rested())
        } else {
            let (happened, was_slow) = yield_within_budget(&changes);
            (happened, after_yield(before, happened, was_slow))
        };
        after.replace(before, &self.yields);
        end(happened, Some(canaries), interrupted, changes)
    }
}

/// A handler may have run since the canaries were set. EINTR: it ends the wait, unless what is
/// waited for has happened meanwhile.
#[inline(always)]
fn end(
    happened: bool,
    canaries: Option<Canaries>,
    interrupted: Interrupted,
    changes: impl Fn() -> u32,
) -> Result<bool> {
    let Some(canaries) = canaries else { return Ok(happened) };
    if happened {
        canaries.forget();
        return Ok(true);
    }
    if canaries.struck(interrupted) != Struck::Ends {
        return Ok(false);
    }
    if changes() > 0 { Ok(true) } else { Err(Errno::EINTR) }
}

fn after_yield(before: Experience, happened: bool, was_slow: bool) -> Experience {
    if was_slow { Experience::was_too_slow() } else { before.tried(happened) }
}

/// Whether it happened, and whether threads had the processor for too long that have nothing to do
/// with it.
fn yield_once(changes: impl Fn() -> u32) -> (bool, bool) {
    let begun = clock::monotonic_ns();
    std::thread::yield_now();
    let changed = changes();
    (changed > 0, changed < MANY_CHANGES && clock::monotonic_ns() - begun > SLICE_NS)
}

/// The same, as often as there is time for in a spin.
fn yield_within_budget(changes: impl Fn() -> u32) -> (bool, bool) {
    let end = clock::monotonic_ns() + BUDGET_NS;
    loop {
        let (happened, was_slow) = yield_once(&changes);
        if happened || was_slow || clock::monotonic_ns() >= end {
            return (happened, was_slow);
        }
    }
}

fn spin_within_budget(ready: impl Fn() -> bool) -> bool {
    let mut end = None;
    loop {
        for _ in 0..LOOKS_PER_CLOCK {
            if ready() {
                return true;
            }
            core::hint::spin_loop();
        }
        let now = clock::monotonic_ns();
        if now >= *end.get_or_insert(now + BUDGET_NS) {
            return false;
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_slice_of_threads_that_share_the_word_is_no_reason_to_sleep() {
        let hint = Hint::default();
        let slow = |changes| {
            move || {
                let end = clock::monotonic_ns() + 2 * SLICE_NS;
                while clock::monotonic_ns() < end {}
                changes
            }
        };
        let ends = Interrupted::Fails;
        assert_eq!(hint.yield_to_others(ends, slow(MANY_CHANGES)), Ok(true));
        assert_eq!(hint.yield_to_others(ends, slow(1)), Ok(true), "of other threads");
        assert_eq!(hint.yield_to_others(ends, || 1), Ok(false), "so it sleeps from now on");
    }
}
