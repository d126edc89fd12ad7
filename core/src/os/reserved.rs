//! Descriptors of the library's own in a program that does not know of them.
//!
//! They have high numbers, so that the program gets the low ones that it expects, and they are
//! closed on exec, but for one (`shared/presence/exec.rs`). To the program these descriptors are
//! not in use: interposed calls that close descriptors, change their flags or duplicate them skip
//! ours ([`is_reserved`]), and ours gives its number away when the program duplicates another
//! descriptor to it ([`move_away`]).
//!
//! The table is a few words without a lock, because signal handlers and the child of a fork use it.

use core::ffi::c_int;
use std::os::fd::RawFd;

use super::concern;
use super::errno::{Errno, Result};
use crate::atomic::{AtomicI32, AtomicUsize, Ordering};

/// Descriptors at most.
const LIMIT: usize = 256;
/// They are from this one up where the limit of the process allows it: few programs have so many,
/// and a table of descriptors of that size is still small.
pub const PREFERRED: RawFd = 960;

/// 0 = free; [`LOST`]; otherwise the descriptor plus one. A thread that makes a descriptor takes a
/// free word; the thread that closes it frees the word.
static TABLE: [AtomicI32; LIMIT] = [const { AtomicI32::new(0) }; LIMIT];
/// The program has got the number ([`give_up`]), or there is none yet. The word stays that of the
/// [`Reserved`].
const LOST: i32 = -1;
/// Words that have ever been in use: all others are free.
static USED: AtomicUsize = AtomicUsize::new(0);

/// One of our descriptors. Its value may change ([`move_away`]), so it is asked for before each
/// use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reserved(u32);

impl Reserved {
    /// The descriptor. -1 once it is released, or given up.
    pub fn fd(self) -> RawFd {
        TABLE[self.0 as usize].load(Ordering::Acquire).max(0) - 1
    }

    /// Closes it.
    pub fn release(self) {
        let fd = TABLE[self.0 as usize].swap(0, Ordering::AcqRel) - 1;
        if fd >= 0 {
            close(fd);
        }
    }

    /// Forgets it, because the program has closed it: the descriptor is not ours any more.
    pub fn forget(self) {
        TABLE[self.0 as usize].store(0, Ordering::Release);
    }

    /// Whether an exec leaves it open.
    pub fn stay_over_exec(self, stays: bool) {
        set_flags(self.fd(), if stays { 0 } else { libc::FD_CLOEXEC });
    }

    /// To keep in an atomic: never 0.
    pub fn to_bits(self) -> u32 {
        self.0 + 1
    }

    /// The reverse of [`Reserved::to_bits`]. `None` for 0.
    pub fn from_bits(bits: u32) -> Option<Self> {
        bits.checked_sub(1).map(Self)
    }
}

/// Moves a descriptor out of the way: duplicates it to a high one, and closes the old one. EMFILE:
/// there is no descriptor left, or no free word in the table. Async-signal-safe.
pub fn keep(fd: RawFd) -> Result<Reserved> {
    let kept = keep_copy(fd);
    close(fd);
    kept
}

/// The same for a duplicate: nothing is closed, which would give back the process's locks on the
/// file.
pub fn keep_copy(fd: RawFd) -> Result<Reserved> {
    concern::set(concern::RESERVED);
    // First: if there is none, there is no duplicate that would have to be closed.
    let Reserved(index) = take(LOST)?;
    let word = &TABLE[index as usize];
    let moved = duplicate_out_of_the_way(fd).inspect_err(|_| word.store(0, Ordering::Release))?;
    word.store(moved + 1, Ordering::Release);
    Ok(Reserved(index))
}

/// Keeps a descriptor as it is. EMFILE: there is no free word in the table.
pub fn retain(fd: RawFd) -> Result<Reserved> {
    concern::set(concern::RESERVED);
    take(fd + 1)
}

