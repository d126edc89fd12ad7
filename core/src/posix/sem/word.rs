//! The one word that is the semaphore.
//!
//! | bits | meaning | changed by |
//! |---|---|---|
//! | 0..32 | the value, 0..=2^31-1 | `post`, `post_unawaited` and `post_at_once` add one; `try_take`, `take_registered` and `cbits/semaphore.c` take one |
//! | 32..56 | waiters: threads that may be asleep, or about to be | `register` adds one; `take_registered` and `deregister` take one |
//! | 56..64 | one for each lane of the semaphore's ledger: a counted operation there has begun (`ledger`) | `Counted` |
//!
//! glibc counts waiters in all of the upper half. To a process on glibc a lane in use looks like
//! waiters: it makes a futex call that wakes no thread.
//!
//! Both halves are in one word, so there is one order of all changes to it: a poster either sees
//! the waiter's registration and wakes it, or the waiter, which looks at the value after
//! registering, sees the poster's increment. The kernel looks at the value once more before it lets
//! the waiter sleep. No fence is needed beyond that.
//!
//! A waiter that is killed leaves its registration behind. That costs each later `post` a futex
//! call that wakes no thread, and nothing else (glibc does the same).
//!
//! A handler may fork in the middle of a wait. The child has no registration, and must neither take
//! one back nor add one in its parent's place. So a wait changes the word by an exchange that the
//! child does not make ([`Exchange`]).
//!
//! Orderings: an increment is Release and a decrement is Acquire, so what came before the post is
//! seen after the wait. Registration publishes nothing, and the order within the one word is enough
//! for it: Relaxed would do. The exchanges of a wait are SeqCst: `os::restartable` has no others.

use crate::atomic::{AtomicU64, Ordering};
use crate::os::Errno;
use crate::os::Result;

/// Largest value, `SEM_VALUE_MAX` of limits.h.
pub const VALUE_MAX: u32 = i32::MAX.cast_unsigned();

pub(super) const ONE: u64 = 1;
pub(super) const WAITER: u64 = 1 << 32;
const WAITERS_MAX: u32 = (1 << 24) - 1;
/// The first of the bits of lanes.
pub(super) const FIRST_LANE: u32 = 56;

/// Value and waiters. See the table above.
#[repr(transparent)]
pub struct Word(AtomicU64);

/// What must follow a change of the word.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// No thread waits.
    Nothing,
    /// Wake one of the threads that sleep on the value.
    WakeOne,
}

/// What a thread that wanted to decrement the value has got.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Nothing: the value is 0.
    Nothing,
    /// It has decremented the value.
    One,
    /// The same, and the value is still positive while another thread waits.
    AndMoreAwaited,
}

/// An exchange of the word that a wait makes. False: it does not hold `before`. ERESTART: a handler
/// has forked, and this is the child; nothing has changed.
pub trait Exchange: Fn(&AtomicU64, u64, u64) -> Result<bool> {}

impl<E: Fn(&AtomicU64, u64, u64) -> Result<bool>> Exchange for E {}

