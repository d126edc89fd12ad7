//! Locks on single bytes of a file (fcntl(2)). The kernel releases them when their owner is gone.
//!
//! | kind of lock | belongs to | is inherited by fork | goes with |
//! |---|---|---|---|
//! | [`Owner::Description`] (F_OFD_SETLK) | the open file description | yes, as the description is | its last close |
//! | [`Owner::Process`] (F_SETLK) | the process | no | the process; any close of the file in it |
//!
//! Bare system calls: `fcntl` of the C library is a cancellation point for some commands, and
//! another library may interpose it.

use core::ffi::c_int;
use core::ops::RangeInclusive;
use std::os::fd::RawFd;

use super::errno::{Errno, Result};

/// Whose lock it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The open file description.
    Description,
    /// The process.
    Process,
}

/// What others may do beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Others may have read locks, too. Needs a description that is open for reading.
    Read,
    /// Others may have none. Needs a description that is open for writing.
    Write,
}

/// A lock of another owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The PID of the process that took it, in the PID namespace of the caller; 0 = it has none
    /// there, -1 = the lock belongs to a description.
    pub pid: i32,
    /// Its first byte and its last.
    pub bytes: (i64, i64),
}

/// Takes the lock. False: another lock is in its way. EBADF, ENOLCK, EINVAL (before Linux
/// 3.15).
pub fn try_lock(fd: RawFd, owner: Owner, kind: Kind, byte: i64) -> Result<bool> {
    try_lock_range(fd, owner, kind, byte..=byte)
}

