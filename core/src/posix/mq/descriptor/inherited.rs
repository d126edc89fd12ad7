//! Descriptors of queues that did not come from `mq_open`: duplicates, those that an exec(2) has
//! left open, and those that another process has sent.
//!
//! The open description says what they are open for, where duplicates and new programs find it: in
//! the signal number of F_SETSIG, which has no effect without O_ASYNC.

use std::fs::File;
use std::os::fd::{AsRawFd, RawFd};

use crate::os::Errno;
use crate::os::Result;
use crate::os::concern;
use crate::os::errno::preserved;
use crate::os::file;
use crate::os::process::Process;
use crate::posix::mq::descriptor::open::{Opened, POOL, Pool};
use crate::posix::mq::descriptor::table;
use crate::posix::mq::files;
use crate::posix::mq::permission::Access;
use crate::shared::presence;
use crate::shared::thread::Thread;

/// From asm-generic/fcntl.h
const F_SETSIG: i32 = 10;
const F_GETSIG: i32 = 11;
/// Descriptors of a new program that are looked at, from 0.
const LOOKED_AT: usize = 256;

/// The mark of a description that is open for neither receiving nor sending. 0 would be none.
const FOR_NEITHER: i32 = 8;

/// Writes on the description what it is for.
pub fn mark(fifo: &File, access: Access) -> Result<()> {
    let mark = if access == Access::NONE { FOR_NEITHER } else { access.bits().cast_signed() };
    // SAFETY: no pointer. The call itself: our own `fcntl` spares the mark.
    if unsafe { libc::syscall(libc::SYS_fcntl, fifo.as_raw_fd(), F_SETSIG, mark) } == 0 {
        Ok(())
    } else {
        Err(Errno::last())
    }
}

/// What a marked description is open for. `None`: it has no mark, because it was opened through its
/// path in /proc.
fn marked(fd: RawFd) -> Option<Access> {
    // SAFETY: no pointer.
    let mark = unsafe { libc::syscall(libc::SYS_fcntl, fd, F_GETSIG) };
    let access = Access::from_bits(u32::try_from(mark).unwrap_or(0));
    (access != Access::NONE || mark == FOR_NEITHER.into()).then_some(access)
}

/// Whether a description has been marked as one of a queue.
pub fn is_marked(fd: RawFd) -> bool {
    marked(fd).is_some()
}

fn access_of(fd: RawFd) -> Result<Access> {
    if let Some(access) = marked(fd) {
        return Ok(access);
    }
    // SAFETY: no pointer.
    let flags = unsafe { libc::syscall(libc::SYS_fcntl, fd, libc::F_GETFL) };
    // If its flags are not those of a queue, it has been closed and means another file by now.
    // With O_PATH it leads to the name alone.
    i32::try_from(flags)
        .ok()
        .filter(|flags| flags & libc::O_PATH == 0)
        .and_then(|flags| Access::from_flags(flags).ok())
        .ok_or(Errno::EBADF)
}

/// Makes a descriptor known that we have not seen before. EBADF when it is not one of a queue: that
/// is found out without a lock, and allocates nothing, because a signal handler may read from a
/// pipe of its own.
#[cold]
pub fn adopt(fd: RawFd) -> Result<()> {
    let fifo = fifo_of(fd)?;
    if !is_marked(fd) && !may_have_name_of_queue(fd) {
        return Err(Errno::EBADF);
    }
    match known(fifo, fd)? {
        Some(opened) => table::adopt(fd, opened),
        None => adopt_by_path(fd, fifo),
    }
}

/// The queue of another descriptor with this FIFO, or of one that has been closed. The description
/// may be another one.
fn known(fifo: (u64, u64), fd: RawFd) -> Result<Option<Opened>> {
    let is_it = |opened: &Opened| opened.fifo == fifo;
    let pool = POOL.lock();
    // SAFETY: we have the pool.
    let mut queues = table::queues().filter_map(|open| unsafe { open.opened() });
    let known = queues.find(|opened| is_it(opened)).or_else(|| pool.retired(is_it));
    known.map(|opened| access_of(fd).map(|access| opened.again(access))).transpose()
}

fn adopt_by_path(fd: RawFd, fifo: (u64, u64)) -> Result<()> {
    let status = file::status(fd)?;
    if file::identity(&status) != fifo {
        return Err(Errno::EBADF);
    }
    let path = std::fs::read_link(format!("/proc/self/fd/{fd}")).map_err(|_| Errno::EBADF)?;
    let data = files::open_of_fifo(&status, &path).map_err(|_| Errno::EBADF)?;
    Thread::prepare()?;
    crate::os::membarrier::prepare();
    path.parent().inspect(|directory| presence::prepare(directory));
    table::adopt(fd, Opened::new(data, &status, access_of(fd)?))
}

/// Whether the FIFO behind a descriptor lies where one of a queue may lie.
fn may_have_name_of_queue(fd: RawFd) -> bool {
    // On the stack of a handler, which may be small.
    let mut path = [0; 256];
    file::path_behind(fd, &mut path).is_ok_and(|path| path.len() == 256 || files::is_of_fifo(path))
}

/// The FIFO behind a descriptor. EBADF when it is none.
pub fn fifo_of(fd: RawFd) -> Result<(u64, u64)> {
    let status = file::status(fd)?;
    if file::is_a(&status, libc::S_IFIFO) { Ok(file::identity(&status)) } else { Err(Errno::EBADF) }
}

/// Unmaps what has left the table and is not in use. What the program has a duplicate of stays:
/// there may be no other way to the queue.
pub fn free_unused() {
    if Pool::has_retired()
        && let Some(unknown) = unknown_fifos()
    {
        POOL.lock().free_unused(|opened| unknown.contains(&opened.fifo));
    }
}

/// The same, if something has left the table since the last time: for a program that closes its
/// queues by calls that may free nothing. Not in the child of a vfork.
pub fn free_closed() {
    if Pool::has_newly_retired() && Process::owns_memory() {
        preserved(free_unused);
    }
}

/// Of the descriptors that are not in the table. `None`: they cannot be listed.
fn unknown_fifos() -> Option<Vec<(u64, u64)>> {
    let entries = std::fs::read_dir("/proc/self/fd").ok()?.flatten();
    let all = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<RawFd>().ok());
    let unknown = all.filter(|&fd| !table::is_queue(fd) && !crate::os::reserved::is_reserved(fd));
    Some(unknown.filter_map(|fd| fifo_of(fd).ok()).collect())
}

/// At load: checks whether the program has been started with a descriptor of a queue, which it may
/// poll or read before it makes any other call on it. One system call, and one for each descriptor
/// that is open.
pub fn look_at_inherited() {
    let mut asked = [libc::pollfd { fd: -1, events: 0, revents: 0 }; LOOKED_AT];
    // In place: a copy would be the first use of the C library's, in a page of its own.
    for (entry, fd) in asked.iter_mut().zip(0..) {
        entry.fd = fd;
    }
    let at_once = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the entries and the time are valid. The call itself, not our own `poll`.
    let answered = unsafe {
        libc::syscall(
            libc::SYS_ppoll,
            asked.as_mut_ptr(),
            asked.len(),
            &raw const at_once,
            core::ptr::null::<libc::sigset_t>(),
            0,
        )
    };
    let is_open = |entry: &&libc::pollfd| answered >= 0 && entry.revents & libc::POLLNVAL == 0;
    if asked.iter().filter(is_open).any(|entry| marked(entry.fd).is_some()) {
        concern::set(concern::QUEUES);
    }
}
