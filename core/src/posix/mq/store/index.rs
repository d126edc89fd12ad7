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

use super::key::{self, is_message};
use super::scan::{any, has_larger_node, largest_node, largest_of_few};
use super::summary::{has_free, slot_in};
use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::shared::claim;

mod beside;
mod hint;
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

    /// The largest key and its slot, whether it is claimed or not.
    #[inline]
    pub fn best(&self) -> Option<(usize, u64)> {
        if !self.is_flat() {
            return self.best_by_tree();
        }
        let (slot, key) = largest_of_few(self.used());
        is_message(key).then_some((slot, key))
    }

    /// The largest key among these, and its slot. Looks at all of them.
    #[cold]
    pub fn best_of(&self, among: Among) -> Option<(usize, u64)> {
        self.best_if(|slot| {
            let claim = self.claims[slot].load(Ordering::Relaxed);
            match among {
                Among::All => true,
                Among::NotHeld => !claim::is_held(claim),
                Among::Unclaimed => claim::is_free(claim),
            }
        })
    }

    /// Whether a key is larger than this one.
    #[inline(always)]
    pub fn has_better(&self, key: u64) -> bool {
        if self.is_flat() {
            return any(self.used(), |other| other.load(Ordering::SeqCst) > key);
        }
        has_larger_node(self.top(), key) && self.finds_better(key)
    }

    #[cold]
    fn finds_better(&self, key: u64) -> bool {
        self.best().is_some_and(|(_, best)| best > key)
    }

    /// A free, unclaimed slot.
    pub fn free(&self) -> Option<usize> {
        match self.height.checked_sub(1) {
            None => self.free_of(0..self.keys.len()),
            Some(top) => (0..self.levels[top].len()).find_map(|node| self.free_below(top, node)),
        }
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

    #[inline(always)]
    fn best_if(&self, is_candidate: impl Fn(usize) -> bool) -> Option<(usize, u64)> {
        let mut best = (0, key::LARGEST_FREE);
        for (slot, key) in self.keys.iter().enumerate() {
            let key = key.load(Ordering::SeqCst);
            if key > best.1 && is_candidate(slot) {
                best = (slot, key);
            }
        }
        is_message(best.1).then_some(best)
    }

    #[inline(always)]
    fn best_by_tree(&self) -> Option<(usize, u64)> {
        // A node that is out of date is refreshed on the way, so a second try mostly succeeds.
        for _ in 0..4 {
            let (node, key) = largest_node(self.top());
            if !is_message(key) {
                return None;
            }
            // The two words of the node may not belong together; the key in the slot decides.
            let slot = slot_in(self.top()[node].version());
            if self.keys.get(slot).is_some_and(|found| found.load(Ordering::SeqCst) == key) {
                return Some((slot, key));
            }
            self.mend(node);
        }
        self.best_if(|_| true)
    }

    /// What the node with the largest key says of it: the slot may have changed since.
    #[inline(always)]
    pub(super) fn best_by_node(&self) -> Option<(usize, u64)> {
        let (node, key) = largest_node(self.top());
        is_message(key).then(|| self.top().get(node).map(|node| (slot_in(node.version()), key)))?
    }

    /// The slot of the largest key below this node of the highest level is not what the node says:
    /// the thread that has changed it has not refreshed the node yet, and may never do so.
    #[cold]
    fn mend(&self, top: usize) {
        let mut node = top;
        for level in (0..self.height).rev() {
            let Some(child) = self.child_with_largest(level, node) else { return };
            if level == 0 {
                self.refresh(child);
            }
            node = child;
        }
    }

    fn child_with_largest(&self, level: usize, node: usize) -> Option<usize> {
        let children = self.children(level, node);
        match level.checked_sub(1) {
            // Any slot below the lowest node leads to it.
            None => children.start.lt(&children.end).then_some(children.start),
            Some(below) => {
                let (child, _) = largest_node(self.levels[below].get(children.clone())?);
                Some(children.start + child)
            }
        }
    }

    fn free_of(&self, mut slots: core::ops::Range<usize>) -> Option<usize> {
        slots.find(|&slot| {
            !is_message(self.keys[slot].load(Ordering::Relaxed))
                && claim::is_free(self.claims[slot].load(Ordering::Relaxed))
        })
    }

    fn free_below(&self, level: usize, node: usize) -> Option<usize> {
        if !has_free(self.levels[level][node].version()) {
            return None;
        }
        let mut children = self.children(level, node);
        let found = match level.checked_sub(1) {
            None => self.free_of(children),
            Some(below) => children.find_map(|child| self.free_below(below, child)),
        };
        if found.is_none() && !self.may_have_free_below(level, node) {
            // A sender has taken the last one, and does not look whether it was that.
            self.refresh_node(level, node);
        }
        found
    }

    /// What the node has to say, which does not depend on claims.
    fn may_have_free_below(&self, level: usize, node: usize) -> bool {
        let children = self.children(level, node);
        match level.checked_sub(1) {
            None => !self.keys[children].iter().all(|key| is_message(key.load(Ordering::SeqCst))),
            Some(below) => self.levels[below][children].iter().any(|node| has_free(node.version())),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
