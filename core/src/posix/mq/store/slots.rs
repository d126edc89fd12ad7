//! The protocol of the slots: claim, commit (`commit`), release. `docs/design.md` argues its
//! properties.
//!
//! A sender claims a free slot, writes the body, stores the key, releases. A receiver claims the
//! slot of the largest key, reads the body, clears the key, releases. Storing or clearing the key
//! is the commit: one store, before which nothing has happened for other threads, and after which
//! everything has.

use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::posix::mq::store::holders::Holders;
use crate::posix::mq::store::index::{Among, Index, Slot};
use crate::posix::mq::store::key::{self, Newest, is_message};
use crate::shared::claim::{self, Claimant, Holder};
use crate::shared::pause::Pause;
use crate::shared::prefetch;

/// Lost races after which an operation gives up for the moment. Only hostile bytes make it lose so
/// often.
const ATTEMPTS: usize = 512;

/// Holders that are asked for in one go.
pub const ASKED_AT_A_TIME: usize = 32;

/// The slots of one queue.
#[derive(Clone, Copy)]
pub struct Slots<'a> {
    /// Where to look.
    pub index: Index<'a>,
    /// The number of messages sent through a queue with a tree. (Without one, the keys themselves
    /// tell.)
    ///
    /// Any sender adds one to it. No two get the same sequence number, and later ones get larger
    /// ones, which the order within the word gives. Release: a thread that sees the addition
    /// (Acquire) sees all messages whose sends had returned before that.
    pub sequence: &'a AtomicU64,
    /// The key of a message that was claimed and not taken for a long time. A receiver that has
    /// waited for it in vain stores it. Relaxed: a hint, whose loss costs another wait.
    pub stalled: &'a AtomicU64,
    /// The slot of a queue with a tree from which a message was taken last. Any receiver stores it.
    /// Relaxed: a hint, that saves the sender a search.
    pub freed: &'a AtomicU32,
    /// The processes that keep slots.
    pub holders: &'a Holders,
}

/// What a waiter looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A slot to send into.
    Free,
    /// A slot to receive from.
    Message,
}

/// What a look at all the slots found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// There is one, now.
    There,
    /// None, but an operation is under way that may not know yet that a thread waits.
    UnderWay,
    /// None, and the thread that changes that will see that a thread waits.
    Nothing,
}

/// A claimed free slot.
#[derive(Clone, Copy, Debug)]
pub struct Reserved<'a> {
    /// Where it is.
    pub slot: Slot<'a>,
    pub(super) sequence: u64,
}

impl Reserved<'_> {
    /// The key of the message that goes there.
    #[inline(always)]
    pub fn key(&self, priority: u32) -> u64 {
        key::new(priority, self.sequence)
    }
}

/// A claimed slot with a message.
#[derive(Clone, Copy, Debug)]
pub struct Taken<'a> {
    /// Where it is.
    pub slot: Slot<'a>,
    /// Its key.
    pub key: u64,
}

