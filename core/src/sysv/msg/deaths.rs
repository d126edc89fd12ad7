//! Whether threads have died in the middle of an operation. Then the usage may be too high.
//!
//! The claim word of a slot says so until the next thread claims it (`shared::claim`), also of an
//! operation that was left by siglongjmp(3). That thread counts the death before it gives the slot
//! back. Only the child of a fork can make the usage too high otherwise, and counts one, too. So
//! the usage is exact where no slot is claimed, or left by the dead, and no death has been counted
//! since before the last recount.
//!
//! | word | meaning | changed by |
//! |---|---|---|
//! | `counted` | deaths, or more | the thread that claims a slot of the dead, or marks it free: adds one |
//! | `corrected` | what `counted` was before the last recount that was exact | the thread that has made that recount |
//!
//! All accesses are SeqCst. A store of `corrected` that comes late costs one more recount.

use crate::atomic::{AtomicU32, Ordering};
use crate::shared::claim;

/// See the module.
#[repr(C)]
#[derive(Default)]
pub struct Deaths {
    counted: AtomicU32,
    corrected: AtomicU32,
}

impl Deaths {
    /// For the thread that has claimed a slot, whose word was this before.
    #[inline(always)]
    pub fn note(&self, before: u32) {
        if before != 0 {
            self.count();
        }
    }

    /// A thread died, or may have added to the usage in vain.
    #[cold]
    pub fn count(&self) {
        self.counted.fetch_add(1, Ordering::SeqCst);
    }

    /// How many there have been: for [`Deaths::are_corrected_up_to`].
    pub fn counted(&self) -> u32 {
        self.counted.load(Ordering::SeqCst)
    }

    /// A recount that began later was exact.
    pub fn are_corrected_up_to(&self, counted: u32) {
        self.corrected.store(counted, Ordering::SeqCst);
    }

    /// Whether any of these slots is claimed, or left by the dead. Those are counted, and are free
    /// then.
    pub fn are_any_held<'q>(&self, claims: impl Iterator<Item = &'q AtomicU32>) -> bool {
        let mut found = false;
        for claim in claims {
            let word = claim.load(Ordering::SeqCst);
            if word != 0 {
                found = true;
                self.absorb(claim, word);
            }
        }
        found
    }

    /// Whether the usage may be too high by what has been counted.
    pub fn may_matter(&self) -> bool {
        self.counted() != self.corrected.load(Ordering::SeqCst)
    }

    #[cold]
    fn absorb(&self, claim: &AtomicU32, word: u32) {
        if claim::is_free(word) {
            self.count();
            // If the exchange fails, the thread that has claimed it counts once more.
            let _ = claim.compare_exchange(word, 0, Ordering::SeqCst, Ordering::Relaxed);
        }
    }
}
