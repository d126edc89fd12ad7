//! The calls of `<sys/mman.h>`.

use std::ffi::{c_char, c_int};
use std::os::fd::IntoRawFd;

use libc::mode_t;

use crate::edge::{fail, status, string};
use rsipc_core::os::cancel::uncancelled;
use rsipc_core::posix::shm;

/// Opens the shared memory object `name`, and returns its descriptor. POSIX.1-2017, `shm_open`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shm_open(name: *const c_char, oflag: c_int, mode: mode_t) -> c_int {
    // SAFETY: the caller gives a C string or NULL.
    let opened = uncancelled(|| shm::open(unsafe { string(name) }?, oflag, mode));
    match opened {
        Ok(fd) => fd.into_raw_fd(),
        Err(error) => fail(error, -1),
    }
}

/// Removes the name of a shared memory object. POSIX.1-2017, `shm_unlink`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shm_unlink(name: *const c_char) -> c_int {
    // SAFETY: the caller gives a C string or NULL.
    status(uncancelled(|| shm::unlink(unsafe { string(name) }?)))
}
