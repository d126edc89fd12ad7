//! Sending into a full queue and receiving from an empty one: what the wait machine
//! (`shared::wait`) attempts.
//!
//! When a thread sleeps, and until when:
//!
//! | what it saw, having announced itself | it sleeps until |
//! |---|---|
//! | nothing, and no thread in the middle of an operation | a wake; the thread that changes that sees that it waits |
//! | nothing, and a thread that has been woken, in either direction, is on its way | a wake, or for 40 ms: others leave the next wake to that thread, which may have died or be stopped (`shared::baton`) |
//! | nothing, although it was woken for the second time: newcomers are faster | a wake, or until it has waited for 1 ms, and newcomers give way: until then others leave the next wake to it (*backoff*); a thread that sleeps on the other side for 0.1 ms meanwhile ends that |
//! | nothing, but an operation under way | a wake, or for half a millisecond, then twice as long: that operation may not know of it (`shared::event`), or its holder may be dead, which can be seen only some time after the kernel's wake |
//! | what it wants, but it is the turn of others | a wake, or until they have had 10 ms to come for it |
//!
//! From before its first sleep until it is done, a waiter owes a wake (`shared::thread`), because
//! one may have been given to it. If it dies, the kernel wakes another sleeper here. And once it is
//! done, or gives up, it wakes another one if something is left, because it may have received two
//! wakes (see `sem::wait`). The kernel watches one word, but there are two directions: while the
//! waiter commits, it owes its wake to the sleepers of the other direction. So a waiter that was
//! woken and found nothing checks the other direction, too.

use core::ptr;

use super::asked::{is_nonblocking, point, seems_ready};
use super::called::Called;
use super::task::{Task, Transferred};
use super::turn::{Refusal, Turn, earlier};
use super::words::Words;
use crate::os::Errno;
use crate::os::Result;
use crate::os::clock::Deadline;
use crate::os::futex::Interrupted;
use crate::os::signals::Blocked;
use crate::os::sleep::{Awaited, Sleep, Woken};
use crate::posix::mq::descriptor::{self, Use, mapping};
use crate::posix::mq::store::slots::{Look, Wanted};
use crate::shared::claim::Claimant;
use crate::shared::thread::{Announcement, FrameTag, Thread};
use crate::shared::wait::{Attempt, Terms};
use crate::shared::wait_point::{Arrival, WaitPoint};

/// The first sleep while an operation is under way, in nanoseconds. Each further one is about twice
/// as long: odd, so that they do not end together with what the program measures.
const SHORTEST_SLEEP: i64 = 503_003;
/// The longest of them.
const LONGEST_SLEEP: i64 = 1_000_000_000;
/// Spins that end well, between two sleeps. What they saw may be a slot whose holder is stopped,
/// which no thread can use.
const SPINS: usize = 8;

/// A task of a thread that may have to wait.
pub struct Transfer {
    queue: Use<'static>,
    tag: &'static FrameTag,
    task: Task,
    arrival: Arrival,
    /// From before the first sleep on.
    owed: Option<Announcement<'static>>,
    has_lain_down: bool,
    next_short_sleep: i64,
    turn: Turn,
    called: Called,
    /// What it sleeps on, where processes keep slots.
    words: Words,
    /// The wake for the death of such a process may have come to it.
    slept_on_marks: bool,
    /// A registration of this process of which it may be notified while it sleeps; 0 = none.
    registration: u32,
    /// The kernel has said that a call on the descriptor waits.
    is_seen_to_wait: bool,
}

impl Attempt for Transfer {
    type Done = Transferred;

    /// A thread that places a wait has just tried in vain.
    fn begin(&mut self, terms: &Terms) -> Result<Option<Transferred>> {
        // A call that must not wait does not spin, either.
        if !self.queue.queue.nonblocking.may_wait() {
            if is_nonblocking(&self.queue)? {
                return self.refuse().map(Some);
            }
            self.is_seen_to_wait = true;
        }
        self.registration = self.own_registration();
        if !terms.is_too_late() && self.spin(terms.interrupted)? {
            return self.attempt_in_turn();
        }
        Ok(None)
    }

