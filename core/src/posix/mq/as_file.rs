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
use crate::os::file::Status;
use crate::posix::mq::descriptor::{self, Use};
use crate::posix::mq::files;
use crate::posix::mq::layout::Layout;
use crate::posix::mq::notify::record;
use crate::posix::mq::notify::registration::Registered;
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
    let of_files = permission::of_files(mode);
    // The kernel decides here whether the caller may.
    fchmod(fd, of_files)?;
    each_data_file(&queue.layout, queue.data, |file| fchmod(file.as_raw_fd(), of_files))?;
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
    // The data file first: its owner is the queue's. A process that may not open it may change
    // nothing. It may still pass -1 for both, and the kernel decides on that.
    match each_data_file(&queue.layout, queue.data, |file| fchown(file.as_raw_fd(), user, group)) {
        Ok(()) | Err(Errno::EACCES) => {}
        Err(error) => return Err(error),
    }
    fchown(fd, user, group)?;
    // As chown(2) does for a regular file.
    let mode = queue.layout.mode();
    let group_id = if mode & libc::S_IXGRP == 0 { 0 } else { libc::S_ISGID };
    queue.layout.set_mode(mode & !(libc::S_ISUID | group_id));
    Ok(())
}

/// The data file and its parts, unless it has no name any more: then no process can open it,
/// whatever its mode is.
fn each_data_file(
    layout: &Layout,
    identity: (u64, u64),
    change: impl Fn(&File) -> Result<()>,
) -> Result<()> {
    let data = match files::reopen(layout, identity) {
        Ok(file) => file,
        Err(Errno::ENOENT | Errno::ELOOP) => return Ok(()),
        Err(error) => return Err(error),
    };
    // Opened before the first change, which may be that of their owner.
    let parts = files::parts_of(&data)?.open_others().collect::<Result<Vec<File>>>()?;
    change(&data)?;
    parts.iter().try_for_each(change)
}

/// Bare calls: C's functions have ours in front of them.
fn fchmod(fd: RawFd, mode: u32) -> Result<()> {
    // SAFETY: no pointer.
    let result = unsafe { libc::syscall(libc::SYS_fchmod, fd, mode) };
    if result == 0 { Ok(()) } else { Err(Errno::last()) }
}

fn fchown(fd: RawFd, user: u32, group: u32) -> Result<()> {
    // SAFETY: no pointer.
    let result = unsafe { libc::syscall(libc::SYS_fchown, fd, user, group) };
    if result == 0 { Ok(()) } else { Err(Errno::last()) }
}

/// read(2) and, with a position, pread(2): a part of the status line.
///
/// Without a position the read begins where the last one in this process ended. The position is no
/// property of the open description.
///
/// Errors: EFAULT for NULL. `Ok(None)`: the description is not open for receiving, EBADF.
///
/// # Safety
/// `into` is NULL or valid for writing `capacity` bytes.
pub unsafe fn read(
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
    let registered = record::registered(fd, queue.layout.notify().in_force());
    let line = status_line(bytes(&queue.layout), registered) + "\n";
    let start = position.unwrap_or_else(|| queue.position.load(Ordering::Relaxed));
    let start = usize::try_from(start).unwrap_or(usize::MAX).min(line.len());
    let part = &line.as_bytes()[start..];
    let part = &part[..part.len().min(capacity)];
    if part.is_empty() {
        return Ok(Some(0));
    }
    // SAFETY: at most `capacity` bytes, says the caller.
    unsafe { copy_out(part, into)? };
    if position.is_none() {
        queue.position.store((start + part.len()) as u64, Ordering::Relaxed);
    }
    Ok(Some(part.len()))
}

/// Copies to the caller as the kernel does: EFAULT where nothing can be written to.
///
/// # Safety
/// Where a filter refuses the system call for it, `into` must be valid for writing as many bytes.
unsafe fn copy_out(from: &[u8], into: *mut u8) -> Result<()> {
    let local = libc::iovec { iov_base: into.cast(), iov_len: from.len() };
    let remote = libc::iovec { iov_base: from.as_ptr().cast_mut().cast(), iov_len: from.len() };
    // SAFETY: the kernel checks both ranges itself.
    let copied = unsafe {
        libc::process_vm_readv(libc::getpid(), &raw const local, 1, &raw const remote, 1, 0)
    };
    match Errno::last() {
        _ if usize::try_from(copied) == Ok(from.len()) => Ok(()),
        Errno::EPERM | Errno::ENOSYS | Errno::EACCES if !into.is_null() => {
            // SAFETY: says the caller.
            unsafe { core::ptr::copy_nonoverlapping(from.as_ptr(), into, from.len()) };
            Ok(())
        }
        _ => Err(Errno::EFAULT),
    }
}

/// Whether the description is open for sending.
pub fn can_send(thread: &'static Thread, fd: RawFd) -> Result<bool> {
    let tag = FrameTag::new();
    Ok(enter(thread, fd, &tag)?.queue.can_send)
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
