//! The file that is the memory of a segment.
//!
//! It is as long as the segment was asked to be; the kernel fills its last page with zeros. Its
//! memory is reserved when it is made, so that a full file system is an error at that time, and not
//! a SIGBUS later.

use std::fs::File;
use std::os::fd::{AsRawFd, RawFd};

use super::access::Access;
use crate::object::publish::{Group, Way, publish};
use crate::os::credentials::as_effective;
use crate::os::file::{self, change_mode};
use crate::os::file_size::reserve;
use crate::os::open::Open;
use crate::os::{Errno, Result};
use crate::sysv::family::Family;
use crate::sysv::permission::Permission;

/// Makes the file. `name` is called with its inode once the memory is reserved, and before the file
/// has a name. EEXIST; ENOSPC: so much memory is not free at the moment; ENOMEM: there is not so
/// much at all; the errors of `name`.
pub fn make(
    id: i32,
    size: usize,
    permission: &Permission,
    name: impl Fn(u64) -> Result<()>,
) -> Result<()> {
    let path = Family::memory_path(id)?;
    let mode = mode(permission);
    let fill = |file: File, _: Way| {
        reserve(&file, size).map_err(|error| told(error, &file, size))?;
        change_mode(&file, mode)?;
        name(file::status(file.as_raw_fd())?.st_ino)?;
        Ok((Some(file), ()))
    };
    as_effective(|| publish(path.as_path(), (mode, Group::OfMaker), fill)).map(drop)
}

/// What the program is told when so many bytes cannot be reserved.
fn told(error: Errno, file: &File, size: usize) -> Errno {
    match error {
        Errno::EFBIG | Errno::EOVERFLOW | Errno::EINVAL => Errno::ENOMEM,
        Errno::ENOSPC if capacity(file).is_some_and(|bytes| bytes < size as u64) => Errno::ENOMEM,
        Errno::EDQUOT => Errno::ENOSPC,
        other => other,
    }
}

/// Bytes of the whole file system.
fn capacity(file: &File) -> Option<u64> {
    // SAFETY: all zeros is a value of it, and it is valid for writing.
    let (failed, found) = unsafe {
        let mut found: libc::statvfs = core::mem::zeroed();
        (libc::fstatvfs(file.as_raw_fd(), &raw mut found) != 0, found)
    };
    (!failed).then(|| found.f_blocks.saturating_mul(found.f_frsize))
}

/// The permission bits of the file. Others get no more than the mode gives. The owner and the
/// creator can always open the file, so that they cannot lock themselves out; the header decides
/// what they may do.
fn mode(permission: &Permission) -> u32 {
    0o600 | u32::from(permission.mode & 0o066)
}

/// Opens it. ENOENT: it has lost its name; EACCES. No link is followed.
pub fn open(id: i32, access: Access) -> Result<Open> {
    let path = Family::memory_path(id)?;
    let flags = access.of_open() | libc::O_NOFOLLOW | libc::O_NONBLOCK;
    as_effective(|| Open::new(path.as_c_str(), flags))
}

/// EINVAL unless the file is the memory of a segment of this size.
pub fn examine(file: RawFd, size: usize) -> Result<()> {
    let status = file::status(file)?;
    let is_sound = file::is_a(&status, libc::S_IFREG)
        && u64::try_from(status.st_size).is_ok_and(|length| length >= size as u64);
    if is_sound { Ok(()) } else { Err(Errno::EINVAL) }
}

/// Takes the name away. The memory is gone with its last mapping.
pub fn unlink(id: i32) {
    if let Ok(path) = Family::memory_path(id) {
        let path = path.as_c_str().as_ptr();
        // SAFETY: a C string. In a sticky directory it may be refused: then the name stays.
        as_effective(|| unsafe { libc::syscall(libc::SYS_unlinkat, libc::AT_FDCWD, path, 0) });
    }
}

/// Gives access to the file to the users to which this permission gives access to the memory, as
/// far as the caller can do that.
pub fn admit(id: i32, permission: &Permission) {
    let access = Access { writes: false, executes: false };
    if let Ok(file) = open(id, access) {
        as_effective(|| {
            permission.give(file.fd());
            // SAFETY: takes no pointer.
            unsafe { libc::syscall(libc::SYS_fchmod, file.fd(), mode(permission)) };
        });
    }
}
