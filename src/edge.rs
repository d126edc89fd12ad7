//! How results and strings cross the edge.
//!
//! A call that succeeds leaves `errno` as it was. Whatever may make system calls runs in `uncancelled`, or, where it is a
//! part of a cancellation point, in [`step`]; both put back what the C library stored on the way. An error is stored here,
//! after that, and nowhere else.

use std::ffi::{CStr, c_char, c_int, c_void};

use rsipc_core::os::Errno;
use rsipc_core::os::Result;
use rsipc_core::os::errno::kept;

/// 0 or -1 with `errno`, the way of most calls.
pub fn status(result: Result<()>) -> c_int {
    match result {
        Ok(()) => 0,
        Err(error) => fail(error, -1),
    }
}

/// `RSIPC_MUST_SLEEP` of `cbits/rsipc_cbits.h`
const MUST_SLEEP: c_int = -1;

/// A step of a wait, on the way to a call that succeeds: whatever fails in it, `errno` stays as it is until C stores the
/// error of the call.
pub fn step(done: impl FnOnce() -> c_int) -> c_int {
    kept(done)
}

/// What C is told of a wait that has been driven one step further: whether it is done.
#[inline]
pub fn answer(done: Result<bool>) -> c_int {
    match done {
        Ok(true) => 0,
        Ok(false) => MUST_SLEEP,
        Err(Errno(number)) => number,
    }
}

/// `struct rsipc_wait_kind`
#[repr(C)]
pub struct WaitKind {
    /// After a sleep.
    pub woken: unsafe extern "C" fn(*mut c_void, c_int) -> c_int,
    /// In the place of what would follow the sleep.
    pub cancelled: unsafe extern "C" fn(*mut c_void),
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
