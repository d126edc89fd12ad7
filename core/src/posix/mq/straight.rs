//! Sending and receiving in a straight line, where no thread waits, polls or is to be notified. At
//! the first thing that is otherwise, the general code goes on from there (`transfer`).
//!
//! A short message in a queue of few slots takes the shortest line. One in a queue with a tree
//! takes another one, apart.

use std::os::fd::RawFd;

use super::descriptor::{self, Use};
use super::layout::{MessageHeader, SlotHeader};
use super::message::{Incoming, Outgoing, Received};
use super::store::index::Slot;
use super::store::key;
use super::store::slots::{Reserved, Slots, Taken};
use super::transfer::length_of;
use crate::os::Result;
use crate::os::membarrier;
use crate::os::restartable::{Body, Commit};
use crate::shared::claim::Claimant;
use crate::shared::thread::{FrameTag, Thread};
use crate::shared::wait_point::WakeOrder;

/// From a header to the body behind it.
const HEADER: usize = size_of::<SlotHeader>();

// That is what `read_and_commit` stores.
const _: () = assert!(key::FREE == 0);

/// Sends, where nothing stands in the way. False: nothing has been done, and what follows is
/// `send_or_wait`, which finds out why.
///
/// # Safety
/// The body is valid for reading.
#[inline(always)]
pub unsafe fn send_at_once(thread: &Thread, fd: RawFd, message: Outgoing) -> bool {
    let tag = FrameTag::new();
    let Some(queue) = descriptor::enter_at_once(thread, fd, &tag) else { return false };
    if message.check_priority().is_err()
        || queue.check_outgoing(&message).is_err()
        || queue.queue.layout.space().is_in_turn()
    {
        return false;
    }
    if !queue.queue.layout.slots().index.is_flat() {
        // SAFETY: as the caller says; checked.
        return queue.apart(move |queue| unsafe { queue.send_to_tree(message) });
    }
    let (layout, who) = (&queue.queue.layout, &queue.operation);
    // Once: the compiler takes everything behind the atomics for changed.
    let (point, notify, readiness) = (layout.message(), layout.notify(), layout.readiness());
    let Some((reserved, place)) =
        layout.slots().reserve_at_once(who, |slot| layout.will_write(slot))
    else {
        // SAFETY: as the caller says; checked.
        return queue.apart(move |queue| unsafe { queue.send_apart(message) });
    };
    // Between claim and commit, and again after the commit: see `event`.
    let in_the_way = point.is_awaited()
        || notify.active() != 0
        || readiness.pollers().any()
        || !point.hint.is_answered();
    if in_the_way {
        // SAFETY: as the caller says; checked; the slot is claimed.
        return queue.apart(move |queue| unsafe { queue.send_claimed_apart(message, reserved) });
    }
    // SAFETY: the slot is claimed; the caller vouches for the body.
    let sent = unsafe {
        let (_, into) = place.next_message();
        let body = Body { from: message.body, into, length: message.length };
        let head = MessageHeader::only(length_of(&message));
        let key = reserved.key(message.priority);
        who.write_and_commit::<HEADER>(head, body, commit(reserved.slot), key)
    };
    if !sent {
        // SAFETY: as the caller says; checked; the slot is claimed.
        return queue.apart(move |queue| unsafe { queue.send_anew(message, reserved) });
    }
    who.withdraw();
    membarrier::light();
    if point.is_awaited() || notify.active() != 0 {
        queue.apart(move |queue| queue.tell_of_sent(reserved));
    }
    true
}

/// Receives, where nothing stands in the way. `None`: nothing has been done, and what follows is
/// `receive_or_wait`. EFAULT, EBADMSG. `give` makes the result of that, at the end of each way, so
/// that the shortest one need not keep it in memory.
///
/// # Safety
/// The buffer is valid for writing.
#[inline(always)]
pub unsafe fn receive_at_once<R>(
    thread: &Thread,
    fd: RawFd,
    into: Incoming,
    give: impl Fn(Result<Option<Received>>) -> R,
) -> R {
    let tag = FrameTag::new();
    let Some(queue) = descriptor::enter_at_once(thread, fd, &tag) else {
        return give(Ok(None));
    };
    if queue.check_incoming(&into).is_err() || queue.queue.layout.message().is_in_turn() {
        return give(Ok(None));
    }
    if !queue.queue.layout.slots().index.is_flat() {
        // SAFETY: as the caller says; checked.
        return give(queue.apart(move |queue| unsafe { queue.receive_from_tree(into) }));
    }
    let (layout, who) = (&queue.queue.layout, &queue.operation);
    let (point, readiness) = (layout.space(), layout.readiness());
    let Some((taken, place)) = layout.slots().take_at_once(who, |slot| layout.will_read(slot))
    else {
        // SAFETY: as the caller says; checked.
        return give(queue.apart(move |queue| unsafe { queue.receive_apart(into) }));
    };
    let in_the_way = point.is_awaited() || readiness.pollers().any() || !point.hint.is_answered();
    if !in_the_way
        && let Ok((body, length)) = layout.body_at(place)
        && into.check(length).is_ok()
    {
        let body = Body { from: body, into: into.body, length };
        // SAFETY: the slot is claimed; the caller vouches for the buffer, which any message of the
        // queue fits in.
        if unsafe { who.read_and_commit(body, commit(taken.slot)) } {
            who.withdraw();
            if point.is_awaited() {
                queue.apart(|queue| queue.tell_senders(WakeOrder::AtOnce));
            }
            return give(Ok(Some(Received { length, priority: key::priority(taken.key) })));
        }
    }
    // SAFETY: as the caller says; checked; the slot is claimed.
    give(queue.apart(move |queue| unsafe { queue.receive_claimed_apart(into, taken) }))
}

