//! Claims whose holders have died and that the kernel did not watch.

use super::descriptor::Use;
use super::store::slots::{self, Look, Wanted};
use crate::atomic::{AtomicU32, AtomicUsize, Ordering, fence, hint};
use crate::shared::claim::{self, Holder};

/// An operation under way is given so many looks at its slot to end: to find out about its holder
/// costs two system calls. A thread that poll(2) wakes mostly meets its sender like this, because a
/// sender makes the queue readable before it commits the message.
const A_MOMENT: usize = 1000;

impl Use<'_> {
    /// A look at all slots; slots that a dead thread holds without the kernel's knowing become
    /// free.
    #[cold]
    pub fn look(&self, wanted: Wanted) -> Look {
        // With that of `tell_receivers` (`transfer`).
        fence(Ordering::SeqCst);
        let slots = self.queue.layout.slots();
        let mut found = slots.look(wanted);
        for _ in 0..A_MOMENT / slots.index.keys().len().max(1) {
            if found != Look::UnderWay {
                return found;
            }
            hint::spin_loop();
            found = slots.look(wanted);
        }
        match found {
            Look::UnderWay if self.free_claims_of_dead() => slots.look(wanted),
            found => found,
        }
    }

    /// True if there was one.
    #[cold]
    fn free_claims_of_dead(&self) -> bool {
        /// Where the next look begins. Relaxed: any place will do.
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let first = NEXT.fetch_add(slots::ASKED_AT_A_TIME, Ordering::Relaxed);
        self.queue.layout.slots().free_claims_of(first, |holder| self.has_ended(holder))
    }

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
