//! The wait machine. A thread begins a wait, sleeps, checks, and sleeps again in the same way,
//! whatever it waits for.
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

use crate::cbits::NOT_BEGUN;
use crate::os::clock::Deadline;
use crate::os::errno::{Errno, Result};
use crate::os::futex::Interrupted;
use crate::os::handled::Canaries;
use crate::os::signals::{Blocked, Struck};
use crate::os::sleep::{Sleep, Woken, can_be_interrupted};

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

/// What a thread may have to wait for. The machine calls [`Attempt::begin`] first, once, and then
/// [`Attempt::enter`]. After that the attempt ends with a call that returns that it is done, or
/// with [`Attempt::give_up`].
pub trait Attempt {
    /// What it gives.
    type Done;

    /// Attempts it for the first time, and spins where that pays. `None`: it must sleep. If this
    /// fails, nothing has begun: there is no [`Attempt::give_up`]. ETIMEDOUT when it would have to
    /// sleep and it is too late; EINTR after a handler in the spin.
    fn begin(&mut self, terms: &Terms) -> Result<Option<Self::Done>>;

    /// Holds signals back: from here until the thread sleeps it is, for others, one that waits, and
    /// a handler is to end the wait as it does in the sleep. `None`: a filter may kill for that, or
    /// there is no need.
    fn hold_signals_back(&self) -> Option<Blocked>;

    /// Enters where others see that it waits, if that is done once. The results are those of
    /// [`Attempt::begin`].
    fn enter(&mut self, _: &Terms) -> Result<Option<Self::Done>> {
        Ok(None)
    }

    /// Announces the waiter, looks once more, and describes the sleep. False: it may be possible
    /// now.
    fn lie_down(&mut self, sleep: &mut Sleep, terms: &Terms) -> Result<bool>;

    /// Attempts it after a sleep that ended like this, or that was not described.
    fn attempt(&mut self, woken: Woken) -> Result<Option<Self::Done>>;

    /// A signal has ended the sleep. True: the wait goes on all the same.
    fn goes_on_after_signal(&mut self) -> bool {
        false
    }

    /// Attempts it for the last time, at the deadline: what came at the last moment still counts.
    fn attempt_at_last(&mut self) -> Result<Option<Self::Done>>;

    /// Ends a wait that has failed with this error. A wake that was meant for another thread may
    /// have come to this one. Gives what has come all the same, where that cannot be left to
    /// others: then the wait has not failed.
    fn give_up(&mut self, error: Errno) -> Option<Self::Done>;

