//! From a descriptor to an operation on its queue.

use core::ptr;
use core::sync::atomic::Ordering;
use std::os::fd::RawFd;

use crate::os::Errno;
use crate::os::Result;
use crate::os::cancel::uncancelled;
use crate::os::file;
use crate::os::membarrier;
use crate::posix::mq::descriptor::inherited;
use crate::posix::mq::descriptor::open::{Open, Opened};
use crate::posix::mq::descriptor::table::{
    Closing, as_queue, identity, is_queue, look_up, no_queue, note_no_queue,
};
use crate::shared::thread::{Operation, Seal, Thread};

/// An operation on the queue of a descriptor. The queue stays mapped until it is dropped.
pub struct Use<'t> {
    /// What the operation may claim with.
    pub operation: Operation<'t>,
    /// The queue.
    pub queue: &'t Opened,
    /// The descriptor it was found by.
    pub fd: RawFd,
}

/// Begins an operation on the queue of `fd`. EBADF when it is not one.
#[inline(always)]
pub fn enter<'t>(thread: &'t Thread, fd: RawFd, seal: &Seal) -> Result<Use<'t>> {
    loop {
        let Some((entry, open)) = look_up(fd) else {
            adopt_unknown(fd)?;
            continue;
        };
        let operation = thread.begin(open.cast(), seal)?;
        membarrier::light();
        if ptr::eq(entry.load(Ordering::Acquire), open) {
            // SAFETY: entries are never freed; the table led here after the hazard pointer was visible, so `opened`
            // does not change before the operation ends.
            if let Some(queue) = unsafe { (*open).opened() } {
                return Ok(Use { operation, queue, fd });
            }
            drop(operation);
            leave_special(fd, open)?;
        }
    }
}

#[cold]
fn adopt_unknown(fd: RawFd) -> Result<()> {
    uncancelled(|| inherited::adopt(fd))
}

/// There is no queue in a special entry.
#[cold]
fn leave_special(fd: RawFd, open: *mut Open) -> Result<()> {
    // Somebody may have closed what was no queue without our knowing.
    if open == no_queue() { adopt_unknown(fd) } else { Err(Errno::EBADF) }
}

/// Whether `fd` is a queue. One that nobody has looked at is looked at now, and then it is known.
#[inline]
pub fn is_found_queue(fd: RawFd) -> bool {
    match look_up(fd) {
        Some((_, open)) => as_queue(open).is_some(),
        None => fd >= 0 && find_out(fd),
    }
}

#[cold]
fn find_out(fd: RawFd) -> bool {
    match uncancelled(|| inherited::adopt(fd)) {
        Ok(()) => is_queue(fd),
        Err(_) => {
            // A number that is not in use may be a queue's tomorrow.
            if file::status(fd).is_ok() {
                note_no_queue(fd);
            }
            false
        }
    }
}

impl Use<'_> {
    /// Whether the descriptor still is what it was: the program may have closed it without telling us.
    pub fn is_open(&self) -> bool {
        is_queue(self.fd) && identity(self.fd) == Ok(self.queue.fifo)
    }
}

impl Closing {
    /// An operation on it.
    pub fn enter<'t>(&self, thread: &'t Thread, seal: &Seal) -> Result<Use<'t>> {
        let operation = thread.begin(self.open.cast(), seal)?;
        // SAFETY: our share keeps it from being retired, and entries are never freed.
        let queue = unsafe { (*self.open).opened() }.ok_or(Errno::EBADF)?;
        Ok(Use { operation, queue, fd: self.fd })
    }
}
