//! The word that waiters sleep on, for a message or for space.
//!
//! | bits | meaning | changed by |
//! |---|---|---|
//! | 0 | *awaited*: a thread may be asleep on the word | set by a waiter; cleared by a waker whose wake has reached no thread ([`Event::pass_on`] aside) |
//! | 1 | *in turn*: what is there is for the threads that have been woken | set by a waker before its commit, if a thread has waited for long, and by a waiter that has waited for long; cleared by the one that is served last, or by one that has been held up for long enough |
//! | 2..32 | a count | a waker that sees bit 0 adds one before its commit, and one before its wake |
//!
//! A waiter sets bit 0, checks the slots, and sleeps while the word is unchanged. A sender (or
//! receiver) checks bit 0 after it has claimed its slot, and again after it has committed. Both the
//! claim and the setting of the bit are SeqCst, so one of them comes first: either the sender sees
//! the bit, or the waiter finds the slot claimed, and then does not sleep for long. So the fast
//! path needs no barrier of its own.
//!
//! If a waker is killed between its commit and its wake, the kernel wakes in its place, but only
//! threads that are asleep by then. A waiter that has found nothing, and does not sleep yet, must
//! not sleep through that. So a sender that has seen bit 0 changes the word before it commits.
//!
//! Bit 0 is a flag, not a count, so a waiter that is killed causes one wake in vain and nothing
//! more.
//!
//! Bit 1 only decides who goes first: a thread that it holds up checks again after 10 ms, and then
//! goes ahead. Relaxed would do for it; it is in this word because its readers read the word
//! anyway.

use crate::atomic::{AtomicU32, Ordering};

const AWAITED: u32 = 1;
const IN_TURN: u32 = 2;
const WAKE: u32 = 4;

/// See the module.
#[repr(transparent)]
#[derive(Default)]
pub struct Event(AtomicU32);

/// A value that the word had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen(pub u32);

impl Seen {
    /// Whether a thread may be asleep.
    pub fn is_awaited(self) -> bool {
        self.0 & AWAITED != 0
    }

    /// Whether newcomers must wait behind others.
    pub fn is_in_turn(self) -> bool {
        self.0 & IN_TURN != 0
    }
}

impl Event {
    /// Announces a waiter. The results are what the word was, and what the waiter may sleep on,
    /// once it has looked.
    pub fn await_it(&self) -> (Seen, Seen) {
        let before = self.0.fetch_or(AWAITED, Ordering::SeqCst);
        (Seen(before), Seen(before | AWAITED))
    }

    /// The same for one that has waited for long.
    pub fn await_in_turn(&self) -> (Seen, Seen) {
        let before = self.0.fetch_or(AWAITED | IN_TURN, Ordering::SeqCst);
        (Seen(before), Seen(before | AWAITED | IN_TURN))
    }

    /// Whether a thread may be asleep.
    #[inline]
    pub fn is_awaited(&self) -> bool {
        self.0.load(Ordering::SeqCst) & AWAITED != 0
    }

    /// Whether newcomers must wait behind others.
    #[inline]
    pub fn is_in_turn(&self) -> bool {
        // Relaxed: see the module.
        self.0.load(Ordering::Relaxed) & IN_TURN != 0
    }

    /// Something is about to be committed, and then a thread is woken: a waiter that has found
    /// nothing before checks again.
    pub fn will_wake(&self) {
        self.0.fetch_add(WAKE, Ordering::SeqCst);
    }

    /// What is about to be committed is for the sleepers. True if that had not been said yet.
    pub fn begin_turns(&self) -> bool {
        // Relaxed: a thread that sees the commit sees this, too, or only misses its turn.
        self.0.fetch_or(IN_TURN, Ordering::Relaxed) & IN_TURN == 0
    }

    /// Nothing is left for the threads that have been woken, or they do not come for it.
    pub fn end_turns(&self) {
        if self.is_in_turn() {
            self.0.fetch_and(!IN_TURN, Ordering::Relaxed);
        }
    }

    /// Wakes one sleeper. See [`Event::wake`].
    pub fn wake_one(&self, began_turns: bool, wake: impl Fn(&AtomicU32, i32) -> usize) -> bool {
        self.wake(1, began_turns, wake)
    }

    /// Wakes up to `count` sleepers, by the given futex call, which returns how many it woke.
    /// False: no thread was asleep. `began_turns`: whether it was this waker that
    /// [`Event::begin_turns`].
    ///
    /// A wake in vain clears the bit, and then wakes all. For a waiter may have come in between,
    /// found the bit set, and fallen asleep on that same word; without its bit no other wake would
    /// reach it. A thread that comes still later finds the word changed, and does not sleep. It
    /// also takes back the turns that it has begun. A turn that another waker has begun may belong
    /// to a thread that is awake, and has not come for it yet.
    pub fn wake(
        &self,
        count: i32,
        began_turns: bool,
        wake: impl Fn(&AtomicU32, i32) -> usize,
    ) -> bool {
        let word = self.0.fetch_add(WAKE, Ordering::SeqCst).wrapping_add(WAKE);
        if wake(&self.0, count) > 0 {
            return true;
        }
        let taken_back = AWAITED | if began_turns { IN_TURN } else { 0 };
        // Relaxed on failure: another thread has changed the word. If it was a waker, it will do
        // what is needed.
        let cleared =
            self.0.compare_exchange(word, word & !taken_back, Ordering::SeqCst, Ordering::Relaxed);
        if cleared.is_err() {
            if !began_turns {
                return false;
            }
            // If it was a waiter, it has found that it is not its turn.
            self.0.fetch_and(!IN_TURN, Ordering::SeqCst);
        }
        wake(&self.0, i32::MAX) > 0
    }

