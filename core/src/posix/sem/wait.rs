//! A wait for a token, as a machine that C drives: begin, sleep, look, sleep again.
//!
//! The thread first spins, where that pays (`shared::spin`), and only then registers and sleeps.
//!
//! Another process may be killed between adding a token and waking somebody for it, or just after the wake for a
//! token was given to it. Then the token lies there and the others sleep on. So nobody who shares a semaphore with
//! other processes sleeps longer than [`LONGEST_SLEEP`] without a look. The only waiter is no exception: its poster
//! may die, and after a signal it stands behind those who came later.

use core::ffi::c_int;
use core::mem::MaybeUninit;

use super::layout::Semaphore;
use super::word::Then;
use crate::os::Errno;
use crate::os::Result;
use crate::os::clock::Deadline;
use crate::os::futex::{self, Interrupted, Scope, Sleep, Woken};

/// In seconds.
const LONGEST_SLEEP: i64 = 1;

/// How long a wait may last.
#[derive(Clone, Copy, Debug)]
pub enum Patience {
    /// Until there is a token (`sem_wait`).
    Unlimited,
    /// Until that time (`sem_timedwait`, `sem_clockwait`).
    Until(Deadline),
}

/// What a wait needs next.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The token was taken.
    Done,
    /// [`Wait::sleep`] says how to sleep; then comes [`Wait::woken`], or [`Wait::abandon`].
    MustSleep,
}

/// A registered waiter. The first field is the sleep that C makes: `struct rsipc_sleep`.
#[repr(C)]
pub struct Wait<'a> {
    sleep: Sleep,
    semaphore: &'a Semaphore,
    patience: Patience,
}

impl Semaphore {
    /// Takes a token, and sleeps while there is none. For callers in Rust: the thread must not be cancelled in here.
    ///
    /// Errors: ETIMEDOUT, EINTR.
    pub fn wait(&self, patience: Patience) -> Result<()> {
        let mut room = MaybeUninit::uninit();
        if Wait::begin(&mut room, self, patience)? == Progress::Done {
            return Ok(());
        }
        // SAFETY: the wait that must sleep is initialised, and stays where it is.
        let wait = unsafe { room.assume_init_mut() };
        while wait.woken(wait.sleep.run())? == Progress::MustSleep {}
        Ok(())
    }
}

impl<'a> Wait<'a> {
    /// Begins a wait in the memory that C gives for it. It is initialised if, and only if, the result is
    /// [`Progress::MustSleep`].
    ///
    /// Errors: ETIMEDOUT when the deadline has passed and there is no token.
    pub fn begin(
        room: &mut MaybeUninit<Self>,
        semaphore: &'a Semaphore,
        patience: Patience,
    ) -> Result<Progress> {
        if semaphore.try_take() {
            return Ok(Progress::Done);
        }
        if let Patience::Until(deadline) = patience
            && deadline.has_passed()
        {
            return Err(Errno::ETIMEDOUT);
        }
        if semaphore.hint.spin(|| semaphore.try_take()) {
            return Ok(Progress::Done);
        }
        semaphore.word.register();
        let wait = room.write(Self { sleep: Sleep::default(), semaphore, patience });
        Ok(wait.look())
    }

    /// After a sleep that ended with this error (0 = none).
    ///
    /// Errors: ETIMEDOUT, EINTR. Then, and when it is done, the wait is over.
    pub fn woken(&mut self, error: c_int) -> Result<Progress> {
        match self.sleep.woken(error) {
            Ok(Woken::TimedOut) if self.is_too_late() => {
                // A token that came at the last moment still counts.
                if self.semaphore.word.take_registered() {
                    return Ok(Progress::Done);
                }
                self.abandon();
                Err(Errno::ETIMEDOUT)
            }
            Ok(Woken::TimedOut) => {
                Deadline::renew_look();
                Ok(self.look())
            }
            Ok(Woken::LookAgain) => Ok(self.look()),
            Err(error) => {
                self.abandon();
                Err(error)
            }
        }
    }

    /// Ends a wait that has failed, or whose thread is cancelled.
    pub fn abandon(&mut self) {
        if self.semaphore.word.deregister() == Then::WakeOne {
            futex::wake(Semaphore::value_address(self.semaphore), 1, self.semaphore.scope());
        }
    }

    fn look(&mut self) -> Progress {
        if self.semaphore.word.take_registered() {
            return Progress::Done;
        }
        let (until, interrupted) = self.next_sleep();
        let word = Semaphore::value_address(self.semaphore);
        self.sleep.prepare(word, 0, self.semaphore.scope(), until, interrupted);
        Progress::MustSleep
    }

    /// EINTR as Linux gives it: `sem_wait` goes on after a handler with `SA_RESTART`, a timed wait never does.
    fn next_sleep(&self) -> (Option<Deadline>, Interrupted) {
        // The threads of one process die together.
        let must_look = self.semaphore.scope() == Scope::Shared;
        match self.patience {
            // Before Linux 5.16 a sleep cannot have both an end and a restart. The restart is what programs see.
            Patience::Unlimited if must_look && futex::restarts_with_end() => {
                (Some(Deadline::next_look()), Interrupted::MayRestart)
            }
            Patience::Unlimited => (None, Interrupted::MayRestart),
            Patience::Until(deadline) if must_look => {
                let look = Deadline::about(deadline.clock, LONGEST_SLEEP);
                (Some(if look.is_before(&deadline) { look } else { deadline }), Interrupted::Fails)
            }
            Patience::Until(deadline) => (Some(deadline), Interrupted::Fails),
        }
    }

    fn is_too_late(&self) -> bool {
        match self.patience {
            Patience::Unlimited => false,
            Patience::Until(deadline) => deadline.has_passed(),
        }
    }
}
