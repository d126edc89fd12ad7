//! Waiting for a message, or for room: an event word for each direction.
//!
//! | bits | meaning | who changes it |
//! |---|---|---|
//! | 0 | somebody may be asleep on the word | a waiter sets it; a waker clears it when its wake has reached nobody |
//! | 1..32 | number of wakes | a waker that sees bit 0 adds one |
//!
//! A waiter sets bit 0, looks at the slots, and sleeps while the word is what it was. A sender (or receiver) looks at
//! bit 0 after it has claimed its slot and again after it has committed. Both the claim and the setting of the bit are
//! SeqCst, so of the two one comes first: either the bit is seen, or the waiter finds the slot claimed, and then it
//! does not sleep for long. That costs the fast path no barrier of its own.
//!
//! The bit is not a count, so a waiter that is killed leaves nothing behind but one wake in vain. A wake that was given
//! to a waiter which then dies is lost for the others; they look again within a second (`wait`).

use crate::shared::atomic::{AtomicU32, Ordering};

const AWAITED: u32 = 1;
const WAKE: u32 = 2;

/// See the module.
#[repr(transparent)]
#[derive(Default)]
pub struct Event(AtomicU32);

impl Event {
    /// Announces a waiter. The result is what it may sleep on, once it has looked.
    pub fn await_it(&self) -> u32 {
        self.0.fetch_or(AWAITED, Ordering::SeqCst) | AWAITED
    }

    /// Whether somebody may be asleep.
    #[inline]
    pub fn is_awaited(&self) -> bool {
        self.0.load(Ordering::SeqCst) & AWAITED != 0
    }

    /// Wakes one, by the futex call that is given: it wakes so many sleepers and says how many there were. False: nobody
    /// was asleep.
    ///
    /// A wake in vain clears the bit, and then wakes all. For a waiter may have come in between, found the bit set, and
    /// fallen asleep on that same word; without its bit nobody else would wake it. One who comes still later finds the
    /// word changed, and does not sleep.
    pub fn wake_one(&self, wake: impl Fn(&AtomicU32, i32) -> usize) -> bool {
        let word = self.0.fetch_add(WAKE, Ordering::SeqCst).wrapping_add(WAKE);
        if wake(&self.0, 1) > 0 {
            return true;
        }
        // Relaxed on failure: somebody else has changed the word, and will do what is needed.
        let cleared = self.0.compare_exchange(word, word & !AWAITED, Ordering::SeqCst, Ordering::Relaxed);
        cleared.is_ok() && wake(&self.0, i32::MAX) > 0
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
        let expected = event.await_it();
        assert!(event.is_awaited());
        assert!(event.wake_one(|_, _| 1) && event.is_awaited());
        assert!(!event.wake_one(|_, _| 0) && !event.is_awaited());
        assert_ne!(event.word().load(Ordering::Relaxed), expected);
    }

    #[test]
    fn a_waiter_that_comes_during_the_wake_is_not_put_to_sleep() {
        let event = Event::default();
        event.await_it();
        let (expected, woken) = (Cell::new(0), Cell::new(0));
        event.wake_one(|_, count| {
            // It comes during the first wake. One that came during the second would rightly sleep.
            if count == 1 {
                expected.set(event.await_it());
            }
            woken.set(woken.get().max(count));
            0
        });
        assert_ne!(event.word().load(Ordering::Relaxed), expected.get(), "its sleep ends at once");
        assert!(woken.get() > 1, "and those who sleep already are woken");
    }
}
