//! The protocols of the queue under the model checker: the real code of `slots`, `index`, `event`,
//! `baton`, `readiness` and `notify`, in small queues and small casts, in every interleaving of so
//! many preemptions.
//!
//! Run by `make model`. The kernel's part is modelled here: what it does to the claim of a thread
//! that dies, and the futex calls. A participant can stop at any access to memory,
//! [killed](End::Killed) or [stopped](End::Stopped) for ever.
//!
//! | module | what must hold |
//! |---|---|
//! | `holds` | what a process keeps beyond a call comes back in its place |
//! | `index` | the tree shows each change that is finished |
//! | `notify` | one process is told of a message into the empty queue |
//! | `readiness` | pollers see what is there |
//! | `runs` | batches keep the order, and lose and double nothing |
//! | `slots` | the same of single messages |
//! | `wait` | no sleeper is forgotten |
//!
//! Preemptions are bounded, by 1 to 4, and so is the time (`atomic::explore`): what needs more is
//! not found. Not modelled is what a thread notes of its own claims.
//!
//! Seen to fail when
//! * a node of the index is exchanged without a version, or is read after what is below it; is left
//!   alone by a sender whose key is not larger, or those above it are; is not refreshed when the
//!   exchange of a receiver fails;
//! * a claim is a store, or not announced, or announced after the exchange, or withdrawn before the
//!   release; the exchange is not SeqCst, the release not Release; the claim of a dead thread is
//!   freed Relaxed, or that of a living one at all;
//! * a sender does not look at the key again after its claim; stores the key after the release, or
//!   does not refresh; gives its messages the same sequence number;
//! * a receiver does not look at the key again; clears it before it has read the body, or after the
//!   release; does not give way to a better message that came during its search;
//! * a receiver of a run without a tree does not look again after each claim;
//! * a look reads the key before the claim, does not see claims, or does not mend the tree;
//! * a waker that has seen a waiter does not change the word before its commit;
//! * a waiter announces itself less than SeqCst; a wake does not change the word, clears the bit
//!   although it has reached a thread, clears it before it wakes one, or clears it and does not
//!   wake all;
//! * an entry that was seen being taken is not looked at again once its process is found dead;
//! * a sender puts in its packet after the commit; does not see that a thread adjusts, or counts on
//!   one packet then; a thread that adjusts does not look for senders in flight, or takes out the
//!   last packets at once; a thread that begins to poll does not change the epoch;
//! * a sender does not look at the registration again after its commit, or without membarrier(2);
//!   notifies only of a message that is still there; leaves no note; ends the registration before
//!   it notifies, or without a claim; a receiver, or a later sender, does not look for a missed
//!   notification; a process registers without its lock.

mod holds;
mod index;
mod notify;
mod readiness;
mod runs;
mod slots;
mod wait;

use std::sync::Mutex;

use loom::cell::UnsafeCell;
use loom::sync::Arc;

use crate::atomic::modelled;
use crate::atomic::{AtomicU32, AtomicU64, Ordering, fence};
use crate::posix::mq::store::holders::Holders;
use crate::posix::mq::store::index::{Index, Node, level_sizes};
use crate::posix::mq::store::key::{self, is_message};
use crate::posix::mq::store::slots::{Look, Reserved, Slots, Taken, Wanted};
use crate::shared::claim;
use crate::shared::participant::{End, Ends, Participant};

/// A queue of a few slots.
pub struct Queue {
    keys: Vec<AtomicU64>,
    claims: Vec<AtomicU32>,
    nodes: Vec<Node>,
    sequence: AtomicU64,
    stalled: AtomicU64,
    freed: AtomicU32,
    high_water: AtomicU32,
    holders: Holders,
    /// Both halves hold the same value, or the message is torn. Loom finds two threads that touch a
    /// body at once.
    bodies: Vec<[UnsafeCell<u64>; 2]>,
    /// Messages whose send has returned.
    sent: Mutex<Vec<u64>>,
    /// Messages that have been received.
    received: Mutex<Vec<u64>>,
    /// What is left of participants that have ended.
    ends: Ends,
    /// What the process holds slots with that has ended; 0 = none.
    ended: AtomicU32,
}

