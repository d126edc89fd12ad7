//! A wait until the value can be decremented.
//!
//! The thread first spins, where that pays (`shared::spin`), and only then registers and sleeps.
//!
//! A thread may be killed between incrementing the value and waking a waiter for it, or just after
//! it was woken for an increment. Then the value is positive and the others sleep on, although one
//! of them could proceed. So both announce the *death word* of a shared semaphore to the kernel: a
//! poster that sees a waiter, from before the increment until after its wake, and a waiter, from
//! before it registers until it is done. As the thread dies, the kernel wakes one sleeper on that
//! word (`shared::thread`).
//!
//! A sleeper can be woken on the value and, before it runs, on the death word, too: one of the two
//! wakes was meant for another thread. So a thread that decrements the value wakes another one if
//! the value is still positive and threads wait. A thread that gives up does the same; both do so
//! before they withdraw their announcement.
//!
//! A timed wait must not be restarted after a handler, so it sleeps on the value alone
//! (`os::sleep`); what a death leaves to it is found at its deadline. The threads of one process
//! die together: a private semaphore has no use for the death word.

use super::layout::Semaphore;
use super::word::{self, Exchange, Taken, Then};
use crate::atomic::AtomicU64;
use crate::os::Errno;
use crate::os::Result;
use crate::os::clock::Deadline;
use crate::os::futex::{self, Interrupted, Scope};
use crate::os::restartable;
use crate::os::signals::Blocked;
use crate::os::sleep::{Awaited, Sleep, Woken};
use crate::shared::thread::{Announcement, Thread};
use crate::shared::wait::{self, Attempt, Terms};

/// How long a wait may last.
#[derive(Clone, Copy, Debug)]
pub enum Patience {
    /// Until the value is positive (`sem_wait`).
    Unlimited,
    /// Until that time (`sem_timedwait`, `sem_clockwait`).
    Until(Deadline),
}

impl Patience {
    /// EINTR as Linux gives it: `sem_wait` goes on after a handler with `SA_RESTART`, a timed wait
    /// never does.
    pub fn terms(self) -> Terms {
        match self {
            Self::Unlimited => Terms { until: None, interrupted: Interrupted::MayRestart },
            Self::Until(deadline) => {
                Terms { until: Some(deadline), interrupted: Interrupted::Fails }
            }
        }
    }
}

/// A decrement that a thread waits for.
pub struct Decrement<'a> {
    semaphore: &'a Semaphore,
    thread: Option<&'static Thread>,
    /// From before the registration on; withdrawn by its drop.
    owed: Option<Announcement<'static>>,
    /// Of the thread, as it registered; 0 = it has none.
    incarnation: u64,
}

impl Semaphore {
    /// Decrements the value, and sleeps while it is 0. For callers in Rust: the thread must not be
    /// cancelled in here. `thread` as in [`Decrement::new`].
    ///
    /// Errors: ETIMEDOUT, EINTR.
    pub fn wait(&self, patience: Patience, thread: Option<&'static Thread>) -> Result<()> {
        wait::wait(Decrement::new(self, thread), patience.terms())
    }
}

impl<'a> Decrement<'a> {
    /// `thread`: the calling thread, if it may make other system calls than futex(2)
    /// (`os::filter`).
    pub fn new(semaphore: &'a Semaphore, thread: Option<&'static Thread>) -> Self {
        Self { semaphore, thread, owed: None, incarnation: 0 }
    }

    fn register(&mut self) {
        loop {
            // The child of a fork withdraws what it has of its parent's first.
            self.owed = None;
            self.owed = self.semaphore.announce_wake(self.thread);
            self.incarnation = self.thread.map_or(0, Thread::incarnation);
            if self.semaphore.word.register(self.exchange()).is_ok() {
                return;
            }
            // A handler has forked before that, and this is the child.
            self.thread = Thread::calling().ok();
        }
    }

    /// A handler may have forked, and this may be the child: the registration is the parent's then.
    /// (That of a private semaphore was copied.)
    fn register_if_forked(&mut self) {
        if !self.is_registered() {
            self.thread = Thread::calling().ok();
            self.register();
        }
    }

    /// Whether the registration is that of this process. What comes after the look is done by an
    /// [`Self::exchange`], which the child does not make.
    fn is_registered(&self) -> bool {
        self.watched().is_none_or(|thread| thread.incarnation() == self.incarnation)
    }

