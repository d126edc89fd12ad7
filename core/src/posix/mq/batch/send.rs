//! Sending the messages of a batch.

use super::runs::{AHEAD, Runs};
use super::wakes::Wakes;
use crate::os::membarrier;
use crate::posix::mq::descriptor::Use;
use crate::posix::mq::layout::MessageHeader;
use crate::posix::mq::message::Outgoing;
use crate::posix::mq::store::slots::{Reserved, Slots};

/// A call in the middle.
pub struct Sending<'u, 't> {
    queue: &'u Use<'t>,
    wakes: Wakes<'t>,
    runs: Runs,
}

impl<'u, 't> Sending<'u, 't> {
    pub fn new(queue: &'u Use<'t>, count: usize) -> Self {
        Self {
            queue,
            wakes: Wakes::new(queue.queue.layout.message()),
            runs: Runs::new(queue, count),
        }
    }

    /// Sends one more, if there is space.
    ///
    /// # Safety
    /// The message has been checked, and its body is valid for reading.
    #[inline(always)]
    pub unsafe fn send(&mut self, message: &Outgoing) -> bool {
        // SAFETY: as the caller says.
        self.reserve().is_some_and(|reserved| unsafe { self.send_claimed(message, reserved) })
    }

    /// The call is at its end.
    pub fn end(self) {
        self.wakes.give();
    }

    #[inline(always)]
    fn reserve(&mut self) -> Option<Reserved<'t>> {
        let (layout, who) = (&self.queue.queue.layout, &self.queue.operation);
        let (slots, runs) = (layout.slots(), &mut self.runs);
        if runs.run.is_over() {
            let lull = &self.queue.queue.send_lull;
            let left = runs.left;
            runs.find(layout.geometry().maxmsg, lull, || slots.free_in_a_row(left));
            runs.run.first(AHEAD).for_each(|slot| _ = layout.will_write(slot));
        }
        runs.left -= 1;
        runs.run.ahead(AHEAD).inspect(|&slot| _ = layout.will_write(slot));
        slots
            .reserve_next(&mut runs.run, who)
            .or_else(|| slots.reserve(who, |slot| _ = layout.will_write(slot)))
    }

    /// As [`Use::send_claimed`], but for the wakes. A process that is registered, or polls, is told
    /// of each message by itself.
    ///
    /// # Safety
    /// As there.
    unsafe fn send_claimed(&mut self, message: &Outgoing, reserved: Reserved<'_>) -> bool {
        let (queue, wakes) = (self.queue, &mut self.wakes);
        let (layout, who) = (&queue.queue.layout, &queue.operation);
        let is_awaited = wakes.point.is_awaited();
        let active = layout.notify().active();
        if active != 0 {
            let owed = wakes.owed.as_ref();
            // SAFETY: the slot is claimed; the rest is as the caller says.
            return unsafe {
                queue.send_to_registered(message, reserved, owed, is_awaited, active)
            };
        }
        let header = MessageHeader::only(message.length);
        // SAFETY: the slot is claimed; the message has been checked; the caller vouches for its
        // body.
        if !unsafe { queue.write(reserved.slot.number, header, message) } {
            Slots::leave_to_parent(who);
            return false;
        }
        if layout.readiness().pollers().any() {
            return queue.commit_sent(reserved, message.priority, wakes.owed.as_ref(), is_awaited);
        }
        if is_awaited {
            wakes.will_wake(who, reserved.slot.claim());
        }
        if !layout.slots().publish(reserved, message.priority, who) {
            return false;
        }
        // Again: a process that has registered since, and then found no message, did not see ours.
        membarrier::light();
        let is_due = is_awaited || wakes.point.is_awaited();
        if !queue.tell_registered(reserved, is_due, wakes.order) {
            wakes.count += i32::from(is_due);
        }
        true
    }
}
