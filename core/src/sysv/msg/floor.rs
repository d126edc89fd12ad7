//! How old the messages of a block of slots can be: a search passes over blocks of younger ones.
//!
//! A *floor* is a sequence number. The block, or the group of blocks, holds no message with a
//! smaller one, and never will again. So a floor that has once been true stays true: it is stored
//! without an exchange, by any thread, and a store that comes late is harmless. Relaxed: a floor
//! says something about messages that are gone, and leads to nothing that has been written.
//!
//! A sender claims its slot, marks it (`occupied`), takes its number, and commits. A look that
//! finds a floor reads the last number that was given out, with Acquire (`arrivals`), and then the
//! marks and the slots. What the senders of that number and of earlier ones did before they took
//! theirs is seen by then. So a slot that is not marked, or that is found free and empty, gets
//! later numbers only. A slot that is claimed and empty may get an earlier one: such a look finds
//! no floor.

use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::shared::claim;

/// See the module. 0 = not known.
#[repr(transparent)]
#[derive(Default)]
pub struct Floor(AtomicU64);

impl Floor {
    /// What is known.
    #[inline(always)]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// A look has found this one.
    #[inline(always)]
    pub fn raise(&self, to: u64) {
        if to > self.get() {
            self.0.store(to, Ordering::Relaxed);
        }
    }
}

/// A look at the slots that are marked.
pub struct Look {
    /// The floor, as far as the look has come; 0 = there is none.
    floor: u64,
}

impl Look {
    /// `last`: the last number that was given out, as read before the marks.
    #[inline(always)]
    pub fn after(last: u64) -> Self {
        Self { floor: last.saturating_add(1) }
    }

    /// The sequence number of the message in this slot. `None`: it is empty.
    #[inline(always)]
    pub fn at(&mut self, claim: &AtomicU32, key: &AtomicU64) -> Option<u64> {
        let arrival = key.load(Ordering::SeqCst);
        if arrival != 0 {
            self.floor = self.floor.min(arrival);
            return Some(arrival);
        }
        // The key again: its sender may have given the slot back since.
        if !claim::is_free(claim.load(Ordering::SeqCst)) || key.load(Ordering::SeqCst) != 0 {
            self.floor = 0;
        }
        None
    }

    /// After the last slot. 0: none was found.
    #[inline(always)]
    pub fn floor(self) -> u64 {
        self.floor
    }
}
