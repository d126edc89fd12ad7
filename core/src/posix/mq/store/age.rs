//! Which message is the oldest, and how many there are.

use super::index::Slot;
use super::key::{self, is_message};
use super::slots::{Reserved, Slots};
use crate::atomic::Ordering;
use crate::shared::claim::{self, Claimant};

impl<'a> Slots<'a> {
    /// Whether the message that was published here came into the empty queue.
    ///
    /// It is not enough to check that there was no message when its sender looked for a slot: the
    /// last one may have been received since, and its receiver may have seen no further one. So it
    /// counts as such if there is no older one now. It may have been received itself already: then
    /// no later message had this role, and the senders of those that came meanwhile saw it, and
    /// rely on this one.
    pub fn is_oldest(&self, Reserved { slot, sequence }: Reserved<'_>) -> bool {
        let own = (key::truncated(sequence), slot.number);
        self.ages().all(|other| other >= own)
    }

    /// The slot of the oldest message.
    pub fn oldest(&self) -> Option<usize> {
        self.ages().min().map(|(_, slot)| slot)
    }

    /// Sequence numbers and slots of the messages. Of several that came at once the slots tell
    /// which is the oldest.
    fn ages(&self) -> impl Iterator<Item = (u64, usize)> + use<'a> {
        // What is borrowed has been delivered, as far as others can tell.
        let is_there = |slot: &Slot<'_>| !claim::is_held(slot.claim.load(Ordering::SeqCst));
        let keys = self.index.slots().map(|slot| (slot, slot.key.load(Ordering::SeqCst)));
        keys.filter(move |(slot, key)| is_message(*key) && is_there(slot))
            .map(|(slot, key)| (key::sequence(key), slot.number))
    }

    /// The number of messages.
    pub fn count(&self) -> usize {
        self.index.keys.iter().filter(|key| is_message(key.load(Ordering::Relaxed))).count()
    }

    /// The number of messages for a thread that may be a handler: without those that it has
    /// interrupted itself in the middle of sending, or of receiving. It cannot receive them before
    /// it returns.
    pub fn count_for(&self, who: &impl Claimant) -> usize {
        // Relaxed: the thread itself stored what is compared.
        let is_ours = |slot: &Slot<'_>| who.is_own(slot.claim.load(Ordering::Relaxed));
        let has_message = |slot: &Slot<'_>| is_message(slot.key.load(Ordering::Relaxed));
        let messages = self.index.slots().filter(has_message);
        // Asked at the first slot of its own alone: that is seldom.
        let is_stray = core::cell::OnceCell::new();
        messages.filter(|slot| !is_ours(slot) || *is_stray.get_or_init(|| who.is_stray())).count()
    }
}
