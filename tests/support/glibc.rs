//! The C library of this machine.

use std::ffi::CStr;

/// Its version: 2.36 is (2, 36).
pub fn glibc_version() -> (u32, u32) {
    // SAFETY: a constant string.
    let version = unsafe { CStr::from_ptr(libc::gnu_get_libc_version()) }.to_string_lossy();
    let mut numbers = version.split('.').map(|number| number.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}
