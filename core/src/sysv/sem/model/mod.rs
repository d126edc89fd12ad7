//! The protocol of a set under the model checker: the real code of `state`, `draft`, `at_once`,
//! `operate`, `serve` and `record`, in a set of one semaphore with three roots, and small casts.
//!
//! Run by `make model`. What `change` does around a draft is repeated here, step by step, as the
//! kernel's part is modelled: what it does to the claim of a thread that dies, and the futex calls.
//! Preemptions are bounded.
//!
//! Seen to fail when
//! * a draft is published without a look whether it is fresh, or a reader does not look at
//!   `current` again; a version is not counted;
//! * a draft, or an array at once, changes a copy without a look whether it is whole; a draft is
//!   made in a root that has become current before it was claimed;
//! * an operation at once does not look again whether what it has read is current, be it before it
//!   says that it would have to wait, or works on a root that it could not claim;
//! * a waiter looks before it says that it sleeps; the thread that ends its wait sets its word
//!   before the exchange alone, or does not announce it;
//! * a waiter that gives up assumes that it has left, without a look at the state.

mod cases;

use std::cell::Cell;
use std::ptr;

use loom::sync::Arc;
use loom::thread;

use super::at_once::perform_at_once;
use super::cells::{Member, Status};
use super::changed::Changed;
use super::draft::Draft;
use super::operate::{Actor, Array, Operation, Outcome, perform};
use super::record::{Record, asleep};
use super::serve::{Records, Wanted, enter, leave, serve, waiting};
use super::state::{self, BUFFERS, Kind, Memory, ROOTS, root_words};
use super::straight::{Attempt, Permits};
use crate::atomic::modelled::{self, Futex, On};
use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::os::Result;
use crate::os::publication::LINE;
use crate::shared::claim::{Claimant, OWNER_DIED};

const MEMBERS: usize = 1;
/// All operations at once begin with the same root: so they meet there.
const HINT: usize = 1;
const TAKE: Operation = Operation { member: 0, amount: -1, flags: 0 };
const GIVE: Operation = Operation { member: 0, amount: 1, flags: 0 };

/// A set in the memory of the model.
struct Set {
    current: AtomicU64,
    claims: Vec<AtomicU32>,
    roots: Vec<Vec<AtomicU64>>,
    buffers: Vec<Vec<AtomicU64>>,
    /// Of the only waiter.
    record: Record,
    futex: Futex,
}

impl Memory for Set {
    fn members(&self) -> usize {
        MEMBERS
    }

    fn current(&self) -> &AtomicU64 {
        &self.current
    }

    fn claim(&self, root: usize) -> &AtomicU32 {
        &self.claims[root]
    }

    fn root(&self, root: usize) -> &[AtomicU64] {
        &self.roots[root]
    }

    fn buffer(&self, kind: Kind, chunk: usize, buffer: usize) -> Option<&[AtomicU64]> {
        (chunk == 0).then(|| &self.buffers[kind as usize * BUFFERS + buffer][..])
    }
}

impl Records for Set {
    fn wanted(&self, _: usize, into: &mut Wanted) -> Option<Actor> {
        into.fill([TAKE].into_iter());
        Some(actor(1))
    }

    fn amount(&self, _: usize) -> Option<i16> {
        Some(TAKE.amount)
    }

    fn is_dead(&self, _: usize) -> bool {
        false
    }
}

fn actor(pid: u32) -> Actor {
    Actor { pid, process: None, now: 7 }
}

fn all<T>(count: usize, new: impl Fn() -> T) -> Vec<T> {
    (0..count).map(|_| new()).collect()
}

impl Set {
    fn new(value: u16) -> Arc<Self> {
        let cells = |kind: Kind| if kind == Kind::Member { LINE } else { kind.cells() };
        let buffers = |kind| all(BUFFERS, || all(cells(kind), AtomicU64::default));
        let kinds = [Kind::Member, Kind::Waiter, Kind::Adjustment];
        let set = Self {
            current: AtomicU64::default(),
            claims: all(ROOTS, AtomicU32::default),
            roots: all(ROOTS, || all(root_words(MEMBERS), AtomicU64::default)),
            buffers: kinds.into_iter().flat_map(buffers).collect(),
            record: Record::default(),
            futex: Futex::default(),
        };
        let member = Member { value, ..Member::default() };
        set.buffers[0][0].store(member.word(), Ordering::Relaxed);
        set.record.asleep.store(asleep::AWAKE, Ordering::Relaxed);
        Arc::new(set)
    }

    fn value(&self) -> u16 {
        state::read(self, |view| view.member(0)).unwrap().value
    }

    fn status(&self) -> Status {
        state::read(self, |view| view.waiter(0)).unwrap().status
    }

