//! Whether the holder of a claim on a queue has ended. What follows from that is `deaths`.

use super::descriptor::Use;
use crate::atomic::AtomicU32;
use crate::shared::claim::{self, Holder};

impl Use<'_> {
    /// Frees a word whose holder is dead. True if it has.
    #[cold]
    pub fn free_claim_of_dead(&self, word: &AtomicU32) -> bool {
        claim::free_if(word, |holder| self.has_ended(holder))
    }

    /// Whether the holder of a claim is dead, as far as that can be found out.
    pub fn has_ended(&self, holder: Holder) -> bool {
        self.operation.has_ended(holder, self.is_at_home())
    }
}
