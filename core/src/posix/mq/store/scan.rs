//! Looking at many words as fast as one thread can.

use core::hint::select_unpredictable;

use super::key;

/// Whether it is true of one of these, where that is seldom: it is asked of four at a time.
#[inline(always)]
pub fn any<T>(items: &[T], is_true: impl Fn(&T) -> bool) -> bool {
    let (fours, rest) = items.as_chunks::<4>();
    fours.iter().any(|[a, b, c, d]| is_true(a) | is_true(b) | is_true(c) | is_true(d))
        || rest.iter().any(is_true)
}

/// The largest of some values, and where it is.
///
/// Which one that is nobody can predict, so there is no branch on it; and each comparison waits for
/// the one before it, so there is more than one chain of them. "Less" is in one flag of a
/// comparison, "greater" in two, which would make each conditional move twice the work.
#[inline(always)]
pub fn largest<T>(items: &[T], mut value: impl FnMut(&T) -> u64) -> (usize, u64) {
    const CHAINS: usize = 2;
    let larger = |one: (usize, u64), other: (usize, u64)| {
        let is_less = other.1 < one.1;
        (
            select_unpredictable(is_less, one.0, other.0),
            select_unpredictable(is_less, one.1, other.1),
        )
    };
    let (whole, rest) = items.as_chunks::<CHAINS>();
    let mut best = [(0, key::FREE); CHAINS];
    for (number, items) in whole.iter().enumerate() {
        for (chain, item) in items.iter().enumerate() {
            best[chain] = larger(best[chain], (number * CHAINS + chain, value(item)));
        }
    }
    for (chain, item) in rest.iter().enumerate() {
        best[chain] = larger(best[chain], (whole.len() * CHAINS + chain, value(item)));
    }
    best.into_iter().fold((0, key::FREE), larger)
}
