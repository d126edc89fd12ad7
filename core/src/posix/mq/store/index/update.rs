//! Bringing the index up to date after a key has changed.
//!
//! The nodes above the key are exchanged one by one, each by an exchange that fails if another
//! thread has changed the node since it was read. The version in a node keeps a late exchange from
//! restoring an old value.
//!
//! * A sender *raises* the nodes to its key. It holds the claim meanwhile, so the key stays. If a
//!   node is as large already, its version is changed all the same, so that a thread that has
//!   looked at the keys below it looks again. The nodes above it are changed for the same reason:
//!   the thread that has made this node so large may not have reached them yet.
//! * A receiver of a run (`store::run`) refreshes the nodes at its end.
//! * Any other receiver looks at the other keys before it clears its own, and exchanges the node
//!   after that. A change between the look and the exchange makes the exchange fail, or the thread
//!   that made it brings the node up to date. If the exchange fails, the receiver refreshes the
//!   node: it looks at all keys again.

use super::{GROUP, Index, Node};
use crate::atomic::Ordering;
use crate::posix::mq::store::key::is_message;
use crate::posix::mq::store::scan::{largest, largest_without};
use crate::posix::mq::store::summary::{Summary, has_free, slot_in};

/// Exchanges of a node that fail, one after the other, before it is left to others. Only hostile
/// bytes make so many fail, and the tree is a hint.
const EXCHANGES: usize = 64;

impl Index<'_> {
    /// A message is about to be in this slot, which the caller has claimed.
    #[inline(always)]
    pub fn use_slot(&self, slot: usize) {
        // Relaxed: it is never lowered.
        if slot >= self.high_water.load(Ordering::Relaxed) as usize {
            self.raise_high_water(slot);
        }
    }

    #[cold]
    fn raise_high_water(&self, slot: usize) {
        let mark = u32::try_from(slot + 1).unwrap_or(u32::MAX);
        self.high_water.fetch_max(mark, Ordering::SeqCst);
    }

    /// Brings what leads to a slot up to date: the nodes above it, which is also a full barrier, or
    /// the high-water mark. Only hostile bytes can put that below a message.
    #[inline]
    pub fn refresh(&self, slot: usize) {
        if self.is_flat() {
            return self.use_slot(slot);
        }
        self.refresh_from(0, slot);
    }

    /// A message with this key has been stored in a slot, which the caller has claimed. Also a full
    /// barrier.
    pub fn raise(&self, slot: usize, key: u64) {
        let mut child = slot;
        for level in &self.levels[..self.height] {
            child /= GROUP;
            if let Some(node) = level.get(child) {
                raise_node(node, slot, key);
            }
        }
    }

    /// Removes a message with this key from a slot that the caller has claimed, by `clear`, and
    /// returns what that returns: whether it has been done. If it has, also a full barrier.
    pub fn lower(&self, slot: usize, key: u64, clear: impl FnOnce() -> bool) -> bool {
        let number = slot / GROUP;
        let Some(node) = self.levels[0].get(number) else { return clear() };
        let old = node.load();
        let others = self.summary_without(number, key);
        if !clear() {
            return false;
        }
        if !node.compare_exchange(old, others.after(old)) {
            self.refresh_node(0, number);
        }
        if self.height > 1 {
            self.refresh_from(1, slot);
        }
        true
    }

    /// Refreshes the nodes above a slot, from this level on.
    #[inline]
    fn refresh_from(&self, lowest: usize, slot: usize) {
        let mut child = (0..lowest).fold(slot, |child, _| child / GROUP);
        for level in lowest..self.height {
            child /= GROUP;
            self.refresh_node(level, child);
        }
    }

    #[inline(always)]
    pub(super) fn refresh_node(&self, level: usize, number: usize) {
        let Some(node) = self.levels[level].get(number) else { return };
        // The first exchange is also the barrier after the store of the key, before which others
        // may not see the key.
        for _ in 0..EXCHANGES {
            let old = node.load();
            let new = if level == 0 {
                self.summary_of_keys(number)
            } else {
                self.summary_of_nodes(level, number)
            };
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

    /// Without the message that has this key.
    #[inline(always)]
    fn summary_without(&self, node: usize, key: u64) -> Summary {
        let children = self.children(0, node);
        let (index, key) = largest_without(&self.keys[children.clone()], key);
        Summary { key, slot: children.start + index, free: true }
    }

    fn summary_of_nodes(&self, level: usize, node: usize) -> Summary {
        let mut found = Summary::NOTHING;
        for child in &self.levels[level - 1][self.children(level, node)] {
            let child = child.load();
            found.free |= has_free(child.version);
            if child.value > found.key {
                found = Summary { key: child.value, slot: slot_in(child.version), ..found };
            }
        }
        found
    }
}

/// Raises a node to the key of this slot.
#[inline(always)]
fn raise_node(node: &Node, slot: usize, key: u64) {
    for _ in 0..EXCHANGES {
        let old = node.load();
        let is_larger = key > old.value;
        let (key, slot) = if is_larger { (key, slot) } else { (old.value, slot_in(old.version)) };
        let new = Summary { key, slot, free: has_free(old.version) };
        if node.compare_exchange(old, new.after(old)) {
            return;
        }
    }
}
