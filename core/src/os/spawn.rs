//! Threads of our own in somebody else's program.

use std::thread::Builder;

use crate::os::errno::{Errno, Result};

/// Enough for what such a thread does; the stack is only used where it is touched.
const STACK: usize = 128 * 1024;

/// Starts a thread that no signal of the program is delivered to. EAGAIN when there can be no more threads.
pub fn background(name: &str, run: impl FnOnce() + Send + 'static) -> Result<()> {
    // SAFETY: both sets are valid; a new thread inherits the mask of its maker.
    unsafe {
        let (mut all, mut before): (libc::sigset_t, libc::sigset_t) = core::mem::zeroed();
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
        let started = Builder::new().name(name.into()).stack_size(STACK).spawn(run);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, core::ptr::null_mut());
        started.map(drop).map_err(|error| Errno(error.raw_os_error().unwrap_or(libc::EAGAIN)))
    }
}