/// [`try_lock`] for several bytes.
pub fn try_lock_range(
    fd: RawFd,
    owner: Owner,
    kind: Kind,
    bytes: RangeInclusive<i64>,
) -> Result<bool> {
    match call(fd, set(owner), &mut request(type_of(kind), bytes)) {
        Ok(()) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Gives it back.
pub fn unlock(fd: RawFd, owner: Owner, byte: i64) -> Result<()> {
    unlock_range(fd, owner, byte..=byte)
}

/// Unlocks those of these bytes that the owner has locked.
pub fn unlock_range(fd: RawFd, owner: Owner, bytes: RangeInclusive<i64>) -> Result<()> {
    call(fd, set(owner), &mut request(libc::F_UNLCK, bytes))
}

/// A write lock on one of these bytes that is not this description's own. Those of the calling
/// process are found, too. `fd` may be open for anything. EBADF, EINVAL (before Linux 3.15).
pub fn find(fd: RawFd, bytes: RangeInclusive<i64>) -> Result<Option<Found>> {
    let mut found = request(libc::F_RDLCK, bytes);
    call(fd, libc::F_OFD_GETLK, &mut found)?;
    if c_int::from(found.l_type) == libc::F_UNLCK {
        return Ok(None);
    }
    // A length of 0 reaches to the last byte that there can be.
    let last =
        if found.l_len == 0 { i64::MAX } else { found.l_start.saturating_add(found.l_len - 1) };
    Ok(Some(Found { pid: found.l_pid, bytes: (found.l_start, last) }))
}

/// The write locks of the calling process on the file, as many as fit: the first byte of each and
/// the last. How many there are.
pub fn own(fd: RawFd, locks: &mut [[i64; 2]]) -> usize {
    /// Enough for so many locks of others in between.
    const LOOKS: usize = 128;
    // SAFETY: takes no arguments.
    let own = i32::try_from(unsafe { libc::syscall(libc::SYS_getpid) });
    // Ranges that are still to be looked at. The kernel gives any lock in a range, not the first.
    let mut ranges = [[0, i64::MAX]; LOOKS + 1];
    let (mut left, mut known) = (1_usize, 0_usize);
    for _ in 0..LOOKS {
        let Some(next) = left.checked_sub(1) else { break };
        let [first, last] = ranges[next];
        left = next;
        let Ok(Some(found)) = find(fd, first..=last) else { continue };
        if Ok(found.pid) == own
            && let Some(place) = locks.get_mut(known)
        {
            *place = found.bytes.into();
            known += 1;
        }
        let below = [first, found.bytes.0.saturating_sub(1)];
        let above = [found.bytes.1.saturating_add(1), last];
        let is_range = [found.bytes.0 > first, found.bytes.1 < last];
        for (range, is_range) in [below, above].into_iter().zip(is_range) {
            if is_range && left < ranges.len() {
                ranges[left] = range;
                left += 1;
            }
        }
    }
    known
}

/// Whether another owner has a lock that would be in the way of this one: another description, as
/// `owner` says, or another process. `fd` may be open for anything. Asked with [`Kind::Read`], only
/// write locks are found.
pub fn is_locked(fd: RawFd, owner: Owner, kind: Kind, byte: i64) -> Result<bool> {
    let command = match owner {
        Owner::Description => libc::F_OFD_GETLK,
        Owner::Process => libc::F_GETLK,
    };
    let mut found = request(type_of(kind), byte..=byte);
    call(fd, command, &mut found)?;
    Ok(c_int::from(found.l_type) != libc::F_UNLCK)
}

fn type_of(kind: Kind) -> c_int {
    match kind {
        Kind::Read => libc::F_RDLCK,
        Kind::Write => libc::F_WRLCK,
    }
}

fn set(owner: Owner) -> c_int {
    match owner {
        Owner::Description => libc::F_OFD_SETLK,
        Owner::Process => libc::F_SETLK,
    }
}

fn request(kind: c_int, bytes: RangeInclusive<i64>) -> libc::flock {
    let (first, last) = bytes.into_inner();
    // A length of 0 means up to the last possible byte, for which start plus length would not be a
    // valid offset.
    let length = if last == i64::MAX { 0 } else { last - first + 1 };
    libc::flock {
        l_type: small(kind),
        l_whence: small(libc::SEEK_SET),
        l_start: first,
        l_len: length,
        l_pid: 0,
    }
}

/// The constants of fcntl.h for these fields are all below 10.
fn small(constant: c_int) -> libc::c_short {
    libc::c_short::try_from(constant).unwrap_or(0)
}

fn call(fd: RawFd, command: c_int, lock: &mut libc::flock) -> Result<()> {
    // SAFETY: `lock` is a struct flock, valid for reading and writing.
    let result = unsafe { libc::syscall(libc::SYS_fcntl, fd, command, &raw mut *lock) };
    if result < 0 { Err(Errno::last()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::OpenOptions;
    use std::os::fd::AsRawFd;

    #[test]
    fn a_lock_of_the_process_is_found_by_itself_and_goes_with_any_close() {
        let path = std::env::temp_dir().join(format!("rsipc-lock-process-{}", std::process::id()));
        let open = || {
            OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)
                .unwrap()
        };
        let (one, other) = (open(), open());
        let seen = |byte| find(one.as_raw_fd(), byte..=byte).unwrap();
        assert_eq!(seen(5), None);
        assert!(
            try_lock_range(one.as_raw_fd(), Owner::Process, Kind::Write, 3..=i64::MAX).unwrap()
        );
        let pid = i32::try_from(std::process::id()).unwrap();
        assert_eq!(seen(5), Some(Found { pid, bytes: (3, i64::MAX) }));
        unlock_range(one.as_raw_fd(), Owner::Process, 7..=i64::MAX).unwrap();
        assert_eq!((seen(5), seen(7)), (Some(Found { pid, bytes: (3, 6) }), None));
        drop(other);
        assert_eq!(seen(5), None);
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn own_locks_are_found_beside_those_of_others() {
        let path = std::env::temp_dir().join(format!("rsipc-lock-own-{}", std::process::id()));
        let open = || {
            OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)
                .unwrap()
        };
        let (ours, other) = (open(), open());
        for byte in [2, 7, 40] {
            let taken = try_lock(other.as_raw_fd(), Owner::Description, Kind::Write, byte);
            assert_eq!(taken, Ok(true));
        }
        for bytes in [0..=0, 5..=6, 8..=10, 1 << 62..=i64::MAX] {
            let taken = try_lock_range(ours.as_raw_fd(), Owner::Process, Kind::Write, bytes);
            assert_eq!(taken, Ok(true));
        }
        let mut locks = [[0; 2]; 8];
        let count = own(ours.as_raw_fd(), &mut locks);
        locks[..count].sort_unstable();
        assert_eq!(locks[..count], [[0, 0], [5, 6], [8, 10], [1 << 62, i64::MAX]]);
        assert_eq!(own(ours.as_raw_fd(), &mut locks[..2]), 2);
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn another_description_sees_the_lock_until_the_last_close() {
        let path = std::env::temp_dir().join(format!("rsipc-lock-{}", std::process::id()));
        let open = || {
            OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)
                .unwrap()
        };
        let (one, other) = (open(), open());
        let seen = |kind| is_locked(other.as_raw_fd(), Owner::Description, kind, 7).unwrap();
        assert!(try_lock(one.as_raw_fd(), Owner::Description, Kind::Read, 7).unwrap());
        assert!(seen(Kind::Write) && !seen(Kind::Read));
        assert!(!try_lock(other.as_raw_fd(), Owner::Description, Kind::Write, 7).unwrap());
        assert!(
            !is_locked(one.as_raw_fd(), Owner::Description, Kind::Write, 7).unwrap(),
            "one's own is not seen"
        );
        let copy = one.try_clone().unwrap();
        drop(one);
        assert!(seen(Kind::Write));
        drop(copy);
        assert!(!seen(Kind::Write));
        std::fs::remove_file(path).unwrap();
    }
}
