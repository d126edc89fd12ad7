//! The message that is next, and a free slot. A node that is found out of date on the way is
//! brought up to date.

use super::{Among, Index};
use crate::atomic::Ordering;
use crate::posix::mq::store::key::{self, is_message};
use crate::posix::mq::store::scan::{any, has_larger_node, largest_node, largest_of_few};
use crate::posix::mq::store::summary::{has_free, slot_in};
use crate::shared::claim;

impl Index<'_> {
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
    pub(in crate::posix::mq::store) fn best_by_node(&self) -> Option<(usize, u64)> {
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
