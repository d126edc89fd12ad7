//! The call stack of a call.

use std::ffi::c_void;

use watch_run::tables::STACK;

unsafe extern "C" {
    fn rsipc_watch_stack(counters: *mut u64, room: u32, in_handler: *mut i32) -> u32;
}

/// Frames of our own that may come first.
const OWN: usize = 12;

/// The callers, from the one that the call returns to on, zeros behind; and whether a signal
/// handler is among them.
pub fn take(site: *const c_void) -> ([u64; STACK], bool) {
    let mut all = [0; STACK + OWN];
    let mut in_handler = 0;
    let room = u32::try_from(all.len()).unwrap_or(0);
    // SAFETY: there is room for that many.
    let used = unsafe { rsipc_watch_stack(all.as_mut_ptr(), room, &raw mut in_handler) } as usize;
    let all = &all[..used.min(STACK + OWN)];
    let first = all.iter().position(|&counter| counter == site as u64);
    let mut counters = [0; STACK];
    match first {
        Some(first) => {
            for (place, counter) in counters.iter_mut().zip(&all[first..]) {
                *place = *counter;
            }
        }
        // A caller that cannot be unwound.
        None => counters[0] = site as u64,
    }
    (counters, in_handler != 0)
}
