//! Operations that were under way when a waiter announced itself, and may not know of it.
//!
//! An operation claims its slot, and then looks whether any thread waits (`flag`). So one that
//! claims its slot after the waiter has set the flag will call it. Only those that held a slot
//! before may not. The waiter notes them once, after it has set the flag; from then on they can
//! only become fewer, as long as no thread clears the flag. Most are over in less than a
//! microsecond, so the waiter spins that long. What is not over then has been preempted, or is
//! dead.

use crate::atomic::{AtomicU32, Ordering, hint};
use crate::shared::claim;

/// So many operations are told apart. There is at most one for each thread that a processor has
/// been taken from in the middle, and one for each other processor.
const FEW: usize = 4;
/// Looks at an operation that is nearly over. (The model checker tries out each of them.)
const SPINS: usize = if cfg!(loom) { 1 } else { 50 };

/// See the module.
#[derive(Clone, Copy, Debug, Default)]
pub struct UnderWay {
    /// A slot, and what its claim word was.
    held: [(u32, u32); FEW],
    count: u32,
    /// There were more than are told apart: others count as well.
    are_more: bool,
}

impl UnderWay {
    /// This slot was found claimed.
    pub fn add(&mut self, slot: u32, claim: u32) {
        match self.held.get_mut(self.count as usize) {
            Some(free) => {
                *free = (slot, claim);
                self.count += 1;
            }
            None => self.are_more = true,
        }
    }

    /// Where those that are told apart are.
    pub fn slots(&self) -> impl Iterator<Item = usize> {
        self.held.into_iter().take(self.count as usize).map(|(slot, _)| slot as usize)
    }

    /// Whether there may have been others than those that are told apart.
    pub fn are_more(&self) -> bool {
        self.are_more
    }

    /// Whether one of them is still under way. `claim_of` gives the claim word of a slot.
    pub fn remains<'q>(&mut self, claim_of: impl Fn(usize) -> Option<&'q AtomicU32>) -> bool {
        let before = core::mem::take(self);
        self.are_more = before.are_more;
        for (slot, held) in before.held.into_iter().take(before.count as usize) {
            if !claim_of(slot as usize).is_some_and(|claim| is_over(claim, held)) {
                self.add(slot, held);
            }
        }
        self.count > 0
    }

    /// The same, for as long as most take.
    pub fn remains_after_a_moment<'q>(
        &mut self,
        claim_of: impl Fn(usize) -> Option<&'q AtomicU32>,
    ) -> bool {
        let mut spins = 0..SPINS;
        while self.remains(&claim_of) {
            if spins.next().is_none() {
                return true;
            }
            hint::spin_loop();
        }
        false
    }
}

/// SeqCst: what the operation has committed is seen by a look that follows. A thread that claims
/// the slot again for its next operation seems to be at the same one, which costs a look.
fn is_over(claim: &AtomicU32, before: u32) -> bool {
    let now = claim.load(Ordering::SeqCst);
    claim::is_free(now) || now != before
}