    fn hold_signals_back(&self) -> Option<Blocked> {
        let is_confined = self.queue.thread().filter.is_confined();
        (!is_confined).then(Blocked::all_but_faults_and_cancellation)
    }

    fn enter(&mut self, terms: &Terms) -> Result<Option<Transferred>> {
        if !self.is_seen_to_wait && is_nonblocking(&self.queue)? {
            return self.refuse().map(Some);
        }
        if terms.is_too_late() {
            return self.attempt_at_last()?.ok_or(Errno::ETIMEDOUT).map(Some);
        }
        Ok(None)
    }

    fn lie_down(&mut self, sleep: &mut Sleep, terms: &Terms) -> Result<bool> {
        let point = self.point();
        if self.has_lain_down {
            self.tell_the_other_side();
        }
        self.has_lain_down = true;
        self.registration = self.own_registration();
        let backoff = self.called.back_off(point, self.arrival);
        if (backoff.is_none() && self.called.look_again()) || point.is_stalled() {
            point.expect_none();
        }
        match &self.owed {
            Some(owed) => owed.redirect(point.death_word()),
            None => self.owed = self.queue.thread().announce_wake(point.death_word()),
        }
        let (seen, waits_long) = point.await_it(self.arrival, self.turn.is_held_up());
        self.turn.is_its_own |= waits_long;
        // Before the look: one that is marked after that keeps this thread from sleeping.
        let others = self.words.gather(&self.queue.queue.mapping);
        self.slept_on_marks |= others > 0;
        if self.queue.operation.is_doubted() {
            return Ok(false);
        }
        let until = match self.queue.look(self.task.wanted()) {
            Look::There if self.turn.is_its_own || !seen.is_in_turn() => return Ok(false),
            Look::There => Some(self.turn.until_held_up_enough(terms.until)),
            Look::Nothing if point.expects_one() || self.other_point().expects_one() => {
                let (other, task) = (self.other_point(), self.task.other());
                let is_ready = || seems_ready(&self.queue, task);
                Some(earlier(terms.until, self.turn.until_stalled(other, is_ready)))
            }
            Look::Nothing => terms.until,
            Look::UnderWay => {
                let longest = self.next_short_sleep;
                self.next_short_sleep = (longest * 2 + 1).min(LONGEST_SLEEP);
                Some(earlier(terms.until, longest))
            }
        };
        let until = backoff.map_or(until, |longest| Some(earlier(until, longest)));
        self.describe(sleep, point.awaited(seen), others, until, terms.interrupted);
        Ok(true)
    }

    fn attempt(&mut self, woken: Woken) -> Result<Option<Transferred>> {
        if self.queue.operation.is_doubted()
            && let Some(done) = self.look_at_descriptor()?
        {
            return Ok(Some(done));
        }
        if matches!(woken, Woken::Called { .. }) {
            self.turn.is_its_own = true;
            self.called.come();
        }
        if woken == Woken::TimedOut && self.turn.is_held_up_enough() {
            self.turn.take(self.point());
        }
        let mut spins = 0..SPINS;
        loop {
            if let Some(done) = self.attempt_in_turn()? {
                return Ok(Some(done));
            }
            if spins.next().is_none() || !self.spin(Interrupted::MayRestart)? {
                return Ok(None);
            }
        }
    }

    /// The kernel notifies no process while a thread waits in the queue: the signal comes before
    /// the wait begins. Here it may come late, as the sender is held up on its way to it.
    fn goes_on_after_signal(&mut self) -> bool {
        let number = core::mem::take(&mut self.registration);
        number != 0
            && self.queue.queue.mapping.registered() != 0
            && self.queue.queue.layout.notify().sequence() != number
            && !self.queue.operation.is_orphan()
    }

