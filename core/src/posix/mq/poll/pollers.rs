//! Which processes poll a queue, and what is done for them: by themselves before they sleep, and by
//! those that change the queue.
//!
//! While there are pollers, each change of the queue may cost system calls. So a word in shared
//! memory says whether there are any (`readiness`). A lock says whether that is still true: a
//! process that polls holds a read lock on a byte of the FIFO, on the description that it polls.
//! Duplicates and forked children share the lock; it outlives its maker, and is released with the
//! last of them, however they end. Nothing expires, and no thread watches over it: now and then, a
//! process that changes the number of packets checks whether there still is a lock.

use std::os::fd::RawFd;

use crate::os::Result;
use crate::os::concern;
use crate::os::errno::preserved;
use crate::os::futex::Interrupted;
use crate::os::settings;
use crate::posix::mq::descriptor::{self, Opened, Use};
use crate::posix::mq::poll::fifo::Channel;
use crate::posix::mq::poll::interest;
use crate::posix::mq::poll::readiness::{CAPACITY, Pollers};
use crate::posix::mq::poll::reasons::{Begun, Reasons};
use crate::posix::mq::store::slots::{Look, Wanted};
use crate::shared::pause::Moment;
use crate::shared::thread::{FrameTag, Thread};

/// How a queue is going to be polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Poll {
    /// Without a sleep.
    AtOnce,
    /// By one call that may sleep.
    Call,
    /// From now on, by an epoll.
    Watch,
}

/// The queue of `fd` is going to be polled for this: now the FIFO shows the state of the queue, and
/// goes on to do so unless no thread will sleep. EBADF: it is no queue.
pub fn begin(thread: &'static Thread, fd: RawFd, wanted: Pollers, how: Poll) -> Result<Begun> {
    let tag = FrameTag::new();
    let queue = descriptor::enter(thread, fd, &tag)?;
    let begun = preserved(|| queue.be_polled(wanted, how));
    if how == Poll::Watch {
        concern::set(concern::IN_EPOLL);
        queue.queue.polling.watch(wanted);
        interest::add(fd);
    }
    Ok(begun)
}

/// The queue of `fd` has been put into the set of this epoll, or is reported otherwise there: of
/// these events, with this data (see `Polling::is_reported`).
pub fn is_in_epoll(
    thread: &'static Thread,
    fd: RawFd,
    epoll: RawFd,
    told: Pollers,
    data: Option<u64>,
) {
    let tag = FrameTag::new();
    if let Ok(queue) = descriptor::enter(thread, fd, &tag) {
        queue.queue.polling.is_reported(epoll, told, data);
        interest::note(fd, epoll, data);
    }
}

/// The queue of `fd` has been taken out of the set of this epoll.
pub fn is_out_of_epoll(thread: &'static Thread, fd: RawFd, epoll: RawFd) {
    interest::note(fd, epoll, None);
    let tag = FrameTag::new();
    if let Ok(queue) = descriptor::enter(thread, fd, &tag) {
        queue.queue.polling.is_not_reported(epoll);
    }
}

/// This process is about to wait for its epolls, for this one first of all. What the queues of its
/// set are a reason for.
pub fn before_epoll_wait(thread: &'static Thread, epoll: RawFd, may_sleep: bool) -> Reasons {
    let mut reasons = Reasons::default();
    for fd in interest::all() {
        let tag = FrameTag::new();
        match descriptor::enter(thread, fd, &tag) {
            Ok(queue) if queue.queue.polling.events().any() => {
                let polling = &queue.queue.polling;
                let begun = preserved(|| queue.level(polling.events(), false, may_sleep));
                reasons.add(begun, polling.told_by(epoll));
                if interest::are_all() {
                    polling.will_look();
                }
            }
            _ => interest::remove(fd),
        }
    }
    reasons
}

/// The descriptor goes to another process, which may not know that it is a queue before it is
/// polled.
pub fn hand_over(thread: &'static Thread, fd: RawFd) {
    let tag = FrameTag::new();
    if let Ok(queue) = descriptor::enter(thread, fd, &tag) {
        preserved(|| {
            queue.queue.layout.readiness().arm(Pollers::UNKNOWN);
            queue.level(Pollers::MESSAGE.and(Pollers::SPACE), true, false);
        });
    }
}

