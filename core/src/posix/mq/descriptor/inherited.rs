//! Descriptors of queues that did not come from `mq_open`: duplicates, and those that an exec(2) has left open.
//!
//! What they are for is written on the open description, where duplicates and new programs find it: in the signal
//! number of F_SETSIG, which has no effect without O_ASYNC.

use core::sync::atomic::AtomicBool;
use std::fs::File;
use std::os::fd::{AsRawFd, RawFd};

use crate::os::Errno;
use crate::os::Result;
use crate::posix::mq::descriptor::{self, Opened, Use};
use crate::posix::mq::files;
use crate::posix::mq::permission::Access;
use crate::posix::mq::poll::keeper::Polled;
use crate::shared::presence;

/// From asm-generic/fcntl.h
const F_SETSIG: i32 = 10;
const F_GETSIG: i32 = 11;

/// Writes on the description what it is for.
pub fn mark(fifo: &File, access: Access) -> Result<()> {
    let mark = access.bits().cast_signed();
    // SAFETY: no pointer.
    if unsafe { libc::fcntl(fifo.as_raw_fd(), F_SETSIG, mark) } == 0 { Ok(()) } else { Err(Errno::last()) }
}

fn marked(fd: RawFd) -> Access {
    // SAFETY: no pointer.
    let mark = unsafe { libc::fcntl(fd, F_GETSIG) };
    Access::from_bits(mark.cast_unsigned())
}

/// Makes a descriptor known that we have not seen before. EBADF when it is not one of a queue.
#[cold]
pub fn adopt(fd: RawFd) -> Result<()> {
    let fifo = fifo_of(fd)?;
    match known(fifo, marked(fd)) {
        Some(of) => descriptor::insert_alias(fd, of),
        None => adopt_by_path(fd, fifo),
    }
}

/// A queue is about to lose the descriptor that we know it by: duplicates of that become known.
pub fn adopt_duplicates(queue: &Use<'_>) {
    let entries = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let others = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<RawFd>().ok());
    for fd in others.filter(|&fd| fd != queue.fd && !descriptor::is_queue(fd)) {
        let access = Access { receive: queue.queue.can_receive, send: queue.queue.can_send };
        if fifo_of(fd) == Ok(queue.queue.fifo) && marked(fd) == access {
            // A part of the table could not be made: then the duplicate is no queue any more.
            let _ = descriptor::insert_alias(fd, queue.fd);
        }
    }
}

/// A descriptor in the table with this FIFO and access.
fn known(fifo: (u64, u64), access: Access) -> Option<RawFd> {
    descriptor::all().find(|&fd| fifo_of(fd) == Ok(fifo) && marked(fd) == access)
}

fn adopt_by_path(fd: RawFd, fifo: (u64, u64)) -> Result<()> {
    let path = std::fs::read_link(format!("/proc/self/fd/{fd}")).map_err(|_| Errno::EBADF)?;
    let is_ours = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(files::FIFO_PREFIX));
    if !is_ours {
        return Err(Errno::EBADF);
    }
    let data = files::open_of_fifo(&path).map_err(|_| Errno::EBADF)?;
    crate::os::membarrier::prepare();
    path.parent().inspect(|directory| presence::prepare(directory));
    let access = marked(fd);
    descriptor::adopt(
        fd,
        Opened {
            layout: data.layout,
            map: data.map,
            can_receive: access.receive,
            can_send: access.send,
            fifo,
            polled: Polled::default(),
            was_nonblocking: AtomicBool::new(false),
        },
    )
}

/// The FIFO behind a descriptor. EBADF when it is none.
fn fifo_of(fd: RawFd) -> Result<(u64, u64)> {
    let status = descriptor::status(fd)?;
    if status.st_mode & libc::S_IFMT == libc::S_IFIFO {
        Ok((status.st_dev, status.st_ino))
    } else {
        Err(Errno::EBADF)
    }
}
