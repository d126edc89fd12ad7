//! How much of a queue is in use: bytes and messages, in one word.
//!
//! | bits | meaning |
//! |---|---|
//! | 0..32 | bytes of the messages |
//! | 32..49 | messages |
//! | 49..64 | changes, modulo 2^15 |
//!
//! A sender claims a slot, writes the length of its message there, adds it here, and commits. A
//! receiver clears the message, subtracts it here, forgets the length, and gives the slot back. So
//! while no slot is claimed, the word is the sum over all messages, unless a thread died in
//! between: then it is too high. A thread that is about to believe that a queue is full counts the
//! messages (`count`), and corrects the word if it is unchanged since before the count.
//!
//! A slot that is claimed counts with the length that is written there, whether it has a message or
//! not: its holder may have added that, or not have subtracted it yet. So the word is never too
//! low, and a holder that is stopped makes it too high by one message at most. What is too high is
//! corrected by the next count.
//!
//! All exchanges are SeqCst and by [`Claimant::exchange`], so the child of a fork in a handler
//! changes nothing.

use crate::atomic::{AtomicU64, Ordering};
use crate::shared::claim::Claimant;

const COUNT_SHIFT: u32 = 32;
const COUNT_BITS: u32 = 17;
const CHANGE: u64 = 1 << (COUNT_SHIFT + COUNT_BITS);
const BYTES: u64 = (1 << COUNT_SHIFT) - 1;
const COUNT: u64 = (1 << COUNT_BITS) - 1;

/// What is in use, or may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Amount {
    /// Bytes of bodies.
    pub bytes: u64,
    /// Messages.
    pub messages: u64,
}

impl Amount {
    /// One message of this length, in bytes.
    pub fn of(length: usize) -> Self {
        Self { bytes: length as u64, messages: 1 }
    }

    /// Both together.
    #[inline]
    pub fn plus(self, other: Self) -> Self {
        Self { bytes: self.bytes + other.bytes, messages: self.messages + other.messages }
    }

    /// What is left without the other one.
    #[inline]
    pub fn minus(self, other: Self) -> Self {
        Self {
            bytes: self.bytes.saturating_sub(other.bytes),
            messages: self.messages.saturating_sub(other.messages),
        }
    }

    /// Of each the smaller one.
    #[inline]
    fn or_less(self, other: Self) -> Self {
        Self { bytes: self.bytes.min(other.bytes), messages: self.messages.min(other.messages) }
    }

    /// Whether it fits into a queue with this bound.
    #[inline]
    pub fn fits(self, bound: Self) -> bool {
        self.bytes <= bound.bytes && self.messages <= bound.messages
    }
}

/// What a recount has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recounted {
    /// Less is in use than it seemed, and that is corrected.
    pub is_less: bool,
    /// Nothing was added or taken away meanwhile.
    pub is_unchanged: bool,
}

/// The word.
#[repr(transparent)]
#[derive(Default)]
pub struct Usage(AtomicU64);

/// A value that it had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen(u64);

impl Seen {
    /// What was in use.
    #[inline]
    pub fn amount(self) -> Amount {
        Amount { bytes: self.0 & BYTES, messages: self.0 >> COUNT_SHIFT & COUNT }
    }

    #[inline]
    fn after(self, amount: Amount) -> u64 {
        let change = (self.0 & !(CHANGE - 1)).wrapping_add(CHANGE);
        amount.bytes.min(BYTES) | amount.messages.min(COUNT) << COUNT_SHIFT | change
    }
}

impl Usage {
    /// What it is now.
    #[inline]
    pub fn seen(&self) -> Seen {
        Seen(self.0.load(Ordering::SeqCst))
    }

    /// Adds a message, if it then fits. `spared`: what does not count, though it is in the queue.
    /// False: it does not, or this is the child of a fork.
    #[inline(always)]
    pub fn add(&self, what: Amount, bound: Amount, spared: Amount, who: &impl Claimant) -> bool {
        loop {
            let seen = self.seen();
            let sum = seen.amount().plus(what);
            if !sum.minus(spared).fits(bound) {
                return false;
            }
            if who.exchange(&self.0, seen.0, seen.after(sum)) {
                return true;
            }
            if who.is_orphan() {
                return false;
            }
        }
    }

    /// Takes a message away.
    #[inline(always)]
    pub fn subtract(&self, what: Amount, who: &impl Claimant) {
        loop {
            let seen = self.seen();
            let rest = seen.amount().minus(what);
            if who.exchange(&self.0, seen.0, seen.after(rest)) || who.is_orphan() {
                return;
            }
        }
    }

    /// Corrects it. `count`: what the messages, and the slots that are claimed, amount to. It looks
    /// at the claim of each slot before the key, and after it.
    pub fn recount<E>(
        &self,
        count: impl FnOnce() -> Result<Amount, E>,
        who: &impl Claimant,
    ) -> Result<Recounted, E> {
        // Before the count. A sender that claims its slot after the first look at the claim changes
        // the word; and so does a receiver that gives it back before the second.
        let seen = self.seen();
        // Neither is too low.
        let least = seen.amount().or_less(count()?);
        if seen.amount() == least {
            return Ok(Recounted { is_less: false, is_unchanged: self.seen() == seen });
        }
        let is_less = who.exchange(&self.0, seen.0, seen.after(least));
        Ok(Recounted { is_less, is_unchanged: is_less })
    }
}
