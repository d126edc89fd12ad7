//! Atomics for the model checker, and the kernel's queue of sleepers.
//!
//! The atomics are loom's, with three differences.
//!
//! * Loom remembers only the last access to a variable, so a thread's own load hides from it that
//!   its store comes after the load of another one, and it leaves out the other order. So each load
//!   is also an exchange of a variable beside it, and those it puts into every order.
//! * Loom knows SeqCst only as a fence. Here there is one between a SeqCst store or exchange and
//!   the next SeqCst load or exchange of the same thread, and none where either is weaker. So it is
//!   on aarch64, where `stlr` and a later `ldar` keep their order, and a plain load may come before
//!   the store; x86-64 allows less.
//! * A thread can be told to stop at its n-th access, as if it were killed there.

use core::cell::Cell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use loom::sync::atomic::{self, Ordering, fence};
use loom::sync::{Condvar, Mutex};
use loom::thread::{self, ThreadId};

loom::thread_local! {
    /// Accesses that the thread still makes.
    static LEFT: Cell<usize> = Cell::new(usize::MAX);
    /// Whether the thread has made a SeqCst store since its last fence.
    static HAS_STORED: Cell<bool> = Cell::new(false);
}

std::thread_local! {
    /// Whether a thread of the model has been stopped, in any execution since this was last asked.
    /// The threads of a model are one thread for the system.
    static STOPPED: Cell<bool> = const { Cell::new(false) };
}

/// What a thread is unwound with that stops.
struct Stop;

/// One more access. Never returns if it is one too many.
pub fn step() {
    let left = LEFT.with(Cell::get);
    if left == 0 {
        STOPPED.set(true);
        resume_unwind(Box::new(Stop));
    }
    LEFT.with(|cell| cell.set(left.saturating_sub(usize::from(left != usize::MAX))));
}

/// Runs this up to so many accesses. `None`: it has stopped in the middle.
pub fn stopped_after<R>(accesses: usize, run: impl FnOnce() -> R) -> Option<R> {
    LEFT.with(|left| left.set(accesses));
    let result = catch_unwind(AssertUnwindSafe(run));
    LEFT.with(|left| left.set(usize::MAX));
    match result {
        Ok(result) => Some(result),
        Err(payload) if payload.is::<Stop>() => None,
        Err(payload) => resume_unwind(payload),
    }
}

/// Runs what the kernel does on behalf of the thread: that is not stopped in the middle.
fn not_stopping<R>(run: impl FnOnce() -> R) -> R {
    let left = LEFT.with(|left| left.replace(usize::MAX));
    let result = run();
    LEFT.with(|cell| cell.set(left));
    result
}

/// See [`STOPPED`].
pub fn has_stopped() -> bool {
    STOPPED.replace(false)
}

/// The variable beside a variable. Relaxed: it orders nothing.
#[derive(Debug)]
pub struct Ticket(atomic::AtomicU32);

impl Default for Ticket {
    fn default() -> Self {
        Self(atomic::AtomicU32::new(0))
    }
}

impl Ticket {
    /// A load comes.
    pub fn take(&self) {
        step();
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A SeqCst load comes, be it that of an exchange.
pub fn before_load(order: Ordering) {
    if order == Ordering::SeqCst && HAS_STORED.with(|has_stored| has_stored.replace(false)) {
        fence(Ordering::SeqCst);
    }
}

fn after_store(order: Ordering) {
    if order == Ordering::SeqCst {
        HAS_STORED.with(|has_stored| has_stored.set(true));
    }
}

/// What loom is asked for instead of SeqCst.
fn for_load(order: Ordering) -> Ordering {
    if order == Ordering::SeqCst { Ordering::Acquire } else { order }
}

fn for_store(order: Ordering) -> Ordering {
    if order == Ordering::SeqCst { Ordering::Release } else { order }
}

fn for_exchange(order: Ordering) -> Ordering {
    if order == Ordering::SeqCst { Ordering::AcqRel } else { order }
}

macro_rules! modelled {
    ($name:ident, $inner:ty, $value:ty) => {
        /// See the module.
        #[derive(Debug)]
        pub struct $name {
            inner: $inner,
            ticket: Ticket,
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new(0)
            }
        }

        #[allow(missing_docs, dead_code)]
        impl $name {
            pub fn new(value: $value) -> Self {
                Self { inner: <$inner>::new(value), ticket: Ticket::default() }
            }

            pub fn load(&self, order: Ordering) -> $value {
                self.ticket.take();
                before_load(order);
                self.inner.load(for_load(order))
            }

            pub fn store(&self, value: $value, order: Ordering) {
                step();
                self.inner.store(value, for_store(order));
                after_store(order);
            }

            pub fn fetch_add(&self, value: $value, order: Ordering) -> $value {
                self.exchange(order, |order| self.inner.fetch_add(value, order))
            }

            pub fn fetch_sub(&self, value: $value, order: Ordering) -> $value {
                self.exchange(order, |order| self.inner.fetch_sub(value, order))
            }

            pub fn fetch_or(&self, value: $value, order: Ordering) -> $value {
                self.exchange(order, |order| self.inner.fetch_or(value, order))
            }

            pub fn fetch_and(&self, value: $value, order: Ordering) -> $value {
                self.exchange(order, |order| self.inner.fetch_and(value, order))
            }

            pub fn fetch_max(&self, value: $value, order: Ordering) -> $value {
                self.exchange(order, |order| self.inner.fetch_max(value, order))
            }

            pub fn swap(&self, value: $value, order: Ordering) -> $value {
                self.exchange(order, |order| self.inner.swap(value, order))
            }

            pub fn compare_exchange(
                &self,
                old: $value,
                new: $value,
                order: Ordering,
                failed: Ordering,
            ) -> Result<$value, $value> {
                self.exchange(order, |order| {
                    self.inner.compare_exchange(old, new, order, for_load(failed))
                })
            }

            pub fn compare_exchange_weak(
                &self,
                old: $value,
                new: $value,
                order: Ordering,
                failed: Ordering,
            ) -> Result<$value, $value> {
                self.compare_exchange(old, new, order, failed)
            }

            fn exchange<R>(&self, order: Ordering, exchange: impl FnOnce(Ordering) -> R) -> R {
                step();
                before_load(order);
                let result = exchange(for_exchange(order));
                after_store(order);
                result
            }
        }
    };
}

modelled!(AtomicU32, atomic::AtomicU32, u32);
modelled!(AtomicU64, atomic::AtomicU64, u64);

/// One of the words of a [`Futex`], on which a thread can sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// The word that is awaited.
    Awaited,
    /// The death word.
    Death,
}

