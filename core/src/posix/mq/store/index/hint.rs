//! Whether there seems to be a message, or a free slot: for a spin, and for poll(2), where a wrong
//! "yes" that lasts would let a program sleep in the call that follows.
//!
//! A node may be wrong for long: a thread has died before the refresh, the slot is on loan, or a
//! sender has taken the last free one. So the slot that it leads to decides. A wrong "no" is
//! possible; `Slots::look` is exact.

use super::{Among, Index, Node};
use crate::atomic::{AtomicU64, Ordering};
use crate::posix::mq::store::key::is_message;
use crate::posix::mq::store::summary::slot_in;
use crate::shared::claim;

impl Index<'_> {
    /// Whether there seems to be a free slot that no process keeps.
    pub fn seems_to_have_free(&self) -> bool {
        if self.is_flat() { self.has_in(self.keys, false) } else { self.free().is_some() }
    }

    /// Whether there seems to be a message that no process keeps.
    pub fn seems_to_have_message(&self) -> bool {
        if self.is_flat() {
            return self.has_in(self.used(), true);
        }
        let mut messages = self.top().iter().filter(|node| is_message(node.value())).peekable();
        let is_there = |node: &Node| {
            let slot = slot_in(node.version());
            let key = self.keys.get(slot).map(|key| key.load(Ordering::Relaxed));
            key == Some(node.value()) && !self.is_held(slot)
        };
        messages.peek().is_some() && (messages.any(is_there) || self.finds_message())
    }

    /// The highest nodes lead to no message.
    #[cold]
    fn finds_message(&self) -> bool {
        // Nodes that are out of date are refreshed on the way.
        self.best()
            .is_some_and(|(slot, _)| !self.is_held(slot) || self.best_of(Among::NotHeld).is_some())
    }

    fn has_in(&self, keys: &[AtomicU64], messages: bool) -> bool {
        keys.iter().enumerate().any(|(slot, key)| {
            is_message(key.load(Ordering::Relaxed)) == messages && !self.is_held(slot)
        })
    }

    fn is_held(&self, slot: usize) -> bool {
        self.claims.get(slot).is_some_and(|claim| claim::is_held(claim.load(Ordering::Relaxed)))
    }
}