#[inline(always)]
fn commit(slot: Slot<'_>) -> Commit<'_> {
    Commit { key: slot.key, claim: slot.claim }
}

impl Use<'_> {
    /// The same as [`send_at_once`] in a queue with a tree.
    ///
    /// # Safety
    /// The message has been checked, and its body is valid for reading.
    #[inline(never)]
    unsafe fn send_to_tree(&self, message: Outgoing) -> bool {
        let (layout, who) = (&self.queue.layout, &self.operation);
        let (point, notify, readiness) = (layout.message(), layout.notify(), layout.readiness());
        let slots = layout.slots();
        let Some((reserved, place)) =
            slots.reserve_in_tree_at_once(who, |slot| layout.will_write(slot))
        else {
            // SAFETY: as the caller says.
            return unsafe { self.send_apart(message) };
        };
        let in_the_way = point.is_awaited()
            || notify.active() != 0
            || readiness.pollers().any()
            || !point.hint.is_answered();
        if in_the_way {
            // SAFETY: as the caller says; the slot is claimed.
            return unsafe { self.send_claimed_apart(message, reserved) };
        }
        // SAFETY: the slot is claimed; the caller vouches for the body.
        let is_whole = unsafe {
            let (head, into) = place.next_message();
            let head = (MessageHeader::only(length_of(&message)), head.cast());
            who.write(head, message.body, into, message.length)
        };
        if !is_whole {
            Slots::leave_to_parent(who);
            return false;
        }
        if !slots.publish_in_tree(reserved, message.priority, who) {
            return false;
        }
        membarrier::light();
        if point.is_awaited() || notify.active() != 0 {
            self.tell_of_sent(reserved);
        }
        true
    }

    /// The same as [`receive_at_once`] in a queue with a tree.
    ///
    /// # Safety
    /// The buffer has been checked, and is valid for writing.
    #[inline(never)]
    unsafe fn receive_from_tree(&self, into: Incoming) -> Result<Option<Received>> {
        let (layout, who) = (&self.queue.layout, &self.operation);
        let (point, readiness) = (layout.space(), layout.readiness());
        let slots = layout.slots();
        let Some((taken, place)) = slots.take_from_tree_at_once(who, |slot| layout.will_read(slot))
        else {
            // SAFETY: as the caller says.
            return unsafe { self.receive_apart(into) };
        };
        let in_the_way =
            point.is_awaited() || readiness.pollers().any() || !point.hint.is_answered();
        let fits = |(body, length)| into.check(length).map(|()| (body, length));
        let (false, Ok((body, length))) = (in_the_way, layout.body_at(place).and_then(fits)) else {
            // SAFETY: as the caller says; the slot is claimed.
            return unsafe { self.receive_claimed_apart(into, taken) };
        };
        // SAFETY: the slot is claimed; the caller vouches for the buffer, which any message of the
        // queue fits in.
        if !unsafe { who.read(body, into.body, length) } {
            Slots::leave_to_parent(who);
            return Ok(None);
        }
        if !slots.clear_in_tree(taken, who) {
            return Ok(None);
        }
        if point.is_awaited() {
            self.tell_senders(WakeOrder::AtOnce);
        }
        Ok(Some(Received { length, priority: key::priority(taken.key) }))
    }

    /// # Safety
    /// As [`Use::try_send`].
    #[cold]
    #[inline(never)]
    unsafe fn send_apart(&self, message: Outgoing) -> bool {
        // SAFETY: as the caller says.
        unsafe { self.send_as_newcomer(&message) }
    }

    /// # Safety
    /// As [`Use::send_claimed`].
    #[cold]
    #[inline(never)]
    unsafe fn send_claimed_apart(&self, message: Outgoing, reserved: Reserved<'_>) -> bool {
        // SAFETY: as the caller says.
        unsafe { self.send_claimed(&message, reserved, None) }
    }

    /// The same of a message that has been counted in its slot, and is counted once more now.
    ///
    /// # Safety
    /// As [`Use::send_claimed`].
    #[cold]
    #[inline(never)]
    unsafe fn send_anew(&self, message: Outgoing, reserved: Reserved<'_>) -> bool {
        if !self.operation.is_orphan() {
            // SAFETY: the slot is claimed.
            unsafe { self.queue.layout.count_back(reserved.slot.number) };
        }
        // SAFETY: as the caller says.
        unsafe { self.send_claimed(&message, reserved, None) }
    }

    /// A thread waits, or a process is registered, since this message was claimed.
    #[cold]
    #[inline(never)]
    fn tell_of_sent(&self, sent: Reserved<'_>) {
        let layout = &self.queue.layout;
        let (is_awaited, active) = (layout.message().is_awaited(), layout.notify().active());
        self.tell_receivers(is_awaited, active, sent, WakeOrder::AtOnce);
    }

    /// # Safety
    /// As [`Use::try_receive`].
    #[cold]
    #[inline(never)]
    unsafe fn receive_apart(&self, into: Incoming) -> Result<Option<Received>> {
        // SAFETY: as the caller says.
        unsafe { self.receive_as_newcomer(&into) }
    }

    /// # Safety
    /// As [`Use::receive_claimed`].
    #[cold]
    #[inline(never)]
    unsafe fn receive_claimed_apart(
        &self,
        into: Incoming,
        taken: Taken<'_>,
    ) -> Result<Option<Received>> {
        // SAFETY: as the caller says.
        unsafe { self.receive_claimed(&into, taken, None) }
    }
}
