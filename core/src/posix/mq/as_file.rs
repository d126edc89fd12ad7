//! A queue's descriptor as a file. On the kernel's own file system for queues, mqueue, a queue is a
//! regular file: owner and mode are the queue's, and the contents are one line of text that
//! describes it. Here it is a FIFO, so the library answers in the kernel's place what a program
//! asks of the file.
//!
//! EBADF means that the descriptor is not a queue. Then the kernel's own call is made.

use std::fs::File;
use std::os::fd::{AsRawFd, RawFd};

use crate::atomic::Ordering;
use crate::os::Errno;
use crate::os::Result;
use crate::os::errand::with_free_descriptors;
use crate::os::errno::preserved;
use crate::os::file::{self, Status};
use crate::os::user;
use crate::posix::mq::descriptor::{self, Use};
use crate::posix::mq::files;
use crate::posix::mq::layout::Layout;
use crate::posix::mq::notify::registration::Registered;
use crate::posix::mq::notify::request;
use crate::posix::mq::permission;
use crate::posix::mq::store::key;
use crate::shared::thread::{FrameTag, Thread};

/// What the kernel says of the size of a queue's file, in bytes.
const SIZE: i64 = 80;
/// The bits that chmod(2) sets.
const MODE: u32 = 0o7777;

/// Where a position counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// `SEEK_SET`
    Start,
    /// `SEEK_CUR`
    Here,
    /// `SEEK_END`
    End,
}

fn enter<'t>(thread: &'t Thread, fd: RawFd, tag: &FrameTag) -> Result<Use<'t>> {
    let queue = descriptor::enter(thread, fd, tag)?;
    if queue.is_open() { Ok(queue) } else { Err(Errno::EBADF) }
}

/// Turns what the kernel says of the FIFO behind a descriptor into what it would say of a queue:
/// fstat(2).
pub fn describe(thread: &'static Thread, fd: RawFd, status: &mut Status) -> Result<()> {
    let tag = FrameTag::new();
    let queue = descriptor::enter(thread, fd, &tag)?.queue;
    if queue.fifo != (status.st_dev, status.st_ino) {
        return Err(Errno::EBADF);
    }
    status.st_mode = libc::S_IFREG | queue.layout.mode();
    status.st_size = SIZE;
    Ok(())
}

/// fchmod(2): the mode is what `mq_open` enforces from now on, and those of the files follow from
/// it.
///
/// Errors: EPERM if the calling user is neither owner nor superuser.
pub fn change_mode(thread: &'static Thread, fd: RawFd, mode: u32) -> Result<()> {
    let tag = FrameTag::new();
    let use_ = enter(thread, fd, &tag)?;
    let queue = use_.queue;
    let change = Change::Mode(permission::of_files(mode));
    // The data file first, so that a call that fails changes nothing. The kernel decides whether
    // the caller may.
    with_free_descriptors(&mut || change.data_file(&queue.layout, queue.data))?;
    change.of(fd)?;
    queue.layout.set_mode(mode & MODE);
    Ok(())
}

/// fchown(2): both files get a new owner or group; -1 leaves it as it is.
///
/// Errors: EPERM if the caller may not do this.
pub fn change_owner(thread: &'static Thread, fd: RawFd, user: u32, group: u32) -> Result<()> {
    let tag = FrameTag::new();
    let use_ = enter(thread, fd, &tag)?;
    let queue = use_.queue;
    let change = Change::Owner(user, group);
    // The data file first: its owner is the queue's. The kernel decides whether the caller may.
    with_free_descriptors(&mut || change.data_file(&queue.layout, queue.data))?;
    change.of(fd)?;
    // As chown(2) does for a regular file.
    let mode = queue.layout.mode();
    let group_id = if mode & libc::S_IXGRP == 0 { 0 } else { libc::S_ISGID };
    queue.layout.set_mode(mode & !(libc::S_ISUID | group_id));
    Ok(())
}

/// What is changed of each file of a queue. Bare calls: C's functions have ours in front of them.
enum Change {
    Mode(u32),
    /// User and group.
    Owner(u32, u32),
}

impl Change {
    /// The data file and its parts, unless it has no name any more: then no process can open it,
    /// whatever its mode is.
    fn data_file(&self, layout: &Layout, identity: (u64, u64)) -> Result<()> {
        match self.open_data_file(layout, identity) {
            // Landlock forbids an owner to open the file, and not to change it.
            Err(Errno::EACCES) => match files::reopen_as_path(layout, identity) {
                Ok(file) => self.of_path(&file),
                Err(error) => unless_gone(error),
            },
            result => result,
        }
    }

    fn open_data_file(&self, layout: &Layout, identity: (u64, u64)) -> Result<()> {
        let data = match files::reopen(layout, identity) {
            Ok(file) => file,
            Err(error) => return unless_gone(error),
        };
        // Opened before the first change, which may be that of their owner.
        let parts = files::parts_of(&data)?.open_others().collect::<Result<Vec<File>>>()?;
        self.of(data.as_raw_fd())?;
        parts.iter().try_for_each(|part| self.of(part.as_raw_fd()))
    }