    /// `change`: the steps are the same.
    fn change(
        &self,
        who: &Thread,
        mut step: impl FnMut(&mut Draft<'_, Self, Thread>) -> Result<Then>,
    ) {
        loop {
            let Some(mut draft) = Draft::of_current(self, who, who.tid as usize) else {
                thread::yield_now();
                continue;
            };
            let stepped = step(&mut draft);
            let over = match stepped {
                Ok(Then::Serve(changed)) if waiting(&draft).0 > 0 => {
                    serve(&mut draft, self, changed, 7).map(|over| over.first().is_some())
                }
                ref other => other.as_ref().map(|_| false).map_err(|error| *error),
            };
            if !draft.is_fresh() {
                continue;
            }
            if stepped.unwrap() == Then::Leave {
                return;
            }
            let wakes = over.unwrap();
            if wakes {
                self.record.asleep.swap(asleep::IN_FLIGHT, Ordering::SeqCst);
                who.owes.set(true);
            }
            let published = draft.publish();
            if published && wakes {
                self.wake();
            }
            if wakes {
                modelled::step();
                who.owes.set(false);
            }
            if published {
                return;
            }
        }
    }

    fn wake(&self) {
        if self.record.wake() != asleep::AWAKE {
            self.futex.wake(On::Awaited, 1);
        }
    }

    /// `Wish::attempt`, as far as `change`.
    fn attempt_at_once(&self, who: &Thread, operations: &[Operation]) -> bool {
        let array = Array::new(operations);
        loop {
            match perform_at_once(self, who, HINT, (&array, actor(who.tid)), &AnyUser) {
                Attempt::Done => return true,
                Attempt::Beaten => thread::yield_now(),
                Attempt::Blocked | Attempt::Other => return false,
            }
        }
    }

    fn give(&self, who: &Thread) {
        if self.attempt_at_once(who, &[GIVE]) {
            return;
        }
        self.change(who, |draft| {
            assert_eq!(perform(draft, &[GIVE], actor(2)).map(|_| ()), Ok(()));
            Ok(Then::Serve(Changed::by(&[GIVE])))
        });
    }

    /// True: done. False: it is in the queue.
    fn take_or_enter(&self, who: &Thread) -> bool {
        if self.attempt_at_once(who, &[TAKE]) {
            return true;
        }
        let is_done = Cell::new(false);
        self.change(who, |draft| match perform(draft, &[TAKE], actor(1))? {
            Outcome::Done => {
                is_done.set(true);
                Ok(Then::Serve(Changed::by(&[TAKE])))
            }
            Outcome::Blocked(obstacle) => {
                is_done.set(false);
                enter(draft, 0, &[TAKE], obstacle)?;
                Ok(Then::Publish)
            }
        });
        is_done.get()
    }

    /// `wait`, as far as the deaths of others go that owe it a wake.
    fn take(&self, who: &Thread) {
        if self.take_or_enter(who) {
            return;
        }
        loop {
            let word = self.record.lie_down();
            if self.status() == Status::Granted {
                return;
            }
            if word == asleep::IN_FLIGHT {
                // The sleep of a millisecond ends.
                thread::yield_now();
                let (from, to) = (asleep::IN_FLIGHT, asleep::AWAKE);
                let order = Ordering::SeqCst;
                let _ = self.record.asleep.compare_exchange(from, to, order, Ordering::Relaxed);
                self.change(who, |_| Ok(Then::Publish));
                if self.status() == Status::Granted {
                    return;
                }
                continue;
            }
            let is_asleep = || self.record.asleep.load(Ordering::Relaxed) == word;
            if self.futex.enqueue(On::Awaited, is_asleep) {
                self.futex.sleep();
            }
        }
    }

    /// Enters the queue, and gives up. True: it was granted.
    fn take_briefly(&self, who: &Thread) -> bool {
        if self.take_or_enter(who) {
            return true;
        }
        let has_left = Cell::new(false);
        self.change(who, |draft| {
            has_left.set(false);
            if draft.waiter(0)?.status != Status::Waiting {
                return Ok(Then::Leave);
            }
            leave(draft, 0, Status::Free)?;
            has_left.set(true);
            Ok(Then::Publish)
        });
        !has_left.get()
    }
}

/// Any user may do everything.
struct AnyUser;

impl Permits for AnyUser {
    fn permits(&self, _: u64, _: u64) -> bool {
        true
    }
}

/// What a step comes to.
#[derive(Clone, Copy, PartialEq)]
enum Then {
    Serve(Changed),
    Publish,
    Leave,
}

/// A thread that works on the set, and may be killed.
struct Thread {
    tid: u32,
    pending: Cell<*const AtomicU32>,
    /// Whether it has announced the word of the waiter.
    owes: Cell<bool>,
}

impl Thread {
    fn new(tid: u32) -> Self {
        Self { tid, pending: Cell::new(ptr::null()), owes: Cell::new(false) }
    }

    /// Gives up to so many accesses to memory, and then is killed.
    fn give_and_die(&self, set: &Set, accesses: usize) {
        if modelled::stopped_after(accesses, || set.give(self)).is_some() {
            return;
        }
        if self.owes.get() && set.record.asleep.load(Ordering::SeqCst) & !OWNER_DIED == 0 {
            set.futex.wake(On::Awaited, 1);
        }
        // SAFETY: the set lives as long as the model.
        if let Some(word) = unsafe { self.pending.get().as_ref() } {
            let order = Ordering::SeqCst;
            let _ = word.compare_exchange(self.tid, OWNER_DIED, order, Ordering::Relaxed);
        }
    }
}

impl Claimant for Thread {
    fn announce(&self, word: &AtomicU32) -> u32 {
        modelled::step();
        self.pending.set(word);
        self.tid
    }

    fn announce_by_presence(&self, _: &AtomicU32) -> Option<u32> {
        None
    }

    fn withdraw(&self) {
        modelled::step();
        self.pending.set(ptr::null());
    }

    fn is_own(&self, held: u32) -> bool {
        held == self.tid
    }

    fn is_orphan(&self) -> bool {
        false
    }
}
