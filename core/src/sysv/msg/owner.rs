//! Which message a piece of storage belongs to. Its *owner word* is (slot + 1) << 40 | the low 40
//! bits of the message's sequence number; 0 = none yet.
//!
//! A piece is in use while the slot has that message. It also is while the slot has none, its claim
//! is held, and that message is the last long one that was begun there: then its sender may be
//! writing it. A piece is not given back: it is free once its message is gone, whichever thread
//! died.
//!
//! A sender claims a slot without a message, stores the sequence number of a long message in the
//! slot's *long word*, takes pieces, and stores the key while it holds the claim. So a thread that
//! looks at a piece reads claim, key and long word in this order, and finds that the message
//!
//! * is there, if the key is its sequence number;
//! * will never be there, if the key is another message's: no sequence number is used twice;
//! * will never be there, if there is none and the claim is free;
//! * will never be there, if there is none and the long word has another sequence number: a thread
//!   that has claimed the slot since has stored that after the piece was taken.
//!
//! Without the long word a sender that is stopped would keep all pieces that its slot ever had; and
//! a file would grow by as many each time. With it, a slot keeps those of one message at most.
//!
//! The long word has 32 bits. After 2^32 messages it may be that of another message: then a free
//! piece counts as in use for as long as that lasts.

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
    /// The sequence number of the message.
    pub arrival: u64,
}

impl Owner {
    /// The owner word of what is its own.
    pub fn word(self) -> u64 {
        (self.slot as u64 + 1) << SLOT_SHIFT | self.arrival & ARRIVAL
    }

    /// What its long word says.
    pub fn low_half(self) -> u32 {
        low_half(self.arrival)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "so it is meant")]
fn low_half(word: u64) -> u32 {
    word as u32
}

/// The words of a slot that count here.
pub struct Slot<'q> {
    /// See `shared::claim`.
    pub claim: &'q AtomicU32,
    /// The sequence number of the message that is there; 0 = none.
    pub key: &'q AtomicU64,
    /// See the module.
    pub long: &'q AtomicU32,
}

/// Whether a piece with this owner word is in use. `asking`: the sender that wants it, and holds
/// the claim of its slot. `find` finds a slot. `None`: there is no such slot.
pub fn is_in_use<'q>(
    word: u64,
    asking: Owner,
    find: impl FnOnce(usize) -> Result<Option<Slot<'q>>>,
) -> Result<bool> {
    let Some(slot) = usize::try_from(word >> SLOT_SHIFT).unwrap_or(0).checked_sub(1) else {
        return Ok(false);
    };
    if slot == asking.slot {
        // What it has not taken for this message was for one that is gone.
        return Ok(word == asking.word());
    }
    let Some(slot) = find(slot)? else { return Ok(false) };
    let is_held = !claim::is_free(slot.claim.load(Ordering::SeqCst));
    match slot.key.load(Ordering::SeqCst) {
        // Acquire: the owner word, which was read with it, was stored after the long word.
        0 => Ok(is_held && slot.long.load(Ordering::Acquire) == low_half(word)),
        key => Ok(key & ARRIVAL == word & ARRIVAL),
    }
}
