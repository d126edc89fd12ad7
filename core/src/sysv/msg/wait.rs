//! Waiting for a message, or for space: what the wait machine (`shared::wait`) attempts.
//!
//! A waiter has a record (`record`), which says what it wants, and sleeps on a word there and on
//! the *death word* of the queue (`shared::thread::wake`). From before its first sleep, it owes a
//! wake on the death word, because it may be called and then killed before it runs. The kernel
//! gives that wake to another waiter, which checks all waiters.
//!
//! | what it sees, having announced itself | it sleeps until |
//! |---|---|
//! | nothing, and no thread in the middle of an operation | it is called, or a thread dies |
//! | nothing, but an operation under way that may not know of it | that, or for half a millisecond, then twice as long |
//! | a thread has died that may not be seen to be dead yet | the same, for a second |
//! | the kernel does not tell of deaths | that, or for a second |
//!
//! A sender claims its slot, looks whether any thread waits, and commits. A waiter says that it
//! waits, and looks at all slots. All of these are SeqCst. So either the sender sees the waiter, or
//! the waiter finds the slot claimed.
//!
//! A receiver that finds the queue removed takes what was handed over to it before, or gets E2BIG
//! for it (`removal`). It reads that the queue is removed, and then looks. A sender that sees that
//! a receiver waits reads whether the queue is removed after it has claimed its slot. So either
//! that sender fails, or the receiver finds its slot claimed, and waits a moment: the sender may
//! yet be in time. The same goes for a receiver that may not receive any more: what comes too late
//! for it stays in the queue.

use super::asleep::{self, Words};
use super::flag::Flag;
use super::outlook::{Look, Outlook};
use super::queue::Queue;
use super::record::Record;
use super::standing::{About, Standing};
use super::store;
use super::task::{Done, Task};
use super::tell::{self, Which};
use super::transfer::Transfer;
use super::usage::Amount;
use super::{registering, search};
use crate::os::clock::realtime_seconds;
use crate::os::futex::Interrupted;
use crate::os::signals::Blocked;
use crate::os::sleep::{Sleep, Woken};
use crate::os::{Errno, Result};
use crate::shared::claim::Claimant;
use crate::shared::pause::Pause;
use crate::shared::spin::Hint;
use crate::shared::thread::{Announcement, Operation};
use crate::shared::wait::{Attempt, Terms};
use crate::sysv::attached::Use;
use crate::sysv::object::within;
use crate::sysv::permission::{ALTER, READ};

/// A task of a thread that has to wait.
pub struct Waiting {
    entered: Use<Queue>,
    task: Task,
    /// The record, once it has one.
    record: Option<&'static Record>,
    /// From before the first sleep on.
    owed: Option<Announcement<'static>>,
    words: Words,
    outlook: Outlook,
    /// For what is under way when the queue is removed.
    pause: Pause,
}

impl Attempt for Waiting {
    type Done = Done;

    fn begin(&mut self, terms: &Terms) -> Result<Option<Done>> {
        if self.spin()?
            && let Some(done) = self.attempt_now()?
        {
            return Ok(Some(done));
        }
        if terms.is_too_late() {
            return Err(Errno::ETIMEDOUT);
        }
        Ok(None)
    }

    fn hold_signals_back(&self) -> Option<Blocked> {
        let is_confined = self.who().thread().filter.is_confined();
        (!is_confined).then(Blocked::all_but_faults_and_cancellation)
    }

    fn enter(&mut self, terms: &Terms) -> Result<Option<Done>> {
        self.register(terms)?;
        Ok(None)
    }

