//! Names of users and groups.

use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int};
use std::mem::MaybeUninit;
use std::ptr;

/// Names that were looked up already: a look-up may go to a server.
#[derive(Default)]
pub struct Users {
    names: HashMap<u32, String>,
}

impl Users {
    /// The user's name, or the number when it has none.
    pub fn name(&mut self, uid: u32) -> &str {
        self.names.entry(uid).or_insert_with(|| user(uid).unwrap_or_else(|| uid.to_string()))
    }
}

/// The user's name.
pub fn user(uid: u32) -> Option<String> {
    look_up(|buffer, found| {
        let mut entry = MaybeUninit::<libc::passwd>::uninit();
        let mut result = ptr::null_mut();
        // SAFETY: all pointers are valid for writing, and the length is that of the buffer.
        let error = unsafe {
            libc::getpwuid_r(
                uid,
                entry.as_mut_ptr(),
                buffer.as_mut_ptr(),
                buffer.len(),
                &raw mut result,
            )
        };
        if !result.is_null() {
            // SAFETY: found, so the entry is initialised and its strings lie in the buffer.
            *found = unsafe { (*result).pw_name };
        }
        error
    })
}

/// Names of a user and a group, or the numbers where they have none.
pub fn names((uid, gid): (u32, u32)) -> (String, String) {
    (user(uid).unwrap_or_else(|| uid.to_string()), group(gid).unwrap_or_else(|| gid.to_string()))
}

/// The group's name.
pub fn group(gid: u32) -> Option<String> {
    look_up(|buffer, found| {
        let mut entry = MaybeUninit::<libc::group>::uninit();
        let mut result = ptr::null_mut();
        // SAFETY: all pointers are valid for writing, and the length is that of the buffer.
        let error = unsafe {
            libc::getgrgid_r(
                gid,
                entry.as_mut_ptr(),
                buffer.as_mut_ptr(),
                buffer.len(),
                &raw mut result,
            )
        };
        if !result.is_null() {
            // SAFETY: found, so the entry is initialised and its strings lie in the buffer.
            *found = unsafe { (*result).gr_name };
        }
        error
    })
}

/// Calls with a larger and larger buffer, until the entry fits.
fn look_up(call: impl Fn(&mut [c_char], &mut *const c_char) -> c_int) -> Option<String> {
    const LARGEST: usize = 1 << 20;
    let mut buffer = vec![0; 1024];
    loop {
        let mut name = ptr::null();
        match call(&mut buffer, &mut name) {
            libc::ERANGE if buffer.len() < LARGEST => buffer.resize(buffer.len() * 4, 0),
            _ if name.is_null() => return None,
            // SAFETY: a C string in the buffer, which lives on.
            _ => return Some(super::escape::text(unsafe { CStr::from_ptr(name) }.to_bytes())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_has_a_name_and_others_have_a_number() {
        let mut users = Users::default();
        assert_eq!(users.name(0), "root");
        assert_eq!(users.name(4_000_000_000), "4000000000");
        assert_eq!(group(0).as_deref(), Some("root"));
    }
}
