//! The straight line of a queue with a tree.

use crate::os::Result;
use crate::os::membarrier;
use crate::posix::mq::descriptor::Use;
use crate::posix::mq::layout::MessageHeader;
use crate::posix::mq::message::{Incoming, Outgoing, Received};
use crate::posix::mq::store::key;
use crate::posix::mq::store::slots::Slots;
use crate::shared::wait_point::WakeOrder;

impl Use<'_> {
    /// The same as [`super::send_at_once`] in a queue with a tree.
    ///
    /// # Safety
    /// The message has been checked, and its body is valid for reading.
    #[inline(never)]
    pub(super) unsafe fn send_to_tree(&self, message: &Outgoing) -> bool {
        let (layout, who) = (&self.queue.layout, &self.operation);
        let (point, notify, readiness) = (layout.message(), layout.notify(), layout.readiness());
        let slots = layout.slots();
        let Some((reserved, place)) =
            slots.reserve_in_tree_at_once(who, |slot| layout.will_write(slot))
        else {
            // SAFETY: as the caller says.
            return unsafe { self.send_cold(message) };
        };
        let in_the_way = point.is_awaited()
            || notify.active() != 0
            || readiness.pollers().any()
            || !point.hint.is_answered();
        if in_the_way {
            // SAFETY: as the caller says; the slot is claimed.
            return unsafe { self.send_claimed_cold(message, reserved) };
        }
        // SAFETY: the slot is claimed; the caller vouches for the body.
        let is_whole = unsafe {
            let (head, into) = place.next_message();
            let head = (MessageHeader::only(message.length), head.cast());
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

    /// The same as [`super::receive_at_once`] in a queue with a tree.
    ///
    /// # Safety
    /// The buffer has been checked, and is valid for writing.
    #[inline(never)]
    pub(super) unsafe fn receive_from_tree(&self, into: &Incoming) -> Result<Option<Received>> {
        let (layout, who) = (&self.queue.layout, &self.operation);
        let (point, readiness) = (layout.space(), layout.readiness());
        let slots = layout.slots();
        let Some((taken, place)) = slots.take_from_tree_at_once(who, |slot| layout.will_read(slot))
        else {
            // SAFETY: as the caller says.
            return unsafe { self.receive_cold(into) };
        };
        let in_the_way =
            point.is_awaited() || readiness.pollers().any() || !point.hint.is_answered();
        let fits = |(body, length)| into.check(length).map(|()| (body, length));
        let (false, Ok((body, length))) = (in_the_way, layout.body_at(place).and_then(fits)) else {
            // SAFETY: as the caller says; the slot is claimed.
            return unsafe { self.receive_claimed_cold(into, taken) };
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
}
