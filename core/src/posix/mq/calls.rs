//! Closing and asking about queues: `mq_close`, `mq_unlink`, `mq_getattr`, `mq_setattr`, `mq_notify`.

use core::ffi::c_int;
use core::ops::RangeInclusive;
use core::sync::atomic::Ordering;
use std::ffi::CStr;
use std::os::fd::RawFd;
use std::sync::Arc;

use crate::os::Errno;
use crate::os::Result;
use crate::posix::mq::descriptor::inherited;
use crate::posix::mq::descriptor::{self, Use};
use crate::posix::mq::files::{self, Name};
use crate::posix::mq::layout::Geometry;
use crate::posix::mq::notify::herald;
use crate::posix::mq::notify::herald::{Herald, Wish};
use crate::posix::mq::notify::registration::Sender;
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

/// Closes a descriptor of a queue, and ends the registration of this process. POSIX.1-2017, `mq_close`: EBADF.
pub fn close(thread: &'static Thread, fd: RawFd) -> Result<()> {
    {
        let tag = FrameTag::new();
        let queue = descriptor::enter(thread, fd, &tag)?;
        if !queue.is_open() {
            drop(queue);
            descriptor::remove(fd)?;
            descriptor::closed(fd);
            return Err(Errno::EBADF);
        }
        inherited::adopt_duplicates(&queue);
        withdraw(thread, queue);
    }
    // Out of the table before the number is free for another file.
    descriptor::remove(fd)?;
    descriptor::free_unused();
    // SAFETY: the number is that of the FIFO, and the caller gives it up. Not our own `close`.
    let result = if unsafe { libc::syscall(libc::SYS_close, fd) } == 0 { Ok(()) } else { Err(Errno::last()) };
    descriptor::closed(fd);
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
            withdraw(thread, queue);
        }
        // Another thread may have been faster.
        let _ = descriptor::remove(fd);
    } else if herald::any_registered() {
        // A duplicate that no call has been made with ends the registration, too.
        let tag = FrameTag::new();
        if inherited::adopt(fd).is_ok()
            && let Ok(queue) = descriptor::enter(thread, fd, &tag)
        {
            withdraw(thread, queue);
            let _ = descriptor::remove(fd);
        }
    }
}

/// What [`forget`] was told of has happened.
pub fn forgotten(range: RangeInclusive<RawFd>) {
    descriptor::closing_in(range).for_each(descriptor::closed);
}

/// Whether [`forget`] has anything to do.
#[inline]
pub fn is_remembered(fd: RawFd) -> bool {
    descriptor::is_queue(fd) || herald::any_registered()
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

/// Registers this process, or ends its registration. POSIX.1-2017, `mq_notify`: EBADF, EBUSY, EAGAIN.
pub fn notify(thread: &'static Thread, fd: RawFd, wish: Option<Wish>) -> Result<()> {
    let tag = FrameTag::new();
    let queue = descriptor::enter(thread, fd, &tag)?;
    if !queue.is_open() {
        return Err(Errno::EBADF);
    }
    let Some(wish) = wish else {
        withdraw(thread, queue);
        return Ok(());
    };
    let herald = match herald(&queue) {
        Some(herald) => herald,
        None => start_herald(&queue)?,
    };
    herald.register(fd, queue.queue.layout.notify(), wish)
}

/// The herald of this descriptor, if its thread runs in this process.
fn herald<'q>(queue: &'q Use<'_>) -> Option<&'q Herald> {
    // SAFETY: the descriptor has a share in its herald as long as it is in use.
    unsafe { queue.queue.herald.load(Ordering::Acquire).as_ref() }.filter(|herald| herald.is_here())
}

fn start_herald<'q>(queue: &'q Use<'_>) -> Result<&'q Herald> {
    let herald = Arc::into_raw(Herald::start()?);
    queue.queue.herald.store(herald.cast_mut(), Ordering::Release);
    // SAFETY: as in `herald`.
    Ok(unsafe { &*herald })
}

/// Ends the registration of this process on this queue, through whatever descriptor it was made.
fn withdraw(thread: &'static Thread, queue: Use<'_>) {
    let registration = queue.queue.layout.notify();
    if herald(&queue).is_some_and(|herald| herald.withdraw(registration))
        || registration.registered().is_none_or(|registered| registered.pid != Sender::this().pid)
    {
        return;
    }
    let (asked, fifo) = (queue.fd, queue.queue.fifo);
    // A thread is in the middle of one operation at a time: see `Thread::begin`.
    drop(queue);
    for fd in descriptor::all().filter(|&fd| fd != asked) {
        let tag = FrameTag::new();
        let Ok(other) = descriptor::enter(thread, fd, &tag) else { continue };
        if other.queue.fifo == fifo
            && herald(&other).is_some_and(|herald| herald.withdraw(other.queue.layout.notify()))
        {
            return;
        }
    }
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
