//! Where messages may be: which blocks, and which slots of a block. A search for one passes over
//! the rest.
//!
//! A slot that holds a message, or that a sender holds, has its bit set in the word of its block
//! ([`Used`]), and the block has its bit set in a word of the queue ([`Occupied`]). The reverse
//! need not hold.
//!
//! | word of a block | meaning | changed by |
//! |---|---|---|
//! | bits 0..63 | a slot may hold a message | the holder of the claim of that slot |
//! | bit 63 | *closed*: no slot does, and the block may be passed over | set by a receiver that has cleared the last other bit; cleared by a sender, once the block has its bit in the word of the queue |
//!
//! | word of 32 blocks | meaning | changed by |
//! |---|---|---|
//! | bits 0..32 | a block may hold messages | set by a sender that finds it closed; cleared by the receiver that has closed it |
//! | bits 32..64 | how often one has been set | with each set |
//!
//! A receiver reads the word of the queue, closes the block, and clears its bit only if the word is
//! unchanged. A sender that finds the block closed changes the word in any case, and then opens the
//! block. So an open block always has its bit set, even if a thread is killed in between.
//!
//! All accesses are SeqCst. What clears a bit is an exchange of the claimant, so the child of a
//! fork in a handler clears nothing; what it sets is harmless.

use crate::atomic::{AtomicU64, Ordering};
use crate::shared::claim::Claimant;

/// Slots of a block.
pub const SLOTS: usize = 63;
/// Blocks of slots at most.
pub const SLOT_BLOCKS: usize = if cfg!(loom) { 32 } else { 1024 };

const CLOSED: u64 = 1 << SLOTS;
/// Blocks of a word.
const BLOCKS: usize = 32;
const VERSION: u64 = 1 << BLOCKS;
/// Blocks of a group: see `floor`.
pub const GROUP: usize = 4;
/// Bits that may be set in the first block without a message. Few enough to look at.
const FEW: u32 = 8;

/// The word of a block.
#[repr(transparent)]
#[derive(Default)]
pub struct Used(AtomicU64);

/// The words of a queue.
#[repr(transparent)]
#[derive(Default)]
pub struct Occupied([AtomicU64; SLOT_BLOCKS / BLOCKS]);

impl Used {
    /// Of a block that is about to be listed, if no thread has begun before.
    pub fn begin(&self) {
        let _ = self.0.compare_exchange(0, CLOSED, Ordering::SeqCst, Ordering::SeqCst);
    }

    /// Slots that may hold messages.
    #[inline(always)]
    pub fn slots(&self) -> Bits {
        Bits(self.0.load(Ordering::SeqCst) & !CLOSED)
    }

    /// Slots that hold none: but for a moment, these are all.
    #[inline(always)]
    pub fn unused(&self) -> Bits {
        Bits(!self.0.load(Ordering::SeqCst) & !CLOSED)
    }

    /// Whether this slot may hold a message.
    #[inline(always)]
    pub fn has(&self, index: usize) -> bool {
        let word = self.0.load(Ordering::SeqCst);
        word & (1 << index | CLOSED) == 1 << index
    }
}

/// The places of bits that are set.
#[derive(Clone)]
pub struct Bits(u64);

impl Bits {
    /// How many.
    #[inline(always)]
    pub fn number(&self) -> usize {
        self.0.count_ones() as usize
    }

    /// Takes one of them away.
    pub fn remove(&mut self, place: usize) {
        self.0 &= !(1 << place);
    }
}

impl Iterator for Bits {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let place = self.0.trailing_zeros() as usize;
        self.0 &= self.0 - 1;
        Some(place)
    }
}

impl Occupied {
    /// Blocks among the first so many that may hold messages. The first one may at any time.
    #[inline(always)]
    pub fn blocks(&self, count: usize) -> impl Iterator<Item = usize> {
        self.words(count)
            .flat_map(|(number, bits)| Bits(bits).map(move |bit| number * BLOCKS + bit))
    }

    /// The same, by groups: the index of each, and which of its blocks.
    #[inline(always)]
    pub fn groups(&self, count: usize) -> impl Iterator<Item = (usize, Bits)> {
        const GROUPS: usize = BLOCKS / GROUP;
        const BITS: u64 = (1 << GROUP) - 1;
        let groups = self.words(count).flat_map(|(number, bits)| {
            let of = move |index: usize| (number * GROUPS + index, bits >> (index * GROUP) & BITS);
            (0..GROUPS).map(of)
        });
        groups.filter(|(_, bits)| *bits != 0).map(|(group, bits)| (group, Bits(bits)))
    }

    #[inline(always)]
    fn words(&self, count: usize) -> impl Iterator<Item = (usize, u64)> {
        let words = self.0.iter().take(count.div_ceil(BLOCKS)).enumerate();
        words.map(|(number, word)| {
            let first = u64::from(number == 0);
            (number, word.load(Ordering::SeqCst) & (VERSION - 1) | first)
        })
    }

    /// For the holder of a slot that is going to send: its bit is set, and its block is open.
    #[inline(always)]
    pub fn set(&self, used: &Used, place: usize, index: usize, who: &impl Claimant) {
        if !used.has(index) {
            self.set_anew(used, place, index, who);
        }
    }

    #[cold]
    #[inline(never)]
    fn set_anew(&self, used: &Used, place: usize, index: usize, who: &impl Claimant) {
        let before = used.0.fetch_or(1 << index, Ordering::SeqCst);
        if before & CLOSED == 0 {
            return;
        }
        let bit = 1 << (place % BLOCKS);
        let of_queue = &self.0[place / BLOCKS];
        loop {
            let word = of_queue.load(Ordering::SeqCst);
            let (after, order) = ((word | bit).wrapping_add(VERSION), Ordering::SeqCst);
            if of_queue.compare_exchange(word, after, order, order).is_ok() {
                break;
            }
        }
        // The child of a fork must not: when it gets here its parent's block may have been closed
        // again.
        loop {
            let word = used.0.load(Ordering::SeqCst);
            if word & CLOSED == 0 || who.exchange(&used.0, word, word & !CLOSED) || who.is_orphan()
            {
                return;
            }
        }
    }

    /// For the holder of a slot, which holds no message any more. In the first block a few bits
    /// stay set, so that a queue that is mostly empty sets and clears none.
    #[inline(always)]
    pub fn clear(&self, used: &Used, place: usize, index: usize, who: &impl Claimant) {
        let word = used.0.load(Ordering::SeqCst);
        if place != 0 || word.count_ones() > FEW {
            self.clear_now(used, place, index, who);
        }
    }

    #[cold]
    #[inline(never)]
    fn clear_now(&self, used: &Used, place: usize, index: usize, who: &impl Claimant) {
        let of_queue = &self.0[place / BLOCKS];
        loop {
            let seen = of_queue.load(Ordering::SeqCst);
            let word = used.0.load(Ordering::SeqCst);
            let rest = word & !(1 << index);
            let closes = rest == 0 && place != 0;
            let after = if closes { CLOSED } else { rest };
            if who.exchange(&used.0, word, after) {
                if closes {
                    let bit = 1 << (place % BLOCKS);
                    who.exchange(of_queue, seen, seen & !bit);
                }
                return;
            }
            if who.is_orphan() {
                return;
            }
        }
    }
}
