//! How results and strings cross the edge.
//!
//! A call that succeeds leaves `errno` as it was. Whatever may make system calls runs in
//! `uncancelled`, or, where it is a part of a cancellation point, in `wait::step`; both put back
//! what the C library stored on the way. An error is stored here, after that, and nowhere else.

use std::ffi::{CStr, c_char, c_int};

use rsipc_core::os::Errno;
use rsipc_core::os::Result;

/// 0 or -1 with `errno`, the way of most calls.
pub fn status(result: Result<()>) -> c_int {
    match result {
        Ok(()) => 0,
        Err(error) => fail(error, -1),
    }
}

/// Sets `errno` and gives back what the call returns when it fails.
#[cold]
pub fn fail<T>(Errno(number): Errno, failed: T) -> T {
    // SAFETY: the location is valid in each thread.
    unsafe { *libc::__errno_location() = number };
    failed
}

/// The caller's string. EFAULT for NULL, where glibc would crash.
///
/// # Safety
/// `string` is NULL or a C string that lives through the call.
pub unsafe fn string<'a>(string: *const c_char) -> Result<&'a CStr> {
    if string.is_null() {
        return Err(Errno::EFAULT);
    }
    // SAFETY: not NULL, so it is a C string, says the caller.
    Ok(unsafe { CStr::from_ptr(string) })
}
