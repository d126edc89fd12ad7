//! Sending and receiving, when there is room and a message: the fast path.
//!
//! It is a few dozen instructions around two locked ones, so what it is made of is always inlined: a value that goes
//! through memory on its way costs as much as the work itself.

use core::sync::atomic::AtomicUsize;
use std::os::fd::RawFd;

use crate::os::Errno;
use crate::os::Result;
use crate::os::errno::preserved;
use crate::os::futex::{self, Scope};
use crate::os::process::Process;
use crate::posix::mq::descriptor::{self, Use};
use crate::posix::mq::layout::{Door, MessageHeader};
use crate::posix::mq::notify::registration::Sender;
use crate::posix::mq::poll::bell::Bell;
use crate::posix::mq::store::key;
use crate::posix::mq::store::slots::{self, Look, Reserved, Slots, Wanted};
use crate::shared::atomic::{Ordering, fence};
use crate::shared::claim::Holder;
use crate::shared::presence;
use crate::shared::thread::{FrameTag, Thread};

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

    /// Sends, if there is room. POSIX.1-2017, `mq_send`. False also in the child of a fork in a handler: it
    /// begins anew.
    ///
    /// # Safety
    /// The message has been checked, and its body is valid for reading.
    #[inline(always)]
    pub unsafe fn try_send(&self, message: &Outgoing) -> bool {
        let (layout, who) = (&self.queue.layout, &self.operation);
        // Once: the compiler takes everything behind the atomics for changed.
        let (door, bell, notify) = (layout.message(), layout.bell(), layout.notify());
        let Some(reserved) = layout.slots().reserve(who, |slot| layout.will_write(slot)) else {
            return false;
        };
        // Between claim and commit, and again after the commit: see `event`.
        let before = Onlookers::of(door, bell);
        let registration = notify.registration();
        let notifies = if registration == 0 { 0 } else { self.to_note(registration, before) };
        let header = header(message.length, notifies).to_bytes();
        // SAFETY: the slot is claimed; the length has been checked; the caller vouches for the body.
        let is_whole = unsafe {
            let (head, into) = layout.next_message(reserved.slot.number);
            who.write((header, head.cast()), message.body, into, message.length)
        };
        if !is_whole {
            Slots::leave_to_parent(who);
            return false;
        }
        door.hint.waking();
        if !layout.slots().publish(reserved, message.priority, who) {
            return false;
        }
        // Again: who has registered since, and then found no message, did not see ours.
        let registration = notify.registration();
        let after = Onlookers::of(door, bell);
        let onlookers = before.or(after);
        if onlookers.any() | (registration != 0) {
            self.tell_receivers(onlookers, registration, reserved);
        }
        true
    }

    /// Receives, if there is a message. `Ok(None)`: there is none, or this is the child of a fork in a handler,
    /// which begins anew. EFAULT, EBADMSG. POSIX.1-2017, `mq_receive`.
    ///
    /// # Safety
    /// The room has been checked, and is valid for writing.
    #[inline(always)]
    pub unsafe fn try_receive(&self, into: &Incoming) -> Result<Option<Received>> {
        let (layout, who) = (&self.queue.layout, &self.operation);
        let (door, bell) = (layout.room(), layout.bell());
        let Some(taken) = layout.slots().take(who, |slot| layout.will_read(slot)) else {
            return Ok(None);
        };
        if into.body.is_null() {
            Slots::put_back(taken, who);
            return Err(Errno::EFAULT);
        }
        let before = Onlookers::of(door, bell);
        let Ok((body, length)) = layout.body(taken.slot.number) else {
            let cleared = layout.slots().clear(taken, who);
            return if cleared { Err(Errno::EBADMSG) } else { Ok(None) };
        };
        // SAFETY: the slot is claimed; the caller vouches for the room, which any message of the queue fits in.
        let is_whole = unsafe { who.read(body, into.body, length) };
        if !is_whole {
            Slots::leave_to_parent(who);
            return Ok(None);
        }
        door.hint.waking();
        if !layout.slots().clear(taken, who) {
            return Ok(None);
        }
        let after = Onlookers::of(door, bell);
        if before.any() || after.any() {
            self.tell_senders(before.or(after));
        }
        Ok(Some(Received { length, priority: key::priority(taken.key) }))
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
    fn tell_receivers(&self, onlookers: Onlookers, registration: u32, sent: Reserved<'_>) {
        let layout = &self.queue.layout;
        // With that of `look`: either a receiver that finds nothing more has seen our message, or we see that its last one
        // is gone, and so that ours came into the empty queue.
        fence(Ordering::SeqCst);
        let woken = onlookers.waiting && wake_one(layout.message());
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
    fn tell_senders(&self, onlookers: Onlookers) {
        if onlookers.waiting {
            wake_one(self.queue.layout.room());
        }
        if onlookers.polling {
            self.ring();
        }
    }
}

/// Sends if there is room at once. False: there is none, and [`Wait::begin`](super::Wait::begin) decides what that means.
/// EINVAL, EBADF, EMSGSIZE, EFAULT.
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
    let sent = unsafe { queue.try_send(message) };
    drop(queue);
    if sent { Ok(true) } else { Ok(false) }
}

/// Receives if there is a message at once. `None`: there is none, and [`Wait::begin`](super::Wait::begin) decides what
/// that means. EBADF, EMSGSIZE, EFAULT, EBADMSG.
///
/// # Safety
/// The room is valid for writing.
#[inline(always)]
pub unsafe fn receive_at_once(thread: &Thread, fd: RawFd, into: &Incoming) -> Result<Option<Received>> {
    let tag = FrameTag::new();
    let queue = descriptor::enter(thread, fd, &tag)?;
    queue.check_incoming(into)?;
    // SAFETY: checked; the room is valid, says the caller.
    unsafe { queue.try_receive(into) }
}

/// Wakes one who sleeps at this door, and takes note if there is nobody.
pub fn wake_one(door: &Door) -> bool {
    door.event.wake_one(|word, count| futex::wake(word.as_ptr(), count, Scope::Shared))
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
    /// Somebody may be asleep at the door.
    waiting: bool,
    /// Somebody polls the descriptor.
    polling: bool,
}

impl Onlookers {
    #[inline]
    fn of(door: &Door, bell: &Bell) -> Self {
        Self { waiting: door.event.is_awaited(), polling: bell.is_armed() }
    }

    #[inline]
    fn any(self) -> bool {
        self.waiting | self.polling
    }

    fn or(self, other: Self) -> Self {
        Self { waiting: self.waiting | other.waiting, polling: self.polling | other.polling }
    }
}
