//! Disables pthread_cancel(3) while Rust code runs: cancellation unwinds the stack of the thread by
//! force, through whatever frames are on it.

use core::ffi::c_int;

use super::errno::preserved;

unsafe extern "C" {
    fn pthread_setcancelstate(state: c_int, before: *mut c_int) -> c_int;
}

/// `PTHREAD_CANCEL_DISABLE` of pthread.h
const DISABLE: c_int = 1;

/// Runs code that makes system calls which are cancellation points, without being one, and
/// preserves `errno`: a call of the C API that succeeds leaves it unchanged, whatever failed on the
/// way.
pub fn uncancelled<T>(call: impl FnOnce() -> T) -> T {
    let mut before = DISABLE;
    // SAFETY: `before` is valid for writing. No error is possible with a valid state.
    unsafe { pthread_setcancelstate(DISABLE, &raw mut before) };
    let result = preserved(call);
    // SAFETY: the state is the one that was in force; NULL for the old one is allowed in glibc.
    unsafe { pthread_setcancelstate(before, core::ptr::null_mut()) };
    result
}
