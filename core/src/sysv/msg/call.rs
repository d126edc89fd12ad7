//! `msgsnd` and `msgrcv`: done at once, or waited for.

use super::limits;
use super::place::{self, CallStorage};
use super::queue::Queue;
use super::task::{Incoming, Outgoing, Task};
use super::transfer::Transfer;
use crate::os::clock::realtime_seconds;
use crate::os::{Errno, Result, user};
use crate::shared::thread::{FrameTag, Thread};
use crate::sysv::attached::Use;
use crate::sysv::enter::enter;
use crate::sysv::object::enter_at_once;
use crate::sysv::permission::{ALTER, READ};

/// Whether a message of so many bytes is too long for the queue with this id, or for all of them.
/// The limits of its creator applied, which may differ from those of this process.
pub fn is_too_long(thread: &'static Thread, id: i32, length: usize) -> bool {
    let length = length as u64;
    if length <= limits::of_new_queues().message {
        return false;
    }
    let tag = FrameTag::new();
    let entered: Result<Use<Queue>> = enter(thread, id, &tag);
    !entered.is_ok_and(|entered| length <= entered.object.identity.facts.size)
}

#[inline(always)]
fn enter_queue(thread: &'static Thread, id: i32, tag: &FrameTag) -> Result<Use<Queue>> {
    match enter_at_once(thread, id, tag) {
        Some(entered) => Ok(entered),
        None => enter(thread, id, tag),
    }
}

/// What has become of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome<T> {
    /// It is done.
    Done(T),
    /// It has to wait: there is a wait in `storage`, which has not begun.
    MustWait,
}

/// Sends at once, or places a wait in `storage`. msgsnd(2).
///
/// Errors: EINVAL for the id; EACCES; EAGAIN with `IPC_NOWAIT`; ENOMEM; EIDRM; ERESTART: this is
/// the child of a fork, and the call begins anew.
///
/// # Safety
/// `storage` is valid for writing, and is not moved before the wait is over. The body is valid for
/// reading as long, and not too long.
#[inline(always)]
pub unsafe fn send_or_wait(
    thread: &'static Thread,
    id: i32,
    message: &Outgoing,
    flags: i32,
    storage: *mut CallStorage,
) -> Result<Outcome<()>> {
    {
        let tag = FrameTag::new();
        let entered = enter_queue(thread, id, &tag)?;
        let (queue, who) = (entered.object, &entered.operation);
        queue.check(ALTER, realtime_seconds())?;
        // SAFETY: as the caller says.
        if unsafe { Transfer { queue, who, owed: None }.send(message) }.map_err(in_time)? {
            return Ok(Outcome::Done(()));
        }
    }
    if flags & libc::IPC_NOWAIT != 0 {
        return Err(Errno::EAGAIN);
    }
    // SAFETY: as the caller says.
    unsafe { place::place(thread, id, Task::Send(*message), storage) }.map(|()| Outcome::MustWait)
}

/// Receives at once, or places a wait in `storage`. Gives the length of the body. msgrcv(2).
///
/// Errors: as above; ENOMSG with `IPC_NOWAIT`; E2BIG, EFAULT.
///
/// # Safety
/// As above. The memory is the program's own.
#[inline(always)]
pub unsafe fn receive_or_wait(
    thread: &'static Thread,
    id: i32,
    into: &Incoming,
    flags: i32,
    storage: *mut CallStorage,
) -> Result<Outcome<usize>> {
    {
        let tag = FrameTag::new();
        let entered = enter_queue(thread, id, &tag)?;
        let (queue, who) = (entered.object, &entered.operation);
        queue.check(READ, realtime_seconds())?;
        let is_final = flags & libc::IPC_NOWAIT != 0;
        // SAFETY: as the caller says.
        let received = unsafe { Transfer { queue, who, owed: None }.receive(into, is_final) };
        if let Some(length) = received.map_err(in_time)? {
            return Ok(Outcome::Done(length));
        }
    }
    if flags & libc::IPC_NOWAIT != 0 {
        return Err(Errno::ENOMSG);
    }
    // SAFETY: as the caller says.
    unsafe { place::place(thread, id, Task::Receive(*into), storage) }.map(|()| Outcome::MustWait)
}

/// Copies the message at this index, in the order of arrival: `MSG_COPY`. EFAULT: the buffer cannot
/// be read, which Linux finds first; EINVAL, EACCES; ENOMSG; EFAULT.
///
/// # Safety
/// As above.
pub unsafe fn copy(
    thread: &'static Thread,
    id: i32,
    into: &Incoming,
    place: usize,
) -> Result<usize> {
    let longest = usize::try_from(limits::of_new_queues().message).unwrap_or(usize::MAX);
    user::readable(into.into, into.capacity.min(longest))?;
    let tag = FrameTag::new();
    let entered = enter_queue(thread, id, &tag)?;
    let (queue, who) = (entered.object, &entered.operation);
    queue.check(READ, realtime_seconds())?;
    // SAFETY: as the caller says.
    unsafe { Transfer { queue, who, owed: None }.copy(into, place) }
}

/// A queue that was removed before the call had to wait is none.
fn in_time(error: Errno) -> Errno {
    if error == Errno::EIDRM { Errno::EINVAL } else { error }
}
