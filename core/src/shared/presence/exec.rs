//! The presence over an exec(2).
//!
//! The lock on the file stays as long as its descriptor does. So an exec leaves the descriptor of a
//! process with adjustments open (`stay`). It has a magic, by which the new program knows it from
//! the start (`note`), before that program closes all that it does not know of. Programs that such
//! a process starts by vfork or posix_spawn get the descriptor as well, but not the lock, and close
//! it.

use core::ffi::CStr;
use std::os::fd::RawFd;

use super::entries::{Names, entries_of};
use super::file::{self, ENTRIES, Fd, PRESENT, Present};
use super::owned;
use crate::atomic::{AtomicBool, AtomicU32, Ordering};
use crate::os::descriptors;
use crate::os::errno::preserved;
use crate::os::file::{identity, path_behind, status};
use crate::os::process::Process;
use crate::os::reserved::{self, Reserved};
use crate::os::{Result, description, lock};

/// On the description, and different from those of queues.
const MAGIC: i32 = 16;

/// The descriptor that an exec leaves open: `Reserved::to_bits`. Inherited by children.
static LEFT_OPEN: AtomicU32 = AtomicU32::new(0);

/// From now on an exec leaves this descriptor open.
pub fn stay(kept: Reserved) {
    // Without it the new program looks for it when it first needs it.
    let _ = description::set_magic(kept.fd(), MAGIC);
    kept.stay_over_exec(true);
    LEFT_OPEN.store(kept.to_bits(), Ordering::Relaxed);
}

/// In the child of a fork: what is the parent's does not stay over an exec.
pub extern "C" fn leave_parent() {
    if let Some(kept) = Reserved::from_bits(LEFT_OPEN.swap(0, Ordering::Relaxed)) {
        preserved(|| kept.stay_over_exec(false));
    }
}

/// The number that the process has had before an exec, plus one; 0 = none. A child inherits it, and
/// has no such entry.
static INHERITED: AtomicU32 = AtomicU32::new(0);
/// This program has looked for it. Not in the child of a fork: that has none.
static HAS_LOOKED: AtomicBool = AtomicBool::new(false);

/// At load: the program has been started with a descriptor with this magic.
pub fn note(fd: RawFd, magic: i32) {
    if magic == MAGIC && INHERITED.load(Ordering::Relaxed) == 0 {
        match found_under(fd) {
            Some(found) => keep(found),
            None if is_left_by_parent(fd) => drop(Fd(fd)),
            None => {}
        }
    }
}

/// The number that the process has had before an exec: it has it from now on, too. To be asked for
/// before any file is opened that may be its own: to close that would give back the lock.
pub fn inherited() -> Option<u32> {
    // What the child of a vfork(2) stored would be its parent's.
    if !HAS_LOOKED.load(Ordering::Acquire)
        && Process::owns_memory()
        && let Ok(found) = find()
    {
        found.into_iter().for_each(keep);
        HAS_LOOKED.store(true, Ordering::Release);
    }
    let number = INHERITED.load(Ordering::Acquire).checked_sub(1)?;
    owned::has(number).then_some(number)
}

/// A file of this process that it has had before an exec.
struct Found {
    number: u32,
    fd: RawFd,
    /// Device and inode.
    is: (u64, u64),
}

#[cold]
fn keep(Found { number, fd, is }: Found) {
    if owned::has(number) {
        return;
    }
    let Ok(kept) = reserved::retain(fd) else { return };
    if owned::add(number, Present { kept, is }).is_ok() {
        stay(kept);
        INHERITED.store(number + 1, Ordering::Release);
        HAS_LOOKED.store(true, Ordering::Release);
    }
}

/// Among all descriptors of the process.
#[cold]
fn find() -> Result<Option<Found>> {
    let [by_process, by_thread] = descriptors::LISTS;
    match find_in(by_process)? {
        // Where a profile refuses the second one, there is nothing to be seen.
        (false, _) => Ok(find_in(by_thread).ok().and_then(|(_, found)| found)),
        (true, found) => Ok(found),
    }
}

/// Among those of this list; and whether there are any.
fn find_in(list: &CStr) -> Result<(bool, Option<Found>)> {
    const LIMIT: usize = 4096;
    let fds = file::open_directory(list, libc::O_RDONLY)?;
    let (mut buffer, mut any) = ([0_u64; ENTRIES], false);
    while let Some(entries) = entries_of(fds.0, &mut buffer) {
        let mut numbers =
            Names(entries).take(LIMIT).filter_map(|name| name.to_str().ok()?.parse().ok());
        let found = numbers.find_map(|fd| {
            any = true;
            found_under(fd)
        });
        if found.is_some() {
            return Ok((any, found));
        }
    }
    Ok((any, None))
}

fn found_under(fd: RawFd) -> Option<Found> {
    let number = number_under(fd)?;
    let is = status(fd).ok().filter(|status| status.st_nlink > 0)?;
    // One that another process holds was inherited from it.
    let holder = lock::find(fd, PRESENT..=PRESENT).ok()??;
    // SAFETY: takes no arguments.
    let own = unsafe { libc::syscall(libc::SYS_getpid) };
    (i64::from(holder.pid) == own).then_some(Found { number, fd, is: identity(&is) })
}

/// In the name of the file behind a descriptor.
fn number_under(fd: RawFd) -> Option<u32> {
    let mut path = [0_u8; 512];
    let path = path_behind(fd, &mut path).ok()?;
    file::number_of(path.rsplit(|&byte| byte == b'/').next()?)
}

/// Whether a parent has it, and has not meant to leave it to this program.
fn is_left_by_parent(fd: RawFd) -> bool {
    // SAFETY: no pointer.
    let flags = unsafe { libc::syscall(libc::SYS_fcntl, fd, libc::F_GETFD) };
    // The child of a fork may load the library once more, which is no reason to close anything.
    flags == 0 && number_under(fd).is_some()
}
