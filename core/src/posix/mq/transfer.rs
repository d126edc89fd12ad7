//! Sending and receiving, when there is space or a message: the fast path.
//!
//! It is a few dozen instructions around two locked ones, so its parts are always inlined: passing
//! a value through memory would cost as much as the work itself.

use super::descriptor::Use;
use super::layout::MessageHeader;
use super::message::{Incoming, Outgoing, Received};
use super::poll::readiness::Pollers;
use super::store::key;
use super::store::slots::{Reserved, Slots, Taken};
use crate::atomic::{AtomicU32, Ordering, fence};
use crate::os::membarrier;
use crate::os::signals::Blocked;
use crate::os::{Errno, Result};
use crate::shared::thread::Announcement;
use crate::shared::wait_point::{WaitPoint, WakeOrder};

impl Use<'_> {
    /// Sends, if there is space and it is no other thread's turn.
    ///
    /// # Safety
    /// As for [`Use::try_send`].
    #[inline(always)]
    pub unsafe fn send_as_newcomer(&self, message: &Outgoing) -> bool {
        // SAFETY: as the caller says.
        !self.queue.layout.space().is_in_turn() && unsafe { self.try_send(message, None) }
    }

    /// Receives, if there is a message and it is no other thread's turn.
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

    /// Sends, if there is space. POSIX.1-2017, `mq_send`. False also in the child of a fork in a
    /// handler: it begins anew. `owed`: what a waiter that has been woken has announced.
    ///
    /// # Safety
    /// The message has been checked, and its body is valid for reading.
    #[inline(always)]
    pub unsafe fn try_send(&self, message: &Outgoing, owed: Option<&Announcement<'_>>) -> bool {
        let (layout, who) = (&self.queue.layout, &self.operation);
        let Some(reserved) = layout.slots().reserve(who, |slot| _ = layout.will_write(slot)) else {
            return false;
        };
        // SAFETY: as the caller says.
        unsafe { self.send_claimed(message, reserved, owed) }
    }

    /// What follows once a slot has been claimed.
    ///
    /// # Safety
    /// As for [`Use::try_send`].
    #[inline(always)]
    pub(super) unsafe fn send_claimed(
        &self,
        message: &Outgoing,
        reserved: Reserved<'_>,
        owed: Option<&Announcement<'_>>,
    ) -> bool {
        let (layout, who) = (&self.queue.layout, &self.operation);
        // Once: the compiler takes everything behind the atomics for changed.
        let (point, notify) = (layout.message(), layout.notify());
        // Between claim and commit, and again after the commit: see `event`.
        let is_awaited = point.is_awaited();
        let active = notify.active();
        if active != 0 {
            // SAFETY: as the caller says.
            return self.cold(|this| unsafe {
                this.send_to_registered(message, reserved, owed, is_awaited, active)
            });
        }
        let header = MessageHeader::only(message.length);
        // SAFETY: the slot is claimed; the message has been checked; the caller vouches for its
        // body.
        let is_whole = unsafe { self.write(reserved.slot.number, header, message) };
        if !is_whole {
            Slots::leave_to_parent(who);
            return false;
        }
        self.commit_sent(reserved, message.priority, owed, is_awaited)
    }

    /// What is left of [`Self::try_send`] where a process is registered.
    ///
    /// # Safety
    /// As there.
    #[cold]
    pub(super) unsafe fn send_to_registered(
        &self,
        message: &Outgoing,
        reserved: Reserved<'_>,
        owed: Option<&Announcement<'_>>,
        is_awaited: bool,
        active: u32,
    ) -> bool {
        let who = &self.operation;
        let header = self.header_for(length_of(message), active, is_awaited);
        // SAFETY: the slot is claimed; the message has been checked; the caller vouches for its
        // body.
        let is_whole = unsafe { self.write(reserved.slot.number, header.to_bits(), message) };
        // No handler that leaves for good may part message and notification.
        let _blocked = Blocked::all();
        if !is_whole {
            Slots::leave_to_parent(who);
            return false;
        }
        self.commit_sent(reserved, message.priority, owed, is_awaited)
    }

    /// Commits a message whose body is in the slot, and tells the processes that wait for it.
    #[inline(always)]
    pub(super) fn commit_sent(
        &self,
        sent: Reserved<'_>,
        priority: u32,
        owed: Option<&Announcement<'_>>,
        is_awaited: bool,
    ) -> bool {
        let layout = &self.queue.layout;
        let pollers = layout.readiness().pollers();
        let is_told = pollers.any() && self.cold(|this| this.raise_message(pollers));
        layout.message().hint.waking();
        let committed = if is_awaited {
            self.cold(|this| this.publish_and_wake(sent, priority, owed))
        } else {
            self.publish(sent, priority)
        };
        if committed && pollers.any() {
            self.cold(|this| {
                this.lower_space(pollers);
                this.tell_edges(pollers, is_told, Pollers::SPACE);
            });
        }
        committed
    }

    #[inline(always)]
    fn publish(&self, sent: Reserved<'_>, priority: u32) -> bool {
        let layout = &self.queue.layout;
        if !layout.slots().publish(sent, priority, &self.operation) {
            return false;
        }
        // Again: a process that has registered since, and then found no message, did not see ours.
        membarrier::light();
        let active = layout.notify().active();
        let is_awaited = layout.message().is_awaited();
        if is_awaited || active != 0 {
            self.cold(|this| this.tell_receivers(is_awaited, active, sent, WakeOrder::AtOnce));
        }
        true
    }

    /// Commits, and wakes a waiter. From before the commit until after the wake it is
    /// announced that the wake is due, so that the kernel gives it should we die.
    #[cold]
    fn publish_and_wake(
        &self,
        sent: Reserved<'_>,
        priority: u32,
        owed: Option<&Announcement<'_>>,
    ) -> bool {
        let (layout, who) = (&self.queue.layout, &self.operation);
        self.while_due(layout.message(), sent.slot.claim(), owed, |order| {
            let published = layout.slots().publish(sent, priority, who);
            if published {
                self.tell_receivers(true, layout.notify().active(), sent, order);
            }
            published
        })
    }

    /// Receives, if there is a message. `Ok(None)`: there is none, or this is the child of a fork
    /// in a handler, which begins anew. EFAULT, EBADMSG. POSIX.1-2017, `mq_receive`. `owed` as in
    /// [`Use::try_send`].
    ///
    /// # Safety
    /// The buffer has been checked, and is valid for writing.
    #[inline(always)]
    pub unsafe fn try_receive(
        &self,
        into: &Incoming,
        owed: Option<&Announcement<'_>>,
    ) -> Result<Option<Received>> {
        let (layout, who) = (&self.queue.layout, &self.operation);
        let Some(taken) = layout.slots().take(who, |slot| _ = layout.will_read(slot)) else {
            return Ok(None);
        };
        // SAFETY: as the caller says.
        unsafe { self.receive_claimed(into, taken, owed) }
    }

    /// What follows once a message has been claimed.
    ///
    /// # Safety
    /// As for [`Use::try_receive`].
    #[inline(always)]
    pub(super) unsafe fn receive_claimed(
        &self,
        into: &Incoming,
        taken: Taken<'_>,
        owed: Option<&Announcement<'_>>,
    ) -> Result<Option<Received>> {
        let (layout, who) = (&self.queue.layout, &self.operation);
        let is_awaited = layout.space().is_awaited();
        let Ok((body, length)) = layout.body(taken.slot.number) else {
            // SAFETY: as the caller says.
            return self.cold(|this| unsafe { this.receive_noting(into, taken, owed, is_awaited) });
        };
        if let Err(error) = into.check(length) {
            Slots::put_back(taken, who);
            return Err(error);
        }
        // SAFETY: the slot is claimed; the caller vouches for the buffer, which any message of the
        // queue fits in.
        let is_whole = unsafe { self.read(body, into.body, length) };
        if !is_whole {
            Slots::leave_to_parent(who);
            return Ok(None);
        }
        let received = Received { length, priority: key::priority(taken.key) };
        Ok(self.commit_received(taken, owed, is_awaited).then_some(received))
    }

    /// What is left of [`Self::try_receive`] for a message that notes a registration, or whose
    /// length cannot be true.
    ///
    /// # Safety
    /// As there.
    #[cold]
    pub(super) unsafe fn receive_noting(
        &self,
        into: &Incoming,
        taken: Taken<'_>,
        owed: Option<&Announcement<'_>>,
        is_awaited: bool,
    ) -> Result<Option<Received>> {
        let (layout, who) = (&self.queue.layout, &self.operation);
        let header = layout.message_header(taken.slot.number);
        let Ok((body, length)) = layout.body_of(taken.slot.number, header) else {
            let cleared = self.clear_and_wake(taken, owed);
            return if cleared { Err(Errno::EBADMSG) } else { Ok(None) };
        };
        if let Err(error) = into.check(length) {
            Slots::put_back(taken, who);
            return Err(error);
        }
        // SAFETY: the slot is claimed; the caller vouches for the buffer, which any message of the
        // queue fits in.
        let is_whole = unsafe { self.read(body, into.body, length) };
        if !is_whole {
            Slots::leave_to_parent(who);
            return Ok(None);
        }
        if !self.commit_received(taken, owed, is_awaited) {
            return Ok(None);
        }
        self.notify_of_received(header);
        Ok(Some(Received { length, priority: key::priority(taken.key) }))
    }

    /// Commits: the message whose body has been read is gone. Tells the processes that wait for it.
    #[inline(always)]
    pub(super) fn commit_received(
        &self,
        taken: Taken<'_>,
        owed: Option<&Announcement<'_>>,
        is_awaited: bool,
    ) -> bool {
        let (layout, point) = (&self.queue.layout, self.queue.layout.space());
        let pollers = layout.readiness().pollers();
        let is_told = pollers.any() && self.cold(|this| this.raise_space(pollers));
        point.hint.waking();
        let committed = if is_awaited {
            self.cold(|this| this.clear_and_wake(taken, owed))
        } else {
            let cleared = layout.slots().clear(taken, &self.operation);
            if cleared && point.is_awaited() {
                self.cold(|this| this.tell_senders(WakeOrder::AtOnce));
            }
            cleared
        };
        if committed && pollers.any() {
            self.cold(|this| {
                this.lower_message(pollers);
                this.tell_edges(pollers, is_told, Pollers::MESSAGE);
            });
        }
        committed
    }

    /// As `publish_and_wake`.
    #[cold]
    fn clear_and_wake(&self, taken: Taken<'_>, owed: Option<&Announcement<'_>>) -> bool {
        let (layout, who) = (&self.queue.layout, &self.operation);
        self.while_due(layout.space(), taken.slot.claim(), owed, |order| {
            let cleared = layout.slots().clear(taken, who);
            if cleared {
                self.tell_senders(order);
            }
            cleared
        })
    }

    /// Runs `commit`, which also wakes, while the kernel knows that a wake at `point` is due. Its
    /// argument says how to wake. Returns what `commit` returns.
    fn while_due(
        &self,
        point: &WaitPoint,
        claim: &AtomicU32,
        owed: Option<&Announcement<'_>>,
        commit: impl FnOnce(WakeOrder) -> bool,
    ) -> bool {
        let order = point.will_wake();
        if let Some(owed) = owed {
            owed.redirect(point.death_word());
            return commit(order);
        }
        let due = self.operation.guard_wake(claim, point.death_word());
        let committed = commit(order);
        drop(due);
        committed
    }

    /// Tells a process that has registered since this message of a batch was claimed. If there is
    /// one, a sleeper comes first, and is woken now. False: there is none.
    pub(super) fn tell_registered(
        &self,
        sent: Reserved<'_>,
        is_awaited: bool,
        order: WakeOrder,
    ) -> bool {
        let active = self.queue.layout.notify().active();
        if active != 0 {
            self.cold(|this| this.tell_receivers(is_awaited, active, sent, order));
        }
        active != 0
    }

    #[cold]
    pub(super) fn tell_receivers(
        &self,
        is_awaited: bool,
        active: u32,
        sent: Reserved<'_>,
        order: WakeOrder,
    ) {
        let layout = &self.queue.layout;
        // With that of `look`: either a receiver that finds nothing more has seen this message, or
        // this thread sees that the last older one is gone, and so that this one came into the
        // empty queue.
        fence(Ordering::SeqCst);
        let point = layout.message();
        if active == 0 {
            if is_awaited {
                point.wake_one(order);
            }
            return;
        }
        self.tell_receiver_or_registered(is_awaited, active, sent, order);
    }

    #[cold]
    pub(super) fn tell_senders(&self, order: WakeOrder) {
        self.queue.layout.space().wake_one(order);
    }
}

/// At most 16 MiB.
#[inline]
pub(super) fn length_of(message: &Outgoing) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "it has been checked")]
    let length = message.length as u32;
    length
}
