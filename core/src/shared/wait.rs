//! The wait machine. Whatever a thread waits for, it begins, sleeps, checks, and sleeps again in
//! the same way.
//!
//! ```text
//! begin ──> done
//!   │
//!   └─> must sleep ──(C makes the system call)──> woken ──> done
//!             ^                                     │
//!             └─────────────────────────────────────┤
//!                                                   └─> failed: ETIMEDOUT, EINTR, ...
//!       cancelled in the sleep: abandon
//! ```
//!
//! C drives it (`cbits/sleep.c`), because the thread may be cancelled in its sleep: cancellation
//! unwinds the stack by force, and no Rust frame may be on it then. What is attempted is a
//! parameter.

use core::ffi::c_int;
use core::mem::MaybeUninit;

use crate::os::clock::Deadline;
use crate::os::errno::{Errno, Result};
use crate::os::futex::{Interrupted, Sleep, Woken};

/// When a wait ends that does not get what it waits for.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// ETIMEDOUT at this time.
    pub until: Option<Deadline>,
    /// What a signal handler does to it.
    pub interrupted: Interrupted,
}

impl Terms {
    /// Whether the time has come.
    pub fn is_too_late(&self) -> bool {
        self.until.is_some_and(|deadline| deadline.has_passed())
    }
}

/// What one may have to wait for. The machine calls [`Attempt::begin`] first, once. What it has
/// begun ends with one of the calls that give it done, or with [`Attempt::give_up`].
pub trait Attempt {
    /// What it gives.
    type Done;

    /// Attempts it for the first time, and spins where that pays. `None`: it must sleep. If this
    /// fails, nothing has begun: there is no [`Attempt::give_up`]. ETIMEDOUT when it would have to
    /// sleep and it is too late.
    fn begin(&mut self, terms: &Terms) -> Result<Option<Self::Done>>;

    /// Announces the waiter, looks once more, and describes the sleep. False: it may be possible
    /// now.
    fn lie_down(&mut self, sleep: &mut Sleep, terms: &Terms) -> Result<bool>;

    /// Attempts it after a sleep that ended like this, or that was not described.
    fn attempt(&mut self, woken: Woken) -> Result<Option<Self::Done>>;

    /// Attempts it for the last time, at the deadline: what came at the last moment still counts.
    fn attempt_at_last(&mut self) -> Result<Option<Self::Done>>;

    /// Ends a wait that has failed, or whose thread is cancelled. A wake may have been meant for
    /// somebody and gone to us. Gives what has come all the same, where that cannot be left to
    /// others: then the wait has not failed.
    fn give_up(&mut self) -> Option<Self::Done>;

    /// The same for a thread that is cancelled: what has come is left to others.
    fn abandon(&mut self) {
        self.give_up();
    }
}

/// What a wait needs next.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress<D> {
    /// It has got what it waited for.
    Done(D),
    /// [`Wait`] says how to sleep; then comes [`Wait::woken`], or [`Wait::abandon`].
    MustSleep,
}

/// A wait. The first field is the sleep that C makes: `struct rsipc_sleep`.
///
/// It is placed in memory that the caller provides, its *room*, and stays there: from
/// [`Wait::place`] until a call that says that it is over.
#[repr(C)]
pub struct Wait<A> {
    sleep: Sleep,
    terms: Terms,
    attempt: A,
}

impl<A: Attempt> Wait<A> {
    /// Places a wait that has not begun.
    ///
    /// # Safety
    /// `room` is valid for writing, and aligned; nobody moves what is there until the wait is over.
    pub unsafe fn place(room: *mut Self, attempt: A, interrupted: Interrupted) {
        let terms = Terms { until: None, interrupted };
        // SAFETY: valid for writing, says the caller.
        unsafe { room.write(Self { sleep: Sleep::default(), terms, attempt }) };
    }

