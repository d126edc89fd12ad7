//! Sending and receiving in a straight line, where no thread waits, polls or is to be notified. If
//! anything else is found, the general code takes over from there (`transfer`).
//!
//! There are three such paths: the shortest one for a queue of which only the first slot is used,
//! as when each question is answered before the next; one for a queue that uses several slots; and
//! one for a queue with a tree.

mod cold;
mod tree;

use std::os::fd::RawFd;

use super::descriptor::{self, AtOnce, Use};
use super::layout::{MessageHeader, Place, SlotHeader};
use super::message::{Incoming, Outgoing, Received};
use super::store::index::Slot;
use super::store::key;
use super::store::slots::{Reserved, Taken};
use crate::os::membarrier;
use crate::os::restartable::{Body, Commit};
use crate::os::{Result, user};
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
pub unsafe fn send_at_once(thread: &Thread, fd: RawFd, message: &Outgoing) -> bool {
    let tag = FrameTag::new();
    let Some(queue) = descriptor::enter_at_once(thread, fd, &tag, AtOnce::Send) else {
        return false;
    };
    let (layout, who) = (&queue.queue.layout, &queue.operation);
    // Once, so that the compiler knows from here on that it is short.
    let length = message.length;
    if !Body::is_short(length) || !layout.slots().index.uses_first_only() {
        // SAFETY: as the caller says.
        return queue.cold(move |queue| unsafe { queue.send_otherwise(message) });
    }
    if message.check_priority().is_err()
        || length > layout.geometry().msgsize
        || !user::is_known_readable(message.body, length)
        || layout.space().is_in_turn()
    {
        return false;
    }
    let claimed = layout.slots().reserve_first(who, |slot| layout.will_write(slot));
    let Some((reserved, place)) = claimed else {
        // SAFETY: as the caller says; checked.
        return queue.cold(move |queue| unsafe { queue.send_cold(message) });
    };
    // SAFETY: as the caller says; checked; the slot is claimed.
    unsafe { queue.send_to_claimed(message, length, reserved, place) }
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
    into: &Incoming,
    give: impl Fn(Result<Option<Received>>) -> R,
) -> R {
    let tag = FrameTag::new();
    let Some(queue) = descriptor::enter_at_once(thread, fd, &tag, AtOnce::Receive) else {
        return give(Ok(None));
    };
    let (layout, who) = (&queue.queue.layout, &queue.operation);
    if into.capacity < layout.geometry().msgsize || layout.message().is_in_turn() {
        return give(Ok(None));
    }
    let slots = layout.slots();
    if !slots.index.uses_first_only() {
        // SAFETY: as the caller says; checked.
        return give(queue.cold(move |queue| unsafe { queue.receive_from_several(into) }));
    }
    let Some((taken, place)) = slots.take_first(who, |slot| layout.will_read(slot)) else {
        // SAFETY: as the caller says; checked.
        return give(queue.cold(move |queue| unsafe { queue.receive_cold(into) }));
    };
    let is_for_us = |length| Body::is_short(length) && into.is_known_to_take(length);
    // SAFETY: as the caller says; checked; the slot is claimed.
    unsafe { queue.receive_from_claimed(into, taken, place, is_for_us, give) }
}

