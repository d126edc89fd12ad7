//! Claiming a slot in a straight line, if nothing is in the way.
//!
//! What is in the way is found out by the general protocol (`slots`), which begins anew. The order
//! of the accesses is the same here as there.

use super::index::Slot;
use super::key::{Newest, is_message};
use super::scan::{any, largest_of_few};
use super::slots::{Reserved, Slots, Taken};
use crate::atomic::{AtomicU64, Ordering};
use crate::shared::claim::{self, Claimant};
use crate::shared::prefetch;

impl<'a> Slots<'a> {
    /// [`Slots::reserve`] of the first slot, where no other one is used
    /// ([`Index::uses_first_only`]), with what `near` says of it before it is claimed. `None`:
    /// nothing has been done.
    ///
    /// [`Index::uses_first_only`]: super::index::Index::uses_first_only
    #[inline(always)]
    pub fn reserve_first<P>(
        &self,
        who: &impl Claimant,
        near: impl Fn(usize) -> P,
    ) -> Option<(Reserved<'a>, P)> {
        let slot = self.index.first();
        if is_message(slot.key.load(Ordering::SeqCst)) {
            return None;
        }
        let place = claim_if(slot, who, near, || is_still_free(slot))?;
        Some((Reserved { slot, sequence: Newest::default().next() }, place))
    }

    /// The same in any queue without a tree, of a slot that has held a message before.
    #[inline(always)]
    pub fn reserve_of_few<P>(
        &self,
        who: &impl Claimant,
        near: impl Fn(usize) -> P,
    ) -> Option<(Reserved<'a>, P)> {
        let used = self.index.used();
        let (free, newest) = free_and_newest(used);
        let (key, claim) = (used.get(free)?, self.index.claims.get(free)?);
        let slot = Slot { number: free, key, claim };
        let place = claim_if(slot, who, near, || is_still_free(slot))?;
        Some((Reserved { slot, sequence: newest.next() }, place))
    }

    /// [`Slots::take`] of the first slot, where no other one is used, with `near` as above. `None`:
    /// nothing has been done.
    #[inline(always)]
    pub fn take_first<P>(
        &self,
        who: &impl Claimant,
        near: impl Fn(usize) -> P,
    ) -> Option<(Taken<'a>, P)> {
        let slot = self.index.first();
        // While we look at the key, which the sender had in its processor, too.
        prefetch::to_write::<0>(slot.claim);
        let found = slot.key.load(Ordering::SeqCst);
        if !is_message(found) {
            return None;
        }
        let place = claim_if(slot, who, near, || {
            // It may have been emptied, or another slot may be used.
            slot.key.load(Ordering::Relaxed) == found && self.index.uses_first_only()
        })?;
        Some((Taken { slot, key: found }, place))
    }

    /// The same in any queue without a tree.
    #[inline(always)]
    pub fn take_of_few<P>(
        &self,
        who: &impl Claimant,
        near: impl Fn(usize) -> P,
    ) -> Option<(Taken<'a>, P)> {
        prefetch::to_write::<0>(self.index.first().claim);
        let used = self.index.used();
        let (number, found) = best_of_some(used);
        if !is_message(found) {
            return None;
        }
        let (key, claim) = (used.get(number)?, self.index.claims.get(number)?);
        let slot = Slot { number, key, claim };
        let place = claim_if(slot, who, near, || {
            // It may have been emptied, or a better one may have come.
            key.load(Ordering::Relaxed) == found
                && (!has_better(self.index.used(), found) || !self.gives_way(found))
        })?;
        Some((Taken { slot, key: found }, place))
    }

    /// [`Slots::reserve_first`] of the slot that was freed last, in a queue with a tree.
    #[inline(always)]
    pub fn reserve_in_tree_at_once<P>(
        &self,
        who: &impl Claimant,
        near: impl Fn(usize) -> P,
    ) -> Option<(Reserved<'a>, P)> {
        let slot = self.index.slot(self.freed.load(Ordering::Relaxed) as usize)?;
        if !is_still_free(slot) {
            return None;
        }
        let place = claim_if(slot, who, near, || is_still_free(slot))?;
        Some((self.with_sequence(Reserved { slot, sequence: 0 }), place))
    }

    /// [`Slots::take_first`], in a queue with a tree.
    #[inline(always)]
    pub fn take_from_tree_at_once<P>(
        &self,
        who: &impl Claimant,
        near: impl Fn(usize) -> P,
    ) -> Option<(Taken<'a>, P)> {
        // Acquire: see `Slots::sequence`.
        let before = self.sequence.load(Ordering::Acquire);
        let (number, found) = self.index.best_by_node()?;
        let slot = self.index.slot(number)?;
        let place = claim_if(slot, who, near, || {
            // As above.
            slot.key.load(Ordering::Relaxed) == found
                && !(self.may_be_overtaken(before)
                    && self.index.has_better(found)
                    && self.gives_way(found))
        })?;
        Some((Taken { slot, key: found }, place))
    }
}

/// Claims the slot, if that is what it still is once it is claimed. What `near` says of it.
#[inline(always)]
fn claim_if<P>(
    slot: Slot<'_>,
    who: &impl Claimant,
    near: impl Fn(usize) -> P,
    is_still_it: impl FnOnce() -> bool,
) -> Option<P> {
    let place = near(slot.number);
    if !claim::claim_watched(slot.claim, who) {
        return None;
    }
    if !is_still_it() {
        claim::release(slot.claim, who);
        return None;
    }
    Some(place)
}

/// A sender may have filled a slot before it was claimed.
#[inline(always)]
fn is_still_free(slot: Slot<'_>) -> bool {
    !is_message(slot.key.load(Ordering::Relaxed))
}

// The loops stay apart: within the straight line they would take the registers that it needs.

/// The first of these slots that has no message, and the newest message of all.
#[inline(never)]
fn free_and_newest(keys: &[AtomicU64]) -> (usize, Newest) {
    let (mut free, mut newest) = (usize::MAX, Newest::default());
    for number in (0..keys.len()).rev() {
        let key = keys[number].load(Ordering::SeqCst);
        newest.look(key);
        free = if is_message(key) { free } else { number };
    }
    (free, newest)
}

#[inline(never)]
fn best_of_some(keys: &[AtomicU64]) -> (usize, u64) {
    largest_of_few(keys)
}

#[inline(never)]
fn has_better(keys: &[AtomicU64], than: u64) -> bool {
    any(keys, |key| key.load(Ordering::SeqCst) > than)
}