    /// Begins it. It is over unless it must sleep.
    ///
    /// # Safety
    /// There is a wait in `room` that has not begun.
    pub unsafe fn begin(room: *mut Self, until: Option<Deadline>) -> Result<Progress<A::Done>> {
        // SAFETY: there is one, says the caller.
        let wait = unsafe { &mut *room };
        wait.terms.until = until;
        let begun = match wait.attempt.begin(&wait.terms) {
            Ok(None) => wait.settle(),
            Ok(Some(done)) => Ok(Progress::Done(done)),
            Err(error) => Err(error),
        };
        // SAFETY: `wait` is not used after this.
        unsafe { Self::end_unless_asleep(room, begun) }
    }

    /// After a sleep that ended so ([`Sleep::run`]). It is over unless it must sleep again.
    ///
    /// # Safety
    /// There is a wait in `room` that must sleep.
    pub unsafe fn woken(room: *mut Self, end: c_int) -> Result<Progress<A::Done>> {
        // SAFETY: there is one, says the caller.
        let wait = unsafe { &mut *room };
        let attempted = match wait.sleep.woken(end) {
            Ok(Woken::TimedOut) if wait.terms.is_too_late() => wait
                .attempt
                .attempt_at_last()
                .and_then(|done| done.ok_or(Errno::ETIMEDOUT))
                .map(Some),
            Ok(woken) => wait.attempt.attempt(woken),
            Err(error) => Err(error),
        };
        let next = match attempted {
            Ok(Some(done)) => Ok(Progress::Done(done)),
            Ok(None) => wait.settle(),
            Err(error) => wait.give_up(error),
        };
        // SAFETY: `wait` is not used after this.
        unsafe { Self::end_unless_asleep(room, next) }
    }

    /// Ends a wait whose thread is cancelled in its sleep.
    ///
    /// # Safety
    /// There is a wait in `room` that must sleep.
    pub unsafe fn abandon(room: *mut Self) {
        // SAFETY: there is one, says the caller; it is not used after this.
        unsafe {
            (*room).attempt.abandon();
            core::ptr::drop_in_place(room);
        }
    }

    /// # Safety
    /// There is a wait in `room`.
    unsafe fn end_unless_asleep<R>(
        room: *mut Self,
        progress: Result<Progress<R>>,
    ) -> Result<Progress<R>> {
        if !matches!(progress, Ok(Progress::MustSleep)) {
            // SAFETY: there is one, says the caller.
            unsafe { core::ptr::drop_in_place(room) };
        }
        progress
    }

    /// Attempts until there is nothing left but to sleep.
    fn settle(&mut self) -> Result<Progress<A::Done>> {
        self.attempt_until_asleep().or_else(|error| self.give_up(error))
    }

    fn give_up(&mut self, error: Errno) -> Result<Progress<A::Done>> {
        self.attempt.give_up().map(Progress::Done).ok_or(error)
    }

    fn attempt_until_asleep(&mut self) -> Result<Progress<A::Done>> {
        loop {
            if self.attempt.lie_down(&mut self.sleep, &self.terms)? {
                return Ok(Progress::MustSleep);
            }
            if let Some(done) = self.attempt.attempt(Woken::Changed)? {
                return Ok(Progress::Done(done));
            }
        }
    }
}

impl<A: Attempt> Wait<A> {
    /// Begins it, and waits to the end. For callers in Rust: the thread must not be cancelled in
    /// here.
    ///
    /// # Safety
    /// As for [`Wait::begin`].
    pub unsafe fn finish(room: *mut Self, until: Option<Deadline>) -> Result<A::Done> {
        // SAFETY: as the caller says; then as the answers say.
        unsafe {
            let mut progress = Self::begin(room, until)?;
            loop {
                match progress {
                    Progress::Done(done) => return Ok(done),
                    Progress::MustSleep => progress = Self::woken(room, (*room).sleep.run())?,
                }
            }
        }
    }
}

/// Waits to the end. For callers in Rust: the thread must not be cancelled in here.
pub fn wait<A: Attempt>(attempt: A, Terms { until, interrupted }: Terms) -> Result<A::Done> {
    let mut room = MaybeUninit::uninit();
    // SAFETY: a local variable, which nobody moves.
    unsafe {
        Wait::place(room.as_mut_ptr(), attempt, interrupted);
        Wait::finish(room.as_mut_ptr(), until)
    }
}
