//! A thread of a model that works on an object, and may end anywhere.

use core::ptr;
use std::cell::Cell;
use std::sync::Mutex;

use crate::atomic::modelled::{self, Futex, On};
use crate::atomic::{AtomicU32, Ordering};
use crate::shared::claim::{self, Claimant, Holder, NO_TID, OWNER_DIED, UNGUARDED};

/// How a participant ends that does not come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The kernel frees what it has claimed.
    Killed,
    /// The kernel does not know of its claim, but others can find out that it is dead.
    Unwatched,
    /// It keeps what it has claimed.
    Stopped,
}

/// What is left of participants that have ended.
#[derive(Default)]
pub struct Ends {
    /// Messages that one was about to take out as it ended: they may be gone with it.
    pub gone: Mutex<Vec<u64>>,
    /// Those that have ended [unwatched](End::Unwatched): what their presence says of them. This is
    /// a lock of loom's, as the kernel tells of a death only after it.
    pub dead: loom::sync::Mutex<Vec<Holder>>,
}

/// A thread that works on an object.
pub struct Participant {
    /// What it stores in a claim.
    pub identity: u32,
    /// `list_op_pending`, if it leads to a claim.
    pub pending: Cell<*const AtomicU32>,
    /// `list_op_pending`, if it leads to a death word.
    pub owed: Cell<*const Futex>,
    /// The message that it has read and begun to take out.
    pub taking: Cell<Option<u64>>,
}

impl Participant {
    /// One that does not end before it is done.
    pub fn new(tid: u32) -> Self {
        Self {
            identity: tid,
            pending: Cell::new(ptr::null()),
            owed: Cell::new(ptr::null()),
            taking: Cell::new(None),
        }
    }

    /// One that ends like this.
    pub fn ending(tid: u32, end: End) -> Self {
        let mark = if end == End::Unwatched { UNGUARDED | NO_TID } else { 0 };
        Self { identity: tid | mark, ..Self::new(tid) }
    }

    /// Lets it do something, up to so many accesses to memory. `None`: it has stopped before it was
    /// done.
    pub fn until<R>(
        &self,
        ends: &Ends,
        accesses: usize,
        end: End,
        act: impl FnOnce(&Self) -> R,
    ) -> Option<R> {
        let done = modelled::stopped_after(accesses, || act(self));
        if done.is_none() {
            ends.gone.lock().unwrap().extend(self.taking.get());
            match end {
                End::Killed => self.die(ends),
                End::Unwatched => ends.dead.lock().unwrap().push(claim::holder(self.identity)),
                End::Stopped => {}
            }
        }
        done
    }

    /// Without the marks.
    pub fn pid(&self) -> u32 {
        self.identity & !(UNGUARDED | NO_TID)
    }

    /// It owes a wake to the threads that sleep there, and holds this.
    pub fn owe(&self, to: &Futex, claim: Option<&AtomicU32>) {
        if let Some(claim) = claim {
            // As `Operation::guard_wake`: marked as long as the kernel still watches it.
            claim.store(self.unwatched(), Ordering::Relaxed);
        }
        modelled::step();
        self.pending.set(ptr::null());
        self.owed.set(to);
    }

    /// It owes no wake any more.
    pub fn owe_nothing(&self) {
        modelled::step();
        self.owed.set(ptr::null());
    }

    /// What it stores in a claim that the kernel does not watch.
    fn unwatched(&self) -> u32 {
        self.identity | UNGUARDED | NO_TID
    }

    /// What the kernel does as the thread ends: `handle_futex_death` of kernel/futex/core.c. That
    /// it is dead can be seen only after that.
    pub fn die(&self, ends: &Ends) {
        // SAFETY: the wait point lives as long as the model.
        if let Some(futex) = unsafe { self.owed.get().as_ref() } {
            futex.wake(On::Death, 1);
        }
        ends.dead.lock().unwrap().push(claim::holder(self.unwatched()));
        // SAFETY: the queue lives as long as the model.
        if let Some(word) = unsafe { self.pending.get().as_ref() } {
            let _ = word.compare_exchange(
                self.identity,
                OWNER_DIED,
                Ordering::SeqCst,
                Ordering::Relaxed,
            );
        }
    }
}

impl Claimant for Participant {
    fn announce(&self, word: &AtomicU32) -> u32 {
        if self.identity & UNGUARDED != 0 || !self.owed.get().is_null() {
            return 0;
        }
        modelled::step();
        self.pending.set(word);
        self.identity
    }

    fn announce_by_presence(&self, _: &AtomicU32) -> Option<u32> {
        modelled::step();
        Some(self.unwatched())
    }

    fn withdraw(&self) {
        modelled::step();
        self.pending.set(ptr::null());
    }

    fn is_own(&self, held: u32) -> bool {
        held == self.identity || held == self.unwatched()
    }

    fn is_orphan(&self) -> bool {
        false
    }
}
