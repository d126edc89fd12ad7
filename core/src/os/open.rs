//! Files that are open for the length of a call.
//!
//! Async-signal-safe: bare system calls. C's are cancellation points, and some are interposed by
//! other libraries, and by this one.

use core::ffi::CStr;
use std::os::fd::RawFd;

use super::errno::{Errno, Result};

/// A file for the length of a call. Not the C library's, which may be interposed.
pub struct Open(RawFd);

impl Open {
    /// open(2), which is close-on-exec.
    pub fn new(path: &CStr, flags: libc::c_int) -> Result<Self> {
        let flags = flags | libc::O_CLOEXEC;
        // SAFETY: a C string.
        let fd = unsafe { libc::syscall(libc::SYS_openat, libc::AT_FDCWD, path.as_ptr(), flags) };
        match RawFd::try_from(fd) {
            Ok(fd) if fd >= 0 => Ok(Self(fd)),
            _ => Err(Errno::last()),
        }
    }

    /// The descriptor.
    pub fn fd(&self) -> RawFd {
        self.0
    }

    /// read(2), which may read less. 0: the end.
    pub fn read(&self, into: &mut [u8]) -> Result<usize> {
        // SAFETY: valid for so many bytes.
        Self::count(|| unsafe {
            libc::syscall(libc::SYS_read, self.0, into.as_mut_ptr(), into.len())
        })
    }

    /// Entries of a directory: getdents64(2). 0: the end.
    pub fn entries(&self, into: &mut [u8]) -> Result<usize> {
        // SAFETY: valid for so many bytes.
        Self::count(|| unsafe {
            libc::syscall(libc::SYS_getdents64, self.0, into.as_mut_ptr(), into.len())
        })
    }

    fn count(mut call: impl FnMut() -> libc::c_long) -> Result<usize> {
        loop {
            match usize::try_from(call()) {
                Ok(count) => return Ok(count),
                Err(_) if Errno::last() == Errno::EINTR => {}
                Err(_) => return Err(Errno::last()),
            }
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        // SAFETY: a descriptor of our own.
        unsafe { libc::syscall(libc::SYS_close, self.0) };
    }
}
