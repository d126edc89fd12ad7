//! Descriptors of queues that did not come from `mq_open`: duplicates, those that an exec(2) has
//! left open, and those that another process has sent.
//!
//! The open description says what they are open for, where duplicates and new programs find it
//! (`os::description`).

use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::os::Errno;
use crate::os::Result;
use crate::os::concern;
use crate::os::description;
use crate::os::descriptors;
use crate::os::errno::preserved;
use crate::os::file;
use crate::os::process::Process;
use crate::posix::mq::descriptor::open::{Opened, POOL, Pool};
use crate::posix::mq::descriptor::table;
use crate::posix::mq::files;
use crate::posix::mq::permission::Access;
use crate::shared::presence;
use crate::shared::thread::Thread;

/// The magic of a description that is open for neither receiving nor sending. 0 would be none.
const FOR_NEITHER: i32 = 8;

/// Writes on the description what it is for.
pub fn set_magic(fifo: &File, access: Access) -> Result<()> {
    let magic = if access == Access::NONE { FOR_NEITHER } else { access.bits().cast_signed() };
    description::set_magic(fifo.as_raw_fd(), magic)
}

/// `None`: not the magic of a queue.
fn access_of_magic(magic: i32) -> Option<Access> {
    let access = Access::from_bits(u32::try_from(magic).unwrap_or(0));
    (access != Access::NONE || magic == FOR_NEITHER).then_some(access)
}

/// What a description with the magic is open for. `None`: it has none, because it was opened
/// through its path in /proc.
fn magic(fd: RawFd) -> Option<Access> {
    description::magic_of(fd).and_then(access_of_magic)
}

/// Whether a description has the magic of a queue.
pub fn has_magic(fd: RawFd) -> bool {
    magic(fd).is_some()
}

fn access_of(fd: RawFd) -> Result<Access> {
    if let Some(access) = magic(fd) {
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
pub fn insert(fd: RawFd) -> Result<()> {
    let fifo = fifo_of(fd)?;
    if !has_magic(fd) && !may_have_name_of_queue(fd) {
        return Err(Errno::EBADF);
    }
    match known(fifo, fd)? {
        Some(opened) => table::insert_inherited(fd, opened),
        None => insert_by_path(fd, fifo),
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

fn insert_by_path(fd: RawFd, fifo: (u64, u64)) -> Result<()> {
    let status = file::status(fd)?;
    if file::identity(&status) != fifo {
        return Err(Errno::EBADF);
    }
    let mut path = vec![0; libc::PATH_MAX as usize];
    let path = file::path_behind(fd, &mut path).map_err(|_| Errno::EBADF)?;
    let path = Path::new(OsStr::from_bytes(path));
    let data = files::open_of_fifo(&status, path).map_err(|_| Errno::EBADF)?;
    Thread::prepare()?;
    crate::os::membarrier::prepare();
    path.parent().inspect(|directory| presence::prepare(directory));
    table::insert_inherited(fd, Opened::new(data, &status, access_of(fd)?))
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
    let all = descriptors::all()?.into_iter();
    let unknown = all.filter(|&fd| !table::is_queue(fd) && !crate::os::reserved::is_reserved(fd));
    Some(unknown.filter_map(|fd| fifo_of(fd).ok()).collect())
}

/// At load: the program has been started with a descriptor of this magic. If it is a queue's, the
/// program may poll or read it before it makes any other call on it.
pub fn note_inherited(magic: i32) {
    if access_of_magic(magic).is_some() {
        concern::set(concern::QUEUES);
    }
}
