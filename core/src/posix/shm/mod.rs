//! Shared memory objects: files with the names, flags and errors of glibc, so that plain programs
//! share them.

use std::ffi::{CStr, CString, c_int};
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use crate::object::names::{self, Refused};
use crate::os::Errno;
use crate::os::Result;
use crate::os::errno::preserved;

/// Set whatever the caller's flags are.
const FLAGS: c_int = libc::O_NOFOLLOW | libc::O_CLOEXEC;
/// Flags that F_SETFL of fcntl(2) changes, and open(2) takes as well.
const CHANGEABLE: c_int = libc::O_APPEND | libc::O_DIRECT | libc::O_NOATIME;

/// A descriptor of the object of this name, opened with these flags of open(2). The umask applies
/// to the mode.
///
/// Errors: EINVAL for a malformed name or a directory; otherwise those of open(2). POSIX.1-2017,
/// `shm_open`.
pub fn open(name: &CStr, flags: c_int, mode: u32) -> Result<OwnedFd> {
    let path = names::path("", name).map_err(Refused::on_open)?;
    let path = CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno::EINVAL)?;
    // SAFETY: `path` is a C string. Whatever the flags are, the kernel checks them.
    // With O_NONBLOCK, as the name may be that of a FIFO.
    let fd = unsafe { libc::open(path.as_ptr(), flags | FLAGS | libc::O_NONBLOCK, mode) };
    if fd >= 0 {
        if flags & libc::O_NONBLOCK == 0 {
            // SAFETY: no pointer.
            let call =
                || unsafe { libc::syscall(libc::SYS_fcntl, fd, libc::F_SETFL, flags & CHANGEABLE) };
            preserved(call);
        }
        // SAFETY: no other thread has this new descriptor.
        return Ok(unsafe { OwnedFd::from_raw_fd(fd) });
    }
    match Errno::last() {
        Errno::EISDIR => Err(Errno::EINVAL),
        other => Err(other),
    }
}

/// Removes the name; processes that have the object open or mapped keep it. POSIX.1-2017,
/// `shm_unlink`.
pub fn unlink(name: &CStr) -> Result<()> {
    names::unlink(names::path("", name).map_err(Refused::on_unlink))
}