    /// Wakes a sleeper in place of another one, by the given call. A wake in vain clears nothing:
    /// what is there may belong to threads on their way, and the bit still says that they slept.
    pub fn pass_on(&self, wake: impl Fn(&AtomicU32, i32) -> usize) -> bool {
        self.will_wake();
        wake(&self.0, 1) > 0
    }

    /// A waiter does not wait any more: it has got what it wanted, or gives up. `is_left`: there is
    /// something for another waiter, whose wake this one may have received. `turns_go_on`: that
    /// other waiter may have waited for long, too. `wake_next` wakes one, and says whether there
    /// was one.
    ///
    /// A thread that is awake, and has not come for its own yet, is now overtaken at most once.
    pub fn gone(&self, is_left: bool, turns_go_on: bool, wake_next: impl FnOnce() -> bool) {
        let has_woken = is_left && self.is_awaited() && wake_next();
        if !has_woken || !turns_go_on {
            self.end_turns();
        }
    }

    /// The word, for the futex call of a sleep.
    pub fn word(&self) -> &AtomicU32 {
        &self.0
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use core::cell::Cell;

    #[test]
    fn a_wake_in_vain_ends_the_waiting() {
        let event = Event::default();
        assert!(!event.is_awaited());
        let (_, expected) = event.await_it();
        assert!(event.is_awaited());
        assert!(event.wake_one(false, |_, _| 1) && event.is_awaited());
        assert!(!event.wake_one(false, |_, _| 0) && !event.is_awaited());
        assert_ne!(event.word().load(Ordering::Relaxed), expected.0);
    }

    #[test]
    fn a_waiter_that_comes_during_the_wake_is_not_put_to_sleep() {
        let event = Event::default();
        event.await_it();
        let (expected, woken) = (Cell::new(0), Cell::new(0));
        event.wake_one(false, |_, count| {
            // It comes during the first wake. One that came during the second would rightly sleep.
            if count == 1 {
                expected.set(event.await_it().1.0);
            }
            woken.set(woken.get().max(count));
            0
        });
        assert_ne!(event.word().load(Ordering::Relaxed), expected.get(), "its sleep ends at once");
        assert!(woken.get() > 1, "and the threads that sleep already are woken");
    }

    #[test]
    fn a_waiter_that_has_looked_does_not_sleep_through_a_commit_to_come() {
        let event = Event::default();
        let (_, expected) = event.await_it();
        event.will_wake();
        assert_ne!(event.word().load(Ordering::Relaxed), expected.0);
        assert!(event.is_awaited());
    }

    #[test]
    fn turns_that_were_begun_in_vain_are_taken_back() {
        let event = Event::default();
        event.await_it();
        assert!(event.begin_turns() && event.is_in_turn());
        event.wake_one(true, |_, _| 0);
        assert!(!event.is_in_turn());
    }

    #[test]
    fn a_thread_that_comes_while_turns_are_begun_in_vain_is_woken() {
        let event = Event::default();
        event.await_it();
        assert!(event.begin_turns());
        let woken = Cell::new(0);
        event.wake_one(true, |_, count| {
            if woken.get() == 0 {
                // Something that is not a wake changes the word.
                event.word().fetch_or(AWAITED | 1 << 31, Ordering::SeqCst);
            }
            woken.set(count);
            0
        });
        assert!(event.is_awaited() && !event.is_in_turn());
        assert!(woken.get() > 1);
    }

    #[test]
    fn turns_go_on_while_the_threads_that_are_left_have_waited_for_long() {
        for (is_left, waited_long) in [(true, true), (true, false), (false, true)] {
            let event = Event::default();
            event.await_in_turn();
            let woken = Cell::new(0);
            event.gone(is_left, waited_long, || {
                woken.set(1);
                true
            });
            assert_eq!(woken.get(), i32::from(is_left), "the thread that is left is woken");
            assert_eq!(event.is_in_turn(), is_left && waited_long);
        }
    }

    #[test]
    fn turns_that_another_one_has_begun_go_on() {
        let event = Event::default();
        event.await_it();
        assert!(event.begin_turns() && event.wake_one(true, |_, _| 1));
        assert!(!event.begin_turns());
        event.wake_one(false, |_, _| 0);
        assert!(event.is_in_turn() && !event.is_awaited());
        event.end_turns();
        assert!(!event.is_in_turn());
    }
}
