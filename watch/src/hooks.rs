//! Before and after each call.

use watch_run::calls::number;
use watch_run::tables::mode;

use crate::call::Call;
use crate::{chaos, check, memory, run, slots, system, trace};

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
            if system::has_stack() {
                trace::record(run, call);
            } else {
                run::note_missed(run);
            }
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