    /// The index may be out of date, so "nothing" is believed only after a look at the slots.
    fn attempt_at_last(&mut self) -> Result<Option<Transferred>> {
        let (point, wanted) = (self.point(), self.task.wanted());
        self.turn.await_own(point, || seems_ready(&self.queue, wanted));
        loop {
            let done = self.attempt_now()?;
            if done.is_some() || self.queue.look(self.task.wanted()) != Look::There {
                return Ok(done);
            }
        }
    }

    /// As with the kernel's calls, a signal does not end a wait for which there is a message, or
    /// space, by then. It may be the signal that a message brings to a registered process.
    fn give_up(&mut self, error: Errno) -> Option<Transferred> {
        if error == Errno::EINTR
            && !self.queue.operation.is_orphan()
            && let Ok(Some(done)) = self.attempt_in_turn()
        {
            return Some(done);
        }
        self.abandon();
        None
    }

    fn abandon(&mut self) {
        if self.has_lain_down {
            let is_left = || self.queue.look(self.task.wanted()) != Look::Nothing;
            self.point().gone(self.stays_awaited(), is_left);
            self.tell_the_other_side();
        }
        self.owed = None;
    }
}

impl Transfer {
    /// Of a thread that has just tried in vain.
    pub(super) fn new(queue: Use<'static>, tag: &'static FrameTag, task: Task) -> Self {
        Self {
            owed: None,
            has_lain_down: false,
            queue,
            tag,
            task,
            arrival: Arrival::now(),
            next_short_sleep: SHORTEST_SLEEP,
            turn: Turn::default(),
            called: Called::default(),
            words: Words::default(),
            slept_on_marks: false,
            registration: 0,
            is_seen_to_wait: false,
        }
    }