    fn lie_down(&mut self, sleep: &mut Sleep, terms: &Terms) -> Result<bool> {
        self.check_process()?;
        let (queue, record) = (self.queue(), self.record()?);
        self.owe();
        registering::lie(record, self.who())?;
        let flag = self.flag();
        self.outlook.announce(flag);
        // After the announcement, and before the look: see the module.
        let allowed = self.check();
        let is_sender = matches!(self.task, Task::Send(_));
        if is_sender && allowed != Err(Errno::EACCES) {
            allowed?;
        }
        let until = match (self.look(record)?, allowed) {
            (Look::There, _) => return Ok(false),
            // The kernel asks again once the message fits.
            (found, Err(_)) if is_sender => self.outlook.end_of_sleep(found, terms.until),
            // It may be for this one, and what is under way takes no time.
            (Look::UnderWay, Err(_)) if self.pause.wait() => return Ok(false),
            (_, Err(error)) => return Err(error),
            (found, Ok(())) => self.outlook.end_of_sleep(found, terms.until),
        };
        let awaited = (flag, self.outlook.seen());
        let filter = &self.entered.operation.thread().filter;
        self.words.describe(sleep, record, queue, awaited, filter, until);
        Ok(true)
    }

    fn attempt(&mut self, woken: Woken) -> Result<Option<Done>> {
        self.check_process()?;
        let record = self.record()?;
        if asleep::may_be_by_death(woken, record) {
            if !self.outlook.was_brief(woken) {
                self.look_after_all()?;
                self.outlook.doubt(woken);
            } else if matches!(self.task, Task::Receive(_)) {
                self.outlook.look_after_others(self.queue(), record, self.who())?;
            }
        }
        self.attempt_now()
    }

    fn attempt_at_last(&mut self) -> Result<Option<Done>> {
        Ok(None)
    }

    /// What has been handed over to one that is interrupted is its own.
    fn give_up(&mut self, _: Errno) -> Option<Done> {
        if self.entered.operation.is_orphan() {
            return None;
        }
        let is_given = matches!(self.task, Task::Receive(_))
            && self.record.is_some_and(|record| {
                let mut standing = Standing::unknown();
                standing.look(self.queue(), About::Own(record)).is_ok()
                    && standing.receiver(record).is_some_and(|own| own.given.is_some())
            });
        let done = if is_given { self.attempt_now().ok().flatten() } else { None };
        self.withdraw();
        done
    }

    /// Takes nothing. A wake for the death of another thread may have come at the same time.
    fn abandon(&mut self) {
        if self.entered.operation.is_orphan() {
            self.entered.operation.withdraw();
            return;
        }
        // There is no caller to give an error to.
        let _ = self.look_after_all();
        self.withdraw();
    }
}

impl Waiting {
    /// A task that has not begun.
    pub(super) fn new(entered: Use<Queue>, task: Task) -> Self {
        Self {
            entered,
            task,
            record: None,
            owed: None,
            words: Words::NONE,
            outlook: Outlook::new(),
            pause: Pause::default(),
        }
    }

