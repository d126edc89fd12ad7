//! Several messages, or free slots, one after the other: a *run* of slots below one node of the
//! index.
//!
//! One look at the keys serves the whole run. A receiver clears the keys one by one, and tells the
//! index of all of them at the end. Until then the node has a key that is too large: any other
//! thread that relies on it finds the slot changed, and refreshes the node.
//!
//! With a tree, a run of messages is what was best at one moment: after the first look at the keys,
//! and before the second one. What is in the run was there before it, and is there until it is
//! claimed. What has come meanwhile, and is better than the end of the run, ends the run in front
//! of it. If another thread has claimed or taken a message of the run, the rest may not be the best
//! any more, and the run ends, too.
//!
//! Without a tree a key may come back with another message. So there each message of a run is
//! compared with all others once it is claimed, as a single one is.

use super::index::{GROUP, Slot};
use super::key::{self, is_message};
use super::slots::{Reserved, Slots, Taken};
use crate::atomic::Ordering;
use crate::shared::claim::{self, Claimant};

/// Slots below one node of the index, or of a queue without a tree.
pub struct Run {
    /// Key and number of each.
    slots: [(u64, usize); GROUP],
    next: usize,
    end: usize,
}

impl Run {
    /// Without any slot.
    pub const EMPTY: Self = Self { slots: [(0, 0); GROUP], next: 0, end: 0 };

    /// The slot that comes so many after the next one.
    #[inline]
    pub fn ahead(&self, by: usize) -> Option<usize> {
        self.slots[..self.end].get(self.next + by).map(|&(_, number)| number)
    }

    /// Slots that are left.
    #[inline]
    pub fn left(&self) -> usize {
        self.end - self.next
    }

    /// Whether no slot is left.
    #[inline]
    pub fn is_over(&self) -> bool {
        self.next == self.end
    }

    /// The next slots, so many at most.
    #[inline]
    pub fn first(&self, most: usize) -> impl Iterator<Item = usize> {
        (0..most).map_while(|by| self.ahead(by))
    }

    /// The largest keys come first.
    #[inline(always)]
    fn insert(&mut self, key: u64, number: usize) {
        let mut at = self.end;
        // Mostly they come in this order.
        while at > 0 && self.slots[at - 1].0 < key {
            self.slots[at] = self.slots[at - 1];
            at -= 1;
        }
        self.slots[at] = (key, number);
        self.end += 1;
    }

    /// Ends in front of the first message that this one is better than.
    fn end_before(&mut self, better: u64) {
        while self.end > 0 && self.slots[self.end - 1].0 < better {
            self.end -= 1;
        }
    }

    #[inline(always)]
    fn pop(&mut self) -> Option<(u64, usize)> {
        let next = *self.slots[..self.end].get(self.next)?;
        self.next += 1;
        Some(next)
    }
}

impl<'a> Slots<'a> {
    /// The messages to deliver next, as far as they lie below one node. Empty: there seems to be
    /// none, or [`Slots::take`] has to find out.
    pub fn messages_in_a_row(&self) -> Run {
        // Acquire: see `Slots::sequence`.
        let before = self.sequence.load(Ordering::Acquire);
        let mut run = Run::EMPTY;
        let Some((slots, others)) = self.index.best_node() else { return run };
        let Some(keys) = self.index.keys.get(slots.clone()) else { return run };
        let mut seen = [key::FREE; GROUP];
        for ((number, key), seen) in slots.clone().zip(keys).zip(&mut seen) {
            *seen = key.load(Ordering::SeqCst);
            if *seen > others {
                run.insert(*seen, number);
            }
        }
        if !self.index.is_flat() && self.may_be_overtaken(before) {
            let newer = keys.iter().zip(seen).filter_map(|(key, seen)| {
                Some(key.load(Ordering::SeqCst)).filter(|key| *key != seen)
            });
            let better = newer.fold(self.index.best_beside(slots.start), u64::max);
            run.end_before(better);
        }
        run
    }

    /// Claims the next message of a run. `None`: the run is over.
    #[inline(always)]
    pub fn take_next(&self, run: &mut Run, who: &impl Claimant) -> Option<Taken<'a>> {
        let (key, number) = run.pop()?;
        let slot = self.index.slot(number)?;
        if claim::claim(slot.claim, who) {
            let is_overtaken =
                || self.index.is_flat() && self.index.has_better(key) && self.gives_way(key);
            if slot.key.load(Ordering::Relaxed) == key && !is_overtaken() {
                return Some(Taken { slot, key });
            }
            claim::release(slot.claim, who);
        }
        *run = Run::EMPTY;
        None
    }

    /// Commits as [`Slots::clear`] does, and leaves the index as it is: [`Slots::run_is_cleared`]
    /// is due.
    #[inline(always)]
    pub fn clear_of_run(&self, taken: Taken<'_>, who: &impl Claimant) -> bool {
        let cleared = who.commit((taken.slot.key, key::FREE), (taken.slot.claim, 0));
        who.withdraw();
        cleared
    }

    /// Tells the index that messages of a run are gone, this one last.
    pub fn run_is_cleared(&self, number: usize) {
        if !self.index.is_flat() {
            self.index.refresh(number);
            self.freed.store(u32::try_from(number).unwrap_or(0), Ordering::Relaxed);
        }
    }

    /// Free slots below one node, so many at most: below that from which a message was taken last,
    /// if that slot is still free. Empty: there seems to be none.
    pub fn free_in_a_row(&self, most: usize) -> Run {
        let mut run = Run::EMPTY;
        let Some(node) = self.node_with_free() else { return run };
        let slots = self.index.slots_below(node).filter_map(|number| self.index.slot(number));
        let free = slots.filter(Slot::is_free).take(most);
        for (place, slot) in run.slots.iter_mut().zip(free) {
            *place = (key::FREE, slot.number);
            run.end += 1;
        }
        run
    }

    fn node_with_free(&self) -> Option<usize> {
        if self.index.is_flat() {
            return Some(0);
        }
        let freed = self.freed.load(Ordering::Relaxed) as usize;
        if self.index.slot(freed).is_some_and(|slot| slot.is_free()) {
            return Some(freed / GROUP);
        }
        self.index.free().map(|slot| slot / GROUP)
    }

    /// Claims the next slot of a run. `None`: the run is over.
    #[inline(always)]
    pub fn reserve_next(&self, run: &mut Run, who: &impl Claimant) -> Option<Reserved<'a>> {
        let (_, number) = run.pop()?;
        let slot = self.index.slot(number)?;
        if claim::claim(slot.claim, who) {
            if !is_message(slot.key.load(Ordering::Relaxed)) {
                let sequence = if self.index.is_flat() { self.next_sequence() } else { 0 };
                return Some(self.with_sequence(Reserved { slot, sequence }));
            }
            claim::release(slot.claim, who);
        }
        *run = Run::EMPTY;
        None
    }
}
