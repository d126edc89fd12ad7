//! The commit of a claimed slot: one store of its key. Then the slot is given back.
//!
//! In a queue with a tree the slot stays claimed until the nodes above it know of the key. In a run
//! of messages (`run`) it does not.

use super::index::Slot;
use super::key;
use super::slots::{Reserved, Slots, Taken};
use crate::atomic::Ordering;
use crate::shared::claim::Claimant;

impl Slots<'_> {
    /// Commits the message whose body is in the slot. False: this is the child of a fork, whose
    /// parent does that.
    #[inline(always)]
    pub fn publish(&self, reserved: Reserved<'_>, priority: u32, who: &impl Claimant) -> bool {
        if self.index.is_flat() {
            return commit(reserved.slot, reserved.key(priority), who);
        }
        who.cold(|who| self.publish_cold(reserved, priority, who))
    }

    /// Commits: the message whose body has been read is gone. False as above.
    #[inline(always)]
    pub fn clear(&self, taken: Taken<'_>, who: &impl Claimant) -> bool {
        if self.index.is_flat() {
            return commit(taken.slot, key::FREE, who);
        }
        who.cold(|who| self.clear_cold(taken, who))
    }

    #[inline(never)]
    fn publish_cold(&self, reserved: Reserved<'_>, priority: u32, who: &impl Claimant) -> bool {
        self.publish_in_tree(reserved, priority, who)
    }

    #[inline(never)]
    fn clear_cold(&self, taken: Taken<'_>, who: &impl Claimant) -> bool {
        self.clear_in_tree(taken, who)
    }

    /// [`Self::publish`] in a queue with a tree.
    #[inline(always)]
    pub fn publish_in_tree(&self, sent: Reserved<'_>, priority: u32, who: &impl Claimant) -> bool {
        let (slot, key) = (sent.slot, sent.key(priority));
        let published = store(slot, key, who);
        if published {
            self.index.raise(slot.number, key);
            who.give_back(slot.claim);
        }
        who.withdraw();
        published
    }

    /// [`Self::clear`] in a queue with a tree.
    #[inline(always)]
    pub fn clear_in_tree(&self, Taken { slot, key }: Taken<'_>, who: &impl Claimant) -> bool {
        let cleared = self.index.lower(slot.number, key, || store(slot, key::FREE, who));
        if cleared {
            self.freed.store(u32::try_from(slot.number).unwrap_or(0), Ordering::Relaxed);
            who.give_back(slot.claim);
        }
        who.withdraw();
        cleared
    }
}

/// Stores the key, and gives the slot back.
#[inline(always)]
fn commit(slot: Slot<'_>, key: u64, who: &impl Claimant) -> bool {
    let committed = who.commit((slot.key, key), (slot.claim, 0));
    who.withdraw();
    committed
}

/// Stores the key, and leaves the slot claimed.
#[inline(always)]
fn store(slot: Slot<'_>, key: u64, who: &impl Claimant) -> bool {
    // Relaxed: it is ours.
    who.commit((slot.key, key), (slot.claim, slot.claim.load(Ordering::Relaxed)))
}