/// A queue has been opened that others may have polled before.
pub fn set_up(queue: &Opened, fd: RawFd) {
    let readiness = queue.layout.readiness();
    if settings::get().always_pollable && !readiness.pollers().has(Pollers::UNKNOWN) {
        readiness.arm(Pollers::UNKNOWN);
    }
    // What was in the FIFO went with the last descriptor.
    if readiness.packets().most > 0 {
        readiness.correct(&Channel::new(&queue.polling.own, fd, queue.fifo));
    }
}

impl Use<'_> {
    fn be_polled(&self, wanted: Pollers, how: Poll) -> Begun {
        let (polling, readiness) = (&self.queue.polling, self.queue.layout.readiness());
        let is_new = how == Poll::AtOnce || !polling.is_announced(readiness, wanted);
        // Processes that change the queue may not have known of us until now.
        if is_new && how != Poll::AtOnce {
            // What else the descriptor may mean by now is not ours to lock.
            if !self.is_open() {
                return Begun { shown: Pollers::NONE, is_struck: false };
            }
            polling.announce(self.fd, readiness, wanted);
        }
        let begun = self.level(wanted, is_new, how == Poll::Call);
        if how != Poll::Watch {
            polling.will_look();
        }
        begun
    }

    /// Brings the FIFO up to date. `may_sleep`: the thread may spin for a moment to avoid a sleep.
    pub(super) fn level(&self, wanted: Pollers, is_new: bool, may_sleep: bool) -> Begun {
        let mut begun = Begun { shown: Pollers::NONE, is_struck: false };
        if wanted.are(Pollers::MESSAGE) {
            let comes_soon = if may_sleep { self.comes_soon() } else { Ok(false) };
            if self.level_messages(is_new, comes_soon == Ok(true)) {
                begun.shown = begun.shown.and(Pollers::MESSAGE);
            }
            begun.is_struck = comes_soon.is_err();
        }
        if wanted.are(Pollers::SPACE) && self.level_space(is_new) {
            begun.shown = begun.shown.and(Pollers::SPACE);
        }
        begun
    }

    /// Before a sleep: whether there is a packet is whether there is a message. `has_come`: there
    /// is one.
    fn level_messages(&self, is_new: bool, has_come: bool) -> bool {
        let readiness = self.queue.layout.readiness();
        let has_packets = readiness.packets().most > 0;
        let is_there = has_come
            || self.seems_ready(Wanted::Message)
            || ((has_packets || is_new) && self.look_patiently(Wanted::Message) != Look::Nothing);
        if is_there {
            readiness.raise_message(&self.channel());
        } else {
            self.take_packets_back();
        }
        is_there
    }

    fn level_space(&self, is_new: bool) -> bool {
        let readiness = self.queue.layout.readiness();
        let may_show = || is_new || readiness.packets().least < CAPACITY;
        let is_there = self.seems_ready(Wanted::Free)
            || (may_show() && self.look_patiently(Wanted::Free) != Look::Nothing);
        if is_there {
            readiness.raise_space(&self.channel());
        } else {
            self.fill_up();
        }
        is_there
    }

    /// A poller that has just drained the queue, and is about to sleep, may be spared the sleep.
    /// EINTR: a handler has run.
    fn comes_soon(&self) -> Result<bool> {
        let layout = &self.queue.layout;
        let is_there = || self.seems_ready(Wanted::Message);
        if is_there() || layout.readiness().packets().most == 0 {
            return Ok(is_there());
        }
        let may_yield = || self.thread().filter.may_yield();
        layout.message().hint.spin(Interrupted::Fails, may_yield, is_there)
    }

    /// An operation that began before this poll may not know of the poller: then it counts as done.
    fn look_patiently(&self, wanted: Wanted) -> Look {
        let mut moment = Moment::default();
        loop {
            let found = self.look(wanted);
            if found != Look::UnderWay || !moment.wait() {
                return found;
            }
        }
    }

    /// Whether the queue has one of these.
    pub(super) fn is_ready(&self, wanted: Pollers) -> bool {
        (wanted.has(Pollers::MESSAGE) && self.seems_ready(Wanted::Message))
            || (wanted.has(Pollers::SPACE) && self.seems_ready(Wanted::Free))
    }

    pub(super) fn seems_ready(&self, wanted: Wanted) -> bool {
        self.queue.layout.slots().seem_to_have(wanted)
    }

    /// After a message was sent or received, if the queue is polled. An epoll that is told of edges
    /// is told of each message, and of each receipt, also beside others: a program may receive one
    /// message for each event. `is_told`: of this one, those that do not wait for `others` have
    /// been told.
    #[cold]
    pub fn tell_edges(&self, pollers: Pollers, is_told: bool, others: Pollers) {
        if pollers.has(Pollers::EDGE) && (!is_told || pollers.has(others)) {
            preserved(|| self.channel().tell_edges());
        }
    }

    /// After a message was sent, if the queue is polled.
    #[cold]
    pub fn lower_space(&self, pollers: Pollers) {
        if pollers.are(Pollers::SPACE) && !self.seems_ready(Wanted::Free) {
            preserved(|| self.fill_up());
        }
        self.look_for_pollers(pollers);
    }

    /// After a message was received, if the queue is polled. The packet may stay in vain only for a
    /// receiver that does not block, is not edge-triggered, and checks the queue before it sleeps.
    #[cold]
    pub fn lower_message(&self, pollers: Pollers) {
        if pollers.are(Pollers::MESSAGE) && !self.seems_ready(Wanted::Message) {
            let would_block = !self.queue.nonblocking.was_set();
            if pollers.are(Pollers::EDGE) || (would_block && !self.may_be_lazy(pollers)) {
                preserved(|| self.take_packets_back());
            }
        }
        self.look_for_pollers(pollers);
    }

    /// Whether poll(2) may have told of something that is about to be there.
    pub fn is_promised(&self, wanted: Wanted) -> bool {
        let pollers = self.queue.layout.readiness().pollers();
        let kind = match wanted {
            Wanted::Message => Pollers::MESSAGE,
            Wanted::Free => Pollers::SPACE,
        };
        pollers.are(kind) && self.look(wanted) != Look::Nothing
    }

    /// Waits for a moment until what poll(2) may have reported is there: a thread that polls by a
    /// bare system call is told before the commit.
    pub fn await_promised(&self, wanted: Wanted) {
        let mut moment = Moment::default();
        while !self.seems_ready(wanted) && self.is_promised(wanted) && moment.wait() {}
    }

    /// The queue was found empty, or full, by a thread that does not wait, and may be polled.
    pub fn found_none(&self, missing: Wanted) {
        let pollers = self.queue.layout.readiness().pollers();
        match missing {
            Wanted::Message if pollers.are(Pollers::MESSAGE) && !self.may_be_lazy(pollers) => {
                preserved(|| self.take_packets_back());
            }
            Wanted::Free if pollers.are(Pollers::SPACE) => preserved(|| self.fill_up()),
            _ => {}
        }
    }

    fn may_be_lazy(&self, pollers: Pollers) -> bool {
        !pollers.are(Pollers::EDGE) && self.queue.polling.may_be_lazy()
    }

    pub(super) fn take_packets_back(&self) {
        let readiness = self.queue.layout.readiness();
        if readiness.packets().most > 0 {
            self.free_dead_adjuster();
            readiness.lower_message(&self.operation, &self.channel(), |wanted| self.look(wanted));
        }
    }

    pub(super) fn fill_up(&self) {
        let readiness = self.queue.layout.readiness();
        if readiness.packets().least < CAPACITY {
            self.free_dead_adjuster();
            readiness.lower_space(&self.operation, &self.channel(), |wanted| self.look(wanted));
        }
    }

    /// One that the kernel does not watch may have died in the middle.
    fn free_dead_adjuster(&self) {
        let readiness = self.queue.layout.readiness();
        if readiness.is_being_adjusted() {
            readiness.free_adjuster(|holder| self.has_ended(holder));
        }
    }

    /// Now and then: if no thread polls any more, changes of the queue cost nothing again.
    fn look_for_pollers(&self, pollers: Pollers) {
        let readiness = self.queue.layout.readiness();
        if !pollers.has(Pollers::UNKNOWN)
            && readiness.is_time_to_look()
            && preserved(|| self.channel().has_poller()) == Some(false)
        {
            readiness.disarm(pollers);
        }
    }
}