impl<'a> Slots<'a> {
    /// Claims a free slot. `None`: there seems to be none. `nears` is told of a slot before it is
    /// claimed.
    #[inline(always)]
    pub fn reserve(&self, who: &impl Claimant, nears: impl Fn(usize)) -> Option<Reserved<'a>> {
        self.reserve_without_sequence(who, nears).map(|reserved| self.with_sequence(reserved))
    }

    /// The same, of a slot that no message may ever come into.
    #[inline(always)]
    pub(super) fn reserve_without_sequence(
        &self,
        who: &impl Claimant,
        nears: impl Fn(usize),
    ) -> Option<Reserved<'a>> {
        for _ in 0..ATTEMPTS {
            let found =
                if self.index.is_flat() { self.find_free_flat() } else { self.find_free_by_tree() };
            let reserved = found?;
            nears(reserved.slot.number);
            if !claim::claim(reserved.slot.claim, who) {
                continue;
            }
            // No Acquire is needed here: the claim has it. A sender may have filled the slot before
            // we claimed it.
            if !is_message(reserved.slot.key.load(Ordering::Relaxed)) {
                return Some(reserved);
            }
            claim::release(reserved.slot.claim, who);
        }
        None
    }

    /// Claims the message to deliver next. `None`: there seems to be none.
    ///
    /// A message that another receiver has claimed may still come back, if that one finds a better
    /// one, or dies. Passing it over at once would break the order, so it is waited for. But its
    /// holder may be stopped: then the message is stalled for all, until the holder has ended. And
    /// it may be what our signal handler has interrupted.
    ///
    /// `nears` is told of a slot before it is claimed.
    #[inline(always)]
    pub fn take(&self, who: &impl Claimant, nears: impl Fn(usize)) -> Option<Taken<'a>> {
        if self.index.is_flat() {
            // While we look at the keys, which the sender had in its processor, too.
            prefetch::to_write::<0>(self.index.claims.as_ptr());
        }
        let mut pause = Pause::default();
        let mut among = Among::All;
        for _ in 0..ATTEMPTS {
            // Acquire: see `Slots::sequence`.
            let before = self.sequence.load(Ordering::Acquire);
            let (slot, found) =
                if among == Among::All { self.index.best()? } else { self.index.best_of(among)? };
            let slot = self.index.slot(slot)?;
            nears(slot.number);
            if !claim::claim(slot.claim, who) {
                who.cold(|who| {
                    among = self.wait_for_holder(slot.claim, found, who, &mut pause).max(among);
                });
                continue;
            }
            // No Acquire is needed here: the claim has it. The slot may have been emptied, and
            // filled, before we claimed it.
            let key = slot.key.load(Ordering::Relaxed);
            // The look at all the keys took a while. A better message that came before our claim
            // goes first.
            let is_overtaken = if among == Among::All {
                self.may_be_overtaken(before) && self.index.has_better(key)
            } else {
                self.index.best_of(among).is_some_and(|(_, other)| other > key)
            };
            if is_message(key)
                && !(is_overtaken && self.gives_way(key))
                && (self.index.is_flat() || key == found)
            {
                return Some(Taken { slot, key });
            }
            claim::release(slot.claim, who);
        }
        None
    }

    /// Whether a better message may have come before the one that was found, though the look at the
    /// keys has missed it. Not in a queue with a tree if no send has begun since before the look:
    /// then the sends of both messages had begun by then, and neither came before the other.
    #[inline(always)]
    pub(super) fn may_be_overtaken(&self, before: u64) -> bool {
        // Relaxed: a send that began after another one had returned was counted before its message
        // was found, which was an Acquire.
        self.index.is_flat() || self.sequence.load(Ordering::Relaxed) != before
    }

    /// Whether a claimed message gives way to a better one. Not if others have waited for it, and
    /// have taken later ones instead: it would be delivered after messages that were sent later.
    #[cold]
    pub(super) fn gives_way(&self, key: u64) -> bool {
        self.stalled.load(Ordering::Relaxed) != key
    }

    /// Says which messages to go on with. What a process has borrowed may be away for long: it is
    /// not waited for.
    #[cold]
    fn wait_for_holder(
        &self,
        claim: &AtomicU32,
        key: u64,
        who: &impl Claimant,
        pause: &mut Pause,
    ) -> Among {
        let held = claim.load(Ordering::Relaxed);
        if claim::is_held(held) {
            self.free_held_by_dead(who);
            return Among::NotHeld;
        }
        let is_ours = who.is_own(held);
        if is_ours && who.is_stray() {
            claim::free_if(claim, |holder| holder == claim::holder(held));
            return Among::All;
        }
        if is_ours || who.is_orphan() || self.stalled.load(Ordering::Relaxed) == key {
            return Among::Unclaimed;
        }
        pause.wait();
        // One that has died unwatched, too, gives its message back before later ones are received.
        if !pause.is_over() || claim::free_if(claim, |holder| who.has_died_unwatched(holder)) {
            return Among::All;
        }
        self.stalled.store(key, Ordering::Relaxed);
        Among::Unclaimed
    }

    /// What processes have borrowed that have ended comes before later messages.
    #[cold]
    fn free_held_by_dead(&self, who: &impl Claimant) {
        for entry in self.holders.used().iter().filter(|entry| entry.is_marked()) {
            let held = entry.owner();
            if who.has_holder_ended(held) {
                self.free_held(held);
            }
        }
    }

    /// Frees all that a process held that has ended, and says whether there was a message, and
    /// whether there was space.
    pub fn free_held(&self, held: u32) -> (bool, bool) {
        let mut freed = (false, false);
        let holder = claim::holder(held);
        for slot in self.index.slots() {
            if claim::free_if(slot.claim, |of| of == holder) {
                if is_message(slot.key.load(Ordering::SeqCst)) {
                    freed.0 = true;
                } else {
                    freed.1 = true;
                }
            }
        }
        freed
    }

    /// Gives a claimed slot back as it was.
    #[inline(always)]
    pub fn put_back(taken: Taken<'_>, who: &impl Claimant) {
        claim::release(taken.slot.claim, who);
    }

    /// In the child of a fork that happened while the slot was claimed, the parent goes on with the
    /// slot.
    #[inline(always)]
    pub fn leave_to_parent(who: &impl Claimant) {
        who.withdraw();
    }

    /// Whether there seems to be one. Cheap, for a spin.
    pub fn seem_to_have(&self, wanted: Wanted) -> bool {
        match wanted {
            Wanted::Free => self.index.seems_to_have_free(),
            Wanted::Message => self.index.seems_to_have_message(),
        }
    }

    /// Looks at the slots themselves, which is necessary before "nothing" is believed.
    ///
    /// Each claim is read before its key. A slot that is not claimed and has no message may get one
    /// later, but the sender's claim will come after this thread has announced that it waits, so
    /// the sender will see that.
    pub fn look(&self, wanted: Wanted) -> Look {
        let mut under_way = false;
        for slot in self.index.slots() {
            let claim = slot.claim.load(Ordering::SeqCst);
            // The process that gives it back sees that a thread waits, as its claim comes later.
            if claim::is_held(claim) {
                continue;
            }
            let claimed = !claim::is_free(claim);
            let has_message = is_message(slot.key.load(Ordering::SeqCst));
            if claimed {
                under_way = true;
            } else if has_message == (wanted == Wanted::Message) {
                // The tree may not know of it: a thread died before the refresh.
                self.index.refresh(slot.number);
                return Look::There;
            }
        }
        if under_way { Look::UnderWay } else { Look::Nothing }
    }

    /// Frees the claims of threads that have ended and that the kernel did not watch. True if there
    /// was one.
    ///
    /// To ask for one costs system calls, so only as many are asked about at a time as take a few
    /// hundred microseconds. `first` says where to begin, so that each has its turn.
    pub fn free_claims_of(&self, first: usize, is_dead: impl Fn(Holder) -> bool) -> bool {
        let (before, after) = self.index.claims.split_at(first % self.index.claims.len().max(1));
        let held = after.iter().chain(before).filter(|claim| {
            // Relaxed: the thread that frees it checks again.
            !claim::is_free(claim.load(Ordering::Relaxed))
        });
        held.take(ASKED_AT_A_TIME).filter(|claim| claim::free_if(claim, &is_dead)).count() > 0
    }

    /// A free slot, and the next sequence number: larger than that of any message that is in the
    /// queue and whose send has returned. Where there is none, any sequence number will do.
    #[inline(always)]
    fn find_free_flat(&self) -> Option<Reserved<'a>> {
        let slot = self.index.slots().find(Slot::is_free)?;
        Some(Reserved { slot, sequence: self.next_sequence() })
    }

    /// The next sequence number, where there is no tree.
    #[inline(always)]
    pub(super) fn next_sequence(&self) -> u64 {
        let mut newest = Newest::default();
        self.index.used().iter().for_each(|key| newest.look(key.load(Ordering::SeqCst)));
        newest.next()
    }

    fn find_free_by_tree(&self) -> Option<Reserved<'a>> {
        let freed =
            self.index.slot(self.freed.load(Ordering::Relaxed) as usize).filter(Slot::is_free);
        let slot = match freed {
            Some(slot) => slot,
            None => self.index.slot(self.index.free()?)?,
        };
        Some(Reserved { slot, sequence: 0 })
    }

    #[inline(always)]
    pub(super) fn with_sequence(&self, reserved: Reserved<'a>) -> Reserved<'a> {
        if self.index.is_flat() {
            self.index.use_slot(reserved.slot.number);
            return reserved;
        }
        Reserved { sequence: self.sequence.fetch_add(1, Ordering::Release), ..reserved }
    }
}
