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
    /// [`Slots::reserve`], in a queue without a tree, of a slot that has held a message before,
    /// with what `near` says of it before it is claimed. `None`: nothing has been done.
    #[inline(always)]
    pub fn reserve_at_once<P>(
        &self,
        who: &impl Claimant,
        near: impl Fn(usize) -> P,
    ) -> Option<(Reserved<'a>, P)> {
        let used = self.index.used();
        let (free, newest) = match used {
            // By a branch, which the processor predicts: if the place of the claim came from the
            // key, the claim would be fetched only after it.
            [only] => {
                if is_message(only.load(Ordering::SeqCst)) {
                    return None;
                }
                (0, Newest::default())
            }
            used => free_and_newest(used),
        };
        let (key, claim) = (used.get(free)?, self.index.claims.get(free)?);
        let slot = Slot { number: free, key, claim };
        let place = claim_if(slot, who, near, || is_still_free(slot))?;
        Some((Reserved { slot, sequence: newest.next() }, place))
    }

    /// [`Slots::take`], in a queue without a tree, with `near` as above. `None`: nothing has been
    /// done.
    #[inline(always)]
    pub fn take_at_once<P>(
        &self,
        who: &impl Claimant,
        near: impl Fn(usize) -> P,
    ) -> Option<(Taken<'a>, P)> {
        // While we look at the keys, which the sender had in its processor, too.
        prefetch::to_write(self.index.claims.as_ptr());
        let used = self.index.used();
        let (number, found) = match used {
            [only] => (0, only.load(Ordering::SeqCst)),
            used => best_of_some(used),
        };
        if !is_message(found) {
            return None;
        }
        let (key, claim) = (used.get(number)?, self.index.claims.get(number)?);
        let slot = Slot { number, key, claim };
        // What `claim_if` does, without it: a closure costs 14 instructions here.
        let place = near(number);
        if !claim::claim(claim, who) {
            return None;
        }
        // It may have been emptied, or a better one may have come.
        let is_best = key.load(Ordering::Relaxed) == found
            && match self.index.used() {
                [_] => true,
                used => !has_better(used, found) || !self.gives_way(found),
            };
        if !is_best {
            claim::release(claim, who);
            return None;
        }
        Some((Taken { slot, key: found }, place))
    }

    /// [`Slots::reserve_at_once`] of the slot that was freed last, in a queue with a tree.
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
        Some((self.numbered(Reserved { slot, sequence: 0 }), place))
    }

    /// [`Slots::take_at_once`], in a queue with a tree.
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
    if !claim::claim(slot.claim, who) {
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
