//! Before and after each call.

use watch_run::calls::number;
use watch_run::tables::{Gap, mode};

use crate::call::Call;
use crate::{chaos, check, frames, run, slots, system, trace, who};

/// What needs the objects of the calls: findings, names in the trace, and the memory that is shown
/// where chaos has made the result wrong.
const KNOWS: u32 = mode::CHECK | mode::TRACE | mode::CHAOS;

/// Before the call is made; an errno if it is not to be made. Async-signal-safe where the call is,
/// and leaves errno alone.
#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_watch_before(call: *mut Call) -> i32 {
    let Some(run) = run::current() else { return 0 };
    // SAFETY: the caller's own.
    let call = unsafe { &mut *call };
    let errno = system::errno();
    who::ask();
    let checks = run::has_mode(run, mode::CHECK);
    let knows = run::has_mode(run, KNOWS);
    let is_ours = call.number != number::MUNMAP;
    let mut refused = 0;
    if is_ours && run::has_mode(run, mode::CHAOS) {
        refused = chaos::before(run, call);
    }
    call.began = system::now();
    let mut in_handler = false;
    if is_ours {
        frames::enter(run, call);
        let (slot, is_in) = slots::enter(run, call, checks);
        frames::set_slot(call, slot);
        in_handler = is_in;
    } else if frames::depth(run) > 0 {
        system::set_errno(errno);
        return 0;
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
    // A handler may have forked meanwhile, and its child have returned from it.
    who::ask();
    call.ended = system::now();
    let is_ours = call.number != number::MUNMAP;
    if is_ours {
        slots::leave(run, call.slot);
    }
    if run::has_mode(run, KNOWS) && (is_ours || frames::depth(run) == 0) {
        check::after(run, call);
    }
    if is_ours {
        frames::leave(run, call);
        if run::has_mode(run, mode::TRACE) {
            if system::has_stack() {
                trace::record(run, call);
            } else {
                run::note_missed(run, Gap::Stack);
            }
        }
        if run::has_mode(run, mode::CHAOS) && call.has_returned != 0 {
            chaos::after(run, call);
        }
    }
    system::set_errno(errno);
}
