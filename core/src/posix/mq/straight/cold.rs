//! The way from the straight line into the general code (`transfer`): apart, so that the straight
//! line keeps nothing for it.

use crate::os::Result;
use crate::posix::mq::descriptor::Use;
use crate::posix::mq::message::{Incoming, Outgoing, Received};
use crate::posix::mq::store::slots::{Reserved, Taken};
use crate::shared::claim::Claimant as _;
use crate::shared::wait_point::WakeOrder;

impl Use<'_> {
    /// # Safety
    /// As [`Use::try_send`].
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn send_cold(&self, message: &Outgoing) -> bool {
        // SAFETY: as the caller says.
        unsafe { self.send_as_newcomer(message) }
    }

    /// # Safety
    /// As [`Use::send_claimed`].
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn send_claimed_cold(
        &self,
        message: &Outgoing,
        reserved: Reserved<'_>,
    ) -> bool {
        // SAFETY: as the caller says.
        unsafe { self.send_claimed(message, reserved, None) }
    }

    /// The same of a message that has been counted in its slot, and is counted once more now.
    ///
    /// # Safety
    /// As [`Use::send_claimed`].
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn send_anew(&self, message: &Outgoing, reserved: Reserved<'_>) -> bool {
        if !self.operation.is_orphan() {
            // SAFETY: the slot is claimed.
            unsafe { self.queue.layout.count_back(reserved.slot.number) };
        }
        // SAFETY: as the caller says.
        unsafe { self.send_claimed(message, reserved, None) }
    }

    /// A thread waits, or a process is registered, since this message was claimed.
    #[cold]
    #[inline(never)]
    pub(super) fn tell_of_sent(&self, sent: Reserved<'_>) {
        let layout = &self.queue.layout;
        let (is_awaited, active) = (layout.message().is_awaited(), layout.notify().active());
        self.tell_receivers(is_awaited, active, sent, WakeOrder::AtOnce);
    }

    /// # Safety
    /// As [`Use::try_receive`].
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn receive_cold(&self, into: &Incoming) -> Result<Option<Received>> {
        // SAFETY: as the caller says.
        unsafe { self.receive_as_newcomer(into) }
    }

    /// # Safety
    /// As [`Use::receive_claimed`].
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn receive_claimed_cold(
        &self,
        into: &Incoming,
        taken: Taken<'_>,
    ) -> Result<Option<Received>> {
        // SAFETY: as the caller says.
        unsafe { self.receive_claimed(into, taken, None) }
    }
}
