//! The node with the best message, and what lies beside it.

use core::ops::Range;

use super::{GROUP, Index};
use crate::posix::mq::store::key::{self, is_message};

impl Index<'_> {
    /// The slots below the node with the largest key, and the largest key elsewhere.
    pub(in crate::posix::mq::store) fn best_node(&self) -> Option<(Range<usize>, u64)> {
        if self.is_flat() {
            return Some((0..self.used().len(), key::LARGEST_FREE));
        }
        let mut beside = key::LARGEST_FREE;
        let mut nodes = 0..self.top().len();
        for (level, all) in self.levels[..self.height].iter().enumerate().rev() {
            let (mut best, mut largest) = (nodes.start, key::FREE);
            for number in nodes {
                let value = all.get(number)?.value();
                beside = beside.max(largest.min(value));
                if value > largest {
                    (best, largest) = (number, value);
                }
            }
            if !is_message(largest) {
                return None;
            }
            nodes = self.children(level, best);
        }
        Some((nodes, beside))
    }

    /// The largest key that does not lie below the lowest node of this slot.
    pub(in crate::posix::mq::store) fn best_beside(&self, slot: usize) -> u64 {
        let mut beside = key::LARGEST_FREE;
        let mut child = slot;
        for level in &self.levels[..self.height] {
            child /= GROUP;
            let first = child / GROUP * GROUP;
            let siblings = level.iter().enumerate().skip(first).take(GROUP);
            for (_, node) in siblings.filter(|(number, _)| *number != child) {
                beside = beside.max(node.value());
            }
        }
        beside
    }

    /// The slots below a lowest node: all, where there is no tree.
    pub(in crate::posix::mq::store) fn slots_below(&self, node: usize) -> Range<usize> {
        if self.is_flat() { 0..self.keys.len() } else { self.children(0, node) }
    }
}
