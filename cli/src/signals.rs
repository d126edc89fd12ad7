//! Signals that a thread waits for, in the place of handlers.

use std::ffi::c_int;
use std::mem;
use std::ptr;

/// Signals that are blocked, and waited for here.
#[derive(Clone, Copy)]
pub struct Blocked(libc::sigset_t);

impl Blocked {
    /// To be called before there is another thread: those that are started later block them too.
    pub fn new(signals: impl IntoIterator<Item = c_int>) -> Self {
        let set = set_of(signals);
        // SAFETY: the set is valid.
        unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, ptr::null_mut()) };
        Self(set)
    }

    /// The next one that comes.
    pub fn wait(&self) -> libc::siginfo_t {
        loop {
            // SAFETY: plain data, filled in by the call.
            let mut info: libc::siginfo_t = unsafe { mem::zeroed() };
            // SAFETY: both are valid.
            if unsafe { libc::sigwaitinfo(&raw const self.0, &raw mut info) } > 0 {
                return info;
            }
        }
    }
}

/// Does something during which this signal waits; it comes when that is done.
pub fn hold_back<T>(signal: c_int, work: impl FnOnce() -> T) -> T {
    let set = set_of([signal]);
    let mut before = set_of([]);
    // SAFETY: both sets are valid.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, &raw mut before) };
    let done = work();
    // SAFETY: a mask that the thread has had.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, ptr::null_mut()) };
    done
}

fn set_of(signals: impl IntoIterator<Item = c_int>) -> libc::sigset_t {
    // SAFETY: plain data, filled in by the calls.
    unsafe {
        let mut set: libc::sigset_t = mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for signal in signals {
            libc::sigaddset(&raw mut set, signal);
        }
        set
    }
}

/// Ends the process by this signal, as if it had never been caught.
pub fn die_by(signal: c_int) {
    let set = set_of([signal]);
    // SAFETY: the default action is no function that could be called; the set is valid.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, ptr::null_mut());
        libc::raise(signal);
    }
}