/// The one of a process that does not fork in the middle.
pub fn exchange(word: &AtomicU64, before: u64, after: u64) -> Result<bool> {
    Ok(word.compare_exchange(before, after, Ordering::SeqCst, Ordering::Relaxed).is_ok())
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the low half is the value")]
pub(super) fn value(word: u64) -> u32 {
    word as u32
}

#[inline]
pub(super) fn waiters(word: u64) -> u32 {
    (word >> 32) as u32 & WAITERS_MAX
}

impl Word {
    /// A semaphore with this value and no waiters.
    pub fn new(value: u32) -> Self {
        Self(AtomicU64::new(value.into()))
    }

    /// The word itself, for counted operations.
    pub(super) fn atomic(&self) -> &AtomicU64 {
        &self.0
    }

    /// Increments the value if no thread waits and no other thread changes the word, and no lane is
    /// in use. False: nothing has changed.
    ///
    /// As soon as the value is incremented another thread may decrement it and free the semaphore's
    /// memory. So nothing here touches the word after that, and a raw pointer leads to it.
    ///
    /// # Safety
    /// `this` is valid until the increment.
    #[inline(always)]
    pub unsafe fn post_at_once(this: *const Self) -> bool {
        // SAFETY: before the increment.
        let word = unsafe { (*this).0.load(Ordering::Relaxed) };
        // Neither the largest value nor a waiter, in one comparison.
        // SAFETY: before the increment; the exchange that does it is the last access.
        word < u64::from(VALUE_MAX) && unsafe { Self::increment(this, word) }.is_ok()
    }

    /// The same, however often others change the word. False: a thread waits. EOVERFLOW at
    /// [`VALUE_MAX`].
    ///
    /// # Safety
    /// As for [`Word::post_at_once`].
    pub unsafe fn post_unawaited(this: *const Self) -> Result<bool> {
        loop {
            // SAFETY: before the increment.
            let word = unsafe { (*this).0.load(Ordering::Relaxed) };
            if value(word) >= VALUE_MAX {
                return Err(Errno::EOVERFLOW);
            }
            if waiters(word) > 0 {
                return Ok(false);
            }
            // Not `post_at_once`, which does not go on while a lane is in use.
            // SAFETY: before the increment, until it succeeds.
            if unsafe { Self::increment(this, word) }.is_ok() {
                return Ok(true);
            }
        }
    }

    /// Increments the value, whether or not a thread waits. EOVERFLOW, and no change, at
    /// [`VALUE_MAX`].
    ///
    /// # Safety
    /// As for [`Word::post_at_once`].
    pub unsafe fn post(this: *const Self) -> Result<Then> {
        // SAFETY: before the increment.
        let mut word = unsafe { (*this).0.load(Ordering::Relaxed) };
        loop {
            if value(word) >= VALUE_MAX {
                return Err(Errno::EOVERFLOW);
            }
            // SAFETY: before the increment; the exchange that does it is the last access.
            match unsafe { Self::increment(this, word) } {
                Ok(_) => return Ok(if waiters(word) > 0 { Then::WakeOne } else { Then::Nothing }),
                Err(now) => word = now,
            }
        }
    }

    /// # Safety
    /// `this` is valid, and stays so if the exchange fails.
    #[inline]
    unsafe fn increment(this: *const Self, word: u64) -> core::result::Result<u64, u64> {
        // SAFETY: valid, says the caller.
        unsafe {
            (*this).0.compare_exchange_weak(word, word + ONE, Ordering::Release, Ordering::Relaxed)
        }
    }

    /// Decrements the value if it is positive.
    #[inline]
    pub fn try_take(&self) -> bool {
        let mut word = self.0.load(Ordering::Relaxed);
        while value(word) > 0 {
            let taken = word - ONE;
            match self.0.compare_exchange_weak(word, taken, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
        false
    }

    /// Decrements the value if it is positive, and takes the caller's registration back with it.
    /// ERESTART.
    pub fn take_registered(&self, exchange: impl Exchange) -> Result<Taken> {
        // Wrapping: a word full of random bytes may count no waiters. It stays wrong, but nothing
        // breaks.
        let take = |word: u64| (value(word) > 0).then(|| word.wrapping_sub(ONE + WAITER));
        let left = self.change(exchange, take)?.map(|before| before.wrapping_sub(ONE + WAITER));
        Ok(match left {
            None => Taken::Nothing,
            Some(left) if value(left) > 0 && waiters(left) > 0 => Taken::AndMoreAwaited,
            Some(_) => Taken::One,
        })
    }

    /// Gives what the word held before. `None`: it is not to be changed as it is now.
    fn change(
        &self,
        exchange: impl Exchange,
        to: impl Fn(u64) -> Option<u64>,
    ) -> Result<Option<u64>> {
        loop {
            let before = self.0.load(Ordering::Relaxed);
            let Some(after) = to(before) else { return Ok(None) };
            if exchange(&self.0, before, after)? {
                return Ok(Some(before));
            }
        }
    }

    /// Announces a waiter: from now on each post wakes one of the threads that sleep. ERESTART.
    pub fn register(&self, exchange: impl Exchange) -> Result<()> {
        self.change(exchange, |word| Some(word.wrapping_add(WAITER))).map(drop)
    }

    /// Takes the caller's registration back: its wait has failed.
    ///
    /// The caller may have taken a wake that was meant for another thread (a thread that is
    /// cancelled cannot tell). So if the value is positive and there is another waiter, that one is
    /// woken. ERESTART.
    pub fn deregister(&self, exchange: impl Exchange) -> Result<Then> {
        let before = self.change(exchange, |word| Some(word.wrapping_sub(WAITER)))?;
        let is_another_due = |before| value(before) > 0 && waiters(before) > 1;
        Ok(if before.is_some_and(is_another_due) { Then::WakeOne } else { Then::Nothing })
    }

    /// The value.
    pub fn value(&self) -> u32 {
        value(self.0.load(Ordering::Relaxed))
    }

    /// The number of registered waiters.
    pub fn waiters(&self) -> u32 {
        waiters(self.0.load(Ordering::Relaxed))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn post(word: &Word) -> Result<Then> {
        // SAFETY: the word outlives the call.
        unsafe { Word::post(word) }
    }

    fn post_unawaited(word: &Word) -> Result<bool> {
        // SAFETY: the word outlives the call.
        unsafe { Word::post_unawaited(word) }
    }

    #[test]
    fn the_value_goes_up_and_down() {
        let word = Word::new(1);
        assert!(word.try_take());
        assert!(!word.try_take());
        assert_eq!(post(&word), Ok(Then::Nothing));
        assert_eq!(post_unawaited(&word), Ok(true));
        assert_eq!(word.value(), 2);
    }

    #[test]
    fn a_thread_that_decrements_sees_that_another_waits() {
        let word = Word::new(0);
        word.register(exchange).unwrap();
        word.register(exchange).unwrap();
        assert_eq!([post(&word), post(&word)], [Ok(Then::WakeOne); 2]);
        assert_eq!(word.take_registered(exchange), Ok(Taken::AndMoreAwaited));
        assert_eq!(word.take_registered(exchange), Ok(Taken::One));
    }

    #[test]
    fn the_largest_value_stays() {
        let word = Word::new(VALUE_MAX);
        assert_eq!(post(&word), Err(Errno::EOVERFLOW));
        assert_eq!(post_unawaited(&word), Err(Errno::EOVERFLOW));
        assert_eq!(word.value(), VALUE_MAX);
    }

    #[test]
    fn a_registered_waiter_is_woken_and_counted_once() {
        let word = Word::new(0);
        word.register(exchange).unwrap();
        assert_eq!(word.take_registered(exchange), Ok(Taken::Nothing));
        assert_eq!(post_unawaited(&word), Ok(false));
        assert_eq!(word.value(), 0);
        assert_eq!(post(&word), Ok(Then::WakeOne));
        assert_eq!(word.take_registered(exchange), Ok(Taken::One));
        assert_eq!((word.value(), word.waiters()), (0, 0));
    }

    #[test]
    fn a_waiter_that_gives_up_passes_the_wake_on() {
        let word = Word::new(0);
        word.register(exchange).unwrap();
        word.register(exchange).unwrap();
        assert_eq!(post(&word), Ok(Then::WakeOne));
        assert_eq!(word.deregister(exchange), Ok(Then::WakeOne));
        assert_eq!((word.value(), word.waiters()), (1, 1));
    }
}
