//! Before and after each call.

use std::ffi::c_void;

use watch_run::calls::{CALLS, number};
use watch_run::tables::mode;

use crate::{chaos, check, memory, run, slots, system, trace};

/// One call, on the stack of who makes it: `struct rsipc_watch_call`.
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
}

const _: () = assert!(size_of::<Call>() == 15 * 8 + 16, "watch.h has this size");

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

/// Before the call is made; an errno if it is not to be made. Async-signal-safe where the call is,
/// and leaves errno alone.
#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_watch_before(call: *mut Call) -> i32 {
    let Some(run) = run::current() else { return 0 };
    // SAFETY: the caller's own.
    let call = unsafe { &mut *call };
    let errno = system::errno();
    let checks = run::has_mode(run, mode::CHECK);
    let knows = run::has_mode(run, mode::CHECK | mode::TRACE);
    let is_ours = call.number != number::MUNMAP;
    let mut refused = 0;
    if is_ours && run::has_mode(run, mode::CHAOS) {
        refused = chaos::before(run, call);
    }
    call.began = system::now();
    let mut in_handler = false;
    if change_depth(is_ours, true) > 0 && !is_ours {
        system::set_errno(errno);
        return 0;
    }
    if is_ours {
        (call.slot, in_handler) = slots::enter(run, call, checks);
    }
    if knows {
        check::before(run, call, in_handler);
    }
    system::set_errno(errno);
    refused
}

/// After it has returned, or as its thread is cancelled in it. As [`rsipc_watch_before`].
#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_watch_after(call: *mut Call) {
    let Some(run) = run::current() else { return };
    // SAFETY: the caller's own.
    let call = unsafe { &mut *call };
    let errno = system::errno();
    call.ended = system::now();
    slots::leave(run, call.slot);
    let is_ours = call.number != number::MUNMAP;
    let is_outermost = change_depth(false, false) == u32::from(is_ours);
    if run::has_mode(run, mode::CHECK | mode::TRACE) && (is_ours || is_outermost) {
        check::after(run, call);
    }
    if is_ours {
        change_depth(true, false);
        if run::has_mode(run, mode::TRACE) {
            trace::record(run, call);
        }
        if run::has_mode(run, mode::CHAOS) && call.has_returned != 0 {
            chaos::after(run, call);
        }
    }
    system::set_errno(errno);
}

/// How many watched calls the thread was in before; one more or less from now on, if it is one.
fn change_depth(is_ours: bool, enters: bool) -> u32 {
    // SAFETY: a handler that interrupts this leaves the number as it has found it.
    let own = unsafe { memory::own() };
    let before = own.depth;
    if is_ours {
        own.depth = if enters { before + 1 } else { before.saturating_sub(1) };
    }
    before
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
