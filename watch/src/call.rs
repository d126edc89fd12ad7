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
    pub sequence: u64,
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
    use std::ffi::{CStr, c_char};
    use std::mem::offset_of;

    use super::*;

    #[test]
    fn both_languages_have_the_fields_at_the_same_places() {
        macro_rules! fields {
            ($($field:ident)*) => { [$((stringify!($field), offset_of!(Call, $field))),*] };
        }
        unsafe extern "C" {
            fn rsipc_watch_field(number: u32, offset: *mut usize) -> *const c_char;
        }
        let ours = fields!(number arguments site result error has_returned began ended hash
            decision sequence slot object value is_new tag);
        for (index, (name, place)) in (0..).zip(ours) {
            let mut theirs = usize::MAX;
            // SAFETY: a C string, for there are as many fields; the offset is a local variable.
            let named = unsafe { CStr::from_ptr(rsipc_watch_field(index, &raw mut theirs)) };
            assert_eq!((named.to_str(), theirs), (Ok(name), place));
        }
        let none = u32::try_from(ours.len()).unwrap();
        // SAFETY: the offset is not written.
        assert!(unsafe { rsipc_watch_field(none, std::ptr::null_mut()) }.is_null());
    }

    #[test]
    fn both_languages_number_the_calls_alike() {
        unsafe extern "C" {
            safe fn rsipc_watch_name(number: u32) -> *const c_char;
        }
        for (index, call) in (0..).zip(&CALLS) {
            // SAFETY: a C string, for there are as many names.
            let name = unsafe { CStr::from_ptr(rsipc_watch_name(index)) };
            assert_eq!(name.to_str(), Ok(call.name));
        }
        assert!(rsipc_watch_name(u32::try_from(CALLS.len()).unwrap()).is_null());
    }
}
