//! Finding the message to deliver next, and a free slot, among up to 65536 slots.
//!
//! Up to [`GROUP`] keys are looked at one by one. Above that, a tree of groups of [`GROUP`]: each node holds the
//! largest key below it, and whether a slot below it is free. It is an f-array (P. Jayanti, 2002): who has changed
//! a key refreshes the nodes above it. If two exchanges in a row fail, somebody else has refreshed the node after our
//! change. The version in a node keeps a late refresh from putting an old value back.
//!
//! The tree is a hint. A thread that dies between its change and the refresh leaves it behind the truth, which is in
//! the keys: who finds nothing looks at those before it believes it.

use core::hint::select_unpredictable;

use crate::posix::mq::store::key::{self, is_message};
use crate::shared::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::shared::claim;
use crate::shared::pair::{Pair, Versioned};

/// Keys below a node of the lowest level, nodes below any other node, and nodes of the highest level at most. (The model
/// checker's trees are smaller.)
pub const GROUP: usize = if cfg!(loom) { 2 } else { 32 };
/// Levels above 65536 keys: 2048, 64 and 2 nodes.
pub const LEVELS: usize = 3;

/// What the version of a node says beside its count:
///
/// | bits | meaning |
/// |---|---|
/// | 0 | a slot below it is free |
/// | 1..17 | the slot of the largest key below it |
/// | 17..64 | the number of changes |
#[derive(Clone, Copy)]
struct Summary {
    /// The largest key.
    key: u64,
    /// Its slot.
    slot: usize,
    /// Whether there is a free slot.
    free: bool,
}

const HAS_FREE: u64 = 1;
const SLOT_SHIFT: u32 = 1;
const SLOT: u64 = 0xffff;
const CHANGE: u64 = 1 << 17;

impl Summary {
    const NOTHING: Self = Self { key: key::FREE, slot: 0, free: false };

    /// What comes after `old`.
    fn after(self, old: Versioned) -> Versioned {
        let count = (old.version & !(CHANGE - 1)).wrapping_add(CHANGE);
        let slot = (self.slot as u64 & SLOT) << SLOT_SHIFT;
        Versioned { value: self.key, version: count | slot | u64::from(self.free) }
    }
}

fn slot_in(version: u64) -> usize {
    usize::try_from((version >> SLOT_SHIFT) & SLOT).unwrap_or(0)
}

/// A node. Its value is the largest key below it.
pub type Node = Pair;

/// Keys, claims and nodes of one queue. Keys and claims are of the same number.
#[derive(Clone, Copy)]
pub struct Index<'a> {
    pub(super) keys: &'a [AtomicU64],
    pub(super) claims: &'a [AtomicU32],
    /// From the lowest to the highest; empty ones at the end.
    levels: [&'a [Node]; LEVELS],
    height: usize,
}

/// The words of one slot.
#[derive(Clone, Copy, Debug)]
pub struct Slot<'a> {
    /// Its number.
    pub number: usize,
    pub(super) key: &'a AtomicU64,
    /// Who works on it.
    pub claim: &'a AtomicU32,
}

