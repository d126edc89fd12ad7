//! Opening, closing and asking about queues: `mq_open`, `mq_close`, `mq_unlink`, `mq_getattr`, `mq_setattr`.

use core::ffi::c_int;
use core::ops::RangeInclusive;
use core::sync::atomic::AtomicBool;
use std::ffi::CStr;
use std::fs::File;
use std::os::fd::{AsRawFd, IntoRawFd, RawFd};
use std::os::unix::fs::MetadataExt;

use super::poll::fifo;
use crate::os::Errno;
use crate::os::Result;
use crate::os::filter;
use crate::os::membarrier;
use crate::os::settings;
use crate::posix::mq::descriptor::inherited;
use crate::posix::mq::descriptor::{self, Opened};
use crate::posix::mq::files::{self, Data, Name};
use crate::posix::mq::layout::Geometry;
use crate::posix::mq::limits;
use crate::posix::mq::notify::internal;
use crate::posix::mq::permission::{self, Access};
use crate::posix::mq::poll::keeper::{self, Poll, Polled};
use crate::shared::presence;
use crate::shared::thread::{FrameTag, Thread};

/// How `mq_open` was asked to open.
#[derive(Clone, Copy, Debug)]
pub struct How {
    /// The flags of open(2): access mode, `O_CREAT`, `O_EXCL`, `O_NONBLOCK`.
    pub flags: c_int,
    /// Permission bits of a new one.
    pub mode: u32,
    /// maxmsg and msgsize of a new one, if the caller gave any.
    pub sizes: Option<(i64, i64)>,
}

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

/// A descriptor of the queue of this name. POSIX.1-2017, `mq_open`.
///
/// Errors: those of the name (`files::Name`); ENOENT, EEXIST; EINVAL for an access mode that is none, for sizes out of
/// range, and for a file that is not a queue; EACCES; ENOSPC when the directory has no room; EMFILE.
pub fn open(name: &CStr, how: How) -> Result<RawFd> {
    let name = Name::new(name)?;
    membarrier::prepare();
    filter::look_while_opening();
    presence::prepare(&settings::get().dir);
    let (data, access) = loop {
        let data = open_or_create(name, how)?;
        let access = data_access(&data, how)?;
        let fifo = files::open_fifo(&data.layout, libc::O_CLOEXEC).inspect_err(|_| {
            if data.is_new {
                files::take_back(name, &data);
            }
        })?;
        // Somebody may have removed the queue, and its FIFO, before we made that anew.
        if files::has_name(name, &data) {
            return finish(data, fifo, access, how.flags);
        }
        files::remove_fifo(data.layout.number());
        let is_exclusive = how.flags & libc::O_EXCL != 0 && how.flags & libc::O_CREAT != 0;
        if is_exclusive {
            break (data, access);
        }
    };
    // Made by us, and removed already: it is ours all the same.
    let fifo = files::open_fifo(&data.layout, libc::O_CLOEXEC)?;
    files::remove_fifo(data.layout.number());
    finish(data, fifo, access, how.flags)
}

fn open_or_create(name: Name<'_>, how: How) -> Result<Data> {
    let (create, exclusive) = (how.flags & libc::O_CREAT != 0, how.flags & libc::O_EXCL != 0);
    loop {
        match files::open(name) {
            Ok(_) | Err(Errno::EACCES) if create && exclusive && files::exists(name) => {
                return Err(Errno::EEXIST);
            }
            Err(Errno::ENOENT) if create => {}
            Err(Errno::EACCES) => return Access::from_flags(how.flags).and(Err(Errno::EACCES)),
            decided => return decided,
        }
        limits::check_number()?;
        let geometry = match how.sizes {
            Some((maxmsg, msgsize)) => Geometry::new(maxmsg, msgsize)?,
            None => limits::default_geometry(),
        };
        limits::check_sizes(geometry)?;
        match files::create(name, geometry, how.mode) {
            // Somebody else was faster.
            Err(Errno::EEXIST) if !exclusive => {}
            created => return created,
        }
    }
}

fn data_access(data: &Data, how: How) -> Result<Access> {
    let access = Access::from_flags(how.flags)?;
    if !data.is_new {
        permission::check(&data.metadata, data.layout.mode(), access)?;
    }
    Ok(access)
}

fn finish(data: Data, fifo: File, access: Access, flags: c_int) -> Result<RawFd> {
    fifo::set_up(&fifo, flags & libc::O_NONBLOCK)?;
    inherited::mark(&fifo, access)?;
    if settings::get().always_pollable {
        data.layout.bell().lease_for_ever();
    }
    let metadata = fifo.metadata()?;
    let opened = Opened {
        layout: data.layout,
        map: data.map,
        can_receive: access.receive,
        can_send: access.send,
        fifo: (metadata.dev(), metadata.ino()),
        polled: Polled::default(),
        was_nonblocking: AtomicBool::new(false),
    };
    descriptor::insert(fifo.as_raw_fd(), opened)?;
    Ok(fifo.into_raw_fd())
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
