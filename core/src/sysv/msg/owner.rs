//! Whose a piece of room for bodies is: its *owner word*, slot plus one << 40 | the low 40 bits of
//! the number with which the message has arrived; 0 = nobody's yet.
//!
//! A piece is in use while the slot has that message, or has none and its claim is held: then a
//! sender may be writing it. Nobody gives a piece back: it is free once its message is gone,
//! whoever died.
//!
//! Whoever looks reads the claim before the key. A sender claims a slot without a message, and
//! stores the key while it holds the claim. So if the slot has another message, or if it has none
//! and the claim is free, this one will never be there: no number is given out twice.

use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::os::Result;
use crate::shared::claim;

const SLOT_SHIFT: u32 = 40;
const ARRIVAL: u64 = (1 << SLOT_SHIFT) - 1;

/// What a piece belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The slot.
    pub slot: usize,
    /// The number of the message.
    pub arrival: u64,
}

impl Owner {
    /// The owner word of what is its own.
    pub fn word(self) -> u64 {
        (self.slot as u64 + 1) << SLOT_SHIFT | self.arrival & ARRIVAL
    }
}

/// Whether a piece with this owner word is in use. `asking`: the one who wants it, and holds the
/// claim of its slot. `words`: claim and key of a slot. `None`: there is no such slot.
pub fn is_in_use<'q>(
    word: u64,
    asking: Owner,
    words: impl FnOnce(usize) -> Result<Option<(&'q AtomicU32, &'q AtomicU64)>>,
) -> Result<bool> {
    let Some(slot) = usize::try_from(word >> SLOT_SHIFT).unwrap_or(0).checked_sub(1) else {
        return Ok(false);
    };
    if slot == asking.slot {
        // What it has not taken for this message was for one that is gone.
        return Ok(word == asking.word());
    }
    let Some((claim, key)) = words(slot)? else { return Ok(false) };
    let is_held = !claim::is_free(claim.load(Ordering::SeqCst));
    match key.load(Ordering::SeqCst) {
        0 => Ok(is_held),
        key => Ok(key & ARRIVAL == word & ARRIVAL),
    }
}
