//! Ctrl-C in the middle of a wait: the wait is withdrawn before the process ends, so that the
//! object does not count a waiter that has gone.

use std::ffi::c_int;
use std::sync::atomic::{AtomicI32, Ordering};

use crate::signals;

const SIGNALS: [c_int; 3] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP];

/// The signal that came; 0 = none yet.
static CAME: AtomicI32 = AtomicI32::new(0);

extern "C" fn remember(signal: c_int) {
    CAME.store(signal, Ordering::Relaxed);
}

/// From now on these signals end waits with EINTR.
pub fn end_waits() {
    for signal in SIGNALS {
        // SAFETY: the action is plain data that is filled in completely; the handler only stores to
        // an atomic.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = remember as extern "C" fn(c_int) as usize;
            libc::sigemptyset(&raw mut action.sa_mask);
            libc::sigaction(signal, &raw const action, std::ptr::null_mut());
        }
    }
}

/// Ends the process by the signal that came, as if it had never been caught. Returns if none came.
pub fn end_if_asked() {
    let signal = CAME.load(Ordering::Relaxed);
    if signal != 0 {
        signals::die_by(signal);
    }
}
