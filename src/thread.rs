//! The block of the calling thread, as the entries need it (`cbits/thread.c`).

use core::cell::Cell;

use rsipc_core::os::filter::Found;
use rsipc_core::os::{Errno, Result};
use rsipc_core::shared::thread::Thread;

unsafe extern "C" {
    pub fn rsipc_thread_slot() -> *const Cell<*const Thread>;
}

/// The block of this thread. ENOMEM.
pub fn this_thread() -> Result<&'static Thread> {
    // SAFETY: the thread's own variable, which lives as long as the thread.
    thread_of(unsafe { &*rsipc_thread_slot() })
}

/// Repeats a call that finds that it is in the child of a fork, made by a handler in the middle of
/// it: the block of this thread is a new one.
pub fn on_this_thread<T>(call: impl Fn(&'static Thread) -> Result<T>) -> Result<T> {
    loop {
        match call(this_thread()?) {
            Err(Errno::ERESTART) => {}
            result => return result,
        }
    }
}

/// The block that this thread-local variable leads to, made if there is none. ENOMEM.
#[inline(always)]
pub fn thread_of(slot: &Cell<*const Thread>) -> Result<&'static Thread> {
    match Thread::current(slot) {
        Some(thread) => Ok(thread),
        None => Thread::assign(slot),
    }
}

/// The block of this thread for a wait that glibc would make with futex(2) alone: `None` where it
/// must be made so.
pub fn unconfined_thread() -> Option<&'static Thread> {
    // SAFETY: the thread's own variable, which lives as long as the thread.
    let slot = unsafe { &*rsipc_thread_slot() };
    match Thread::current(slot) {
        Some(thread) => (!thread.filter.is_confined()).then_some(thread),
        // To make a block takes system calls, too.
        None if Found::default().is_confined() => None,
        None => Thread::assign(slot).ok(),
    }
}
