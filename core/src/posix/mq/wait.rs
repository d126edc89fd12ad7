//! Sending into a full queue and receiving from an empty one, as a machine that C drives (see `sem::wait`).
//!
//! Nobody sleeps longer than [`LONGEST_SLEEP`] without a look: a sender may be killed after its message stands and
//! before it has woken anybody, and a waiter may be killed with a wake that another one needed. A waiter that found an
//! operation under way sleeps for less, as that operation may not know of it (`event`).

use core::ffi::c_int;
use core::mem::MaybeUninit;
use core::sync::atomic::Ordering;
use std::os::fd::RawFd;

use crate::os::Errno;
use crate::os::Result;
use crate::os::clock::{Clock, Deadline};
use crate::os::futex::{Interrupted, Scope, Sleep, Woken};
use crate::posix::mq::descriptor::{self, Use};
use crate::posix::mq::layout::Door;
use crate::posix::mq::store::slots::{Look, Wanted};
use crate::posix::mq::transfer::{Incoming, Outgoing, Received, wake_one};
use crate::shared::thread::{Seal, Thread};

/// In nanoseconds.
const LONGEST_SLEEP: i64 = 1_000_000_000;
/// The first sleep while an operation is under way. Each further one is twice as long.
const SHORTEST_SLEEP: i64 = 500_000;
/// Spins that end well, between two sleeps. What they saw may be a slot whose holder is stopped, and to nobody's use.
const SPINS: usize = 8;

/// What is to be done.
#[derive(Clone, Copy, Debug)]
pub enum Task {
    /// `mq_send`
    Send(Outgoing),
    /// `mq_receive`
    Receive(Incoming),
}

/// What a task needs next.
#[must_use]
#[derive(Clone, Copy, Debug)]
pub enum Progress {
    /// The message is sent.
    Sent,
    /// A message was received.
    Received(Received),
    /// [`Wait`] says how to sleep; then comes [`Wait::woken`], or [`Wait::abandon`].
    MustSleep,
}

impl Task {
    /// The checks that need no queue: EINVAL.
    pub fn check(&self) -> Result<()> {
        match self {
            Self::Send(message) => message.check_priority(),
            Self::Receive(_) => Ok(()),
        }
    }

    /// Does the task, and sleeps while that is not possible. For callers in Rust: the thread must not be cancelled in
    /// here. The result is never [`Progress::MustSleep`].
    ///
    /// Errors: those of the checks; EAGAIN when the descriptor has `O_NONBLOCK`; ETIMEDOUT, EINTR.
    ///
    /// # Safety
    /// The memory of the task is valid.
    pub unsafe fn perform(
        self,
        thread: &'static Thread,
        fd: RawFd,
        deadline: Option<Deadline>,
    ) -> Result<Progress> {
        self.check()?;
        let mut room = MaybeUninit::uninit();
        // SAFETY: as the caller says.
        let mut progress = unsafe { Wait::begin(&mut room, thread, fd, self, deadline)? };
        while matches!(progress, Progress::MustSleep) {
            // SAFETY: a wait that must sleep is initialised, and stays where it is.
            let wait = unsafe { room.assume_init_mut() };
            progress = wait.woken(wait.sleep.run())?;
        }
        Ok(progress)
    }

    fn wanted(&self) -> Wanted {
        match self {
            Self::Send(_) => Wanted::Free,
            Self::Receive(_) => Wanted::Message,
        }
    }

    #[inline]
    fn check_against(&self, queue: &Use<'_>) -> Result<()> {
        match self {
            Self::Send(message) => queue.check_outgoing(message),
            Self::Receive(into) => queue.check_incoming(into),
        }
    }

    /// `None`: there is no room, or no message.
    ///
    /// # Safety
    /// The task has been checked against the queue, and its memory is valid.
    #[inline]
    unsafe fn attempt(&self, queue: &Use<'_>) -> Result<Option<Progress>> {
        match self {
            Self::Send(message) => {
                // SAFETY: as the caller says.
                let sent = unsafe { queue.try_send(message) };
                Ok(sent.then_some(Progress::Sent))
            }
            Self::Receive(into) => {
                // SAFETY: as the caller says.
                let received = unsafe { queue.try_receive(into) };
                Ok(received?.map(Progress::Received))
            }
        }
    }
}

/// A task that waits. The first field is the sleep that C makes: `struct rsipc_sleep`.
#[repr(C)]
pub struct Wait {
    sleep: Sleep,
    /// Of the operation in `queue`: so this must stay where it is.
    seal: Seal,
    queue: Option<Use<'static>>,
    fd: RawFd,
    task: Task,
    deadline: Option<Deadline>,
    next_short_sleep: i64,
}

impl Wait {
    /// Begins a wait in the memory that C gives for it. It is initialised if, and only if, the result is
    /// [`Progress::MustSleep`].
    ///
    /// Errors: those of the checks; EAGAIN when the descriptor has `O_NONBLOCK`; ETIMEDOUT.
    ///
    /// # Safety
    /// The memory of the task is valid until the wait is over.
    pub unsafe fn begin(
        room: &mut MaybeUninit<Self>,
        thread: &'static Thread,
        fd: RawFd,
        task: Task,
        deadline: Option<Deadline>,
    ) -> Result<Progress> {
        let wait = room.write(Self {
            sleep: Sleep::default(),
            seal: Seal::new(),
            queue: None,
            fd,
            task,
            deadline,
            next_short_sleep: SHORTEST_SLEEP,
        });
        let begun = wait.start(thread);
        if !matches!(begun, Ok(Progress::MustSleep)) {
            wait.queue = None;
        }
        begun
    }

