//! The protocols of the queue under the model checker: the real code of `slots`, `index` and `event`, in small queues and
//! small casts, in every interleaving of so many preemptions.
//!
//! Run by `make model`. The kernel's part is modelled here: what it does to the claim of a thread that dies, and the
//! futex calls. A participant can stop at any access to memory, [killed](End::Killed) or [stopped](End::Stopped) for
//! ever.

mod event;
mod index;
mod slots;

use std::cell::Cell;
use std::sync::Mutex;

use loom::sync::Arc;

use super::index::{Index, Node, level_sizes};
use super::key;
use super::slots::{Look, Slots, Wanted};
use crate::sys::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::sys::claim::{self, Claimant, OWNER_DIED};
use crate::sys::modelled;

/// A queue of a few slots.
pub struct Queue {
    keys: Vec<AtomicU64>,
    claims: Vec<AtomicU32>,
    nodes: Vec<Node>,
    sequence: AtomicU64,
    overdue: AtomicU64,
    freed: AtomicU32,
    /// Both halves hold the same number, or the message is torn.
    bodies: Vec<[AtomicU64; 2]>,
    /// Messages whose send has returned.
    sent: Mutex<Vec<u64>>,
    /// Messages that have been received.
    received: Mutex<Vec<u64>>,
}

/// How a participant ends that does not come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The kernel frees what it has claimed.
    Killed,
    /// It keeps what it has claimed.
    Stopped,
}

/// A thread that works on a queue.
pub struct Participant {
    tid: u32,
    /// `list_op_pending`
    pending: Cell<*const AtomicU32>,
}

impl Participant {
    pub fn new(tid: u32) -> Self {
        Self { tid, pending: Cell::new(core::ptr::null()) }
    }

    /// Lets it do something, up to so many accesses to memory. `None`: it has stopped before it was done.
    pub fn until<R>(&self, accesses: usize, end: End, act: impl FnOnce(&Self) -> R) -> Option<R> {
        let done = modelled::stopped_after(accesses, || act(self));
        if done.is_none() && end == End::Killed {
            self.die();
        }
        done
    }

    /// What the kernel does as the thread ends: `handle_futex_death` of kernel/futex/core.c.
    fn die(&self) {
        // SAFETY: the queue lives as long as the model.
        if let Some(word) = unsafe { self.pending.get().as_ref() } {
            let _ = word.compare_exchange(self.tid, OWNER_DIED, Ordering::SeqCst, Ordering::Relaxed);
        }
    }
}

impl Claimant for Participant {
    fn identity(&self) -> u32 {
        self.tid
    }

    fn announce(&self, word: &AtomicU32) {
        self.pending.set(word);
    }

    fn withdraw(&self) {
        self.pending.set(core::ptr::null());
    }
}

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
            overdue: AtomicU64::default(),
            freed: AtomicU32::default(),
            bodies: all(capacity, Default::default),
            sent: Mutex::default(),
            received: Mutex::default(),
        };
        (0..capacity).for_each(|slot| queue.index().refresh(slot));
        Arc::new(queue)
    }

    pub fn index(&self) -> Index<'_> {
        Index::new(&self.keys, &self.claims, &self.nodes)
    }

    pub fn slots(&self) -> Slots<'_> {
        Slots { index: self.index(), sequence: &self.sequence, overdue: &self.overdue, freed: &self.freed }
    }

    /// Between claim and commit comes `before_commit`, and then `after_commit`.
    pub fn send_around(
        &self,
        who: &Participant,
        priority: u32,
        body: u64,
        around: impl FnOnce(&mut dyn FnMut()),
    ) -> bool {
        let Some(reserved) = self.slots().reserve(who) else { return false };
        for half in &self.bodies[reserved.slot.number] {
            half.store(body, Ordering::Relaxed);
        }
        around(&mut || self.slots().publish(reserved, priority, who));
        self.sent.lock().unwrap().push(body);
        true
    }

    pub fn send(&self, who: &Participant, priority: u32, body: u64) -> bool {
        self.send_around(who, priority, body, |commit| commit())
    }

    pub fn receive(&self, who: &Participant) -> Option<u64> {
        let taken = self.slots().take(who)?;
        let [one, other] = &self.bodies[taken.slot.number];
        let body = one.load(Ordering::Relaxed);
        assert_eq!(body, other.load(Ordering::Relaxed), "torn");
        self.slots().clear(taken, who);
        self.received.lock().unwrap().push(body);
        Some(body)
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

    /// Everybody has come to an end: what was sent has been received, or is here, once. Then all slots can be filled,
    /// but those that are held for ever.
    pub fn assert_whole(&self, held: usize) {
        let who = Participant::new(99);
        while self.receive_surely(&who).is_some() {}
        let (mut sent, mut received) =
            (self.sent.lock().unwrap().clone(), self.received.lock().unwrap().clone());
        received.sort_unstable();
        assert!(received.windows(2).all(|two| two[0] != two[1]), "doubled: {received:?}");
        sent.retain(|body| !received.contains(body));
        // What is in a slot that is held for ever is there, but nobody gets at it before its holder goes on, or dies.
        assert!(sent.len() <= held, "lost: {sent:?}: {}", self.state());
        let free = self.claims.iter().filter(|claim| claim::is_free(claim.load(Ordering::Relaxed))).count();
        assert!(free + held >= self.claims.len(), "{free} slots are free");
        let free = free.min(self.claims.len() - held);
        (0..free).for_each(|body| assert!(self.send(&who, 0, 1000 + body as u64), "no room"));
    }

    /// A message that a receiver has taken and that has died with it.
    pub fn forgive(&self, body: u64) {
        self.sent.lock().unwrap().retain(|sent| *sent != body);
    }

    fn state(&self) -> String {
        let slots = self.index().slots().map(|slot| {
            let (key, claim) = (slot.key.load(Ordering::SeqCst), slot.claim.load(Ordering::SeqCst));
            format!("slot {} key {key:x} claim {claim:x}", slot.number)
        });
        slots.collect::<Vec<_>>().join(", ")
    }

    pub fn key_of(&self, slot: usize) -> u64 {
        self.keys[slot].load(Ordering::SeqCst)
    }

    pub fn set_key(&self, slot: usize, key: u64) {
        // Release, as in `publish` and `clear`.
        self.keys[slot].store(key, Ordering::Release);
        self.index().refresh(slot);
    }
}

/// The key of a message.
pub fn message(priority: u32, sequence: u64) -> u64 {
    key::new(priority, sequence)
}

/// Every interleaving with at most so many preemptions.
pub fn check(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 100_000;
    builder.check(model);
}

/// The same for each access at which a participant may stop.
pub fn check_each_stop(preemptions: usize, model: impl Fn(usize) + Clone + Sync + Send + 'static) {
    for accesses in 0.. {
        let model = model.clone();
        check(preemptions, move || model(accesses));
        if !modelled::has_stopped() {
            assert!(accesses > 5, "nobody was ever stopped");
            return;
        }
    }
}