    fn queue(&self) -> &'static Queue {
        self.entered.object
    }

    /// Ends a wait that takes nothing.
    fn withdraw(&mut self) {
        let queue = self.queue();
        let words = queue.layout.words();
        words.receivers.change();
        self.leave();
        // What was for us is for others.
        if words.receivers.is_set() {
            tell::receivers(queue, self.who(), About::All, Which::All);
        }
        if words.senders.is_set() {
            tell::senders(queue, self.who(), Which::All);
        }
        self.owed = None;
    }

    fn who(&self) -> &Operation<'static> {
        &self.entered.operation
    }

    fn record(&self) -> Result<&'static Record> {
        self.record.ok_or(Errno::EINVAL)
    }

    /// EINTR: a handler has forked, and this is the child, which does not wait.
    fn check_process(&self) -> Result<()> {
        if self.who().is_orphan() { Err(Errno::EINTR) } else { Ok(()) }
    }

    fn hint(&self) -> &'static Hint {
        &self.queue().layout.words().hints[usize::from(matches!(self.task, Task::Send(_)))]
    }

    fn flag(&self) -> &'static Flag {
        match self.task {
            Task::Receive(_) => &self.queue().layout.words().receivers,
            Task::Send(_) => &self.queue().layout.words().senders,
        }
    }

    /// From now on it may be called.
    fn owe(&mut self) {
        if self.owed.is_none() {
            let thread = self.entered.operation.thread();
            self.owed = thread.announce_wake(&self.queue().layout.words().death);
        }
    }

    /// True if it may be possible now. EINTR.
    fn spin(&self) -> Result<bool> {
        let queue = self.queue();
        let may_call = || self.entered.operation.thread().filter.may_yield();
        // A search in many blocks takes more of the stack than a spin may (`os::handled`).
        let (is_long, arrivals) = (store::is_long(queue), &queue.layout.words().sending.arrivals);
        let last = arrivals.last();
        self.hint().spin(Interrupted::Fails, may_call, || match &self.task {
            Task::Receive(_) if is_long => arrivals.last() != last,
            Task::Receive(into) => {
                search::find_at_once(queue, into.selector, |_| false).is_ok_and(|one| one.is_some())
            }
            Task::Send(message) => self.seems_to_fit(message.length),
        })
    }

    fn seems_to_fit(&self, length: usize) -> bool {
        let queue = self.queue();
        let used = queue.layout.words().usage.seen().amount();
        used.plus(Amount::of(length)).fits(queue.bound())
    }

    /// Claims a record, and says in it what is wanted. ENOMEM, EIDRM.
    fn register(&mut self, terms: &Terms) -> Result<()> {
        // Before anything can be for it: others would wait for it in vain.
        self.owe();
        let record = registering::claim(self.queue(), self.who())?;
        self.record = Some(record);
        let (wanted, ends) = (self.task.wanted(), terms.until.is_some());
        registering::begin(self.queue(), record, wanted, ends, self.who())
    }

    fn look(&mut self, record: &Record) -> Result<Look> {
        let (queue, who) = (self.queue(), &self.entered.operation);
        match &self.task {
            Task::Receive(into) => self.outlook.for_message(queue, record, into.selector),
            Task::Send(message) => Outlook::for_space(queue, message.length, who),
        }
    }

    /// EIDRM; EACCES.
    fn check(&self) -> Result<()> {
        let wanted = if matches!(self.task, Task::Send(_)) { ALTER } else { READ };
        self.queue().check_life()?;
        self.queue().check(wanted, realtime_seconds())
    }

    /// What has been handed over to a receiver is its own, even if the queue is removed before it
    /// runs. So one that has a record looks first, and `lie_down` checks the rest.
    fn attempt_now(&mut self) -> Result<Option<Done>> {
        let queue = self.queue();
        if matches!(self.task, Task::Send(_)) || self.record.is_none() {
            match (self.check(), &self.task, self.record) {
                (Err(Errno::EACCES), Task::Send(message), Some(_))
                    if Outlook::for_space(queue, message.length, self.who())? != Look::There =>
                {
                    return Ok(None);
                }
                (checked, ..) => checked?,
            }
        }
        let done = within(self.who(), queue, |who| {
            let transfer = Transfer { queue, who, owed: self.owed.as_ref() };
            // SAFETY: the code that placed the wait vouches for the memory of the task.
            unsafe {
                match (&self.task, self.record) {
                    (Task::Send(message), _) => {
                        transfer.send(message).map(|sent| sent.then_some(Done::Sent))
                    }
                    (Task::Receive(into), Some(record)) => {
                        let received = transfer.receive_given(into, record);
                        received.map(|length| length.map(Done::Received))
                    }
                    (Task::Receive(into), None) => {
                        transfer.receive(into, false).map(|length| length.map(Done::Received))
                    }
                }
            }
        })?;
        if done.is_some() {
            self.leave();
            self.owed = None;
        }
        Ok(done)
    }

    /// Nothing is for it any more: gives its record back.
    fn leave(&mut self) {
        if let Some(record) = self.record.take() {
            registering::end(record, self.who());
        }
    }

    /// It was woken, and no thread has called it: a thread that owed a wake may have died.
    #[cold]
    fn look_after_all(&mut self) -> Result<()> {
        tell::after_a_death(self.queue(), self.who())
    }
}
