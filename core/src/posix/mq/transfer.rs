//! Sending and receiving, when there is room and a message: the fast path.
//!
//! It is a few dozen instructions around two locked ones, so what it is made of is always inlined: a value that goes
//! through memory on its way costs as much as the work itself.

use core::sync::atomic::AtomicUsize;
use std::os::fd::RawFd;

use crate::os::Errno;
use crate::os::Result;
use crate::os::errno::preserved;
use crate::os::futex;
use crate::os::process::Process;
use crate::posix::mq::descriptor::{self, Use};
use crate::posix::mq::layout::MessageHeader;
use crate::posix::mq::notify::registration::Sender;
use crate::posix::mq::poll::bell::Bell;
use crate::posix::mq::store::key;
use crate::posix::mq::store::slots::{self, Look, Reserved, Slots, Taken, Wanted};
use crate::shared::atomic::{AtomicU32, Ordering, fence};
use crate::shared::claim::Holder;
use crate::shared::presence;
use crate::shared::thread::{Announcement, FrameTag, Thread};
use crate::shared::wait_point::WaitPoint;

/// A message to send.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing {
    /// Where it is.
    pub body: *const u8,
    /// Bytes.
    pub length: usize,
    /// Below [`key::PRIORITIES`].
    pub priority: u32,
}

/// Room for a message to receive.
#[derive(Clone, Copy, Debug)]
pub struct Incoming {
    /// Where it goes.
    pub body: *mut u8,
    /// Bytes.
    pub room: usize,
}

/// A message that has been received.
#[derive(Clone, Copy, Debug)]
pub struct Received {
    /// Bytes.
    pub length: usize,
    /// Its priority.
    pub priority: u32,
}

impl Outgoing {
    /// EINVAL for the priority. The kernel looks at it before it looks at the descriptor.
    pub fn check_priority(&self) -> Result<()> {
        if self.priority < key::PRIORITIES { Ok(()) } else { Err(Errno::EINVAL) }
    }
}

