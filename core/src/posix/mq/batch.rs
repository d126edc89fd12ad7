//! Several messages in one call: `rsipc_mq_sendv`, `rsipc_mq_recvv`.
//!
//! Each message is claimed, copied and committed by itself. So a process that is killed has sent,
//! or received, the messages before, and nothing of the next one. A batch saves the way to the
//! queue, and wakes: sleepers are woken once, for all messages, behind the last commit.
//!
//! Until then the wake is announced to the kernel (`shared::thread`), from before the first commit
//! that a sleeper should know of. The kernel wakes one sleeper for a thread that dies, and each
//! sleeper that is served passes the wake on while something is left (`shared::wait_point`).

use std::os::fd::RawFd;

use super::descriptor::{self, Use};
use super::layout::MessageHeader;
use super::message::{Incoming, Outgoing, Received};
use super::store::key;
use super::store::slots::Slots;
use crate::atomic::{AtomicU32, Ordering, fence};
use crate::os::{Errno, Result, membarrier};
use crate::shared::thread::{Announcement, FrameTag, Operation, Thread};
use crate::shared::wait_point::{WaitPoint, WakeOrder};

/// The wakes that a batch owes at one wait point.
struct Wakes<'q> {
    point: &'q WaitPoint,
    owed: Option<Announcement<'q>>,
    order: WakeOrder,
    /// Commits that a sleeper is to know of. One that has begun to wait since the claim has seen
    /// that, and sleeps for a moment only.
    count: i32,
}

impl<'q> Wakes<'q> {
    fn new(point: &'q WaitPoint) -> Self {
        Self { point, owed: None, order: WakeOrder::default(), count: 0 }
    }

    /// Before a commit, by which this claim ends, that a sleeper is to know of.
    #[cold]
    fn will_wake(&mut self, who: &Operation<'q>, claim: &AtomicU32) {
        self.order = self.order.and(self.point.will_wake());
        if self.owed.is_none() {
            self.owed = who.guard_wake(claim, self.point.death_word());
        }
    }

    /// Wakes as many as there were commits for.
    fn give(self) {
        self.point.hint.waking();
        if self.count > 0 {
            // As for a single message: see `transfer`.
            fence(Ordering::SeqCst);
            self.point.wake(self.count, self.order);
        }
        drop(self.owed);
    }
}