impl Slot<'_> {
    /// Whether it has no message and nobody works on it.
    #[inline]
    pub fn is_free(&self) -> bool {
        !is_message(self.key.load(Ordering::Relaxed)) && claim::is_free(self.claim.load(Ordering::Relaxed))
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
    /// `nodes` are all the nodes, level after level.
    pub fn new(keys: &'a [AtomicU64], claims: &'a [AtomicU32], mut nodes: &'a [Node]) -> Self {
        let sizes = level_sizes(keys.len());
        let levels = sizes.map(|size| {
            let (level, rest) = nodes.split_at(size);
            nodes = rest;
            level
        });
        Self { keys, claims, levels, height: sizes.iter().filter(|&&size| size > 0).count() }
    }

    /// The keys themselves.
    pub fn keys(&self) -> &'a [AtomicU64] {
        self.keys
    }

    /// The slot of this number. `None`: there is none, as only hostile bytes can ask for.
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

    /// The largest key and its slot, whether somebody has claimed it or not.
    #[inline]
    pub fn best(&self) -> Option<(usize, u64)> {
        if self.is_flat() { self.best_of(|_| true) } else { self.best_by_tree() }
    }

    /// The largest key that nobody has claimed, and its slot. Looks at all of them.
    #[cold]
    pub fn best_unclaimed(&self) -> Option<(usize, u64)> {
        self.best_of(|slot| claim::is_free(self.claims[slot].load(Ordering::Relaxed)))
    }

    /// Whether a key is larger than this one.
    #[inline(always)]
    pub fn has_better(&self, key: u64) -> bool {
        if self.is_flat() {
            return any(self.keys, |other| other.load(Ordering::SeqCst) > key);
        }
        any(self.top(), |node| node.value() > key) && self.finds_better(key)
    }

    #[cold]
    fn finds_better(&self, key: u64) -> bool {
        self.best().is_some_and(|(_, best)| best > key)
    }

    /// Whether there seems to be a message. Cheap, for one who spins.
    pub fn seems_to_have_message(&self) -> bool {
        if self.is_flat() {
            return self.keys.iter().any(|key| is_message(key.load(Ordering::Relaxed)));
        }
        self.top().iter().any(|node| is_message(node.value()))
    }

    /// Whether there seems to be a free slot. Cheap, for one who spins.
    pub fn seems_to_have_free(&self) -> bool {
        if self.is_flat() {
            return self.keys.iter().any(|key| !is_message(key.load(Ordering::Relaxed)));
        }
        self.top().iter().any(|node| node.version() & HAS_FREE != 0)
    }

    /// A free slot that nobody has claimed.
    pub fn free(&self) -> Option<usize> {
        match self.height.checked_sub(1) {
            None => self.free_of(0..self.keys.len()),
            Some(top) => (0..self.levels[top].len()).find_map(|node| self.free_below(top, node)),
        }
    }

    /// Brings the nodes above a slot up to date. Also a full barrier, if there are any.
    #[inline]
    pub fn refresh(&self, slot: usize) {
        let mut child = slot;
        for level in 0..self.height {
            child /= GROUP;
            self.refresh_node(level, child);
        }
    }

    fn top(&self) -> &'a [Node] {
        self.levels[self.height - 1]
    }

    fn children(&self, level: usize, node: usize) -> core::ops::Range<usize> {
        let count = if level == 0 { self.keys.len() } else { self.levels[level - 1].len() };
        node * GROUP..((node + 1) * GROUP).min(count)
    }

    #[inline(always)]
    fn best_of(&self, is_candidate: impl Fn(usize) -> bool) -> Option<(usize, u64)> {
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
            let (node, key) = largest(self.top(), Node::value);
            if !is_message(key) {
                return None;
            }
            // The two words of the node may not belong together; the key in the slot tells.
            let slot = slot_in(self.top()[node].version());
            if self.keys.get(slot).is_some_and(|found| found.load(Ordering::SeqCst) == key) {
                return Some((slot, key));
            }
            self.mend(node);
        }
        self.best_of(|_| true)
    }

    /// The slot of the largest key below this node of the highest level is not what the node says: who has changed it
    /// has not come to the refresh yet, and may never.
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
                let (child, _) = largest(self.levels[below].get(children.clone())?, Node::value);
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
        if self.levels[level][node].version() & HAS_FREE == 0 {
            return None;
        }
        let mut children = self.children(level, node);
        if level == 0 {
            self.free_of(children)
        } else {
            children.find_map(|child| self.free_below(level - 1, child))
        }
    }

    #[inline(always)]
    fn refresh_node(&self, level: usize, number: usize) {
        let Some(node) = self.levels[level].get(number) else { return };
        // The first exchange is also the barrier behind the store of the key, which others may not see before it. So
        // it does not count as one of the two that fail.
        for _ in 0..3 {
            let old = node.load();
            let new =
                if level == 0 { self.summary_of_keys(number) } else { self.summary_of_nodes(level, number) };
            if node.compare_exchange(old, new.after(old)) {
                return;
            }
        }
    }

    #[inline(always)]
    fn summary_of_keys(&self, node: usize) -> Summary {
        let children = self.children(0, node);
        let keys = &self.keys[children.clone()];
        let mut common = u64::MAX;
        let (index, key) = largest(keys, |key| {
            let key = key.load(Ordering::SeqCst);
            common &= key;
            key
        });
        Summary { key, slot: children.start + index, free: !is_message(common) }
    }

    fn summary_of_nodes(&self, level: usize, node: usize) -> Summary {
        let mut found = Summary::NOTHING;
        for child in &self.levels[level - 1][self.children(level, node)] {
            let child = child.load();
            found.free |= child.version & HAS_FREE != 0;
            if child.value > found.key {
                found = Summary { key: child.value, slot: slot_in(child.version), ..found };
            }
        }
        found
    }
}

