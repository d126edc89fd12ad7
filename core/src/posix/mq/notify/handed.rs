//! Whether a message goes to a receiver that sleeps, or a process is notified of it.
//!
//! The kernel hands a message to the receiver that sleeps, and the queue stays empty. Here the
//! message is in the queue until the receiver has fetched it. So a message may come into the empty
//! queue although an older one is there, which is on its way to a receiver. The event says when: it
//! is awaited from the moment on at which a receiver is about to sleep, having found nothing, until
//! a wake reaches none. All messages in between are for such receivers, and the one with the wake
//! in vain is the first that is not. Receivers who pass a wake on leave the event as it is, then.

use crate::posix::mq::descriptor::Use;
use crate::posix::mq::store::slots::Reserved;
use crate::shared::wait_point::WakeOrder;

impl Use<'_> {
    /// Behind the commit of a message, where a process was registered, `active`. It is told only if
    /// no receiver sleeps.
    pub fn tell_receiver_or_registered(
        &self,
        is_awaited: bool,
        active: u32,
        sent: Reserved<'_>,
        order: WakeOrder,
    ) {
        let (layout, point) = (&self.queue.layout, self.queue.layout.message());
        // Another sender may have been the first since.
        let is_first = is_awaited && point.is_awaited();
        if is_awaited && point.wake_one_at_once(order) {
            return;
        }
        // And the process may have registered anew.
        let is_first = is_first && layout.notify().sequence() == active;
        self.notify_of_sent(is_first || layout.slots().is_oldest(sent));
    }
}