    /// The thread, if the child of a fork is to be known by it.
    fn watched(&self) -> Option<&'static Thread> {
        self.thread.filter(|_| self.semaphore.scope() == Scope::Shared)
    }

    /// Changes the word in the name of the process that has registered, or is about to.
    fn exchange(&self) -> impl Exchange {
        let (thread, incarnation) = (self.watched(), self.incarnation);
        move |word: &AtomicU64, before, after| match thread {
            None => word::exchange(word, before, after),
            // Wiped: the child of a fork in the instant before it was looked at.
            Some(_) if incarnation == 0 => Err(Errno::ERESTART),
            Some(thread) => {
                let watched = (thread.incarnation_word(), incarnation);
                let is_done = restartable::exchange_while(watched, word, (before, after));
                let is_same = is_done || thread.incarnation() == incarnation;
                if is_same { Ok(is_done) } else { Err(Errno::ERESTART) }
            }
        }
    }

    fn take(&mut self) -> Option<()> {
        let taken = loop {
            self.register_if_forked();
            let taken = self.semaphore.take_registered(self.exchange(), || self.is_registered());
            match taken {
                // The child is not to sleep with its parent's registration.
                Ok(Taken::Nothing) if !self.is_registered() => {}
                Ok(taken) => break taken,
                // This is the child of a fork, which has not found its account as it was.
                Err(_) if self.watched().is_none() => self.register(),
                Err(_) => {}
            }
        };
        if taken == Taken::Nothing {
            return None;
        }
        if taken == Taken::AndMoreAwaited && self.thread.is_some() {
            self.wake_another();
        }
        self.owed = None;
        Some(())
    }

    fn wake_another(&self) {
        futex::wake(Semaphore::value_address(self.semaphore), 1, self.semaphore.scope());
    }
}

impl Attempt for Decrement<'_> {
    type Done = ();

    fn begin(&mut self, terms: &Terms) -> Result<Option<()>> {
        if self.semaphore.try_take() {
            return Ok(Some(()));
        }
        if terms.is_too_late() {
            return Err(Errno::ETIMEDOUT);
        }
        let may_call = || self.thread.is_some_and(|thread| thread.filter.may_yield());
        let is_taken =
            self.semaphore.hint.spin(terms.interrupted, may_call, || self.semaphore.try_take())?;
        Ok(is_taken.then_some(()))
    }

    /// Its way from the last look to the sleep is as short as that of glibc, where a handler may
    /// come in between, too. To hold signals back costs three system calls.
    fn hold_signals_back(&self) -> Option<Blocked> {
        None
    }

    fn enter(&mut self, _: &Terms) -> Result<Option<()>> {
        self.register();
        Ok(self.take())
    }

    fn lie_down(&mut self, sleep: &mut Sleep, terms: &Terms) -> Result<bool> {
        let awaited = Awaited {
            word: Semaphore::value_address(self.semaphore),
            expected: 0,
            scope: self.semaphore.scope(),
            // With any other value each sleep would end at once.
            death: match self.semaphore.scope() {
                Scope::Shared if self.semaphore.heals() => self.semaphore.death.as_ptr(),
                _ => core::ptr::null(),
            },
        };
        let thread = self.thread;
        sleep.prepare(awaited, terms.until, terms.interrupted, || {
            thread.is_some_and(|thread| thread.filter.may_wait_on_vectors())
        });
        Ok(true)
    }

    fn attempt(&mut self, _: Woken) -> Result<Option<()>> {
        Ok(self.take())
    }

    fn attempt_at_last(&mut self) -> Result<Option<()>> {
        Ok(self.take())
    }

    fn give_up(&mut self, _: Errno) -> Option<()> {
        let then = loop {
            self.register_if_forked();
            if let Ok(then) = self.semaphore.word.deregister(self.exchange()) {
                break then;
            }
        };
        if then == Then::WakeOne {
            self.wake_another();
        }
        self.owed = None;
        None
    }
}

impl Semaphore {
    /// Announces the death word. `None` where it is of no use.
    pub(super) fn announce_wake(
        &self,
        thread: Option<&'static Thread>,
    ) -> Option<Announcement<'static>> {
        thread.filter(|_| self.scope() == Scope::Shared)?.announce_wake(&self.death)
    }
}
