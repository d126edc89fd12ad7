//! Looking at many words as fast as one thread can: few keys one by one, those of a tree four at a
//! time where the processor can (`wide`).
//!
//! The words change meanwhile. Each is read atomically, at some moment of the look. The order is
//! unspecified, and no caller relies on it.

#[cfg(all(target_arch = "x86_64", not(loom)))]
mod wide;

use core::hint::select_unpredictable;

use super::key;
use super::summary::Node;
use crate::atomic::{AtomicU64, Ordering};

/// What `wide` finds among each `$stride`th of these words. `None`: the processor does not support
/// it.
macro_rules! wide {
    ($look:ident($words:ident, $stride:literal $(, $argument:ident)?)) => {{
        #[cfg(all(target_arch = "x86_64", not(loom)))]
        let found = ($words.len() >= wide::TOGETHER && crate::os::cpu::has_avx2()).then(|| {
            let words =
                wide::Words::<$stride> { first: $words.as_ptr().cast(), count: $words.len() };
            // SAFETY: the processor has AVX2, and the slice its words.
            unsafe { wide::$look(words $(, $argument)?) }
        });
        #[cfg(not(all(target_arch = "x86_64", not(loom))))]
        let found = None;
        found
    }};
}

/// The largest of the keys below a node, and where it is; this one, which is about to be cleared,
/// does not count.
#[inline(always)]
pub fn largest_without(keys: &[AtomicU64], goes: u64) -> (usize, u64) {
    wide!(largest_key(keys, 1, goes)).unwrap_or_else(|| {
        largest(keys, |key| match key.load(Ordering::SeqCst) {
            key if key == goes => key::FREE,
            key => key,
        })
    })
}

/// The node with the largest value, and that.
#[inline(always)]
pub fn largest_node(nodes: &[Node]) -> (usize, u64) {
    wide!(largest_value(nodes, 2)).unwrap_or_else(|| largest(nodes, Node::value))
}

/// Whether the value of one of these nodes is larger than this key.
#[inline(always)]
pub fn has_larger_node(nodes: &[Node], than: u64) -> bool {
    wide!(has_larger(nodes, 2, than)).unwrap_or_else(|| any(nodes, |node| node.value() > than))
}

/// Whether one of these fulfils the condition, where that is rare: one branch each, which is not
/// taken.
#[inline(always)]
pub fn any<T>(items: &[T], is_true: impl Fn(&T) -> bool) -> bool {
    let (fours, rest) = items.as_chunks::<4>();
    fours.iter().any(|[a, b, c, d]| is_true(a) || is_true(b) || is_true(c) || is_true(d))
        || rest.iter().any(is_true)
}

/// The largest of some keys, and where it is; a key without a message does not count. For few keys,
/// most of them without a message: one branch each.
#[inline(always)]
pub fn largest_of_few(keys: &[AtomicU64]) -> (usize, u64) {
    let mut best = (0, key::LARGEST_FREE);
    let mut look = |number: usize, key: &AtomicU64| {
        let key = key.load(Ordering::SeqCst);
        if key > best.1 {
            best = (number, key);
        }
    };
    let (fours, rest) = keys.as_chunks::<4>();
    for (four, [a, b, c, d]) in fours.iter().enumerate() {
        look(four * 4, a);
        look(four * 4 + 1, b);
        look(four * 4 + 2, c);
        look(four * 4 + 3, d);
    }
    for (number, key) in rest.iter().enumerate() {
        look(fours.len() * 4 + number, key);
    }
    best
}

/// The largest of some values, and where it is.
///
/// Which one that is cannot be predicted, so there is no branch on it; and each comparison waits
/// for the one before it, so there is more than one chain of them. "Less" is in one flag of a
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

#[cfg(all(test, not(loom)))]
mod tests;
