//! Memory of messages: `rsipc_mq_loan`, `rsipc_mq_commit`, `rsipc_mq_borrow`, `rsipc_mq_release`,
//! `rsipc_mq_return`.
//!
//! A slot is claimed as for a send or a receive, and then handed to the process, whose claim
//! outlives the call (`store::holders`). The call that gives it back adopts the claim, and goes on
//! as a send or a receive does once the body has been copied. If a thread is killed before the
//! hand-over, or after the adoption, the kernel frees its claim; in between the claim is the
//! process's.

use std::os::fd::RawFd;

use super::descriptor::{self, Use};
use super::layout::MessageHeader;
use super::message::{Outgoing, Received};
use super::store::key;
use super::store::slots::{Slots, Taken};
use crate::os::signals::Blocked;
use crate::os::{Errno, Result};
use crate::shared::claim::{self, Claimant};
use crate::shared::thread::{FrameTag, Thread};

/// A message that has been borrowed.
#[derive(Clone, Copy, Debug)]
pub struct Borrowed {
    /// Where it is.
    pub body: *mut u8,
    /// Its length and priority.
    pub message: Received,
}

impl Use<'_> {
    /// Takes a free slot for the process. `None`: there is none, or this is the child of a fork in
    /// a handler. `all`: it may be more than half of the slots. ENOBUFS: it would be more. ENOSYS,
    /// EUSERS: see `Mapping::hold`.
    pub fn try_loan(&self, all: bool) -> Result<Option<*mut u8>> {
        let (layout, who) = (&self.queue.layout, &self.operation);
        let mapping = &self.queue.mapping;
        let held = mapping.hold(|| self.mend())?;
        let limit = self.largest_number_of_loans(all);
        if !mapping.loans.are_below(limit) {
            return Err(Errno::ENOBUFS);
        }
        let Some(slot) = layout.slots().reserve_for_loan(who, |slot| _ = layout.will_write(slot))
        else {
            return Ok(None);
        };
        // An attempt in vain must not be counted: another thread would be told that it is too much.
        if !mapping.loans.add_below(limit) {
            claim::release(slot.claim(), who);
            return Err(Errno::ENOBUFS);
        }
        if !claim::hold(slot.claim(), held, who) {
            mapping.loans.remove();
            return Ok(None);
        }
        let pollers = layout.readiness().pollers();
        if pollers.any() {
            self.lower_space(pollers);
        }
        Ok(Some(layout.body_of_slot(slot.number)))
    }

    /// Half of the slots, and one of one.
    fn largest_number_of_loans(&self, all: bool) -> u32 {
        let slots = self.queue.layout.geometry().maxmsg;
        u32::try_from(if all { slots } else { (slots / 2).max(1) }).unwrap_or(u32::MAX)
    }

    /// Takes the next message for the process. `None`: there is none, or this is the child of a
    /// fork in a handler. EBADMSG: its length could not be true; it is gone. ENOSYS, EUSERS.
    pub fn try_borrow(&self) -> Result<Option<Borrowed>> {
        let (layout, who) = (&self.queue.layout, &self.operation);
        let mapping = &self.queue.mapping;
        let held = mapping.hold(|| self.mend())?;
        let Some(taken) = layout.slots().take(who, |slot| _ = layout.will_read(slot)) else {
            return Ok(None);
        };
        let slot = taken.slot.number;
        let header = layout.message_header(slot);
        let Ok((_, length)) = layout.body_of(slot, header) else {
            let is_gone = self.commit_received(taken, None, layout.space().is_awaited());
            return if is_gone { Err(Errno::EBADMSG) } else { Ok(None) };
        };
        mapping.borrowed.add_below(u32::MAX);
        if !claim::hold(taken.slot.claim(), held, who) {
            mapping.borrowed.remove();
            return Ok(None);
        }
        layout.count_borrowed(slot);
        self.notify_of_received(header);
        let pollers = layout.readiness().pollers();
        if pollers.any() {
            self.lower_message(pollers);
        }
        let message = Received { length, priority: key::priority(taken.key) };
        Ok(Some(Borrowed { body: layout.body_of_slot(slot), message }))
    }

    /// Claims what the process keeps at this address. EINVAL: it keeps nothing there, or not what
    /// is wanted: a message, a loan, or either.
    fn adopt(&self, body: *const u8, has_message: Option<bool>) -> Result<Taken<'_>> {
        let (layout, who) = (&self.queue.layout, &self.operation);
        let held = self.queue.mapping.held_by_own().ok_or(Errno::EINVAL)?;
        let slot = layout.slot_with_body(body).ok_or(Errno::EINVAL)?;
        let taken = layout.slots().adopt(slot, held, who).ok_or(Errno::EINVAL)?;
        if has_message.is_some_and(|wanted| wanted != taken.has_message()) {
            claim::hold(taken.slot.claim(), held, who);
            return Err(Errno::EINVAL);
        }
        Ok(taken)
    }

    fn commit_loan(&self, loan: &Outgoing) -> Result<()> {
        let (layout, who) = (&self.queue.layout, &self.operation);
        let taken = self.adopt(loan.body, Some(false))?;
        let reserved = layout.slots().as_newest(taken.slot);
        let is_awaited = layout.message().is_awaited();
        let active = layout.notify().active();
        let length = super::transfer::length_of(loan);
        let header = match active {
            0 => MessageHeader::plain(length),
            _ => self.header_for(length, active, is_awaited),
        };
        // No handler that leaves for good may part message and notification.
        let _blocked = (active != 0).then(Blocked::all);
        if !Claimant::write(who, &header.to_words(), layout.next_header(reserved.slot.number)) {
            Slots::leave_to_parent(who);
            return Err(Errno::EINVAL);
        }
        self.queue.note_sender();
        let committed = self.commit_sent(reserved, loan.priority, None, is_awaited);
        self.queue.mapping.loans.remove();
        in_this_process(committed)
    }

    fn release_borrowed(&self, body: *const u8) -> Result<()> {
        let taken = self.adopt(body, Some(true))?;
        self.queue.note_receiver();
        let released = self.commit_received(taken, None, self.queue.layout.space().is_awaited());
        self.queue.mapping.borrowed.remove();
        in_this_process(released)
    }

    fn give_back(&self, body: *const u8) -> Result<()> {
        let taken = self.adopt(body, None)?;
        let (layout, mapping) = (&self.queue.layout, &self.queue.mapping);
        if taken.has_message() {
            let (message, priority) = (Slots::as_it_was(taken), key::priority(taken.key));
            let returned = self.commit_sent(message, priority, None, layout.message().is_awaited());
            mapping.borrowed.remove();
            in_this_process(returned)
        } else {
            let returned = self.commit_received(taken, None, layout.space().is_awaited());
            mapping.loans.remove();
            in_this_process(returned)
        }
    }
}

