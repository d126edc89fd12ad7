//! Changes of the value: counted where the process uses the semaphore with a ledger, and as in
//! glibc elsewhere.

use super::layout::{Semaphore, VALUE_MAX};
use super::ledger::uses;
use super::track;
use super::word::{Exchange, Taken, Then, Word};
use crate::os::futex;
use crate::os::{Errno, Result};
use crate::shared::thread::{FrameTag, Thread};

impl Semaphore {
    /// Increments the value, if no thread waits and no waiter has asked for the hint. False:
    /// [`Self::post`] has to do it. Async-signal-safe.
    ///
    /// # Safety
    /// `this` is a semaphore, and plain ([`uses::is_plain`]), until the increment; from
    /// then on another thread may free it.
    #[inline(always)]
    pub unsafe fn post_at_once(this: *const Self) -> bool {
        // SAFETY: before the increment.
        unsafe { (*this).hint.is_answered() && Word::post_at_once(&raw const (*this).word) }
    }

    /// Increments the value and wakes a waiter. EOVERFLOW at
    /// [`VALUE_MAX`](super::layout::VALUE_MAX). Async-signal-safe. `thread` gives what
    /// [`Decrement::new`](super::Decrement::new) wants, if a thread waits.
    ///
    /// # Safety
    /// As for [`Self::post_at_once`], at any address.
    pub unsafe fn post(
        this: *const Self,
        thread: impl FnOnce() -> Option<&'static Thread>,
    ) -> Result<()> {
        // SAFETY: before the increment.
        unsafe {
            (*this).hint.waking();
            if !uses::are_all_plain() {
                if (*this).word.value() < VALUE_MAX {
                    track::posts(this);
                }
                if uses::find_for_post(this, &FrameTag::new()).is_some() {
                    return Self::post_counted(this, thread);
                }
            }
            if Word::post_unawaited(&raw const (*this).word)? {
                Ok(())
            } else {
                Self::post_and_wake(this, thread())
            }
        }
    }

    /// # Safety
    /// As for [`Self::post`].
    #[cold]
    unsafe fn post_and_wake(this: *const Self, thread: Option<&'static Thread>) -> Result<()> {
        // SAFETY: before the increment. All that is needed after it is read before it.
        let (scope, announced, then) = unsafe {
            let announced = (*this).announce_wake(thread);
            ((*this).scope(), announced, Word::post(&raw const (*this).word)?)
        };
        if then == Then::WakeOne {
            // How many were woken does not matter: see `word`.
            futex::wake(Self::value_address(this), 1, scope);
        }
        drop(announced);
        Ok(())
    }

    /// If this process dies before the wake, the keepers of the others give it; but there may be
    /// none.
    ///
    /// # Safety
    /// As for [`Self::post`].
    #[cold]
    unsafe fn post_counted(
        this: *const Self,
        thread: impl FnOnce() -> Option<&'static Thread>,
    ) -> Result<()> {
        // SAFETY: before the increment.
        let (scope, announced, then) = unsafe {
            let is_awaited = (*this).word.waiters() > 0;
            let announced = if is_awaited { (*this).announce_wake(thread()) } else { None };
            ((*this).scope(), announced, Self::increment(this)?)
        };
        if then == Then::WakeOne {
            futex::wake(Self::value_address(this), 1, scope);
        }
        drop(announced);
        Ok(())
    }

    /// # Safety
    /// As for [`Self::post`].
    unsafe fn increment(this: *const Self) -> Result<Then> {
        let tag = FrameTag::new();
        loop {
            let posted = match uses::find_for_post(this, &tag) {
                // SAFETY: as the caller says; after ERESTART it has not been incremented.
                Some(counted) => unsafe { counted.post(&raw const (*this).word) },
                // SAFETY: as the caller says.
                None => unsafe { Word::post(&raw const (*this).word) },
            };
            if posted != Err(Errno::ERESTART) {
                return posted;
            }
        }
    }

    /// Decrements the value if it is positive.
    #[inline]
    pub fn try_take(&self) -> bool {
        if uses::are_all_plain() {
            return self.word.try_take();
        }
        self.take()
    }

    /// Decrements the value if it is positive, and counts and notes that for the caller.
    fn take(&self) -> bool {
        let tag = FrameTag::new();
        let taken = loop {
            let plainly = || if self.word.try_take() { Taken::One } else { Taken::Nothing };
            let taken = match uses::find(self, &tag) {
                Some(counted) => match counted.party() {
                    Some(party) => party.take(&self.word, false),
                    None => Ok(plainly()),
                },
                None => Ok(plainly()),
            };
            // Otherwise a handler has forked, and this is the child, with a part of its own.
            if let Ok(taken) = taken {
                break taken != Taken::Nothing;
            }
        };
        if taken {
            track::has_taken(self);
        }
        taken
    }

    /// The same, and takes the registration of the calling wait back with it. ERESTART: a handler
    /// has forked, and this is the child, which is not registered. `is_registered`: whether the
    /// registration is still this process's.
    pub(super) fn take_registered(
        &self,
        exchange: impl Exchange,
        is_registered: impl FnOnce() -> bool,
    ) -> Result<Taken> {
        if uses::are_all_plain() {
            return self.word.take_registered(exchange);
        }
        let tag = FrameTag::new();
        let counted = uses::find(self, &tag);
        let taken = match counted.as_ref().and_then(|counted| counted.party()) {
            // The account may be one that the child has opened. From this look on, the party tells
            // whether this is the child.
            Some(_) if !is_registered() => Err(Errno::ERESTART),
            Some(party) => party.take(&self.word, true),
            None => self.word.take_registered(exchange),
        }?;
        if taken != Taken::Nothing {
            track::has_taken(self);
        }
        Ok(taken)
    }
}