#[inline(always)]
fn commit(slot: Slot<'_>) -> Commit<'_> {
    Commit { key: slot.key, claim: slot.claim }
}

impl Use<'_> {
    /// What follows once a slot has been claimed.
    ///
    /// # Safety
    /// The message has been checked, and its body is valid for reading; the slot is claimed.
    #[inline(always)]
    unsafe fn send_to_claimed(
        &self,
        message: &Outgoing,
        length: usize,
        reserved: Reserved<'_>,
        place: Place,
    ) -> bool {
        let (layout, who) = (&self.queue.layout, &self.operation);
        // Once: the compiler takes everything behind the atomics for changed.
        let (point, notify, readiness) = (layout.message(), layout.notify(), layout.readiness());
        // Between claim and commit, and again after the commit: see `event`.
        let in_the_way = point.is_awaited()
            || notify.active() != 0
            || readiness.pollers().any()
            || !point.hint.is_answered();
        if in_the_way {
            // SAFETY: as the caller says.
            return self.cold(move |this| unsafe { this.send_claimed_cold(message, reserved) });
        }
        // SAFETY: as the caller says.
        let sent = unsafe {
            let (_, into) = place.next_message();
            let body = Body { from: message.body, into, length };
            let head = MessageHeader::only(length);
            let key = reserved.key(message.priority);
            who.write_and_commit::<HEADER>(head, body, commit(reserved.slot), key)
        };
        if !sent {
            // SAFETY: as the caller says.
            return self.cold(move |this| unsafe { this.send_anew(message, reserved) });
        }
        who.withdraw_watched();
        membarrier::light();
        if point.is_awaited() || notify.active() != 0 {
            self.cold(move |this| this.tell_of_sent(reserved));
        }
        true
    }

    /// The same. `is_for_us`: whether a message of so many bytes can be written to the buffer, and
    /// is to be, here.
    ///
    /// # Safety
    /// The buffer has been checked, and is valid for writing; the slot is claimed.
    #[inline(always)]
    unsafe fn receive_from_claimed<R>(
        &self,
        into: &Incoming,
        taken: Taken<'_>,
        place: Place,
        is_for_us: impl Fn(usize) -> bool,
        give: impl Fn(Result<Option<Received>>) -> R,
    ) -> R {
        let (layout, who) = (&self.queue.layout, &self.operation);
        let (point, readiness) = (layout.space(), layout.readiness());
        let in_the_way =
            point.is_awaited() || readiness.pollers().any() || !point.hint.is_answered();
        if !in_the_way
            && let Ok((body, length)) = layout.body_at(place)
            && is_for_us(length)
        {
            let body = Body { from: body, into: into.body, length };
            // SAFETY: as the caller says; the buffer has space for any message of the queue.
            if unsafe { who.read_and_commit(body, commit(taken.slot)) } {
                who.withdraw_watched();
                if point.is_awaited() {
                    self.cold(|this| this.tell_senders(WakeOrder::AtOnce));
                }
                return give(Ok(Some(Received { length, priority: key::priority(taken.key) })));
            }
        }
        // SAFETY: as the caller says.
        give(self.cold(move |this| unsafe { this.receive_claimed_cold(into, taken) }))
    }

    /// The same as [`send_at_once`] for messages that are not short, and where more than one slot
    /// is used.
    ///
    /// # Safety
    /// The body is valid for reading.
    #[inline(never)]
    unsafe fn send_otherwise(&self, message: &Outgoing) -> bool {
        let (layout, who) = (&self.queue.layout, &self.operation);
        if message.check_priority().is_err()
            || self.check_outgoing(message).is_err()
            || layout.space().is_in_turn()
        {
            return false;
        }
        if !layout.slots().index.is_flat() {
            // SAFETY: as the caller says; checked.
            return unsafe { self.send_to_tree(message) };
        }
        let slots = layout.slots();
        let claimed = if slots.index.uses_first_only() {
            slots.reserve_first(who, |slot| layout.will_write(slot))
        } else {
            slots.reserve_of_few(who, |slot| layout.will_write(slot))
        };
        let Some((reserved, place)) = claimed else {
            // SAFETY: as the caller says.
            return unsafe { self.send_cold(message) };
        };
        // SAFETY: as the caller says; the slot is claimed.
        unsafe { self.send_to_claimed(message, message.length, reserved, place) }
    }

    /// The same as [`receive_at_once`].
    ///
    /// # Safety
    /// The buffer has been checked, and is valid for writing.
    #[inline(never)]
    unsafe fn receive_from_several(&self, into: &Incoming) -> Result<Option<Received>> {
        let (layout, who) = (&self.queue.layout, &self.operation);
        if !layout.slots().index.is_flat() {
            // SAFETY: as the caller says.
            return unsafe { self.receive_from_tree(into) };
        }
        let claimed = layout.slots().take_of_few(who, |slot| layout.will_read(slot));
        let Some((taken, place)) = claimed else {
            // SAFETY: as the caller says.
            return unsafe { self.receive_cold(into) };
        };
        let can_take = |length| into.check(length).is_ok();
        // SAFETY: as the caller says; the slot is claimed.
        unsafe { self.receive_from_claimed(into, taken, place, can_take, |received| received) }
    }
}
