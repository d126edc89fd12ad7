//! Closing and asking about queues: `mq_close`, `mq_unlink`, `mq_getattr`, `mq_setattr`.

use core::ffi::c_int;
use core::ops::RangeInclusive;
use std::ffi::CStr;
use std::os::fd::RawFd;

use crate::os::Errno;
use crate::os::Result;
use crate::posix::mq::descriptor;
use crate::posix::mq::descriptor::inherited;
use crate::posix::mq::files::{self, Name};
use crate::posix::mq::layout::Geometry;
use crate::posix::mq::notify::internal;
use crate::posix::mq::poll::keeper::{self, Poll};
use crate::shared::thread::{FrameTag, Thread};

/// `struct mq_attr`, as numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// `O_NONBLOCK` of the open description.
    pub nonblocking: bool,
    /// Sizes.
    pub geometry: Geometry,
    /// Messages in it now.
    pub messages: usize,
}

/// Closes a descriptor of a queue. With that the kernel ends the registration of this process. POSIX.1-2017, `mq_close`:
/// EBADF.
pub fn close(thread: &'static Thread, fd: RawFd) -> Result<()> {
    let fifo = {
        let tag = FrameTag::new();
        let queue = descriptor::enter(thread, fd, &tag)?;
        if !queue.is_open() {
            drop(queue);
            descriptor::remove(fd)?;
            descriptor::closed(fd);
            return Err(Errno::EBADF);
        }
        inherited::adopt_duplicates(&queue);
        queue.queue.fifo
    };
    // Out of the table before the number is free for another file.
    descriptor::remove(fd)?;
    descriptor::free_unused();
    // SAFETY: the number is that of the FIFO, and the caller gives it up. Not our own `close`.
    let result = if unsafe { libc::syscall(libc::SYS_close, fd) } == 0 { Ok(()) } else { Err(Errno::last()) };
    descriptor::closed(fd);
    internal::closed(fifo);
    result
}

/// The program has made a duplicate of a descriptor.
pub fn duplicated(fd: RawFd, copy: RawFd) {
    // Not a queue, or not any more: then the duplicate is none either.
    let _ = descriptor::insert_alias(copy, fd);
}

/// The program is about to close a descriptor by other means. Async-signal-safe, unless it has duplicates that we do
/// not know yet.
pub fn forget(thread: &'static Thread, fd: RawFd) {
    if descriptor::is_queue(fd) {
        let tag = FrameTag::new();
        if let Ok(queue) = descriptor::enter(thread, fd, &tag) {
            inherited::adopt_duplicates(&queue);
            internal::closed(queue.queue.fifo);
        }
        // Another thread may have been faster.
        let _ = descriptor::remove(fd);
    }
}

/// What [`forget`] was told of has happened.
pub fn forgotten(range: RangeInclusive<RawFd>) {
    descriptor::closing_in(range).for_each(descriptor::closed);
}

/// Whether [`forget`] has anything to do.
#[inline]
pub fn is_remembered(fd: RawFd) -> bool {
    descriptor::is_queue(fd)
}

/// [`forget`] for all descriptors in this range.
pub fn forget_range(thread: &'static Thread, range: RangeInclusive<RawFd>) {
    for fd in descriptor::all().filter(|fd| range.contains(fd)) {
        forget(thread, fd);
    }
}

/// Removes the name of a queue. POSIX.1-2017, `mq_unlink`: EACCES for one who owns neither queue nor directory.
pub fn unlink(name: &CStr) -> Result<()> {
    files::unlink(Name::new(name)?)
}

/// What a queue is like now. POSIX.1-2017, `mq_getattr`: EBADF.
pub fn attributes(thread: &'static Thread, fd: RawFd) -> Result<Attributes> {
    let tag = FrameTag::new();
    let queue = descriptor::enter(thread, fd, &tag)?;
    let layout = &queue.queue.layout;
    let flags = fcntl(fd, libc::F_GETFL, 0)?;
    queue.make_up_for_missed();
    Ok(Attributes {
        nonblocking: flags & libc::O_NONBLOCK != 0,
        geometry: layout.geometry(),
        messages: layout.slots().count(),
    })
}

/// Sets `O_NONBLOCK` on the open description, and returns what was before. POSIX.1-2017, `mq_setattr`: EBADF.
pub fn set_nonblocking(thread: &'static Thread, fd: RawFd, nonblocking: bool) -> Result<Attributes> {
    let before = attributes(thread, fd)?;
    let flags = fcntl(fd, libc::F_GETFL, 0)? & !libc::O_NONBLOCK;
    fcntl(fd, libc::F_SETFL, flags | if nonblocking { libc::O_NONBLOCK } else { 0 })?;
    Ok(before)
}

fn fcntl(fd: RawFd, command: c_int, argument: c_int) -> Result<c_int> {
    // SAFETY: takes no pointer with these commands.
    let result = unsafe { libc::fcntl(fd, command, argument) };
    if result < 0 { Err(Errno::last()) } else { Ok(result) }
}

/// See [`keeper`].
pub fn begin_poll(thread: &'static Thread, fd: RawFd, how: Poll) {
    // Not a queue, or not any more: then it is the kernel's business alone.
    let _ = keeper::begin(thread, fd, how);
}

/// See [`keeper`].
pub fn end_poll(thread: &'static Thread, fd: RawFd) {
    keeper::end(thread, fd);
}
