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
use crate::os::signals::Blocked;
use crate::posix::mq::descriptor::{self, Use};
use crate::posix::mq::layout::MessageHeader;
use crate::posix::mq::notify::registration::Sender;
use crate::posix::mq::poll::bell::Bell;
use crate::posix::mq::store::key;
use crate::posix::mq::store::slots::{self, Look, Reserved, Slots, Taken, Wanted};
use crate::shared::atomic::{AtomicU32, Ordering, fence};
use crate::shared::claim::{self, Holder};
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
        let registration = notify.in_force();
        if registration != 0 {
            // SAFETY: as the caller says.
            return unsafe { self.send_to_registered(message, reserved, owed, before, registration) };
        }
        let header = MessageHeader::plain(length_of(message));
        // SAFETY: the slot is claimed; the message has been checked; the caller vouches for its body.
        let is_whole = unsafe { self.write(reserved.slot.number, header, message) };
        if !is_whole {
            Slots::leave_to_parent(who);
            return false;
        }
        point.hint.waking();
        if before.waiting {
            return self.publish_and_wake(reserved, message.priority, owed, before);
        }
        if !layout.slots().publish(reserved, message.priority, who) {
            return false;
        }
        // Again: who has registered since, and then found no message, did not see ours.
        let registration = notify.in_force();
        let after = Onlookers::of(point, bell);
        let onlookers = before.or(after);
        // Both are known: one jump.
        #[expect(clippy::needless_bitwise_bool)]
        if onlookers.any() | (registration != 0) {
            self.tell_receivers(onlookers, registration, reserved, false);
        }
        true
    }

    /// Writes a message to a claimed slot. False: this is the child of a fork in a handler.
    ///
    /// # Safety
    /// The slot is claimed; the message has been checked, and its body is valid for reading.
    #[inline(always)]
    unsafe fn write(&self, slot: usize, header: MessageHeader, message: &Outgoing) -> bool {
        // SAFETY: as the caller says.
        unsafe {
            let (head, into) = self.queue.layout.next_message(slot);
            let head = (header.to_bytes(), head.cast());
            self.operation.write(head, message.body, into, message.length)
        }
    }

    /// What is left of [`Self::try_send`] where somebody is registered.
    ///
    /// # Safety
    /// As there.
    #[cold]
    unsafe fn send_to_registered(
        &self,
        message: &Outgoing,
        reserved: Reserved<'_>,
        owed: Option<&Announcement<'_>>,
        before: Onlookers,
        registration: u32,
    ) -> bool {
        let (layout, who) = (&self.queue.layout, &self.operation);
        let header = self.header_for(length_of(message), registration, before.waiting);
        // SAFETY: the slot is claimed; the message has been checked; the caller vouches for its body.
        let is_whole = unsafe { self.write(reserved.slot.number, header, message) };
        // No handler that leaves for good may part message and notification.
        let _blocked = Blocked::all();
        if !is_whole {
            Slots::leave_to_parent(who);
            return false;
        }
        layout.message().hint.waking();
        if before.waiting {
            return self.publish_and_wake(reserved, message.priority, owed, before);
        }
        if !layout.slots().publish(reserved, message.priority, who) {
            return false;
        }
        let after = Onlookers::of(layout.message(), layout.bell());
        let registration = layout.notify().in_force();
        self.tell_receivers(before.or(after), registration, reserved, false);
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
    ) -> bool {
        let (layout, who) = (&self.queue.layout, &self.operation);
        self.while_due(layout.message(), sent.slot.claim(), owed, |began_turns| {
            if !layout.slots().publish(sent, priority, who) {
                return false;
            }
            let registration = layout.notify().in_force();
            let after = Onlookers::of(layout.message(), layout.bell());
            self.tell_receivers(before.or(after), registration, sent, began_turns);
            true
        })
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
            // SAFETY: as the caller says.
            return unsafe { self.receive_noting(into, taken, owed, before) };
        };
        // SAFETY: the slot is claimed; the caller vouches for the room, which any message of the queue fits in.
        let is_whole = unsafe { who.read(body, into.body, length) };
        if !is_whole {
            Slots::leave_to_parent(who);
            return Ok(None);
        }
        point.hint.waking();
        let received = Received { length, priority: key::priority(taken.key) };
        if before.waiting {
            return Ok(self.clear_and_wake(taken, owed, before).then_some(received));
        }
        if !layout.slots().clear(taken, who) {
            return Ok(None);
        }
        let onlookers = before.or(Onlookers::of(point, bell));
        if onlookers.any() {
            self.tell_senders(onlookers, false);
        }
        Ok(Some(received))
    }

    /// What is left of [`Self::try_receive`] for a message that notes a registration, or whose length cannot be true.
    ///
    /// # Safety
    /// As there.
    #[cold]
    unsafe fn receive_noting(
        &self,
        into: &Incoming,
        taken: Taken<'_>,
        owed: Option<&Announcement<'_>>,
        before: Onlookers,
    ) -> Result<Option<Received>> {
        let (layout, who) = (&self.queue.layout, &self.operation);
        let header = layout.message_header(taken.slot.number);
        let Ok((body, length)) = layout.body_of(taken.slot.number, header) else {
            let cleared = self.clear_and_wake(taken, owed, before);
            return if cleared { Err(Errno::EBADMSG) } else { Ok(None) };
        };
        // SAFETY: the slot is claimed; the caller vouches for the room, which any message of the queue fits in.
        let is_whole = unsafe { who.read(body, into.body, length) };
        if !is_whole {
            Slots::leave_to_parent(who);
            return Ok(None);
        }
        layout.room().hint.waking();
        let cleared = if before.waiting {
            self.clear_and_wake(taken, owed, before)
        } else {
            let cleared = layout.slots().clear(taken, who);
            if cleared {
                self.tell_senders(before.or(Onlookers::of(layout.room(), layout.bell())), false);
            }
            cleared
        };
        if !cleared {
            return Ok(None);
        }
        if header.noted() != 0 && layout.notify().in_force() == header.noted() {
            // Its sender was killed, or has not come to it yet.
            self.notify(header.noted(), Sender { pid: header.pid, uid: header.uid });
        }
        Ok(Some(Received { length, priority: key::priority(taken.key) }))
    }

    /// As `publish_and_wake`.
    #[cold]
    fn clear_and_wake(&self, taken: Taken<'_>, owed: Option<&Announcement<'_>>, before: Onlookers) -> bool {
        let (layout, who) = (&self.queue.layout, &self.operation);
        self.while_due(layout.room(), taken.slot.claim(), owed, |began_turns| {
            if !layout.slots().clear(taken, who) {
                return false;
            }
            let after = Onlookers::of(layout.room(), layout.bell());
            self.tell_senders(before.or(after), began_turns);
            true
        })
    }

    /// Runs `commit`, and whatever wakes, while the kernel knows that a wake at `point` is due. It is told
    /// whether the turns there have begun with it. Gives what `commit` gives.
    fn while_due(
        &self,
        point: &WaitPoint,
        claim: &AtomicU32,
        owed: Option<&Announcement<'_>>,
        commit: impl FnOnce(bool) -> bool,
    ) -> bool {
        let began_turns = point.will_wake();
        if let Some(owed) = owed {
            owed.redirect(point.death_word());
            return commit(began_turns);
        }
        let due = self.operation.guard_wake(claim, point.death_word());
        let committed = commit(began_turns);
        drop(due);
        committed
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
        let is_dead = |holder| self.has_ended(holder, is_at_home);
        self.queue.layout.slots().free_claims_of(first, is_dead)
    }

    /// Frees a word that somebody dead has claimed. True if it has.
    #[cold]
    pub fn free_claim_of_dead(&self, word: &AtomicU32) -> bool {
        let is_at_home = self.is_at_home() && preserved(Process::owns_memory);
        claim::free_if(word, |holder| self.has_ended(holder, is_at_home))
    }

    /// Whether who has claimed something has ended. TIDs mean something at home only.
    fn has_ended(&self, holder: Holder, is_at_home: bool) -> bool {
        match holder {
            Holder::Nobody => false,
            Holder::Thread(tid) => is_at_home && (futex::is_dead(tid) || self.operation.is_stray(tid)),
            Holder::Presence(number) => presence::has_ended(number),
        }
    }

    #[cold]
    fn tell_receivers(&self, onlookers: Onlookers, registration: u32, sent: Reserved<'_>, began_turns: bool) {
        let layout = &self.queue.layout;
        // With that of `look`: either a receiver that finds nothing more has seen our message, or we see that its last one
        // is gone, and so that ours came into the empty queue.
        fence(Ordering::SeqCst);
        let woken = onlookers.waiting && layout.message().wake_one(began_turns);
        if registration != 0 && !woken {
            let is_ours = layout.slots().is_oldest(sent);
            let sender = if is_ours { Some(Sender::this()) } else { self.missed(registration) };
            if let Some(sender) = sender {
                self.notify(registration, sender);
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

/// At most 16 MiB.
#[inline]
fn length_of(message: &Outgoing) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "it has been checked")]
    let length = message.length as u32;
    length
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