/// Whether it is true of one of these, where that is seldom: it is asked of four at a time.
#[inline(always)]
fn any<T>(items: &[T], is_true: impl Fn(&T) -> bool) -> bool {
    let (fours, rest) = items.as_chunks::<4>();
    fours.iter().any(|[a, b, c, d]| is_true(a) | is_true(b) | is_true(c) | is_true(d))
        || rest.iter().any(is_true)
}

/// The largest of some values, and where it is.
///
/// Which one that is nobody can predict, so there is no branch on it; and each comparison waits for the one before it,
/// so there is more than one chain of them. "Less" is in one flag of a comparison, "greater" in two, which would make each
/// conditional move twice the work.
#[inline(always)]
fn largest<T>(items: &[T], mut value: impl FnMut(&T) -> u64) -> (usize, u64) {
    const CHAINS: usize = 2;
    let larger = |one: (usize, u64), other: (usize, u64)| {
        let is_less = other.1 < one.1;
        (select_unpredictable(is_less, one.0, other.0), select_unpredictable(is_less, one.1, other.1))
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
mod tests {
    use super::*;

    struct Storage {
        keys: Vec<AtomicU64>,
        claims: Vec<AtomicU32>,
        nodes: Vec<Node>,
    }

    impl Storage {
        fn new(slots: usize) -> Self {
            let storage = Self {
                keys: (0..slots).map(|_| AtomicU64::new(key::FREE)).collect(),
                claims: (0..slots).map(|_| AtomicU32::new(0)).collect(),
                nodes: (0..level_sizes(slots).iter().sum()).map(|_| Node::default()).collect(),
            };
            (0..slots).for_each(|slot| storage.index().refresh(slot));
            storage
        }

        fn index(&self) -> Index<'_> {
            Index::new(&self.keys, &self.claims, &self.nodes)
        }

        fn set(&self, slot: usize, key: u64) {
            self.keys[slot].store(key, Ordering::SeqCst);
            self.index().refresh(slot);
        }
    }

    const SIZES: [usize; 6] = [1, 32, 33, 1024, 1025, 65536];

    #[test]
    fn levels_shrink_to_a_group() {
        assert_eq!(level_sizes(32), [0, 0, 0]);
        assert_eq!(level_sizes(33), [2, 0, 0]);
        assert_eq!(level_sizes(1025), [33, 2, 0]);
        assert_eq!(level_sizes(65536), [2048, 64, 2]);
    }

    #[test]
    fn the_largest_key_is_found_and_a_free_slot() {
        for size in SIZES {
            let storage = Storage::new(size);
            let index = storage.index();
            assert_eq!((index.best(), index.free()), (None, Some(0)), "{size}");
            storage.set(size - 1, key::new(3, 1));
            assert_eq!(index.best(), Some((size - 1, key::new(3, 1))), "{size}");
            assert!(!index.has_better(key::new(3, 1)) && index.has_better(key::new(3, 2)));
            (0..size).for_each(|slot| storage.set(slot, key::new(1, slot as u64)));
            assert_eq!(index.best(), Some((0, key::new(1, 0))), "{size}");
            assert_eq!(index.free(), None, "{size}");
            storage.set(size / 2, key::FREE);
            assert_eq!(index.free(), Some(size / 2), "{size}");
        }
    }

    #[test]
    fn a_claimed_slot_can_be_passed_over() {
        for size in [2, 1024] {
            let storage = Storage::new(size);
            storage.set(0, key::new(9, 1));
            storage.set(1, key::new(8, 1));
            storage.claims[0].store(17, Ordering::SeqCst);
            assert_eq!(storage.index().best(), Some((0, key::new(9, 1))));
            assert_eq!(storage.index().best_unclaimed(), Some((1, key::new(8, 1))));
            storage.claims[0].store(claim::OWNER_DIED, Ordering::SeqCst);
            assert_eq!(storage.index().best_unclaimed(), Some((0, key::new(9, 1))));
        }
    }

    #[test]
    fn a_tree_behind_the_truth_mends_itself() {
        let storage = Storage::new(65536);
        storage.set(40000, key::new(5, 1));
        // The one who took it died before the refresh.
        storage.keys[40000].store(key::FREE, Ordering::SeqCst);
        assert_eq!(storage.index().best(), None);
        assert!(!storage.index().seems_to_have_message());
    }

    #[test]
    fn random_nodes_harm_nobody() {
        let storage = Storage::new(1024);
        for node in &storage.nodes {
            let old = node.load();
            assert!(node.compare_exchange(old, Versioned { value: u64::MAX - 5, version: 77 }));
        }
        assert_eq!(storage.index().best(), None);
    }
}
