//! The index alone, in one thread.

use super::*;
use crate::posix::mq::store::key;
use crate::shared::pair::Versioned;

struct Storage {
    keys: Vec<AtomicU64>,
    claims: Vec<AtomicU32>,
    nodes: Vec<Node>,
    high_water: AtomicU32,
}

impl Storage {
    fn new(slots: usize) -> Self {
        let storage = Self {
            keys: (0..slots).map(|_| AtomicU64::new(key::FREE)).collect(),
            claims: (0..slots).map(|_| AtomicU32::new(0)).collect(),
            nodes: (0..level_sizes(slots).iter().sum()).map(|_| Node::default()).collect(),
            high_water: AtomicU32::new(0),
        };
        (0..slots).for_each(|slot| storage.index().refresh(slot));
        storage
    }

    fn index(&self) -> Index<'_> {
        Index::new(&self.keys, &self.claims, &self.nodes, &self.high_water)
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
        assert_eq!(storage.index().best_of(Among::Unclaimed), Some((1, key::new(8, 1))));
        storage.claims[0].store(claim::OWNER_DIED, Ordering::SeqCst);
        assert_eq!(storage.index().best_of(Among::Unclaimed), Some((0, key::new(9, 1))));
    }
}

#[test]
fn a_tree_behind_the_truth_mends_itself() {
    let storage = Storage::new(65536);
    storage.set(40000, key::new(5, 1));
    // The thread that took it died before the refresh.
    storage.keys[40000].store(key::FREE, Ordering::SeqCst);
    assert_eq!(storage.index().best(), None);
    assert!(!storage.index().seems_to_have_message());
}

#[test]
fn nodes_that_are_behind_the_truth_show_no_free_slot() {
    let storage = Storage::new(1100);
    for slot in 0..1100 {
        assert!(storage.index().seems_to_have_free(), "{slot}");
        // As a sender does: it raises the nodes, and leaves the rest as it is.
        storage.claims[slot].store(17, Ordering::SeqCst);
        storage.keys[slot].store(key::new(1, slot as u64), Ordering::SeqCst);
        storage.index().raise(slot, key::new(1, slot as u64));
        storage.claims[slot].store(0, Ordering::SeqCst);
    }
    assert!(!storage.index().seems_to_have_free());
}

#[test]
fn random_nodes_do_no_harm() {
    let storage = Storage::new(1024);
    for node in &storage.nodes {
        let old = node.load();
        assert!(node.compare_exchange(old, Versioned { value: u64::MAX - 5, version: 77 }));
    }
    assert_eq!(storage.index().best(), None);
}

#[test]
fn a_high_water_mark_below_a_message_is_mended() {
    let storage = Storage::new(10);
    storage.high_water.store(0, Ordering::SeqCst);
    let key = key::new(3, 1);
    storage.keys[7].store(key, Ordering::SeqCst);
    assert_eq!(storage.index().best(), None, "as after hostile bytes");
    storage.index().refresh(7);
    assert_eq!(storage.index().best(), Some((7, key)));
    storage.high_water.store(u32::MAX, Ordering::SeqCst);
    assert_eq!(storage.index().best(), Some((7, key)), "beyond the keys");
}