/// A free word, which gets this value. EMFILE: there is none.
fn take(value: i32) -> Result<Reserved> {
    let taken = TABLE.iter().position(|word| {
        word.compare_exchange(0, value, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    });
    let index = taken.and_then(|index| u32::try_from(index).ok()).ok_or(Errno::EMFILE)?;
    USED.fetch_max(index as usize + 1, Ordering::SeqCst);
    Ok(Reserved(index))
}

/// The program is about to use this descriptor: if it is one of ours, ours gets another number, and
/// stays open over an exec if it did. The old one is still open. EMFILE: there is none to move to.
///
/// The program's call closes the old one, which gives back the process's locks on the file. They
/// are to be taken again then: `lock::own`.
pub fn move_away(fd: RawFd) -> Result<Option<Reserved>> {
    let is_it = |word: &AtomicI32| word.load(Ordering::Acquire) == fd + 1;
    let Some(index) = TABLE.iter().position(is_it) else { return Ok(None) };
    let moved = duplicate_out_of_the_way(fd)?;
    set_flags(moved, flags_of(fd));
    let (order, lost) = (Ordering::AcqRel, Ordering::Relaxed);
    if TABLE[index].compare_exchange(fd + 1, moved + 1, order, lost).is_err() {
        // Another thread has released it meanwhile.
        close(moved);
        return Ok(None);
    }
    Ok(u32::try_from(index).ok().map(Reserved))
}

/// The same where there is no other number: the program's call closes ours.
pub fn give_up(fd: RawFd) {
    for word in &TABLE {
        let _ = word.compare_exchange(fd + 1, LOST, Ordering::AcqRel, Ordering::Relaxed);
    }
}

/// Whether the program must not close this one. Two loads where there is none.
#[inline]
pub fn is_reserved(fd: RawFd) -> bool {
    all().any(|reserved| reserved == fd)
}

/// The reserved descriptors, in no order.
#[inline]
pub fn all() -> impl Iterator<Item = RawFd> {
    // Acquire: the words below the index are filled in.
    let used = USED.load(Ordering::Acquire).min(LIMIT);
    TABLE[..used].iter().map(|word| word.load(Ordering::Acquire) - 1).filter(|&fd| fd >= 0)
}

fn duplicate_out_of_the_way(fd: RawFd) -> Result<RawFd> {
    duplicate_above(fd, PREFERRED).or_else(|_| duplicate_above(fd, 3))
}

fn duplicate_above(fd: RawFd, least: RawFd) -> Result<RawFd> {
    // SAFETY: no pointer.
    let copy = unsafe { libc::syscall(libc::SYS_fcntl, fd, libc::F_DUPFD_CLOEXEC, least) };
    if copy < 0 { Err(Errno::last()) } else { RawFd::try_from(copy).map_err(|_| Errno::EMFILE) }
}

/// Its FD_CLOEXEC.
fn flags_of(fd: RawFd) -> c_int {
    // SAFETY: no pointer.
    let flags = unsafe { libc::syscall(libc::SYS_fcntl, fd, libc::F_GETFD) };
    c_int::try_from(flags).ok().filter(|&flags| flags >= 0).unwrap_or(libc::FD_CLOEXEC)
}

fn set_flags(fd: RawFd, flags: c_int) {
    // SAFETY: no pointer.
    unsafe { libc::syscall(libc::SYS_fcntl, fd, libc::F_SETFD, flags) };
}

/// Not the `close` of the program, which has our own behind it.
fn close(fd: RawFd) {
    // SAFETY: the descriptor is ours.
    unsafe { libc::syscall(libc::SYS_close, fd) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::os::fd::IntoRawFd;

    #[test]
    fn a_reserved_descriptor_is_known_until_it_is_released() {
        let kept = keep(File::open("/dev/null").unwrap().into_raw_fd()).unwrap();
        let fd = kept.fd();
        assert!(is_reserved(fd) && fd >= 3);
        kept.release();
        assert!(!is_reserved(fd));
    }

    #[test]
    fn a_reserved_descriptor_gives_its_number_away() {
        let kept = keep(File::open("/dev/null").unwrap().into_raw_fd()).unwrap();
        let before = kept.fd();
        kept.stay_over_exec(true);
        assert_eq!(move_away(before), Ok(Some(kept)));
        assert!(kept.fd() != before && is_reserved(kept.fd()) && !is_reserved(before));
        assert_eq!(flags_of(kept.fd()), 0);
        assert_eq!(move_away(before), Ok(None));
        close(before);
        kept.release();
        assert_eq!(kept.fd(), -1);
    }

    #[test]
    fn what_is_given_up_is_the_programs() {
        let kept = keep(File::open("/dev/null").unwrap().into_raw_fd()).unwrap();
        let before = kept.fd();
        give_up(before);
        assert_eq!(kept.fd(), -1);
        assert!(!is_reserved(before) && all().all(|fd| fd >= 0));
        kept.release();
        close(before);
    }
}
