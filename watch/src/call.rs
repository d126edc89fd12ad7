//! A call while it is made.

use std::ffi::c_void;

use watch_run::calls::CALLS;

/// One call, on the stack of who makes it: `struct rsipc_watch_call`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Call {
    pub number: u64,
    pub arguments: [u64; 6],
    pub site: *const c_void,
    pub result: i64,
    pub error: i32,
    pub has_returned: i32,
    pub began: u64,
    pub ended: u64,
    /// Room for a check.
    pub hash: u64,
    /// Of `chaos`, and which call of the thread this is.
    pub decision: u64,
    pub turn: u64,
    pub slot: i32,
    /// The index of the object in the book; -1: unknown.
    pub object: i32,
    /// Room for a check.
    pub value: i32,
    /// There was no such object before.
    pub is_new: i32,
    /// A number of this call alone: what has another one there is no longer this call.
    pub tag: u64,
}

const _: () = assert!(size_of::<Call>() == 16 * 8 + 16, "watch.h has this size");

impl Call {
    pub fn index(&self) -> usize {
        usize::try_from(self.number).unwrap_or(0).min(CALLS.len() - 1)
    }

    pub fn name(&self) -> &'static str {
        CALLS[self.index()].name
    }

    pub fn has_succeeded(&self) -> bool {
        self.has_returned != 0 && self.error == 0
    }

    pub fn object(&self) -> Option<usize> {
        usize::try_from(self.object).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_number_the_calls_alike() {
        unsafe extern "C" {
            safe fn rsipc_watch_name(number: u32) -> *const std::ffi::c_char;
        }
        for (index, call) in (0..).zip(&CALLS) {
            // SAFETY: a C string, for there are as many names.
            let name = unsafe { std::ffi::CStr::from_ptr(rsipc_watch_name(index)) };
            assert_eq!(name.to_str(), Ok(call.name));
        }
        assert!(rsipc_watch_name(u32::try_from(CALLS.len()).unwrap()).is_null());
    }
}