impl Use<'_> {
    /// Whether this may be sent: EBADF, EMSGSIZE, EFAULT, in the kernel's order.
    #[inline]
    pub fn check_outgoing(&self, message: &Outgoing) -> Result<()> {
        if !self.queue.can_send {
            return Err(Errno::EBADF);
        }
        if message.length > self.queue.layout.geometry().msgsize {
            return Err(Errno::EMSGSIZE);
        }
        if message.body.is_null() && message.length > 0 { Err(Errno::EFAULT) } else { Ok(()) }
    }

    /// Whether this can take any message of the queue: EBADF, EMSGSIZE.
    #[inline]
    pub fn check_incoming(&self, into: &Incoming) -> Result<()> {
        if !self.queue.can_receive {
            return Err(Errno::EBADF);
        }
        if into.room < self.queue.layout.geometry().msgsize { Err(Errno::EMSGSIZE) } else { Ok(()) }
    }

    /// Sends, if there is room and it is nobody else's turn.
    ///
    /// # Safety
    /// As for [`Use::try_send`].
    #[inline(always)]
    pub unsafe fn send_as_newcomer(&self, message: &Outgoing) -> bool {
        // SAFETY: as the caller says.
        !self.queue.layout.room().is_in_turn() && unsafe { self.try_send(message, None) }
    }

    /// Receives, if there is a message and it is nobody else's turn.
    ///
    /// # Safety
    /// As for [`Use::try_receive`].
    #[inline(always)]
    pub unsafe fn receive_as_newcomer(&self, into: &Incoming) -> Result<Option<Received>> {
        if self.queue.layout.message().is_in_turn() {
            return Ok(None);
        }
        // SAFETY: as the caller says.
        unsafe { self.try_receive(into, None) }
    }

    /// Sends, if there is room. POSIX.1-2017, `mq_send`. False also in the child of a fork in a handler: it
    /// begins anew. `owed`: what one who has been woken has announced.
    ///
    /// # Safety
    /// The message has been checked, and its body is valid for reading.
    #[inline(always)]
    pub unsafe fn try_send(&self, message: &Outgoing, owed: Option<&Announcement<'_>>) -> bool {
        let (layout, who) = (&self.queue.layout, &self.operation);
        // Once: the compiler takes everything behind the atomics for changed.
        let (point, bell, notify) = (layout.message(), layout.bell(), layout.notify());
        let Some(reserved) = layout.slots().reserve(who, |slot| layout.will_write(slot)) else {
            return false;
        };
        // Between claim and commit, and again after the commit: see `event`.
        let before = Onlookers::of(point, bell);
        let registration = notify.registration();
        let notifies = if registration == 0 { 0 } else { self.to_note(registration, before) };
        // SAFETY: the slot is claimed.
        let into = unsafe { layout.write_header(reserved.slot.number, header(message.length, notifies)) };
        // SAFETY: the length has been checked; the caller vouches for the body.
        let is_whole = unsafe { who.copy_to(into, message.body, message.length) };
        if !is_whole {
            Slots::leave_to_parent(who);
            return false;
        }
        point.hint.waking();
        if before.waiting {
            self.publish_and_wake(reserved, message.priority, owed, before);
            return true;
        }
        layout.slots().publish(reserved, message.priority, who);
        // Again: who has registered since, and then found no message, did not see ours.
        let registration = notify.registration();
        let after = Onlookers::of(point, bell);
        let onlookers = before.or(after);
        if onlookers.any() | (registration != 0) {
            self.tell_receivers(onlookers, registration, reserved, false);
        }
        true
    }

    /// Commits, and wakes those who wait. From before the commit until after the wake it is announced that the
    /// wake is due, so that the kernel gives it should we die.
    #[cold]
    fn publish_and_wake(
        &self,
        sent: Reserved<'_>,
        priority: u32,
        owed: Option<&Announcement<'_>>,
        before: Onlookers,
    ) {
        let (layout, who) = (&self.queue.layout, &self.operation);
        self.while_due(layout.message(), sent.slot.claim(), owed, |began_turns| {
            layout.slots().publish(sent, priority, who);
            let registration = layout.notify().registration();
            let after = Onlookers::of(layout.message(), layout.bell());
            self.tell_receivers(before.or(after), registration, sent, began_turns);
        });
    }

    /// Receives, if there is a message. `Ok(None)`: there is none, or this is the child of a fork in a handler,
    /// which begins anew. EFAULT, EBADMSG. POSIX.1-2017, `mq_receive`. `owed` as in [`Use::try_send`].
    ///
    /// # Safety
    /// The room has been checked, and is valid for writing.
    #[inline(always)]
    pub unsafe fn try_receive(
        &self,
        into: &Incoming,
        owed: Option<&Announcement<'_>>,
    ) -> Result<Option<Received>> {
        let (layout, who) = (&self.queue.layout, &self.operation);
        let (point, bell) = (layout.room(), layout.bell());
        let Some(taken) = layout.slots().take(who, |slot| layout.will_read(slot)) else {
            return Ok(None);
        };
        if into.body.is_null() {
            Slots::put_back(taken, who);
            return Err(Errno::EFAULT);
        }
        let before = Onlookers::of(point, bell);
        let Ok((body, length)) = layout.body(taken.slot.number) else {
            self.clear_and_wake(taken, owed, before);
            return Err(Errno::EBADMSG);
        };
        // SAFETY: the slot is claimed; the caller vouches for the room, which any message of the queue fits in.
        let is_whole = unsafe { who.copy_from(body, into.body, length) };
        if !is_whole {
            Slots::leave_to_parent(who);
            return Ok(None);
        }
        point.hint.waking();
        if before.waiting {
            self.clear_and_wake(taken, owed, before);
            return Ok(Some(Received { length, priority: key::priority(taken.key) }));
        }
        layout.slots().clear(taken, who);
        let onlookers = before.or(Onlookers::of(point, bell));
        if onlookers.any() {
            self.tell_senders(onlookers, false);
        }
        Ok(Some(Received { length, priority: key::priority(taken.key) }))
    }

    /// As `publish_and_wake`.
    #[cold]
    fn clear_and_wake(&self, taken: Taken<'_>, owed: Option<&Announcement<'_>>, before: Onlookers) {
        let (layout, who) = (&self.queue.layout, &self.operation);
        self.while_due(layout.room(), taken.slot.claim(), owed, |began_turns| {
            layout.slots().clear(taken, who);
            let after = Onlookers::of(layout.room(), layout.bell());
            self.tell_senders(before.or(after), began_turns);
        });
    }

    /// Runs `commit`, and whatever wakes, while the kernel knows that a wake at `point` is due. It is told
    /// whether the turns there have begun with it.
    fn while_due(
        &self,
        point: &WaitPoint,
        claim: &AtomicU32,
        owed: Option<&Announcement<'_>>,
        commit: impl FnOnce(bool),
    ) {
        let began_turns = point.will_wake();
        match owed {
            Some(owed) => {
                owed.redirect(point.death_word());
                commit(began_turns);
            }
            None => {
                let due = self.operation.guard_wake(claim, point.death_word());
                commit(began_turns);
                drop(due);
            }
        }
    }

    /// A look at all slots; slots that a dead thread holds without the kernel's knowing become free.
    #[cold]
    pub fn look(&self, wanted: Wanted) -> Look {
        // See `tell_receivers`.
        fence(Ordering::SeqCst);
        let slots = self.queue.layout.slots();
        match slots.look(wanted) {
            Look::UnderWay if self.free_claims_of_dead() => slots.look(wanted),
            found => found,
        }
    }

    /// True if there was one.
    #[cold]
    fn free_claims_of_dead(&self) -> bool {
        /// Where the next look begins. Relaxed: any place will do.
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let first = NEXT.fetch_add(slots::ASKED_AT_A_TIME, Ordering::Relaxed);
        // In the child of a vfork(2) TIDs may mean something else than what is known of them says.
        let is_at_home = self.is_at_home() && preserved(Process::owns_memory);
        self.queue.layout.slots().free_claims_of(first, |holder| match holder {
            Holder::Nobody => false,
            Holder::Thread(tid) => is_at_home && futex::is_dead(tid),
            Holder::Presence(number) => presence::has_ended(number),
        })
    }

    /// What the herald of the registration is to know of the message that is about to stand, should we die before we
    /// have fired.
    #[cold]
    fn to_note(&self, registration: u32, onlookers: Onlookers) -> u32 {
        let will_fire = !onlookers.waiting && self.queue.layout.slots().count() == 0;
        if will_fire { registration } else { 0 }
    }

    #[cold]
    fn tell_receivers(&self, onlookers: Onlookers, registration: u32, sent: Reserved<'_>, began_turns: bool) {
        let layout = &self.queue.layout;
        // With that of `look`: either a receiver that finds nothing more has seen our message, or we see that its last one
        // is gone, and so that ours came into the empty queue.
        fence(Ordering::SeqCst);
        let woken = onlookers.waiting && layout.message().wake_one(began_turns);
        if registration != 0 && !woken && layout.slots().is_oldest(sent) {
            let notify = layout.notify();
            if notify.fire(registration, Sender::this()) {
                notify.call_herald();
            }
        }
        if onlookers.polling {
            self.ring();
        }
    }

    #[cold]
    fn tell_senders(&self, onlookers: Onlookers, began_turns: bool) {
        if onlookers.waiting {
            self.queue.layout.room().wake_one(began_turns);
        }
        if onlookers.polling {
            self.ring();
        }
    }
}

