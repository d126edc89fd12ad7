//! Locks on single bytes of a file (fcntl(2)): what the kernel itself gives back when its holder is gone.
//!
//! | kind of lock | belongs to | is inherited by fork | goes with |
//! |---|---|---|---|
//! | [`Owner::Description`] (F_OFD_SETLK) | the open file description | yes, as the description is | its last close |
//! | [`Owner::Process`] (F_SETLK) | the process | no | the process; any close of the file in it |
//!
//! Bare system calls: C's `fcntl` is a cancellation point for some commands, and may be somebody's wrapper.

use core::ffi::c_int;
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

/// Takes the lock, if nobody has one that is in its way: false. EBADF, ENOLCK, EINVAL (before Linux 3.15).
pub fn try_lock(fd: RawFd, owner: Owner, kind: Kind, byte: i64) -> Result<bool> {
    let command = match owner {
        Owner::Description => libc::F_OFD_SETLK,
        Owner::Process => libc::F_SETLK,
    };
    match call(fd, command, &mut request(type_of(kind), byte)) {
        Ok(()) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Gives it back.
pub fn unlock(fd: RawFd, owner: Owner, byte: i64) -> Result<()> {
    let command = match owner {
        Owner::Description => libc::F_OFD_SETLK,
        Owner::Process => libc::F_SETLK,
    };
    call(fd, command, &mut request(libc::F_UNLCK, byte))
}

/// Whether somebody else has a lock that would be in the way of this one: another description, as `owner` says, or another
/// process. `fd` may be open for anything. Asked with [`Kind::Read`], only write locks are found.
pub fn is_locked(fd: RawFd, owner: Owner, kind: Kind, byte: i64) -> Result<bool> {
    let command = match owner {
        Owner::Description => libc::F_OFD_GETLK,
        Owner::Process => libc::F_GETLK,
    };
    let mut found = request(type_of(kind), byte);
    call(fd, command, &mut found)?;
    Ok(c_int::from(found.l_type) != libc::F_UNLCK)
}

fn type_of(kind: Kind) -> c_int {
    match kind {
        Kind::Read => libc::F_RDLCK,
        Kind::Write => libc::F_WRLCK,
    }
}

fn request(kind: c_int, byte: i64) -> libc::flock {
    libc::flock { l_type: small(kind), l_whence: small(libc::SEEK_SET), l_start: byte, l_len: 1, l_pid: 0 }
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
    fn another_description_sees_the_lock_until_the_last_close() {
        let path = std::env::temp_dir().join(format!("rsipc-lock-{}", std::process::id()));
        let open =
            || OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).unwrap();
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
