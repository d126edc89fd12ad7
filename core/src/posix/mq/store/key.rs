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

/// The sequence number of the newest message among these keys. Without any message, the one before
/// 0.
#[inline(always)]
pub fn newest(keys: impl Iterator<Item = u64>) -> u64 {
    const OTHERS: u32 = u64::BITS - PRIORITY_SHIFT;
    // With 1 subtracted, a free slot wraps to the largest integer, so it needs no separate
    // comparison.
    let smallest = keys.map(|key| (key << OTHERS).wrapping_sub(1)).fold(u64::MAX, u64::min);
    sequence(smallest.wrapping_add(1) >> OTHERS)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_newest_of_some() {
        let newest_of = |keys: &[u64]| newest(keys.iter().copied());
        assert_eq!(newest_of(&[FREE, new(5, 7), FREE, new(0, 9), new(32767, 8)]), 9);
        assert_eq!(newest_of(&[new(1, 0)]), 0);
        for none in [&[][..], &[FREE, FREE]] {
            assert_eq!(sequence(new(0, newest_of(none).wrapping_add(1))), 0);
        }
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
