//! Calls on queues as a whole: `mq_unlink`, `mq_getattr`, `mq_setattr`.

use core::ffi::c_int;
use std::ffi::CStr;
use std::os::fd::RawFd;

use crate::os::Errno;
use crate::os::Result;
use crate::posix::mq::descriptor;
use crate::posix::mq::files::{self, Name};
use crate::posix::mq::layout::Geometry;
use crate::posix::mq::store::slots::Wanted;
use crate::shared::thread::{FrameTag, Thread};

/// `struct mq_attr`, as integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// `O_NONBLOCK` of the open description.
    pub nonblocking: bool,
    /// Sizes.
    pub geometry: Geometry,
    /// Messages in it now.
    pub messages: usize,
}

/// Removes the name of a queue. POSIX.1-2017, `mq_unlink`: EACCES if the caller owns neither queue
/// nor directory.
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
    queue.await_promised(Wanted::Message);
    Ok(Attributes {
        nonblocking: flags & libc::O_NONBLOCK != 0,
        geometry: layout.geometry(),
        messages: layout.slots().count_for(&queue.operation),
    })
}

/// Sets `O_NONBLOCK` on the open description, and returns what was before. POSIX.1-2017,
/// `mq_setattr`: EBADF.
pub fn set_nonblocking(
    thread: &'static Thread,
    fd: RawFd,
    nonblocking: bool,
) -> Result<Attributes> {
    let before = attributes(thread, fd)?;
    let flags = fcntl(fd, libc::F_GETFL, 0)? & !libc::O_NONBLOCK;
    fcntl(fd, libc::F_SETFL, flags | if nonblocking { libc::O_NONBLOCK } else { 0 })?;
    let tag = FrameTag::new();
    if let Ok(queue) = descriptor::enter(thread, fd, &tag) {
        queue.queue.nonblocking.learn(nonblocking);
        queue.tell_interrupted();
    }
    Ok(before)
}

/// The program has changed the flags of the open description by fcntl(2).
pub fn flags_changed(thread: &'static Thread, fd: RawFd) {
    let tag = FrameTag::new();
    if let Ok(queue) = descriptor::enter(thread, fd, &tag) {
        queue.tell_interrupted();
    }
}

fn fcntl(fd: RawFd, command: c_int, argument: c_int) -> Result<c_int> {
    // SAFETY: takes no pointer with these commands. The call itself, not our own `fcntl`.
    let result = unsafe { libc::syscall(libc::SYS_fcntl, fd, command, argument) };
    if result < 0 { Err(Errno::last()) } else { c_int::try_from(result).map_err(|_| Errno::EINVAL) }
}