impl<'t> Use<'t> {
    /// As `try_send`, but for the wakes. A process that is registered, or polls, is told of each
    /// message by itself.
    ///
    /// # Safety
    /// The message has been checked, and its body is valid for reading.
    unsafe fn send_of_batch(&self, message: &Outgoing, wakes: &mut Wakes<'t>) -> bool {
        let (layout, who) = (&self.queue.layout, &self.operation);
        let Some(reserved) = layout.slots().reserve(who, |slot| _ = layout.will_write(slot)) else {
            return false;
        };
        let is_awaited = wakes.point.is_awaited();
        let active = layout.notify().active();
        if active != 0 {
            let owed = wakes.owed.as_ref();
            // SAFETY: the slot is claimed; the rest is as the caller says.
            return unsafe { self.send_to_registered(message, reserved, owed, is_awaited, active) };
        }
        let header = MessageHeader::only(message.length);
        // SAFETY: the slot is claimed; the message has been checked; the caller vouches for its
        // body.
        if !unsafe { self.write(reserved.slot.number, header, message) } {
            Slots::leave_to_parent(who);
            return false;
        }
        if layout.readiness().pollers().any() {
            return self.commit_sent(reserved, message.priority, wakes.owed.as_ref(), is_awaited);
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
        if !self.tell_registered(reserved, is_due, wakes.order) {
            wakes.count += i32::from(is_due);
        }
        true
    }

    /// As `try_receive`, but for the wakes. `is_first`: an error counts, and is not left to the
    /// next call.
    ///
    /// # Safety
    /// The buffer has been checked, and is valid for writing.
    unsafe fn receive_of_batch(
        &self,
        into: &Incoming,
        wakes: &mut Wakes<'t>,
        is_first: bool,
    ) -> Result<Option<Received>> {
        let (layout, who) = (&self.queue.layout, &self.operation);
        let Some(taken) = layout.slots().take(who, |slot| _ = layout.will_read(slot)) else {
            return Ok(None);
        };
        let is_awaited = wakes.point.is_awaited();
        let Ok((body, length)) = layout.body(taken.slot.number) else {
            if is_first {
                // SAFETY: the slot is claimed; the rest is as the caller says.
                return unsafe {
                    self.receive_noting(into, taken, wakes.owed.as_ref(), is_awaited)
                };
            }
            Slots::put_back(taken, who);
            return Ok(None);
        };
        if let Err(error) = into.check(length) {
            Slots::put_back(taken, who);
            return if is_first { Err(error) } else { Ok(None) };
        }
        // SAFETY: the slot is claimed; the caller vouches for the buffer.
        if !unsafe { who.read(body, into.body, length) } {
            Slots::leave_to_parent(who);
            return Ok(None);
        }
        let received = Received { length, priority: key::priority(taken.key) };
        if layout.readiness().pollers().any() {
            let committed = self.commit_received(taken, wakes.owed.as_ref(), is_awaited);
            return Ok(committed.then_some(received));
        }
        if is_awaited {
            wakes.will_wake(who, taken.slot.claim());
        }
        if !layout.slots().clear(taken, who) {
            return Ok(None);
        }
        wakes.count += i32::from(is_awaited || wakes.point.is_awaited());
        Ok(Some(received))
    }
}

/// Sends as many of these messages as there is space for, in their order, and says how many. 0:
/// there is no space, or it is the turn of others. An error: of the first message; EBADF, EINVAL,
/// EMSGSIZE, EFAULT.
///
/// # Safety
/// The bodies are valid for reading.
pub unsafe fn send_some(
    thread: &'static Thread,
    fd: RawFd,
    messages: impl Iterator<Item = Outgoing>,
) -> Result<usize> {
    let tag = FrameTag::new();
    let queue = descriptor::enter(thread, fd, &tag)?;
    let layout = &queue.queue.layout;
    let mut wakes = Wakes::new(layout.message());
    let mut sent = 0;
    for message in messages {
        match message.check_priority().and_then(|()| queue.check_outgoing(&message)) {
            Err(error) if sent == 0 => return Err(error),
            Err(_) => break,
            Ok(()) => {}
        }
        // SAFETY: checked; the caller vouches for the bodies.
        if layout.space().is_in_turn() || !unsafe { queue.send_of_batch(&message, &mut wakes) } {
            break;
        }
        sent += 1;
    }
    wakes.give();
    Ok(sent)
}

/// Receives as many messages as there are into as many buffers, gives each to `done`, and says how
/// many. 0 as above. An error: of the first message; EBADF, EMSGSIZE, EFAULT, EBADMSG.
///
/// # Safety
/// The buffers are valid for writing.
pub unsafe fn receive_some(
    thread: &'static Thread,
    fd: RawFd,
    buffers: impl Iterator<Item = Incoming>,
    mut done: impl FnMut(usize, Received),
) -> Result<usize> {
    let tag = FrameTag::new();
    let queue = descriptor::enter(thread, fd, &tag)?;
    let layout = &queue.queue.layout;
    let mut wakes = Wakes::new(layout.space());
    let mut received = 0;
    for into in buffers {
        let is_first = received == 0;
        let checked = queue
            .check_incoming(&into)
            .and_then(|()| if into.body.is_null() { Err(Errno::EFAULT) } else { Ok(()) });
        match checked {
            Err(error) if is_first => return Err(error),
            Err(_) => break,
            Ok(()) if layout.message().is_in_turn() => break,
            Ok(()) => {}
        }
        // SAFETY: checked; the caller vouches for the buffers.
        let message = unsafe { queue.receive_of_batch(&into, &mut wakes, is_first) }?;
        let Some(message) = message else { break };
        done(received, message);
        received += 1;
    }
    wakes.give();
    Ok(received)
}