/// Sends if there is room at once. False: there is none, or it is for those who have waited for it. EINVAL, EBADF, EMSGSIZE,
/// EFAULT.
///
/// # Safety
/// The body is valid for reading.
#[inline(always)]
pub unsafe fn send_at_once(thread: &Thread, fd: RawFd, message: &Outgoing) -> Result<bool> {
    message.check_priority()?;
    let tag = FrameTag::new();
    let queue = descriptor::enter(thread, fd, &tag)?;
    queue.check_outgoing(message)?;
    // SAFETY: checked; the body is valid, says the caller.
    let sent = unsafe { queue.send_as_newcomer(message) };
    drop(queue);
    if sent { Ok(true) } else { Ok(false) }
}

/// Receives if there is a message at once. `None`: there is none, or it is for those who have waited for it. EBADF,
/// EMSGSIZE, EFAULT, EBADMSG.
///
/// # Safety
/// The room is valid for writing.
#[inline(always)]
pub unsafe fn receive_at_once(thread: &Thread, fd: RawFd, into: &Incoming) -> Result<Option<Received>> {
    let tag = FrameTag::new();
    let queue = descriptor::enter(thread, fd, &tag)?;
    queue.check_incoming(into)?;
    // SAFETY: checked; the room is valid, says the caller.
    unsafe { queue.receive_as_newcomer(into) }
}

fn header(length: usize, notifies: u32) -> MessageHeader {
    #[expect(clippy::cast_possible_truncation, reason = "it is at most 16 MiB")]
    let header = MessageHeader { length: length as u32, ..MessageHeader::default() };
    if notifies == 0 { header } else { with_sender(header, notifies) }
}

#[cold]
fn with_sender(header: MessageHeader, notifies: u32) -> MessageHeader {
    let Sender { pid, uid } = Sender::this();
    MessageHeader { notifies, pid, uid, ..header }
}

/// Who might want to know of a change.
#[derive(Clone, Copy)]
struct Onlookers {
    /// Somebody may be asleep at the wait point.
    waiting: bool,
    /// Somebody polls the descriptor.
    polling: bool,
}

impl Onlookers {
    #[inline]
    fn of(point: &WaitPoint, bell: &Bell) -> Self {
        Self { waiting: point.is_awaited(), polling: bell.is_armed() }
    }

    #[inline]
    fn any(self) -> bool {
        self.waiting | self.polling
    }

    fn or(self, other: Self) -> Self {
        Self { waiting: self.waiting | other.waiting, polling: self.polling | other.polling }
    }
}
