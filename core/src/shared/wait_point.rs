//! Where threads of all processes wait: for a message, or for space in the queue.

use crate::atomic::{AtomicU32, Ordering};
use crate::os::clock;
use crate::os::futex::{self, Awaited, Scope};
use crate::shared::event::{Event, Seen};
use crate::shared::spin::Hint;

/// A thread that has waited for longer than this, in milliseconds, is served before newcomers.
const PATIENCE_MS: i32 = 1;

/// The words of a wait point. Lives in shared memory.
#[repr(C)]
#[derive(Default)]
pub struct WaitPoint {
    /// Where one sleeps.
    event: Event,
    /// Whether it pays to spin first.
    pub hint: Hint,
    /// Always 0: see [`WaitPoint::death_word`].
    death: AtomicU32,
    /// No sleeper has come before this time, in milliseconds of `CLOCK_MONOTONIC`; the low half of
    /// them. Stored by waiters. Relaxed, and a hint: a wrong one makes turns too early or too late.
    since: AtomicU32,
}

/// A time, as in `since`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival(u32);

impl Arrival {
    /// Now.
    #[expect(clippy::cast_possible_truncation, reason = "only differences count")]
    pub fn now() -> Self {
        Self((clock::monotonic_ns() / 1_000_000) as u32)
    }

    /// Milliseconds from `earlier` to this; negative if it is later.
    fn since(self, earlier: Self) -> i32 {
        self.0.wrapping_sub(earlier.0).cast_signed()
    }
}

impl WaitPoint {
    /// Whether a thread may be asleep.
    #[inline]
    pub fn is_awaited(&self) -> bool {
        self.event.is_awaited()
    }

    /// Whether newcomers must wait behind the threads that have been woken.
    #[inline]
    pub fn is_in_turn(&self) -> bool {
        self.event.is_in_turn()
    }

    /// Announces a waiter that has come at this time. Gives the value to sleep on, once it has
    /// looked, and whether it has waited for long: then it is its turn. Not if it is `held_up` by
    /// the turn of others.
    pub fn await_it(&self, arrival: Arrival, held_up: bool) -> (Seen, bool) {
        let waits_long = !held_up && Arrival::now().since(arrival) > PATIENCE_MS;
        let (before, now) =
            if waits_long { self.event.await_in_turn() } else { self.event.await_it() };
        let since = Arrival(self.since.load(Ordering::Relaxed));
        if !before.is_awaited() || since.since(arrival) > 0 {
            self.since.store(arrival.0, Ordering::Relaxed);
        }
        (now, waits_long)
    }

    /// Before the commit of a waker that has seen a waiter. If one of them has waited for long, the
    /// commit is for them. The result is for [`WaitPoint::wake_one`].
    pub fn will_wake(&self) -> bool {
        self.event.will_wake();
        let since = Arrival(self.since.load(Ordering::Relaxed));
        Arrival::now().since(since) > PATIENCE_MS && self.event.begin_turns()
    }

    /// A waiter that came at this time has got what it wanted. The others came later, as the kernel
    /// wakes in the order of arrival. `is_left`: there is something for another one.
    pub fn served(&self, arrival: Arrival, is_left: bool) {
        let since = Arrival(self.since.load(Ordering::Relaxed));
        if arrival.since(since) > 0 {
            self.since.store(arrival.0, Ordering::Relaxed);
        }
        // Turns among threads that have not waited for long would cost a context switch for each
        // message.
        let waited_long = Arrival::now().since(arrival) > PATIENCE_MS;
        self.event.gone(is_left, waited_long, wake);
    }

    /// A waiter does not wait any more. A wake that it has received may have been meant for another
    /// one.
    pub fn gone(&self, is_left: bool) {
        self.event.gone(is_left, true, wake);
    }

    /// The threads whose turn it is do not come.
    pub fn end_turns(&self) {
        self.event.end_turns();
    }

    /// Wakes one sleeper, and takes note if there is none. See [`Event::wake`].
    pub fn wake_one(&self, began_turns: bool) -> bool {
        self.wake(1, began_turns)
    }

    /// Wakes so many.
    pub fn wake(&self, count: i32, began_turns: bool) -> bool {
        self.event.wake(count, began_turns, wake)
    }

    /// Has all sleepers look again, and those who are about to sleep.
    pub fn wake_all(&self) {
        if self.event.is_awaited() {
            self.event.will_wake();
            self.wake(i32::MAX, false);
        }
    }

    /// What a sleep here ends with.
    pub fn awaited(&self, seen: Seen) -> Awaited {
        Awaited {
            word: self.event.word().as_ptr(),
            expected: seen.0,
            scope: Scope::Shared,
            death: self.sleepable_death_word(),
        }
    }

    /// The death word, if a sleep may end with it. Null: hostile bytes. With any other value than 0
    /// each sleep would end at once.
    pub fn sleepable_death_word(&self) -> *const u32 {
        if self.death.load(Ordering::Relaxed) == 0 {
            self.death.as_ptr()
        } else {
            core::ptr::null()
        }
    }

    /// The word that a thread announces to the kernel while it owes a wake to the sleepers here: if
    /// it dies, the kernel wakes one of them (`shared::thread`). That works as long as it is 0;
    /// this library stores nothing else.
    pub fn death_word(&self) -> &AtomicU32 {
        &self.death
    }
}

fn wake(word: &AtomicU32, count: i32) -> usize {
    futex::wake(word.as_ptr(), count, Scope::Shared)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_has_waited_for_long_is_served_in_turn() {
        let point = WaitPoint::default();
        let now = Arrival::now();
        point.await_it(now, false);
        assert!(!point.will_wake() || Arrival::now().since(now) > PATIENCE_MS);
        point.await_it(Arrival(now.0.wrapping_sub(10)), false);
        assert!(point.is_in_turn(), "it has looked once more");
        point.end_turns();
        assert!(!point.await_it(Arrival(now.0.wrapping_sub(10)), true).1, "it is held up");
        assert!(point.will_wake() && point.is_in_turn(), "its waker sees how long it has slept");
        point.served(now, false);
        assert!(!point.is_in_turn());
    }

    #[test]
    fn a_waiter_that_has_found_nothing_does_not_sleep_once_a_waker_is_about_to_commit() {
        let point = WaitPoint::default();
        for _ in 0..2 {
            let (seen, _) = point.await_it(Arrival::now(), false);
            point.will_wake();
            assert_ne!(point.event.word().load(Ordering::Relaxed), seen.0);
        }
    }

    #[test]
    fn times_wrap_around() {
        assert_eq!(Arrival(3).since(Arrival(u32::MAX)), 4);
        assert_eq!(Arrival(u32::MAX).since(Arrival(3)), -4);
    }
}