    /// The same for a thread that is cancelled: what has come is left to others.
    fn abandon(&mut self) {
        self.give_up(Errno(libc::ECANCELED));
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
/// It is placed in memory that the caller provides, its *storage*, and stays there: from
/// [`Wait::place`] until a call that says that it is over.
#[repr(C)]
pub struct Wait<A> {
    sleep: Sleep,
    terms: Terms,
    attempt: A,
    /// While it is on its way to its sleep. Behind the attempt, which gives back first what it has.
    signals: Option<Blocked>,
    /// The last sleep has not begun: the thread was preempted, or a debugger steps through it. So
    /// the next one does not depend on that.
    was_in_vain: bool,
}

impl<A: Attempt> Wait<A> {
    /// Places a wait that has not begun.
    ///
    /// # Safety
    /// `storage` is valid for writing, and aligned; what is there is not moved until the wait is
    /// over.
    pub unsafe fn place(storage: *mut Self, attempt: A, interrupted: Interrupted) {
        let terms = Terms { until: None, interrupted };
        let sleep = Sleep::default();
        let wait = Self { sleep, terms, attempt, signals: None, was_in_vain: false };
        // SAFETY: valid for writing, says the caller.
        unsafe { storage.write(wait) };
    }

    /// Begins it. It is over unless it must sleep.
    ///
    /// # Safety
    /// There is a wait in `storage` that has not begun.
    pub unsafe fn begin(storage: *mut Self, until: Option<Deadline>) -> Result<Progress<A::Done>> {
        // SAFETY: there is one, says the caller.
        let wait = unsafe { &mut *storage };
        wait.terms.until = until;
        let begun = match wait.begin_or_enter() {
            Ok(None) => wait.settle(),
            Ok(Some(done)) => Ok(Progress::Done(done)),
            Err(error) => Err(error),
        };
        // SAFETY: `wait` is not used after this.
        unsafe { Self::end_unless_asleep(storage, begun) }
    }

    /// After a sleep that ended so ([`Sleep::run`]). It is over unless it must sleep again.
    ///
    /// # Safety
    /// There is a wait in `storage` that must sleep.
    pub unsafe fn woken(storage: *mut Self, end: c_int) -> Result<Progress<A::Done>> {
        // SAFETY: there is one, says the caller.
        let wait = unsafe { &mut *storage };
        // The sleep has let them through.
        let is_struck = wait.sleep.end_guard();
        if let Some(signals) = wait.signals.take() {
            signals.forget();
        }
        wait.was_in_vain = end == NOT_BEGUN;
        let attempted = match wait.sleep.woken(end) {
            Ok(Woken::TimedOut) if wait.terms.is_too_late() => wait
                .attempt
                .attempt_at_last()
                .and_then(|done| done.ok_or(Errno::ETIMEDOUT))
                .map(Some),
            Ok(woken) => wait.attempt.attempt(woken),
            Err(Errno::EINTR) if wait.attempt.goes_on_after_signal() => {
                wait.attempt.attempt(Woken::Changed)
            }
            Err(error) => Err(error),
        };
        let next = match attempted {
            Ok(Some(done)) => Ok(Progress::Done(done)),
            Ok(None) if is_struck && !wait.attempt.goes_on_after_signal() => {
                wait.give_up(Errno::EINTR)
            }
            Ok(None) => wait.settle(),
            Err(error) => wait.give_up(error),
        };
        // SAFETY: `wait` is not used after this.
        unsafe { Self::end_unless_asleep(storage, next) }
    }

    /// Ends a wait whose thread is cancelled in its sleep.
    ///
    /// # Safety
    /// There is a wait in `storage` that must sleep.
    pub unsafe fn abandon(storage: *mut Self) {
        // SAFETY: there is one, says the caller; it is not used after this.
        unsafe {
            (*storage).attempt.abandon();
            core::ptr::drop_in_place(storage);
        }
    }

    /// # Safety
    /// There is a wait in `storage`.
    unsafe fn end_unless_asleep<R>(
        storage: *mut Self,
        progress: Result<Progress<R>>,
    ) -> Result<Progress<R>> {
        if !matches!(progress, Ok(Progress::MustSleep)) {
            // SAFETY: there is one, says the caller.
            unsafe { core::ptr::drop_in_place(storage) };
        }
        progress
    }

    fn begin_or_enter(&mut self) -> Result<Option<A::Done>> {
        let begun = self.attempt.begin(&self.terms)?;
        if begun.is_some() {
            return Ok(begun);
        }
        self.signals = self.attempt.hold_signals_back();
        self.attempt.enter(&self.terms)
    }

    /// Attempts until there is nothing left but to sleep.
    fn settle(&mut self) -> Result<Progress<A::Done>> {
        self.attempt_until_asleep().or_else(|error| self.give_up(error))
    }

    fn give_up(&mut self, error: Errno) -> Result<Progress<A::Done>> {
        self.attempt.give_up(error).map(Progress::Done).ok_or(error)
    }

    fn attempt_until_asleep(&mut self) -> Result<Progress<A::Done>> {
        loop {
            if self.signals.is_none() {
                self.signals = self.attempt.hold_signals_back();
            }
            let must_sleep = self.attempt.lie_down(&mut self.sleep, &self.terms)?;
            if must_sleep && !self.let_signals_through()? {
                return Ok(Progress::MustSleep);
            }
            if let Some(done) = self.attempt.attempt(Woken::Changed)? {
                return Ok(Progress::Done(done));
            }
        }
    }
}

impl<A: Attempt> Wait<A> {
    /// Whether a handler runs now, and does not end the wait. EINTR: it does. Where that is
    /// possible, the sleep lets them through.
    fn let_signals_through(&mut self) -> Result<bool> {
        let Some(signals) = self.signals.take() else { return Ok(false) };
        let mut struck = signals.held_back(self.terms.interrupted);
        if struck == Struck::Not && !self.was_in_vain && can_be_interrupted() {
            let mask = self.signals.insert(signals).before();
            self.sleep.guard(mask, self.terms.interrupted);
            return Ok(false);
        }
        let canaries = Canaries::set();
        drop(signals);
        if struck == Struck::Not {
            // One may have come after the question.
            struck = canaries.struck(self.terms.interrupted);
        } else if canaries.has_none_run() {
            // Another thread has taken a signal that was for the process.
            struck = Struck::GoesOn;
        }
        match struck {
            Struck::Not => Ok(false),
            Struck::Ends if !self.attempt.goes_on_after_signal() => Err(Errno::EINTR),
            Struck::GoesOn | Struck::Ends => Ok(true),
        }
    }
}

impl<A: Attempt> Wait<A> {
    /// Begins it, and waits to the end. For callers in Rust: the thread must not be cancelled in
    /// here.
    ///
    /// # Safety
    /// As for [`Wait::begin`].
    pub unsafe fn finish(storage: *mut Self, until: Option<Deadline>) -> Result<A::Done> {
        // SAFETY: as the caller says; then as the answers say.
        unsafe {
            let mut progress = Self::begin(storage, until)?;
            loop {
                match progress {
                    Progress::Done(done) => return Ok(done),
                    Progress::MustSleep => progress = Self::woken(storage, (*storage).sleep.run())?,
                }
            }
        }
    }
}

/// Waits to the end. For callers in Rust: the thread must not be cancelled in here.
pub fn wait<A: Attempt>(attempt: A, Terms { until, interrupted }: Terms) -> Result<A::Done> {
    let mut storage = MaybeUninit::uninit();
    // SAFETY: a local variable, which is not moved.
    unsafe {
        Wait::place(storage.as_mut_ptr(), attempt, interrupted);
        Wait::finish(storage.as_mut_ptr(), until)
    }
}
