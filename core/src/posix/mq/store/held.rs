//! What is done to slots that a process holds: see `holders`.

use super::index::Slot;
use super::key::{self, is_message};
use super::slots::{Reserved, Slots, Taken};
use crate::atomic::Ordering;
use crate::shared::claim::{self, Claimant};

impl<'a> Slots<'a> {
    /// Claims a free slot for a loan. `None` as for [`Slots::reserve`].
    pub fn reserve_for_loan(&self, who: &impl Claimant, nears: impl Fn(usize)) -> Option<Slot<'a>> {
        self.reserve_without_sequence(who, nears).map(|reserved| reserved.slot)
    }

    /// A loan that its process has claimed, to be published as the newest message.
    pub fn as_newest(&self, slot: Slot<'a>) -> Reserved<'a> {
        let sequence = if self.index.is_flat() { self.next_sequence() } else { 0 };
        self.with_sequence(Reserved { slot, sequence })
    }

    /// A borrowed message that its process has claimed, to be published as what it was.
    pub fn as_it_was(taken: Taken<'a>) -> Reserved<'a> {
        Reserved { slot: taken.slot, sequence: key::sequence(taken.key) }
    }

    /// Claims a slot that the process of the thread holds like this, with its message or without.
    /// `None`: it does not hold it.
    pub fn adopt(&self, slot: usize, held: u32, who: &impl Claimant) -> Option<Taken<'a>> {
        let slot = self.index.slot(slot)?;
        // Relaxed: the claim orders it.
        claim::adopt(slot.claim, held, who)
            .then(|| Taken { slot, key: slot.key.load(Ordering::Relaxed) })
    }
}

impl Taken<'_> {
    /// Whether there is a message.
    pub fn has_message(&self) -> bool {
        is_message(self.key)
    }
}