    fn point(&self) -> &'static WaitPoint {
        point(&self.queue, self.task.wanted())
    }

    fn other_point(&self) -> &'static WaitPoint {
        point(&self.queue, self.task.other())
    }

    fn own_registration(&self) -> u32 {
        let number = self.queue.queue.mapping.registered();
        if self.queue.queue.layout.notify().is_due(number) { number } else { 0 }
    }

    /// A sleep until a wake, with what the processes that keep slots, `others`, may bring.
    fn describe(
        &mut self,
        sleep: &mut Sleep,
        awaited: Awaited,
        others: usize,
        until: Option<Deadline>,
        interrupted: Interrupted,
    ) {
        let thread = self.queue.thread();
        let may_wait_on_vectors = || thread.filter.may_wait_on_vectors();
        if others == 0 && !self.called.sleeps_again() {
            sleep.prepare(awaited, until, interrupted, may_wait_on_vectors);
        } else if may_wait_on_vectors() {
            let again = self.called.sleeps_again().then(|| self.point().again());
            let other_death = match others {
                0 => ptr::null(),
                _ => self.other_point().sleepable_death_word(),
            };
            sleep.prepare_all(self.words.around(awaited, others, other_death, again), until);
        } else {
            // No death of a process that keeps slots ends the sleep.
            let until = if others == 0 { until } else { Some(earlier(until, LONGEST_SLEEP)) };
            sleep.prepare(awaited, until, interrupted, may_wait_on_vectors);
        }
    }

    /// True if it may be possible now. While it is the turn of others a spin is not worth it: if
    /// this thread sleeps, they can use its processor.
    fn spin(&mut self, interrupted: Interrupted) -> Result<bool> {
        let (point, wanted) = (self.point(), self.task.wanted());
        let may_go = || self.turn.may_go(point);
        if !may_go() {
            return Ok(false);
        }
        let may_call = || self.queue.operation.thread().filter.may_yield();
        let is_ready = || !may_go() || seems_ready(&self.queue, wanted);
        let spun = point.hint.spin(interrupted, may_call, is_ready).map(|spun| spun && may_go());
        match spun {
            Err(Errno::EINTR) if self.goes_on_after_signal() => Ok(false),
            spun => spun,
        }
    }

    fn attempt_in_turn(&mut self) -> Result<Option<Transferred>> {
        if self.turn.may_go(self.point()) { self.attempt_now() } else { Ok(None) }
    }

    /// `None`: there is no space, or no message.
    fn attempt_now(&mut self) -> Result<Option<Transferred>> {
        self.renew()?;
        let owed = self.owed.as_ref();
        // SAFETY: checked before the wait was placed; the code that placed it vouches for the
        // memory.
        let done = unsafe {
            match &self.task {
                Task::Send(message) => {
                    self.queue.try_send(message, owed).then_some(Transferred::Sent)
                }
                Task::Receive(into) => {
                    self.queue.try_receive(into, owed)?.map(Transferred::Received)
                }
                Task::Loan { all } => self.queue.try_loan(*all)?.map(Transferred::Loaned),
                Task::Borrow => self.queue.try_borrow()?.map(Transferred::Borrowed),
            }
        };
        if done.is_some() && self.has_lain_down {
            if self.slept_on_marks {
                self.pass_on_deaths();
            }
            let is_left = || seems_ready(&self.queue, self.task.wanted());
            let is_woken = self.called.is_on_its_way();
            self.point().served(self.arrival, is_woken, self.stays_awaited(), is_left);
            self.owed = None;
        }
        Ok(done)
    }

    /// What a registered process is told depends on the receivers that senders find asleep
    /// (`tell_receivers`).
    fn stays_awaited(&self) -> bool {
        self.task.wanted() == Wanted::Message && self.queue.queue.layout.notify().active() != 0
    }

    /// It is served, and the one wake for a process that has died may have come to it, too.
    fn pass_on_deaths(&self) {
        let holders = self.queue.queue.layout.holders();
        holders.used().iter().for_each(|entry| entry.notice(mapping::wake_all));
        self.tell_the_other_side();
    }

    /// A handler may have forked, and this may be the child: the operation is the parent's then,
    /// and this thread begins another one.
    fn renew(&mut self) -> Result<()> {
        if self.queue.operation.is_orphan() {
            let queue = descriptor::enter(Thread::calling()?, self.queue.fd, self.tag)?;
            self.task.check_against(&queue)?;
            self.queue = queue;
        }
        Ok(())
    }

    /// A wake that was owed to the other direction may have come to us.
    fn tell_the_other_side(&self) {
        self.other_point().wake_past_stalled(|| seems_ready(&self.queue, self.task.other()));
    }

    /// The result for a descriptor with `O_NONBLOCK`. What poll(2) may have reported is waited for,
    /// for a moment, and sleepers of the other side that have been woken: the kernel serves them in
    /// the calls that wake them.
    fn refuse(&mut self) -> Result<Transferred> {
        let (mut refusal, other) = (Refusal::default(), self.other_point());
        loop {
            if let Some(done) = self.attempt_at_last()? {
                return Ok(done);
            }
            if !refusal.waits(other, || self.queue.is_promised(self.task.wanted())) {
                break;
            }
        }
        // No thread came: the next call is not to wait for it.
        let is_noted = self.queue.queue.layout.notify().active() != 0;
        if other.is_stalled() || (other.is_awaited() && !is_noted) {
            self.tell_the_other_side();
        }
        self.queue.found_none(self.task.wanted());
        Err(Errno::EAGAIN)
    }

    /// A handler in the middle of the call has changed the descriptor. EBADF: it has closed it.
    #[cold]
    fn look_at_descriptor(&mut self) -> Result<Option<Transferred>> {
        // Before the look: another handler may come.
        self.queue.operation.trust();
        if !self.queue.is_open() {
            return Err(Errno::EBADF);
        }
        if is_nonblocking(&self.queue)? { self.refuse().map(Some) } else { Ok(None) }
    }
}
