//! Sending into a full queue and receiving from an empty one: calls that wait where they must.

mod asked;
mod attempt;
mod called;
mod task;
mod turn;
mod words;

use core::mem::MaybeUninit;
use std::os::fd::RawFd;

use crate::os::Result;
use crate::os::clock::Deadline;
use crate::os::futex::Interrupted;
use crate::posix::mq::descriptor::{self, Use};
use crate::posix::mq::message::{Incoming, Outgoing, Received};
use crate::posix::mq::store::slots::Wanted;
use crate::shared::thread::{FrameTag, Thread};
use crate::shared::wait::Wait;

pub use attempt::Transfer;
pub use task::{Task, Transferred};

/// Where a wait of this kind takes place. C gives the memory.
#[repr(C)]
pub struct CallStorage {
    /// There from the moment on at which the task must wait.
    pub wait: MaybeUninit<Wait<Transfer>>,
    /// Of the operation.
    tag: FrameTag,
}

/// Sends at once (true), or places a wait in `storage`: what follows is [`Wait::begin`]. EINVAL,
/// EBADF, EMSGSIZE, EFAULT.
///
/// # Safety
/// `storage` is valid for writing, and is not moved before the wait is over. The body is valid for
/// reading as long.
pub unsafe fn send_or_wait(
    thread: &'static Thread,
    fd: RawFd,
    message: &Outgoing,
    storage: *mut CallStorage,
) -> Result<bool> {
    message.check_priority()?;
    // SAFETY: valid, says the caller.
    let queue = unsafe { enter(thread, fd, storage) }?;
    queue.check_outgoing(message)?;
    // SAFETY: checked; the caller vouches for the body.
    if unsafe { queue.send_as_newcomer(message) } {
        return Ok(true);
    }
    // SAFETY: as the caller says.
    unsafe { place(storage, queue, Task::Send(*message)) };
    Ok(false)
}

/// Receives at once, or places a wait in `storage`: what follows is [`Wait::begin`]. EBADF,
/// EMSGSIZE, EFAULT, EBADMSG.
///
/// # Safety
/// As for [`send_or_wait`]; `into` is valid for writing.
pub unsafe fn receive_or_wait(
    thread: &'static Thread,
    fd: RawFd,
    into: &Incoming,
    storage: *mut CallStorage,
) -> Result<Option<Received>> {
    // SAFETY: valid, says the caller.
    let queue = unsafe { enter(thread, fd, storage) }?;
    queue.check_incoming(into)?;
    // SAFETY: checked; the caller vouches for the memory.
    match unsafe { queue.receive_as_newcomer(into) } {
        Ok(Some(received)) => {
            drop(queue);
            Ok(Some(received))
        }
        Ok(None) => {
            // SAFETY: as the caller says.
            unsafe { place(storage, queue, Task::Receive(*into)) };
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Takes a loan, or borrows a message: at once, or as [`send_or_wait`]. EBADF; ENOBUFS, ENOSYS,
/// EUSERS, EBADMSG.
///
/// # Safety
/// As for [`send_or_wait`].
pub unsafe fn hold_or_wait(
    thread: &'static Thread,
    fd: RawFd,
    task: Task,
    storage: *mut CallStorage,
) -> Result<Option<Transferred>> {
    // SAFETY: valid, says the caller.
    let queue = unsafe { enter(thread, fd, storage) }?;
    task.check_against(&queue)?;
    let is_others_turn = match task.wanted() {
        Wanted::Free => queue.queue.layout.space().is_in_turn(),
        Wanted::Message => queue.queue.layout.message().is_in_turn(),
    };
    let done = match task {
        Task::Loan { all } if !is_others_turn => queue.try_loan(all)?.map(Transferred::Loaned),
        Task::Borrow if !is_others_turn => queue.try_borrow()?.map(Transferred::Borrowed),
        _ => None,
    };
    if done.is_none() {
        // SAFETY: as the caller says.
        unsafe { place(storage, queue, task) };
    }
    Ok(done)
}

/// # Safety
/// `storage` is valid for writing, and stays where it is as long as the result lives.
#[inline(always)]
unsafe fn enter(
    thread: &'static Thread,
    fd: RawFd,
    storage: *mut CallStorage,
) -> Result<Use<'static>> {
    // SAFETY: valid for writing, says the caller; the tag is initialised before it is borrowed.
    let tag = unsafe {
        (&raw mut (*storage).tag).write(FrameTag::new());
        &(*storage).tag
    };
    descriptor::enter(thread, fd, tag)
}

/// # Safety
/// `storage` is valid for writing, and the tag in it is that of `queue`.
#[cold]
unsafe fn place(storage: *mut CallStorage, queue: Use<'static>, task: Task) {
    // SAFETY: it stays where it is until the wait is over, says the caller.
    let tag = unsafe { &(*storage).tag };
    let transfer = Transfer::new(queue, tag, task);
    // SAFETY: valid for writing, says the caller.
    unsafe { Wait::place((&raw mut (*storage).wait).cast(), transfer, Interrupted::MayRestart) };
}

impl Task {
    /// Does the task, and sleeps while that is not possible. For callers in Rust: the thread must
    /// not be cancelled in here.
    ///
    /// Errors: those of the checks; EAGAIN when the descriptor has `O_NONBLOCK`; ETIMEDOUT, EINTR.
    ///
    /// # Safety
    /// The memory of the task is valid.
    pub unsafe fn perform(
        self,
        thread: &'static Thread,
        fd: RawFd,
        deadline: Option<Deadline>,
    ) -> Result<Transferred> {
        let mut storage = MaybeUninit::<CallStorage>::uninit();
        let storage = storage.as_mut_ptr();
        // SAFETY: a local variable, which is not moved; what is in it is used as the answers say.
        unsafe {
            let done = match &self {
                Self::Send(message) => {
                    send_or_wait(thread, fd, message, storage)?.then_some(Transferred::Sent)
                }
                Self::Receive(into) => {
                    receive_or_wait(thread, fd, into, storage)?.map(Transferred::Received)
                }
                Self::Loan { .. } | Self::Borrow => hold_or_wait(thread, fd, self, storage)?,
            };
            match done {
                Some(done) => Ok(done),
                None => Wait::<Transfer>::finish((&raw mut (*storage).wait).cast(), deadline),
            }
        }
    }
}