    fn of(&self, fd: RawFd) -> Result<()> {
        // SAFETY: no pointers.
        let result = unsafe {
            match *self {
                Self::Mode(mode) => libc::syscall(libc::SYS_fchmod, fd, mode),
                Self::Owner(user, group) => libc::syscall(libc::SYS_fchown, fd, user, group),
            }
        };
        if result == 0 { Ok(()) } else { Err(Errno::last()) }
    }

    /// The same for a file that has been opened with O_PATH.
    fn of_path(&self, file: &File) -> Result<()> {
        let (user, group) = match *self {
            Self::Mode(mode) => return file::change_mode_of_path(file, mode),
            Self::Owner(user, group) => (user, group),
        };
        let (fd, empty) = (file.as_raw_fd(), c"".as_ptr());
        // SAFETY: a C string.
        let result = unsafe {
            libc::syscall(libc::SYS_fchownat, fd, empty, user, group, libc::AT_EMPTY_PATH)
        };
        if result == 0 { Ok(()) } else { Err(Errno::last()) }
    }
}

fn unless_gone(error: Errno) -> Result<()> {
    if matches!(error, Errno::ENOENT | Errno::ELOOP) { Ok(()) } else { Err(error) }
}

/// read(2) and, with a position, pread(2): a part of the status line.
///
/// Without a position the read begins where the last one in this process ended. The position is no
/// property of the open description.
///
/// Errors: EFAULT where `into` cannot be written to. `Ok(None)`: the description is not open for
/// receiving, EBADF.
pub fn read(
    thread: &'static Thread,
    fd: RawFd,
    into: *mut u8,
    capacity: usize,
    position: Option<u64>,
) -> Result<Option<usize>> {
    let tag = FrameTag::new();
    let use_ = enter(thread, fd, &tag)?;
    let queue = use_.queue;
    if !queue.can_receive {
        return Ok(None);
    }
    let registered = request::registered(fd, queue.layout.notify().in_force());
    let line = status_line(bytes(&queue.layout), registered) + "\n";
    let start = position.unwrap_or_else(|| queue.position.load(Ordering::Relaxed));
    let start = usize::try_from(start).unwrap_or(usize::MAX).min(line.len());
    let part = &line.as_bytes()[start..];
    let part = &part[..part.len().min(capacity)];
    if part.is_empty() {
        return Ok(Some(0));
    }
    preserved(|| user::write(into, part))?;
    if position.is_none() {
        queue.position.store((start + part.len()) as u64, Ordering::Relaxed);
    }
    Ok(Some(part.len()))
}

/// Whether the description is open for sending.
pub fn can_send(thread: &'static Thread, fd: RawFd) -> Result<bool> {
    let tag = FrameTag::new();
    Ok(enter(thread, fd, &tag)?.queue.can_send)
}

/// What the description is open for, as open(2) and fcntl(2) say it. The FIFO is open for both.
pub fn access_mode(thread: &'static Thread, fd: RawFd) -> Result<i32> {
    let tag = FrameTag::new();
    let queue = enter(thread, fd, &tag)?.queue;
    Ok(match (queue.can_receive, queue.can_send) {
        (true, true) => libc::O_RDWR,
        (true, false) => libc::O_RDONLY,
        (false, true) => libc::O_WRONLY,
        (false, false) => libc::O_ACCMODE,
    })
}

/// FIONREAD of ioctl(2): the bytes of the status line that are left to read. Behind its end they
/// are less than 0, as for any file.
pub fn left_to_read(thread: &'static Thread, fd: RawFd) -> Result<i64> {
    let tag = FrameTag::new();
    let position = enter(thread, fd, &tag)?.queue.position.load(Ordering::Relaxed);
    Ok(SIZE - i64::try_from(position).unwrap_or(i64::MAX))
}

/// lseek(2). EINVAL for a position before the start.
pub fn seek(thread: &'static Thread, fd: RawFd, offset: i64, from: From) -> Result<i64> {
    let tag = FrameTag::new();
    let use_ = enter(thread, fd, &tag)?;
    let position = &use_.queue.position;
    let base = match from {
        From::Start => 0,
        From::Here => i64::try_from(position.load(Ordering::Relaxed)).unwrap_or(i64::MAX),
        From::End => SIZE,
    };
    let new =
        base.checked_add(offset).and_then(|new| u64::try_from(new).ok()).ok_or(Errno::EINVAL)?;
    position.store(new, Ordering::Relaxed);
    Ok(base + offset)
}

/// Bytes of all messages together.
fn bytes(layout: &Layout) -> usize {
    let keys = layout.slots().index.keys().iter().enumerate();
    let messages = keys.filter(|(_, key)| key::is_message(key.load(Ordering::Relaxed)));
    let length = |slot| layout.message_header(slot).bytes();
    messages.map(|(slot, _)| length(slot).min(layout.geometry().msgsize)).sum()
}

/// The line of mq_overview(7), without its end: the bytes of all messages together, and which
/// process is registered.
pub fn status_line(bytes: usize, registered: Option<Registered>) -> String {
    let (how, signal, pid) = registered.map_or((0, 0, 0), |registered| {
        let is_signal = registered.how == libc::SIGEV_SIGNAL.cast_unsigned();
        (registered.how, if is_signal { registered.signal } else { 0 }, registered.pid)
    });
    format!("QSIZE:{bytes:<10} NOTIFY:{how:<5} SIGNO:{signal:<5} NOTIFY_PID:{pid:<6}")
}
