//! The protocols of a message queue under the model checker: the real code of `deaths`, `flag`,
//! `floor`, `occupied`, `owner`, `quiet`, `record`, `standing`, `under_way` and `usage`, in queues
//! of two slots and small casts.
//!
//! Run by `make model`. What `store`, `tell` and `wait` do around that is repeated here, step by
//! step, as the kernel's part is modelled: what it does to the claim of a thread that dies, and the
//! futex calls. Preemptions are bounded.

mod blocks;
mod floors;
mod pieces;
mod quiet;
mod standing;
mod waits;

use loom::sync::Arc;

use super::arrivals::Arrivals;
use super::deaths::Deaths;
use super::floor::Look;
use super::occupied::{Occupied, Used};
use super::under_way::UnderWay;
use super::usage::{Amount, Usage};
use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::shared::claim::{self, Claimant};
use crate::shared::participant::{Ends, Participant};

const SLOTS: usize = 2;
/// Of the block in the list: the first one is never closed.
const PLACE: usize = 1;
const BOUND: Amount = Amount { bytes: 9, messages: 9 };
/// Bytes of each message.
const LENGTH: usize = 2;

fn sum(sum: Amount, length: usize) -> Amount {
    sum.plus(Amount::of(length))
}

/// The slots of a queue, in one block.
#[derive(Default)]
struct Queue {
    occupied: Occupied,
    used: Used,
    usage: Usage,
    claims: [AtomicU32; SLOTS],
    keys: [AtomicU64; SLOTS],
    lengths: [AtomicU64; SLOTS],
    arrivals: Arrivals,
    deaths: Deaths,
    ends: Ends,
}

// SAFETY: what is not atomic in it is behind locks.
unsafe impl Sync for Queue {}
// SAFETY: what is not atomic in it is behind locks, which any thread may take.
unsafe impl Send for Queue {}

impl Queue {
    fn new() -> Arc<Self> {
        let queue = Self::default();
        queue.used.begin();
        Arc::new(queue)
    }

    /// `store::claim_free` of this slot.
    fn claim_free(&self, who: &Participant, slot: usize) -> bool {
        let Some(before) = claim::claim_after(&self.claims[slot], who) else { return false };
        self.deaths.note(before);
        if self.keys[slot].load(Ordering::Relaxed) != 0 {
            claim::release(&self.claims[slot], who);
            return false;
        }
        self.occupied.set(&self.used, PLACE, slot, who);
        true
    }

    /// As after a time in which each slot has held a message: a bit may stay set.
    fn leave_bits_set(&self, who: &Participant) {
        for slot in 0..SLOTS {
            assert!(self.claim_free(who, slot));
            claim::release(&self.claims[slot], who);
        }
    }

    /// `reserve::reserve`, and `Transfer::attempt` up to the commit: the sequence number of the
    /// message.
    fn reserve(&self, who: &Participant, slot: usize) -> Option<u64> {
        if !self.claim_free(who, slot) {
            return None;
        }
        let arrival = self.arrivals.next();
        who.write(&[LENGTH as u64], core::slice::from_ref(&self.lengths[slot]));
        assert!(self.usage.add(Amount::of(LENGTH), BOUND, Amount::default(), who));
        Some(arrival)
    }

    /// `Claimed::publish`
    fn publish(&self, who: &Participant, slot: usize, arrival: u64) {
        who.commit((&self.keys[slot], arrival), (&self.claims[slot], 0));
        who.withdraw();
    }

    fn send(&self, who: &Participant, slot: usize) -> Option<u64> {
        let arrival = self.reserve(who, slot)?;
        self.publish(who, slot, arrival);
        Some(arrival)
    }

    /// `store::take` of this message. `read` reads it.
    fn receive_from(
        &self,
        who: &Participant,
        (slot, arrival): (usize, u64),
        read: impl FnOnce(),
    ) -> bool {
        let claim = &self.claims[slot];
        let Some(before) = claim::claim_after(claim, who) else { return false };
        self.deaths.note(before);
        if self.keys[slot].load(Ordering::Relaxed) != arrival {
            claim::release(claim, who);
            return false;
        }
        read();
        // `Claimed::clear`
        let held = claim.load(Ordering::Relaxed);
        who.commit((&self.keys[slot], 0), (claim, held));
        self.usage.subtract(Amount::of(LENGTH), who);
        self.occupied.clear(&self.used, PLACE, slot, who);
        who.commit((&self.lengths[slot], 0), (claim, 0));
        who.withdraw();
        true
    }

    /// Whatever is found first.
    fn receive(&self, who: &Participant) -> bool {
        self.messages().into_iter().any(|message| self.receive_from(who, message, || {}))
    }

    fn used_slots(&self) -> Vec<usize> {
        let is_open = self.occupied.blocks(PLACE + 1).any(|place| place == PLACE);
        self.used.slots().filter(|_| is_open).collect()
    }

    /// `store::messages`
    fn messages(&self) -> Vec<(usize, u64)> {
        let keys = self.used_slots().into_iter();
        let keys = keys.map(|slot| (slot, self.keys[slot].load(Ordering::SeqCst)));
        keys.filter(|(_, key)| *key != 0).collect()
    }

    /// `store::under_way`
    fn under_way(&self) -> UnderWay {
        let mut found = UnderWay::default();
        for slot in self.used_slots() {
            let held = self.claims[slot].load(Ordering::SeqCst);
            if !claim::is_free(held) {
                found.add(u32::try_from(slot).unwrap(), held);
            }
        }
        found
    }

    /// Whether a slot is claimed.
    fn is_under_way(&self) -> bool {
        self.under_way().remains(|slot| self.claims.get(slot))
    }

    /// `count::recount_once`
    fn recount(&self, who: &Participant) {
        let deaths = self.deaths.counted();
        let mut is_under_way = false;
        let count = || {
            let mut counted = Amount::default();
            for slot in self.used_slots() {
                let is_held = || !claim::is_free(self.claims[slot].load(Ordering::SeqCst));
                let was_held = is_held();
                let has_message = self.keys[slot].load(Ordering::SeqCst) != 0;
                let is_held = was_held || is_held();
                is_under_way |= is_held;
                if is_held || has_message {
                    let length = self.lengths[slot].load(Ordering::Relaxed);
                    counted = sum(counted, length as usize);
                }
            }
            Ok::<_, ()>(counted)
        };
        let recounted = self.usage.recount(count, who).unwrap();
        if recounted.is_unchanged && !is_under_way {
            self.deaths.are_corrected_up_to(deaths);
        }
    }

    /// `count::recount`
    fn recount_if_needed(&self, who: &Participant) {
        if self.deaths.are_any_held(self.claims.iter()) || self.deaths.may_matter() {
            self.recount(who);
        }
    }

    /// `long::look_at_block`
    fn floor(&self) -> u64 {
        let mut look = Look::after(self.arrivals.last());
        for slot in self.used_slots() {
            look.at(&self.claims[slot], &self.keys[slot]);
        }
        look.floor()
    }

    fn amount(&self) -> Amount {
        self.messages().iter().map(|_| LENGTH).fold(Amount::default(), sum)
    }

    fn has(&self, arrival: u64) -> bool {
        self.messages().iter().any(|(_, key)| *key == arrival)
    }
}
