//! Finding the message to deliver next, and a free slot, among up to 65536 slots.
//!
//! Up to [`GROUP`] keys are compared one by one. Above that there is a tree of groups of [`GROUP`]:
//! each node holds the largest key below it, and whether a slot below it may be free. It is an
//! f-array (P. Jayanti, 2002): a thread that has changed a key brings the nodes above it up to
//! date (`update`).
//!
//! In a queue without a tree, only the keys below the *high-water mark* are compared: no slot from
//! that index on has held a message since the queue was made. It is raised by a sender that has
//! claimed such a slot, before it commits, and never lowered.
//!
//! The tree is a hint. A thread that dies between its change and the refresh leaves the tree out of
//! date. The keys are authoritative: a thread that finds nothing in the tree checks the keys.

use super::key::is_message;
use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::shared::claim;

mod beside;
mod hint;
mod search;
mod update;

pub use super::summary::Node;

/// Keys below a node of the lowest level, nodes below any other node, and nodes of the highest
/// level at most. (The model checker's trees are smaller.)
pub const GROUP: usize = if cfg!(loom) { 2 } else { 32 };
/// Levels above 65536 keys: 2048, 64 and 2 nodes.
pub const LEVELS: usize = 3;

/// Keys, claims and nodes of one queue. There are as many claims as keys.
#[derive(Clone, Copy)]
pub struct Index<'a> {
    pub(super) keys: &'a [AtomicU64],
    pub(super) claims: &'a [AtomicU32],
    /// Those of the first slot.
    pub(super) first: (&'a AtomicU64, &'a AtomicU32),
    /// From the lowest to the highest; empty ones at the end.
    levels: [&'a [Node]; LEVELS],
    height: usize,
    /// The high-water mark, where there is no tree: see the module. SeqCst: a thread that can see a
    /// key that was stored after the mark was raised sees the mark, too, and so looks at that key.
    high_water: &'a AtomicU32,
}

/// Which messages a receiver chooses from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Among {
    /// All of them.
    All,
    /// Those that no process has borrowed.
    NotHeld,
    /// Those that no thread works on, either.
    Unclaimed,
}

/// The words of one slot.
#[derive(Clone, Copy, Debug)]
pub struct Slot<'a> {
    /// Its index.
    pub number: usize,
    pub(in crate::posix::mq) key: &'a AtomicU64,
    pub(in crate::posix::mq) claim: &'a AtomicU32,
}

impl<'a> Slot<'a> {
    /// The claim word.
    #[inline]
    pub fn claim(&self) -> &'a AtomicU32 {
        self.claim
    }

    /// Whether it has no message and no thread works on it.
    #[inline]
    pub fn is_free(&self) -> bool {
        !is_message(self.key.load(Ordering::Relaxed))
            && claim::is_free(self.claim.load(Ordering::Relaxed))
    }
}

/// The number of nodes of each level above so many keys.
pub fn level_sizes(keys: usize) -> [usize; LEVELS] {
    let mut below = keys;
    core::array::from_fn(|_| {
        below = if below > GROUP { below.div_ceil(GROUP) } else { 0 };
        below
    })
}

impl<'a> Index<'a> {
    /// `nodes` are all the nodes, level after level. There is a slot.
    pub fn new(
        keys: &'a [AtomicU64],
        claims: &'a [AtomicU32],
        mut nodes: &'a [Node],
        high_water: &'a AtomicU32,
    ) -> Self {
        let sizes = level_sizes(keys.len());
        let levels = sizes.map(|size| {
            let (level, rest) = nodes.split_at(size);
            nodes = rest;
            level
        });
        let height = sizes.iter().filter(|&&size| size > 0).count();
        Self { keys, claims, first: (&keys[0], &claims[0]), levels, height, high_water }
    }

    /// The keys themselves.
    pub fn keys(&self) -> &'a [AtomicU64] {
        self.keys
    }

    /// The slot of this index. `None`: there is none, as only hostile bytes can ask for.
    #[inline(always)]
    pub fn slot(&self, number: usize) -> Option<Slot<'a>> {
        Some(Slot { number, key: self.keys.get(number)?, claim: self.claims.get(number)? })
    }

    /// All slots.
    #[inline(always)]
    pub fn slots(&self) -> impl Iterator<Item = Slot<'a>> + use<'a> {
        self.keys.iter().zip(self.claims).enumerate().map(|(number, (key, claim))| Slot {
            number,
            key,
            claim,
        })
    }

    /// Whether there are so few slots that there is no tree.
    #[inline]
    pub fn is_flat(&self) -> bool {
        self.height == 0
    }

    /// Whether no slot but the first has held a message, in a queue without a tree.
    #[inline(always)]
    pub fn uses_first_only(&self) -> bool {
        self.high_water.load(Ordering::SeqCst) == 1
    }

    /// The first slot.
    #[inline(always)]
    pub fn first(&self) -> Slot<'a> {
        Slot { number: 0, key: self.first.0, claim: self.first.1 }
    }

    /// The keys below the high-water mark.
    #[inline(always)]
    pub fn used(&self) -> &'a [AtomicU64] {
        let mark = self.high_water.load(Ordering::SeqCst) as usize;
        self.keys.get(..mark).unwrap_or(self.keys)
    }

    #[inline(always)]
    fn top(&self) -> &'a [Node] {
        self.height.checked_sub(1).and_then(|top| self.levels.get(top)).copied().unwrap_or_default()
    }

    fn children(&self, level: usize, node: usize) -> core::ops::Range<usize> {
        let count = if level == 0 { self.keys.len() } else { self.levels[level - 1].len() };
        node * GROUP..((node + 1) * GROUP).min(count)
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