/// The child of a fork in a handler keeps nothing: EINVAL.
fn in_this_process(is_done: bool) -> Result<()> {
    if is_done { Ok(()) } else { Err(Errno::EINVAL) }
}

/// Sends the message of this priority that is in a loan: its body, and its length. EINVAL: it is no
/// loan of this process, or there is no such priority; EBADF; EMSGSIZE: the loan stays.
pub fn commit(thread: &'static Thread, fd: RawFd, loan: &Outgoing) -> Result<()> {
    loan.check_priority()?;
    let tag = FrameTag::new();
    let queue = descriptor::enter(thread, fd, &tag)?;
    // Not the memory: a loan is readable, and what is none is EINVAL.
    queue.check_length(loan.length)?;
    queue.commit_loan(loan)
}

/// A borrowed message is gone. EINVAL: it is none of this process; EBADF.
pub fn release(thread: &'static Thread, fd: RawFd, body: *const u8) -> Result<()> {
    let tag = FrameTag::new();
    descriptor::enter(thread, fd, &tag)?.release_borrowed(body)
}

/// A borrowed message goes back to its place, a loan becomes a free slot. EINVAL: it is neither, of
/// this process; EBADF.
pub fn give_back(thread: &'static Thread, fd: RawFd, body: *const u8) -> Result<()> {
    let tag = FrameTag::new();
    descriptor::enter(thread, fd, &tag)?.give_back(body)
}
