//! What tells a program that it runs on this library.

use std::ffi::{CStr, c_char};

const VERSION: &CStr =
    match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => unreachable!(),
    };

/// The version of librsipc, such as "0.1.0". The string lives as long as the library is loaded.
#[unsafe(no_mangle)]
pub extern "C" fn rsipc_version() -> *const c_char {
    VERSION.as_ptr()
}