    /// Whoever begins a wait has just tried in vain.
    fn start(&mut self, thread: &'static Thread) -> Result<Progress> {
        let queue = descriptor::enter(thread, self.fd, &self.seal)?;
        self.task.check_against(&queue)?;
        // To ask the kernel for the flag costs more than a message. So where it was not set the last time we spin
        // first: mostly nobody needs to know it then.
        let may_spin = !queue.queue.was_nonblocking.load(Ordering::Relaxed);
        self.queue = Some(queue);
        let is_too_late = self.deadline.is_some_and(|deadline| deadline.has_passed());
        if may_spin
            && !is_too_late
            && self.spin()?
            && let Some(done) = self.attempt()?
        {
            return Ok(done);
        }
        let error = match self.is_nonblocking()? {
            true => Errno::EAGAIN,
            false if is_too_late => Errno::ETIMEDOUT,
            false => return self.lie_down()?.map_or_else(|| self.proceed(), Ok),
        };
        self.attempt_after_look()?.ok_or(error)
    }

    /// After a sleep that ended with this error (0 = none).
    ///
    /// Errors: ETIMEDOUT, EINTR. Then, and when it is done, the wait is over.
    pub fn woken(&mut self, error: c_int) -> Result<Progress> {
        let progress = match self.sleep.woken(error) {
            Ok(Woken::TimedOut) if self.deadline.is_some_and(|deadline| deadline.has_passed()) => {
                // What came at the last moment still counts.
                self.attempt_after_look().and_then(|done| done.ok_or(Errno::ETIMEDOUT))
            }
            Ok(woken) => {
                if woken == Woken::TimedOut {
                    Deadline::renew_look();
                }
                self.proceed()
            }
            Err(error) => Err(error),
        };
        match progress {
            Ok(Progress::MustSleep) => {}
            Ok(_) => self.queue = None,
            Err(_) => self.abandon(),
        }
        progress
    }

    /// Ends a wait that has failed, or whose thread is cancelled. A wake may have been meant for somebody and gone to
    /// us, so it is passed on; if there is nobody, the door is quiet again.
    pub fn abandon(&mut self) {
        if let Some(queue) = &self.queue {
            wake_one(door(queue, self.task.wanted()));
        }
        self.queue = None;
    }

    fn proceed(&mut self) -> Result<Progress> {
        let mut spins = 0..SPINS;
        loop {
            if let Some(done) = self.attempt()? {
                return Ok(done);
            }
            if spins.next().is_some() && self.spin()? {
                continue;
            }
            if let Some(must_sleep) = self.lie_down()? {
                return Ok(must_sleep);
            }
        }
    }

    fn queue(&self) -> Result<&Use<'static>> {
        self.queue.as_ref().ok_or(Errno::EBADF)
    }

    /// True if it may be possible now.
    fn spin(&self) -> Result<bool> {
        let (queue, wanted) = (self.queue()?, self.task.wanted());
        Ok(door(queue, wanted).hint.spin(|| seems_ready(queue, wanted)))
    }

    /// Describes the sleep, and announces it. `None`: it is possible now.
    fn lie_down(&mut self) -> Result<Option<Progress>> {
        let queue = self.queue()?;
        let event = &door(queue, self.task.wanted()).event;
        let expected = event.await_it();
        let word = event.word().as_ptr();
        let until = match (queue.look(self.task.wanted()), self.deadline) {
            (Look::There, _) => return Ok(None),
            (Look::Nothing, None) => Deadline::next_look(),
            (Look::Nothing, Some(deadline)) => deadline.or_after_ns(LONGEST_SLEEP),
            (Look::UnderWay, deadline) => {
                let longest = self.next_short_sleep;
                self.next_short_sleep = (longest * 2).min(LONGEST_SLEEP);
                match deadline {
                    None => Deadline::after_ns(Clock::Monotonic, longest),
                    Some(deadline) => deadline.or_after_ns(longest),
                }
            }
        };
        self.sleep.prepare(word, expected, Scope::Shared, Some(until), Interrupted::MayRestart);
        Ok(Some(Progress::MustSleep))
    }

    fn attempt(&self) -> Result<Option<Progress>> {
        let queue = self.queue()?;
        // SAFETY: checked when the wait began; the memory is valid, as the one who began it said.
        unsafe { self.task.attempt(queue) }
    }

    /// The index may be behind the truth, so "nothing" is believed only after a look at the slots.
    fn attempt_after_look(&self) -> Result<Option<Progress>> {
        loop {
            let done = self.attempt()?;
            if done.is_some() || self.queue()?.look(self.task.wanted()) != Look::There {
                return Ok(done);
            }
        }
    }

    /// EBADF when the descriptor has been closed behind our back.
    fn is_nonblocking(&self) -> Result<bool> {
        // SAFETY: takes no pointer. Not `fcntl`, which is a cancellation point for some commands.
        let flags = unsafe { libc::syscall(libc::SYS_fcntl, self.fd, libc::F_GETFL) };
        if flags < 0 {
            return Err(Errno::last());
        }
        let is_nonblocking = flags & i64::from(libc::O_NONBLOCK) != 0;
        self.queue()?.queue.was_nonblocking.store(is_nonblocking, Ordering::Relaxed);
        Ok(is_nonblocking)
    }
}

fn door<'q>(queue: &'q Use<'_>, wanted: Wanted) -> &'q Door {
    match wanted {
        Wanted::Free => queue.queue.layout.room(),
        Wanted::Message => queue.queue.layout.message(),
    }
}

fn seems_ready(queue: &Use<'_>, wanted: Wanted) -> bool {
    let index = &queue.queue.layout.slots().index;
    match wanted {
        Wanted::Free => index.seems_to_have_free(),
        Wanted::Message => index.seems_to_have_message(),
    }
}
