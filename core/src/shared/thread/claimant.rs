//! An operation as a claimant: what it announces to the kernel, and the stores that the child of a
//! fork in a handler cannot make.

use core::ptr;

use super::activation::Activation;
use super::block::this_tid;
use super::operation::Operation;
use crate::atomic::{AtomicU32, AtomicU64, Ordering, compiler_fence};
use crate::os::errno::preserved;
use crate::os::process::Process;
use crate::os::publication::Publication;
use crate::os::restartable;
use crate::shared::claim::{Claimant, Holder};
use crate::shared::presence::{self, NAMELESS};

impl Operation<'_> {
    /// Without a presence: neither the kernel nor a file tells of a death. At home it can still be
    /// checked whether there is such a thread.
    fn bare(&self) -> u32 {
        self.activation.by_presence.store(false, Ordering::Release);
        match self.thread.tid() {
            _ if !self.is_at_home() => NAMELESS,
            0 => preserved(this_tid),
            tid => tid,
        }
    }

    /// [`Claimant::withdraw`] of a word that the kernel watches.
    #[inline(always)]
    pub fn withdraw_watched(&self) {
        compiler_fence(Ordering::SeqCst);
        // A handler that has locked a robust mutex has left 0.
        if self.claims.load(Ordering::Relaxed) == self.activation.entry.load(Ordering::Relaxed) {
            self.claims.store(0, Ordering::Relaxed);
        }
        self.activation.entry.store(0, Ordering::Relaxed);
    }

    /// Gets the presence that a wait needs. The first time that takes as many kilobytes of stack as
    /// the wait does, so it comes before.
    #[inline(never)]
    pub fn prepare_presence(&self) {
        if !self.is_orphan() {
            self.take_back_block();
            let _ = presence::identity(self.thread, self.surety);
        }
    }

    /// The child of a vfork(2) may have used the block on our memory, or made it.
    fn take_back_block(&self) {
        let is_lent = self.thread.is_lent() || self.thread.tid() == 0;
        if is_lent && preserved(Process::owns_memory) {
            self.thread.take_back();
        }
    }
}

impl Claimant for Operation<'_> {
    #[inline(always)]
    fn announce(&self, word: &AtomicU32) -> u32 {
        self.announce_watched(word).unwrap_or(0)
    }

    #[inline(always)]
    fn announce_watched(&self, word: &AtomicU32) -> Option<u32> {
        if self.claims.load(Ordering::Relaxed) != 0 {
            return None;
        }
        let entry = self.thread.entry_of(word);
        self.activation.entry.store(entry, Ordering::Relaxed);
        self.claims.store(entry, Ordering::Relaxed);
        compiler_fence(Ordering::SeqCst);
        // Before the look whether it still is our block: in the child of a fork it may hold 0. The
        // claim itself is an atomic exchange, which no store passes.
        let tid = self.thread.tid.load(Ordering::Relaxed);
        compiler_fence(Ordering::SeqCst);
        if self.is_orphan() {
            self.cold(Self::withdraw);
            return None;
        }
        Some(tid)
    }

    #[cold]
    fn announce_by_presence(&self, word: &AtomicU32) -> Option<u32> {
        if self.is_orphan() {
            return None;
        }
        self.take_back_block();
        self.activation.entry.store(self.thread.entry_of(word), Ordering::Relaxed);
        self.activation.by_presence.store(true, Ordering::SeqCst);
        let identity = presence::identity(self.thread, self.surety).unwrap_or_else(|| self.bare());
        compiler_fence(Ordering::SeqCst);
        // Again: that took a while.
        if self.is_orphan() {
            self.withdraw();
            return None;
        }
        Some(identity)
    }

    #[inline(always)]
    fn cold<T>(&self, seldom: impl FnOnce(&Self) -> T) -> T {
        self.cold(seldom)
    }

    #[inline(always)]
    fn withdraw(&self) {
        compiler_fence(Ordering::SeqCst);
        if self.claims.load(Ordering::Relaxed) == self.activation.entry.load(Ordering::Relaxed) {
            self.claims.store(0, Ordering::Relaxed);
        } else {
            withdraw_unannounced(self.activation);
        }
        self.activation.entry.store(0, Ordering::Relaxed);
    }

    #[inline(always)]
    fn commit(&self, key: (&AtomicU64, u64), claim: (&AtomicU32, u32)) -> bool {
        self.commit(key, claim)
    }

    #[inline(never)]
    fn give_back(&self, claim: &AtomicU32) {
        let nothing = AtomicU64::new(0);
        self.commit((&nothing, 0), (claim, 0));
    }

    #[inline(always)]
    fn write(&self, words: &[u64], into: &[AtomicU64]) -> bool {
        self.write_words(words, into)
    }

    #[inline(always)]
    fn exchange(&self, word: &AtomicU64, before: u64, after: u64) -> bool {
        restartable::exchange_while(self.condition(), word, (before, after))
    }

    #[inline(always)]
    fn copy(&self, from: &[AtomicU64], into: &[AtomicU64]) -> bool {
        self.copy_words(from, into)
    }

    #[inline(always)]
    fn publish(&self, publication: &Publication<'_>) -> bool {
        restartable::publish_while(self.condition(), publication)
    }

    fn is_own(&self, held: u32) -> bool {
        self.thread.is_own(held)
    }

    /// Each operation that this one has interrupted knows its claim by the address in its own
    /// mapping of the object; the same word may have another address here. So the check is that
    /// none of them holds anything.
    #[cold]
    fn is_stray(&self) -> bool {
        let mut others =
            self.thread.activations.iter().filter(|other| !ptr::eq(*other, self.activation));
        !others.any(|other| {
            other.is_taken()
                && self.thread.claim_of(other).is_some_and(|word| {
                    // Relaxed: the thread itself stored it.
                    self.thread.is_own(word.load(Ordering::Relaxed))
                })
        })
    }

    #[inline]
    #[cold]
    fn has_holder_ended(&self, held: u32) -> bool {
        presence::holder_has_ended(held)
    }

    #[cold]
    fn has_died_unwatched(&self, holder: Holder) -> bool {
        self.has_ended(holder, self.is_at_home())
    }

    fn is_orphan(&self) -> bool {
        self.is_orphan()
    }
}

/// It was claimed in the name of the presence.
#[cold]
#[inline(never)]
fn withdraw_unannounced(activation: &Activation) {
    activation.by_presence.store(false, Ordering::Release);
}
