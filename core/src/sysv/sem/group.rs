//! Some of the waiters, in the order of their arrival.

use super::cells::Waiter;
use super::draft::Draft;
use super::state::{CHUNKS_MAX, Kind, Memory};
use crate::atomic::Ordering;
use crate::os::Result;
use crate::shared::claim::Claimant;

/// Waiters in a group at most. More would take more of the stack of a handler that makes the call.
const MANY: usize = 64;

/// Bits for the slot of a waiter.
const SLOT_BITS: u32 = 12;
const _: () = assert!(CHUNKS_MAX * Kind::Waiter.cells() <= 1 << SLOT_BITS);
// Above them is the ticket.
const _: () = assert!(super::cells::TICKETS <= 1 << (64 - SLOT_BITS));

/// The first waiters after those of the group before, so many as fit.
pub struct Group {
    /// The tickets, and below them the slots, in ascending order.
    keys: [u64; MANY],
    count: usize,
    /// The last one of the group before.
    after: Option<u64>,
    /// Whether this one has had space for all.
    is_last: bool,
}

impl Group {
    /// The first one is yet to be found.
    pub fn first() -> Self {
        Self { keys: [0; MANY], count: 0, after: None, is_last: false }
    }

    /// Finds the next group of those that wait and that `select` accepts, in the slots below
    /// `used`. One look at all waiters finds a whole group: a thousand waiters that are to be tried
    /// in their order take 16 looks at a thousand, not a thousand. False: there are no more.
    pub fn find_next<M: Memory, C: Claimant>(
        &mut self,
        draft: &Draft<'_, M, C>,
        used: usize,
        select: impl Fn(usize, Waiter) -> Result<bool>,
    ) -> Result<bool> {
        if self.is_last {
            return Ok(false);
        }
        self.after = self.count.checked_sub(1).map(|last| self.keys[last]).or(self.after);
        (self.count, self.is_last) = (0, true);
        for chunk in 0..used.div_ceil(Kind::Waiter.cells()) {
            let first = chunk * Kind::Waiter.cells();
            for (word, slot) in draft.cells(Kind::Waiter, chunk)?.iter().zip(first..used) {
                let word = word.load(Ordering::Relaxed);
                if !Waiter::is_waiting(word) {
                    continue;
                }
                let waiter = Waiter::read(word);
                let key = waiter.ticket << SLOT_BITS | slot as u64;
                if self.after.is_none_or(|after| key > after) && select(slot, waiter)? {
                    self.add(key);
                }
            }
        }
        Ok(self.count > 0)
    }

    fn add(&mut self, key: u64) {
        let is_full = self.count == MANY;
        if is_full {
            self.is_last = false;
            if key > self.keys[MANY - 1] {
                return;
            }
        }
        let kept = if is_full { MANY - 1 } else { self.count };
        let later = self.keys[..kept].iter().rev().take_while(|&&known| known > key).count();
        let at = kept - later;
        self.keys.copy_within(at..kept, at + 1);
        self.keys[at] = key;
        self.count = kept + 1;
    }

    /// Their slots.
    pub fn slots(&self) -> impl Iterator<Item = usize> {
        let keys = self.keys[..self.count].iter();
        keys.map(|key| usize::try_from(key & ((1 << SLOT_BITS) - 1)).unwrap_or(0))
    }
}
