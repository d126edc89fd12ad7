//! What a node of the index says of the slots below it.

use super::key;
use crate::shared::pair::{Pair, Versioned};

/// What the version of a node says beside its count:
///
/// | bits | meaning |
/// |---|---|
/// | 0 | a slot below it is free |
/// | 1..17 | the slot of the largest key below it |
/// | 17..64 | the number of changes |
#[derive(Clone, Copy)]
pub struct Summary {
    /// The largest key.
    pub key: u64,
    /// Its slot.
    pub slot: usize,
    /// Whether there is a free slot.
    pub free: bool,
}

const HAS_FREE: u64 = 1;
const SLOT_SHIFT: u32 = 1;
const SLOT: u64 = 0xffff;
const CHANGE: u64 = 1 << 17;

impl Summary {
    /// Below no slot.
    pub const NOTHING: Self = Self { key: key::FREE, slot: 0, free: false };

    /// What comes after `old`.
    pub fn after(self, old: Versioned) -> Versioned {
        let count = (old.version & !(CHANGE - 1)).wrapping_add(CHANGE);
        let slot = (self.slot as u64 & SLOT) << SLOT_SHIFT;
        Versioned { value: self.key, version: count | slot | u64::from(self.free) }
    }
}

/// The slot of the largest key.
pub fn slot_in(version: u64) -> usize {
    usize::try_from((version >> SLOT_SHIFT) & SLOT).unwrap_or(0)
}

/// A node. Its value is the largest key below it.
pub type Node = Pair;

/// Whether a slot below the node is free.
pub fn has_free(version: u64) -> bool {
    version & HAS_FREE != 0
}
