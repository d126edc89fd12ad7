//! Sleepers that come one after the other: the thread that was woken last wakes the next one.
//!
//! The kernel wakes in the order of arrival, but each thread does its work by itself: of two that
//! are awake, the second may be done first. Where the order counts, a waker hands the *baton* to
//! the one thread that it wakes. While that thread is on its way, other wakers leave the next wake
//! to it. It puts the baton down when it has done its work, or gives up, and then wakes the next
//! sleeper, if something is left.
//!
//! | value | meaning | changed by |
//! |---|---|---|
//! | 0 | no thread is on its way | the holder; a waker that has reached no thread; one that has found the baton stalled |
//! | bit 0 set | a thread has been on its way since this time, in nanoseconds of `CLOCK_MONOTONIC` | a waker, before its wake: from 0, or from a time at which it is stalled |
//! | bits 0 and 1 set | that thread has found nothing, and sleeps on | the holder |
//!
//! The two lowest bits are not part of the time.
//!
//! No wake is lost. A waker commits, and then looks at the baton. The holder puts it down, and then
//! looks for what is left. There is a SeqCst fence between the two on each side, so either the
//! waker finds the baton put down, or the holder finds what was committed.
//!
//! If the holder dies, the kernel wakes another sleeper (`shared::thread`), which takes its place.
//! If there is none, or the holder is stopped, the baton is stalled after 40 ms. So a thread that
//! finds it taken before it sleeps, in either direction, sleeps for 40 ms only, and then sees to
//! the next wake.

#[cfg(all(test, loom))]
mod model;

use crate::atomic::{AtomicU32, AtomicU64, Ordering, fence};
use crate::shared::event::Event;

/// A holder is waited for so long, in nanoseconds: longer than a thread is preempted for on a busy
/// machine.
pub const STALLED_NS: u64 = 40_000_000;
/// Only hostile bytes keep a waker from an answer for longer.
const ATTEMPTS: usize = 8;
const HELD: u64 = 1;
const SLEEPS_ON: u64 = 2;
/// Bits that are not part of the time.
const STATE: u64 = HELD | SLEEPS_ON;

/// See the module.
#[repr(transparent)]
#[derive(Default)]
pub struct Baton(AtomicU64);

impl Baton {
    /// Wakes one sleeper, unless one is on its way. Arguments and result as in [`Event::wake`]; a
    /// thread on its way counts as woken. `now`: as in the word.
    pub fn hand_over(
        &self,
        event: &Event,
        began_turns: bool,
        now: u64,
        wake: impl Fn(&AtomicU32, i32) -> usize,
    ) -> bool {
        if !self.take(now) {
            return true;
        }
        if event.wake(1, began_turns, &wake) {
            return true;
        }
        self.put_down();
        // Others may have left a wake to the thread that was not there.
        event.is_awaited() && event.wake(i32::MAX, false, wake)
    }

    /// Behind the commit of a waker. False: a thread is on its way.
    fn take(&self, now: u64) -> bool {
        fence(Ordering::SeqCst);
        for _ in 0..ATTEMPTS {
            // Relaxed: ordered by the fences.
            let held = self.0.load(Ordering::Relaxed);
            if is_held(held, now) {
                return false;
            }
            let taken = self.0.compare_exchange(
                held,
                (now & !STATE) | HELD,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
            if taken.is_ok() {
                return true;
            }
        }
        true
    }

    /// No thread is on its way any more. Look for what is left afterwards.
    pub fn put_down(&self) {
        // Relaxed: ordered by the fences. Not where it is down already: the line may be others'.
        if self.0.load(Ordering::Relaxed) != 0 {
            self.0.store(0, Ordering::Relaxed);
        }
        fence(Ordering::SeqCst);
    }

    /// The holder has found nothing, and sleeps on. It may be another thread's by now: that one is
    /// then taken for one that sleeps.
    pub fn sleep_on(&self) {
        // Relaxed: a hint. Not where it is down.
        let held = self.0.load(Ordering::Relaxed);
        if held & HELD != 0 {
            let _ = self.0.compare_exchange(
                held,
                held | SLEEPS_ON,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
        }
    }

    /// Whether the holder sleeps on.
    pub fn sleeps_on(&self) -> bool {
        self.0.load(Ordering::Relaxed) & STATE == STATE
    }

    /// Whether a thread has been on its way, for however long.
    pub fn is_taken(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }

    /// Whether the thread that was on its way does not come.
    pub fn is_stalled(&self, now: u64) -> bool {
        let held = self.0.load(Ordering::Relaxed);
        held != 0 && !is_held(held, now)
    }
}

/// Whether a thread is on its way, and may still come.
fn is_held(word: u64, now: u64) -> bool {
    word != 0 && (now & !STATE).wrapping_sub(word & !STATE) <= STALLED_NS
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use core::cell::Cell;

    fn awaited() -> Event {
        let event = Event::default();
        event.await_it();
        event
    }

    #[test]
    fn the_next_wake_is_left_to_the_thread_on_its_way() {
        let (baton, event, woken) = (Baton::default(), awaited(), Cell::new(0));
        let wake = |_: &AtomicU32, _| {
            woken.set(woken.get() + 1);
            1
        };
        assert!(baton.hand_over(&event, false, 100, wake));
        assert!(baton.hand_over(&event, false, 100 + STALLED_NS, wake));
        assert_eq!(woken.get(), 1);
        baton.put_down();
        assert!(baton.hand_over(&event, false, 101, wake));
        assert_eq!(woken.get(), 2);
    }

    #[test]
    fn a_thread_that_does_not_come_is_passed_over() {
        let (baton, event) = (Baton::default(), awaited());
        // The last one is of another time namespace.
        for now in [7, 7 + 2 * STALLED_NS, 8 * STALLED_NS, 9] {
            assert!(!baton.is_taken() || baton.is_stalled(now));
            let woken = Cell::new(false);
            baton.hand_over(&event, false, now, |_, _| {
                woken.set(true);
                1
            });
            assert!(woken.get() && !baton.is_stalled(now + STALLED_NS / 2));
        }
    }

    #[test]
    fn a_wake_that_reaches_no_thread_puts_it_down() {
        let (baton, event) = (Baton::default(), awaited());
        assert!(!baton.hand_over(&event, false, 1, |_, _| 0));
        assert!(!baton.is_taken());
    }
}
