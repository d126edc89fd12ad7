//! Looking at a message that stays where it is: `rsipc_mq_peek`.
//!
//! Nothing is claimed: the message is copied, and the copy counts if the slot still has the same
//! message afterwards. A key may come back; the number of messages that were ever written to the
//! slot does not. One that is borrowed has the same key all the while, and its borrower may write
//! to it. So nobody may have it after the number of messages that were ever borrowed has been read,
//! and that number may not have changed in the end.

use core::ptr;
use std::os::fd::RawFd;

use super::descriptor::{self, Use};
use super::layout::Layout;
use super::message::{Incoming, Received};
use super::store::index::Slot;
use super::store::key::{self, is_message};
use crate::atomic::{Ordering, fence};
use crate::os::{Errno, Result};
use crate::shared::claim;
use crate::shared::thread::{FrameTag, Thread};

/// Copies that were of no message, after which this gives up. Only hostile bytes make it so many.
const ATTEMPTS: usize = 4096;

/// Copies the message at this position in the order of delivery, from 0, and leaves it there.
///
/// Errors: EBADF; EFAULT; ENOMSG: there are not so many; EMSGSIZE: it is longer than the buffer;
/// EBADMSG: its length cannot be true; EAGAIN: others change the queue faster than it can be read.
///
/// # Safety
/// The buffer is valid for writing.
pub unsafe fn peek(
    thread: &'static Thread,
    fd: RawFd,
    into: &Incoming,
    position: usize,
) -> Result<Received> {
    let tag = FrameTag::new();
    let queue = descriptor::enter(thread, fd, &tag)?;
    if !queue.queue.can_receive {
        return Err(Errno::EBADF);
    }
    if into.body.is_null() {
        return Err(Errno::EFAULT);
    }
    queue.mend();
    (0..ATTEMPTS)
        // SAFETY: as the caller says.
        .find_map(|_| unsafe { queue.try_peek(into, position) }.transpose())
        .unwrap_or(Err(Errno::EAGAIN))
}

impl Use<'_> {
    /// `None`: the message went away meanwhile.
    ///
    /// # Safety
    /// As for [`peek`].
    unsafe fn try_peek(&self, into: &Incoming, position: usize) -> Result<Option<Received>> {
        let layout = &self.queue.layout;
        let (slot, key) = at(layout, position).ok_or(Errno::ENOMSG)?;
        let written = layout.written(slot);
        let borrowed = layout.borrowed(slot).load(Ordering::SeqCst);
        let claim = layout.slots().index.slot(slot).map(|slot| slot.claim().load(Ordering::SeqCst));
        if claim.is_none_or(claim::is_held) {
            return Ok(None);
        }
        let is_there = || {
            // The reads of the message come before those of the key and the number.
            fence(Ordering::Acquire);
            layout.slots().index.keys()[slot].load(Ordering::SeqCst) == key
                && layout.written(slot) == written
                && layout.borrowed(slot).load(Ordering::SeqCst) == borrowed
        };
        if !is_there() {
            return Ok(None);
        }
        let read = layout.body_of(slot, layout.message_header(slot));
        let (body, length) = match read {
            Ok(read) => read,
            Err(error) => return if is_there() { Err(error) } else { Ok(None) },
        };
        if length > into.capacity {
            return if is_there() { Err(Errno::EMSGSIZE) } else { Ok(None) };
        }
        into.check(length)?;
        // SAFETY: within the mapping; the caller vouches for the buffer. If others write to the
        // slot meanwhile, the copy does not count.
        unsafe { ptr::copy_nonoverlapping(body, into.body, length) };
        Ok(is_there().then_some(Received { length, priority: key::priority(key) }))
    }
}

/// Slot and key of the message at this position.
fn at(layout: &Layout, position: usize) -> Option<(usize, u64)> {
    let index = layout.slots().index;
    // What is borrowed is not to be delivered, unless it comes back.
    let is_there = |slot: &Slot<'_>| !claim::is_held(slot.claim().load(Ordering::SeqCst));
    let messages = || {
        let keys = index.slots().map(|slot| (slot, slot.key.load(Ordering::SeqCst)));
        keys.filter(|(slot, key)| is_message(*key) && is_there(slot))
            .map(|(slot, key)| (slot.number, key))
    };
    if position == 0 {
        return messages().max_by_key(|(_, key)| *key);
    }
    let mut all: Vec<(usize, u64)> = messages().collect();
    if position >= all.len() {
        return None;
    }
    let (_, found, _) =
        all.select_nth_unstable_by_key(position, |(_, key)| core::cmp::Reverse(*key));
    Some(*found)
}
