//! Where threads of all processes wait: for a message, or for space in the queue.

use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::os::clock;
use crate::os::futex::{self, Scope};
use crate::os::sleep::Awaited;
use crate::shared::baton::Baton;
use crate::shared::event::{Event, Seen};
use crate::shared::spin::Hint;

pub use crate::shared::baton::STALLED_NS;

/// A thread that has waited for longer than this, in nanoseconds, is served before newcomers.
const PATIENCE_NS: u64 = 1_000_000;
/// From here on sleepers are served in the order in which they came. Where none has slept for so
/// long, they are a crowd that comes and goes, and its order would cost a context switch a message.
const ORDERED_NS: u64 = 200_000;

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
    /// No sleeper has come before this time, in nanoseconds of `CLOCK_MONOTONIC`. Stored by
    /// waiters. Relaxed, and a hint: a wrong one makes turns too early or too late.
    since: AtomicU64,
    /// Of the sleepers that are served in turn.
    baton: Baton,
    /// Where a waiter sleeps, too, that was woken and has found nothing, so that it keeps its
    /// place: it is woken before those that came later. 1: one may be asleep here; waiters store
    /// that. 0: none, or it has no better place than the others; a waker stores that whose wake
    /// here has reached no thread. Relaxed, and a hint: such a waiter sleeps on the event, too.
    again: AtomicU32,
}

/// How sleepers are woken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WakeOrder {
    /// Each at once: they use all processors, and any of them may be done first.
    #[default]
    AtOnce,
    /// One after the other, as one of them has waited for some time.
    OneByOne {
        /// This waker has begun the turns, and takes them back if no thread comes.
        began_turns: bool,
    },
}

impl WakeOrder {
    /// Where the sleeper that came first has waited for so long.
    fn after(waited_ns: u64, began_turns: bool) -> Self {
        if waited_ns < ORDERED_NS { Self::AtOnce } else { Self::OneByOne { began_turns } }
    }

    /// The order of a wake that follows several commits. `self` is that of the commits before.
    #[must_use]
    pub fn and(self, later: Self) -> Self {
        if self.has_begun_turns() || later == Self::AtOnce { self } else { later }
    }

    fn has_begun_turns(self) -> bool {
        self == Self::OneByOne { began_turns: true }
    }
}

/// A time, as in `since`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival(u64);

impl Arrival {
    /// Now.
    pub fn now() -> Self {
        Self(clock::monotonic_ns())
    }

    /// Nanoseconds from `earlier` to this; 0 if it is later.
    fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
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
        let waits_long = !held_up && Arrival::now().since(arrival) > PATIENCE_NS;
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
    pub fn will_wake(&self) -> WakeOrder {
        self.event.will_wake();
        let waited = Arrival::now().since(Arrival(self.since.load(Ordering::Relaxed)));
        // While a sleeper is on its way, the turns are those that were begun for it: if it is dead,
        // no thread would end others.
        let begins_turns = waited > PATIENCE_NS && (!self.expects_one() || self.is_stalled());
        WakeOrder::after(waited, begins_turns && self.event.begin_turns())
    }

    /// A waiter that came at this time has got what it wanted. `was_woken`: the others came later,
    /// as the kernel wakes in the order of arrival, and the next wake may be left to it. `is_left`
    /// says whether there is something for another one. `stays_awaited`: the next waker is to learn
    /// from its own wake whether a thread sleeps.
    pub fn served(
        &self,
        arrival: Arrival,
        was_woken: bool,
        stays_awaited: bool,
        is_left: impl FnOnce() -> bool,
    ) {
        if was_woken {
            self.baton.put_down();
            let since = Arrival(self.since.load(Ordering::Relaxed));
            if arrival.since(since) > 0 {
                self.since.store(arrival.0, Ordering::Relaxed);
            }
        }
        // Turns among threads that have not waited for long would cost a context switch for each
        // message.
        let waited = Arrival::now().since(arrival);
        let order = WakeOrder::after(waited, true);
        self.event.gone(is_left(), waited > PATIENCE_NS, || self.wake_next(order, stays_awaited));
    }

    /// A waiter does not wait any more. A wake that it has received may have been meant for another
    /// one. The rest as above.
    pub fn gone(&self, stays_awaited: bool, is_left: impl FnOnce() -> bool) {
        self.baton.put_down();
        let order = WakeOrder::OneByOne { began_turns: true };
        self.event.gone(is_left(), true, || self.wake_next(order, stays_awaited));
    }

    fn wake_next(&self, order: WakeOrder, stays_awaited: bool) -> bool {
        if stays_awaited { self.event.pass_on(self.by_futex()) } else { self.wake_one(order) }
    }

    /// No sleeper is on its way any more: the one that was, looks again before it sleeps, or does
    /// not come.
    pub fn expect_none(&self) {
        self.baton.put_down();
    }

    /// Whether a sleeper has been woken in its turn, and is on its way.
    pub fn expects_one(&self) -> bool {
        self.baton.is_taken()
    }

    /// Whether that one does not come.
    pub fn is_stalled(&self) -> bool {
        self.expects_one() && self.baton.is_stalled(Arrival::now().0)
    }

    /// Wakes a sleeper if there is something for it, `is_ready`, unless one is on its way: the
    /// thread that had to wake it may be dead, or does not come.
    pub fn wake_past_stalled(&self, is_ready: impl FnOnce() -> bool) {
        if self.is_stalled() {
            self.expect_none();
        }
        if self.is_awaited() && is_ready() {
            self.wake_one(WakeOrder::OneByOne { began_turns: false });
        }
    }

