//! How results and strings cross the edge.
//!
//! A call that succeeds leaves `errno` as it was. Whatever may make system calls runs in
//! `uncancelled`, or, where it is a part of a cancellation point, in `wait::step`; both put back
//! what the C library stored on the way. An error is stored here, after that, and nowhere else.

use std::ffi::{CStr, c_char, c_int};

use rsipc_core::os::Errno;
use rsipc_core::os::Result;
use rsipc_core::os::user::readable;

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

/// The caller's string. EFAULT for one that cannot be read up to its end, where glibc would crash.
///
/// # Safety
/// Whatever of `string` can be read, up to a 0, lives through the call.
pub unsafe fn string<'a>(string: *const c_char) -> Result<&'a CStr> {
    // SAFETY: says the caller.
    unsafe { string_within(string, usize::MAX) }
}

/// The caller's name of a queue, which the kernel copies: EFAULT as above, but ENAMETOOLONG if the
/// end of the name is not among the bytes that the kernel looks at, and EINVAL if it does not begin
/// with a slash, which glibc looks at first.
///
/// # Safety
/// As for [`string`].
pub unsafe fn name_of_queue<'a>(name: *const c_char) -> Result<&'a CStr> {
    const LONGEST: usize = libc::PATH_MAX.cast_unsigned() as usize;
    // SAFETY: it can be read.
    if unsafe { *readable(name, 1)? }.to_ne_bytes() != [b'/'] {
        return Err(Errno::EINVAL);
    }
    // SAFETY: says the caller.
    unsafe { string_within(name, LONGEST) }
}

/// ENAMETOOLONG if there are more bytes in front of the 0.
///
/// # Safety
/// As for [`string`].
unsafe fn string_within<'a>(string: *const c_char, longest: usize) -> Result<&'a CStr> {
    /// The smallest pages there are, in bytes.
    const PAGE: usize = 4096;
    let mut length = 0;
    loop {
        let rest = readable(string.wrapping_add(length), 1)?;
        let in_page = PAGE - rest.addr() % PAGE;
        // SAFETY: the page can be read.
        let found = unsafe { libc::strnlen(rest, in_page) };
        length += found;
        if length > longest {
            return Err(Errno::ENAMETOOLONG);
        }
        if found < in_page {
            // SAFETY: all of it can be read, and this is where the first 0 is.
            let bytes = unsafe { core::slice::from_raw_parts(string.cast(), length + 1) };
            return CStr::from_bytes_with_nul(bytes).map_err(|_| Errno::EINVAL);
        }
    }
}
