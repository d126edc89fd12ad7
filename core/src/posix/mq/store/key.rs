//! The key of a slot: one integer that says whether there is a message, and which of two comes
//! first.
//!
//! | bits | meaning |
//! |---|---|
//! | 63 | 1 = the slot holds a message |
//! | 48..63 | priority, 0..=32767 |
//! | 0..48 | inverted sequence number: the older, the larger |
//!
//! The message to deliver next is the one with the largest key. Without bit 63 the slot is free,
//! whatever the rest.

/// Priorities are below this: `MQ_PRIO_MAX` of limits.h.
pub const PRIORITIES: u32 = 32768;

const MESSAGE: u64 = 1 << 63;
const PRIORITY_SHIFT: u32 = 48;
const SEQUENCE: u64 = (1 << PRIORITY_SHIFT) - 1;

/// A slot without a message.
pub const FREE: u64 = 0;

/// The largest key of a slot without a message, whatever its bytes: any larger one is a message's.
pub const LARGEST_FREE: u64 = MESSAGE - 1;

/// The key of a message. Only the low 48 bits of the sequence number count: at a million messages a
/// second they last for nine years.
#[inline]
pub fn new(priority: u32, sequence: u64) -> u64 {
    MESSAGE | (u64::from(priority) << PRIORITY_SHIFT) & !MESSAGE | (!sequence & SEQUENCE)
}

/// Whether the slot holds a message.
#[inline]
pub fn is_message(key: u64) -> bool {
    key & MESSAGE != 0
}

/// The priority of a message.
#[inline]
pub fn priority(key: u64) -> u32 {
    u32::try_from((key & !MESSAGE) >> PRIORITY_SHIFT).unwrap_or(0)
}

/// The sequence number of a message.
#[inline]
pub fn sequence(key: u64) -> u64 {
    !key & SEQUENCE
}

/// The part of a sequence number that a key has.
#[inline]
pub fn truncated(sequence: u64) -> u64 {
    sequence & SEQUENCE
}

/// The newest message among some keys.
#[derive(Clone, Copy)]
pub struct Newest(u64);

impl Default for Newest {
    fn default() -> Self {
        Self(u64::MAX)
    }
}

impl Newest {
    const OTHERS: u32 = u64::BITS - PRIORITY_SHIFT;

    /// One more key.
    #[inline(always)]
    pub fn look(&mut self, key: u64) {
        // With 1 subtracted, a free slot wraps to the largest integer, so it needs no separate
        // comparison.
        self.0 = self.0.min((key << Self::OTHERS).wrapping_sub(1));
    }

    /// The sequence number after it. Without any message, 0.
    #[inline(always)]
    pub fn next(self) -> u64 {
        // Inverted, it is smaller by one.
        sequence(self.0.wrapping_add(1).wrapping_sub(1 << Self::OTHERS) >> Self::OTHERS)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_number_after_the_newest_of_some() {
        let next_after = |keys: &[u64]| {
            let mut newest = Newest::default();
            for key in keys {
                newest.look(*key);
            }
            newest.next()
        };
        assert_eq!(next_after(&[FREE, new(5, 7), FREE, new(0, 9), new(32767, 8)]), 10);
        assert_eq!(next_after(&[new(1, 0)]), 1);
        assert_eq!(next_after(&[new(1, SEQUENCE)]), 0);
        assert!([&[][..], &[FREE, FREE]].into_iter().all(|none| next_after(none) == 0));
    }

    #[test]
    fn parts_come_back() {
        let key = new(32767, 12345);
        assert!(is_message(key) && !is_message(FREE));
        assert_eq!((priority(key), sequence(key)), (32767, 12345));
    }

    #[test]
    fn priority_first_then_age() {
        assert!(new(2, 900) > new(1, 3));
        assert!(new(1, 3) > new(1, 4));
        assert!(new(0, SEQUENCE) > FREE);
    }
}
