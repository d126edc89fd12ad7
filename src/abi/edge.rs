//! How results and strings cross the edge.

use std::ffi::{CStr, c_char, c_int};

use crate::sys::{Errno, Result};

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

unsafe extern "C" {
    fn pthread_setcancelstate(state: c_int, before: *mut c_int) -> c_int;
}

/// `PTHREAD_CANCEL_DISABLE` of pthread.h
const DISABLE: c_int = 1;

/// Runs what is no cancellation point, although it makes system calls that are: a thread that is cancelled must not
/// unwind through Rust.
pub fn uncancelled<T>(call: impl FnOnce() -> T) -> T {
    let mut before = DISABLE;
    // SAFETY: `before` is valid for writing. No error is possible with a valid state.
    unsafe { pthread_setcancelstate(DISABLE, &raw mut before) };
    let result = call();
    // SAFETY: the state is the one that was in force; NULL for the old one is allowed in glibc.
    unsafe { pthread_setcancelstate(before, core::ptr::null_mut()) };
    result
}