    /// How much longer, in nanoseconds, newcomers may overtake a waiter that came at this time.
    pub fn patience_left(&self, arrival: Arrival) -> Option<i64> {
        let waited = Arrival::now().since(arrival);
        (waited < PATIENCE_NS).then(|| (PATIENCE_NS - waited).cast_signed() + 1)
    }

    /// A sleeper that was woken in its turn has found nothing, and sleeps on, while others leave
    /// the next wake to it.
    pub fn back_off(&self) {
        self.baton.sleep_on();
    }

    /// Whether there is such a sleeper.
    pub fn backs_off(&self) -> bool {
        self.baton.sleeps_on()
    }

    /// Wakes that one.
    pub fn end_backoff(&self) {
        futex::wake(self.again.as_ptr(), 1, Scope::Shared);
    }

    /// For a waiter that sleeps again: another word to sleep on, and the value that it has.
    pub fn again(&self) -> (*const u32, u32) {
        self.again.store(1, Ordering::Relaxed);
        (self.again.as_ptr(), 1)
    }

    /// The threads whose turn it is do not come.
    pub fn end_turns(&self) {
        self.event.end_turns();
    }

    /// Wakes one sleeper, and takes note if there is none. See [`Event::wake`].
    pub fn wake_one(&self, order: WakeOrder) -> bool {
        self.wake(1, order)
    }

    /// Wakes so many, or the first of them, which wakes the next one.
    pub fn wake(&self, count: i32, order: WakeOrder) -> bool {
        match order {
            WakeOrder::AtOnce => self.event.wake(count, false, self.by_futex()),
            WakeOrder::OneByOne { began_turns } => {
                let now = Arrival::now().0;
                self.baton.hand_over(&self.event, began_turns, now, self.by_futex())
            }
        }
    }

    /// As [`WaitPoint::wake_one`], also if a sleeper is on its way. False: no thread sleeps.
    pub fn wake_one_at_once(&self, order: WakeOrder) -> bool {
        self.event.wake(1, order.has_begun_turns(), self.by_futex())
    }

    /// Wakes so many sleepers on the event, those first that sleep again; gives their number.
    fn by_futex(&self) -> impl Fn(&AtomicU32, i32) -> usize {
        let wake = |word: &AtomicU32, count| futex::wake(word.as_ptr(), count, Scope::Shared);
        move |event, count| {
            let mut woken = 0;
            if self.again.load(Ordering::Relaxed) != 0 {
                woken = wake(&self.again, count);
                if woken == 0 {
                    self.again.store(0, Ordering::Relaxed);
                }
            }
            let left = count.saturating_sub_unsigned(u32::try_from(woken).unwrap_or(u32::MAX));
            if left > 0 { woken + wake(event, left) } else { woken }
        }
    }

    /// Has all sleepers look again, and threads that are about to sleep.
    pub fn wake_all(&self) {
        if self.event.is_awaited() {
            self.event.will_wake();
            self.wake(i32::MAX, WakeOrder::AtOnce);
        }
    }

    /// Has threads look again that are about to sleep, or restart a sleep after a handler.
    pub fn renew_sleeps(&self) {
        if self.event.is_awaited() {
            self.event.will_wake();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_has_waited_for_long_is_served_in_turn() {
        let point = WaitPoint::default();
        let long_ago = |now: Arrival| Arrival(now.0 - 10 * PATIENCE_NS);
        let now = Arrival::now();
        point.await_it(now, false);
        assert!(!point.will_wake().has_begun_turns() || Arrival::now().since(now) > PATIENCE_NS);
        point.await_it(long_ago(now), false);
        assert!(point.is_in_turn(), "it has looked once more");
        point.end_turns();
        assert!(!point.await_it(long_ago(now), true).1, "it is held up");
        let order = point.will_wake();
        assert!(order.has_begun_turns() && point.is_in_turn(), "its waker sees how long it slept");
        point.served(now, true, false, || false);
        assert!(!point.is_in_turn());
    }

    #[test]
    fn sleepers_come_in_order_once_one_has_slept_for_a_moment() {
        let point = WaitPoint::default();
        let now = Arrival::now();
        point.await_it(Arrival(now.0 - 2 * ORDERED_NS), false);
        assert_ne!(point.will_wake(), WakeOrder::AtOnce);
        point.served(now, true, false, || false);
        let order = point.will_wake();
        assert!(order == WakeOrder::AtOnce || Arrival::now().since(now) >= ORDERED_NS);
    }

    #[test]
    fn a_waiter_backs_off_while_it_is_expected_and_newcomers_may_overtake_it() {
        let point = WaitPoint::default();
        let now = Arrival::now();
        assert!(
            point.patience_left(now).is_some_and(|left| left.unsigned_abs() <= PATIENCE_NS + 1)
        );
        assert_eq!(point.patience_left(Arrival(now.0 - PATIENCE_NS)), None);
        point.back_off();
        assert!(!point.expects_one() && !point.backs_off(), "the next wake is left to no thread");
        point.baton.hand_over(&point.event, false, now.0, |_, _| 1);
        assert!(!point.backs_off());
        point.back_off();
        assert!(point.backs_off() && point.expects_one() && !point.is_stalled());
        point.expect_none();
        assert!(!point.backs_off());
    }

    #[test]
    fn one_wake_for_several_commits_takes_back_the_turns_of_any_of_them() {
        let (begun, later) =
            (WakeOrder::OneByOne { began_turns: true }, WakeOrder::OneByOne { began_turns: false });
        assert_eq!(begun.and(later), begun);
        assert_eq!(later.and(begun), begun);
        assert_eq!(WakeOrder::AtOnce.and(later), later);
        assert_eq!(later.and(WakeOrder::AtOnce), later);
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
}
