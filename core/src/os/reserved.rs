//! Descriptors of the library's own in a program that does not know of them.
//!
//! They have high numbers, so that the program gets the low ones that it expects, and they are
//! closed on exec. Interposed calls that close descriptors skip them ([`is_reserved`]): to the
//! program these descriptors are not in use.
//!
//! The table is a few words without a lock, because signal handlers and the child of a fork use it.

use std::os::fd::RawFd;

use super::concern;
use super::errno::{Errno, Result};
use crate::atomic::{AtomicI32, AtomicUsize, Ordering};

/// Descriptors at most.
const LIMIT: usize = 256;
/// They are from this one up where the limit of the process allows it: few programs have so many,
/// and a table of descriptors of that size is still small.
const PREFERRED: RawFd = 960;

/// 0 = free; otherwise the descriptor plus one. A thread that makes a descriptor takes a free word;
/// the thread that closes it frees the word.
static TABLE: [AtomicI32; LIMIT] = [const { AtomicI32::new(0) }; LIMIT];
/// Words that have ever been in use: all others are free.
static USED: AtomicUsize = AtomicUsize::new(0);

/// One of our descriptors. Its value may change ([`move_away`]), so it is asked for before each
/// use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reserved(u32);

impl Reserved {
    /// The descriptor. -1 once it is released.
    pub fn fd(self) -> RawFd {
        TABLE[self.0 as usize].load(Ordering::Acquire) - 1
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
    let moved = duplicate_out_of_the_way(fd)?;
    note(moved).inspect_err(|_| close(moved))
}

/// Keeps a descriptor that an exec has left, as it is. EMFILE: there is no free word in the table.
pub fn retain(fd: RawFd) -> Result<Reserved> {
    concern::set(concern::RESERVED);
    // SAFETY: no pointer.
    unsafe { libc::syscall(libc::SYS_fcntl, fd, libc::F_SETFD, libc::FD_CLOEXEC) };
    note(fd)
}

fn note(fd: RawFd) -> Result<Reserved> {
    let taken = TABLE.iter().position(|word| {
        word.compare_exchange(0, fd + 1, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    });
    let index = taken.and_then(|index| u32::try_from(index).ok()).ok_or(Errno::EMFILE)?;
    USED.fetch_max(index as usize + 1, Ordering::SeqCst);
    Ok(Reserved(index))
}

/// [`keep`], for a caller that never closes it and needs only its existence.
pub fn reserve(fd: RawFd) -> Result<RawFd> {
    keep(fd).map(Reserved::fd)
}

/// Closes a reserved descriptor.
pub fn release(fd: RawFd) {
    for (word, index) in TABLE.iter().zip(0..) {
        if word.load(Ordering::Acquire) == fd + 1 {
            Reserved(index).release();
        }
    }
}

/// The program has closed the descriptor by a bare system call, and may use the same number itself.
pub fn forget(fd: RawFd) {
    for word in &TABLE {
        let _ = word.compare_exchange(fd + 1, 0, Ordering::AcqRel, Ordering::Relaxed);
    }
}

/// The program is about to use this descriptor: if it is one of ours, ours is moved. EMFILE: there
/// is none to move to.
pub fn move_away(fd: RawFd) -> Result<()> {
    for word in &TABLE {
        if word.load(Ordering::Acquire) == fd + 1 {
            let moved = duplicate_out_of_the_way(fd)?;
            // Another thread may have released it meanwhile.
            if word
                .compare_exchange(fd + 1, moved + 1, Ordering::AcqRel, Ordering::Relaxed)
                .is_err()
            {
                close(moved);
            }
        }
    }
    Ok(())
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
        let fd = reserve(File::open("/dev/null").unwrap().into_raw_fd()).unwrap();
        assert!(is_reserved(fd) && fd >= 3);
        release(fd);
        assert!(!is_reserved(fd));
    }

    #[test]
    fn a_reserved_descriptor_gives_its_number_away() {
        let kept = keep(File::open("/dev/null").unwrap().into_raw_fd()).unwrap();
        let before = kept.fd();
        move_away(before).unwrap();
        assert!(kept.fd() != before && is_reserved(kept.fd()) && !is_reserved(before));
        kept.release();
        assert_eq!(kept.fd(), -1);
    }
}