/// The threads that sleep on two words: futex(2), `futex_waitv`.
#[derive(Default)]
pub struct Futex {
    sleepers: Mutex<VecDeque<(On, ThreadId)>>,
    changed: Condvar,
}

#[allow(missing_docs)]
impl Futex {
    /// FUTEX_WAIT up to the sleep. The look at the word is one step with the enqueuing. False: the
    /// word is not as expected.
    pub fn enqueue(&self, on: On, is_as_expected: impl FnOnce() -> bool) -> bool {
        let mut sleepers = self.sleepers.lock().unwrap();
        let must_sleep = not_stopping(is_as_expected);
        if must_sleep {
            sleepers.push_back((on, thread::current().id()));
        }
        must_sleep
    }

    /// The sleep on the awaited word alone. A sleep that no wake ends is a deadlock, which loom
    /// reports.
    pub fn sleep(&self) {
        self.sleep_while(|sleepers, me| sleepers.contains(&(On::Awaited, me)));
    }

    /// `futex_waitv` on both, the death word first. False: the awaited word is not as expected, and
    /// no death has come in between.
    pub fn sleep_on_both(&self, is_as_expected: impl FnOnce() -> bool) -> bool {
        self.enqueue(On::Death, || true);
        let sleeps = self.enqueue(On::Awaited, is_as_expected);
        if sleeps {
            self.sleep_while(|sleepers, me| {
                sleepers.contains(&(On::Awaited, me)) && sleepers.contains(&(On::Death, me))
            });
        }
        // One after the other: a second wake may fall on us in between.
        let died = !self.leave(On::Death);
        let called = sleeps && !self.leave(On::Awaited);
        died || called
    }

    fn sleep_while(&self, is_asleep: impl Fn(&VecDeque<(On, ThreadId)>, ThreadId) -> bool) {
        let me = thread::current().id();
        let mut sleepers = self.sleepers.lock().unwrap();
        while is_asleep(&sleepers, me) {
            sleepers = self.changed.wait(sleepers).unwrap();
        }
    }

    /// FUTEX_WAKE of so many threads; those that have slept longest are first.
    pub fn wake(&self, on: On, count: usize) -> usize {
        let mut sleepers = self.sleepers.lock().unwrap();
        let mut woken = 0;
        sleepers.retain(|(word, _)| {
            let stays = *word != on || woken == count;
            woken += usize::from(!stays);
            stays
        });
        drop(sleepers);
        if woken > 0 {
            self.changed.notify_all();
        }
        woken
    }

    /// Out of the queue without a wake. False if a wake was faster.
    pub fn leave(&self, on: On) -> bool {
        let me = (on, thread::current().id());
        let mut sleepers = self.sleepers.lock().unwrap();
        let before = sleepers.len();
        sleepers.retain(|other| *other != me);
        sleepers.len() < before
    }

    /// Whether a thread sleeps on the awaited word.
    pub fn has_sleeper(&self) -> bool {
        self.sleepers.lock().unwrap().iter().any(|(on, _)| *on == On::Awaited)
    }
}