// SAFETY: a body is protected by the claim of its slot, which loom checks.
unsafe impl Sync for Queue {}
// SAFETY: a body is protected by the claim of its slot, which loom checks.
unsafe impl Send for Queue {}

impl Queue {
    pub fn new(capacity: usize) -> Arc<Self> {
        fn all<T>(count: usize, new: impl Fn() -> T) -> Vec<T> {
            (0..count).map(|_| new()).collect()
        }
        let queue = Self {
            keys: all(capacity, AtomicU64::default),
            claims: all(capacity, AtomicU32::default),
            nodes: all(level_sizes(capacity).iter().sum(), Node::default),
            sequence: AtomicU64::default(),
            stalled: AtomicU64::default(),
            freed: AtomicU32::default(),
            high_water: AtomicU32::default(),
            holders: Holders::default(),
            bodies: all(capacity, || [(); 2].map(|()| UnsafeCell::new(0))),
            sent: Mutex::default(),
            received: Mutex::default(),
            ends: Ends::default(),
            ended: AtomicU32::default(),
        };
        let index = queue.index();
        (0..capacity).filter(|_| !index.is_flat()).for_each(|slot| index.refresh(slot));
        Arc::new(queue)
    }

    pub fn index(&self) -> Index<'_> {
        Index::new(&self.keys, &self.claims, &self.nodes, &self.high_water)
    }

    pub fn slots(&self) -> Slots<'_> {
        Slots {
            index: self.index(),
            sequence: &self.sequence,
            stalled: &self.stalled,
            freed: &self.freed,
            holders: &self.holders,
        }
    }

    /// In a straight line, or in general.
    fn reserve(&self, who: &Participant) -> Option<Reserved<'_>> {
        let at_once = if self.index().uses_first_only() {
            self.slots().reserve_first(who, |_| {})
        } else if self.index().is_flat() {
            self.slots().reserve_of_few(who, |_| {})
        } else {
            self.slots().reserve_in_tree_at_once(who, |_| {})
        };
        at_once.map(|(reserved, ())| reserved).or_else(|| self.slots().reserve(who, |_| {}))
    }

    /// The same.
    fn take(&self, who: &Participant) -> Option<Taken<'_>> {
        let at_once = if self.index().uses_first_only() {
            self.slots().take_first(who, |_| {})
        } else if self.index().is_flat() {
            self.slots().take_of_few(who, |_| {})
        } else {
            self.slots().take_from_tree_at_once(who, |_| {})
        };
        at_once.map(|(taken, ())| taken).or_else(|| self.slots().take(who, |_| {}))
    }

    /// `around` is given the claim and the commit.
    pub fn send_around(
        &self,
        who: &Participant,
        priority: u32,
        body: u64,
        around: impl FnOnce(&AtomicU32, &mut dyn FnMut()),
    ) -> bool {
        let Some(reserved) = self.reserve(who) else { return false };
        self.write_body(reserved.slot.number, body);
        around(reserved.slot.claim(), &mut || {
            assert!(self.slots().publish(reserved, priority, who))
        });
        self.sent.lock().unwrap().push(body);
        true
    }

    /// Sends, and looks whether the message came into the empty queue.
    pub fn send_and_look(&self, who: &Participant, priority: u32) -> bool {
        let reserved = self.reserve(who).expect("a free slot");
        self.slots().publish(reserved, priority, who);
        // As `tell_receivers` of `queue`.
        fence(Ordering::SeqCst);
        self.slots().is_oldest(reserved)
    }

    pub fn send(&self, who: &Participant, priority: u32, body: u64) -> bool {
        self.send_around(who, priority, body, |_, commit| commit())
    }

    /// `around` is given the claim and the commit.
    pub fn receive_around(
        &self,
        who: &Participant,
        around: impl FnOnce(&AtomicU32, &mut dyn FnMut()),
    ) -> Option<u64> {
        let taken = self.take(who)?;
        let body = self.body(taken.slot.number);
        who.taking.set(Some(body));
        around(taken.slot.claim(), &mut || assert!(self.slots().clear(taken, who)));
        who.taking.set(None);
        self.received.lock().unwrap().push(body);
        Some(body)
    }

    pub fn receive(&self, who: &Participant) -> Option<u64> {
        self.receive_around(who, |_, commit| commit())
    }

    fn write_body(&self, slot: usize, body: u64) {
        for half in &self.bodies[slot] {
            modelled::step();
            // SAFETY: the slot is claimed; loom looks whether that is enough.
            half.with_mut(|half| unsafe { *half = body });
        }
    }

    fn body(&self, slot: usize) -> u64 {
        let [one, other] = self.bodies[slot].each_ref().map(|half| {
            modelled::step();
            // SAFETY: loom fails where another thread accesses it meanwhile.
            half.with(|half| unsafe { *half })
        });
        assert_eq!(one, other, "torn");
        one
    }

    pub fn seems_ready(&self, wanted: Wanted) -> bool {
        self.slots().seem_to_have(wanted)
    }

    /// Receives; "nothing" is believed only after a look at the slots.
    pub fn receive_surely(&self, who: &Participant) -> Option<u64> {
        loop {
            let received = self.receive(who);
            if received.is_some() || self.slots().look(Wanted::Message) != Look::There {
                return received;
            }
        }
    }

    /// What a thread does that has looked at all slots in vain. True if it is worth looking again.
    pub fn free_claims_of_the_dead(&self) -> bool {
        self.slots().free_claims_of(0, |holder| self.ends.dead.lock().unwrap().contains(&holder))
    }

    /// All threads have come to an end, this one for ever perhaps: what was sent has been received,
    /// or is here, once. Then all slots can be filled, except the one that is held for ever.
    pub fn assert_whole(&self, end: Option<End>) {
        let who = Participant::new(99);
        self.free_claims_of_the_dead();
        while self.receive_surely(&who).is_some() {}
        let mut received = self.received.lock().unwrap().clone();
        received.sort_unstable();
        assert!(received.windows(2).all(|two| two[0] != two[1]), "doubled: {received:?}");

        let is_held = |slot: &usize| !claim::is_free(self.claims[*slot].load(Ordering::Relaxed));
        let held: Vec<usize> = (0..self.claims.len()).filter(is_held).collect();
        assert!(held.len() <= usize::from(end == Some(End::Stopped)), "held: {}", self.state());
        // It is there, but no thread gets at it before its holder goes on, or dies.
        let there: Vec<u64> = held
            .iter()
            .filter(|&&slot| is_message(self.key_of(slot)))
            .map(|&slot| self.body(slot))
            .collect();
        let mut lost = self.sent.lock().unwrap().clone();
        let gone = self.ends.gone.lock().unwrap().clone();
        lost.retain(|body| {
            !received.contains(body) && !there.contains(body) && !gone.contains(body)
        });
        assert!(lost.is_empty(), "lost: {lost:?}: {}", self.state());

        (held.len()..self.claims.len()).for_each(|body| {
            assert!(self.send_surely(&who, 1000 + body as u64), "no space: {}", self.state())
        });
    }

    /// Sends; that the queue is full is believed only after a look at the slots.
    pub fn send_surely(&self, who: &Participant, body: u64) -> bool {
        loop {
            let sent = self.send(who, 0, body);
            if sent || self.slots().look(Wanted::Free) != Look::There {
                return sent;
            }
        }
    }

    fn state(&self) -> String {
        let slots = self.index().slots().map(|slot| {
            let (key, claim) = (self.key_of(slot.number), slot.claim().load(Ordering::SeqCst));
            format!("slot {} key {key:x} claim {claim:x}", slot.number)
        });
        slots.collect::<Vec<_>>().join(", ")
    }

    pub fn key_of(&self, slot: usize) -> u64 {
        self.keys[slot].load(Ordering::SeqCst)
    }

    /// As `publish` and `clear` do, whose store is Release.
    pub fn set_key(&self, slot: usize, key: u64) {
        let store = || {
            self.keys[slot].store(key, Ordering::Release);
            true
        };
        if is_message(key) {
            store();
            self.index().raise(slot, key);
        } else {
            self.index().lower(slot, self.key_of(slot), store);
        }
    }
}

/// The key of a message.
pub fn message(priority: u32, sequence: u64) -> u64 {
    key::new(priority, sequence)
}
