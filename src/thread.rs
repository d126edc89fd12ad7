//! The block of the calling thread, as the entries need it (`cbits/thread.c`).

use core::cell::Cell;

use rsipc_core::os::Result;
use rsipc_core::os::errno::kept;
use rsipc_core::shared::thread::Thread;

unsafe extern "C" {
    fn rsipc_thread_watch();
    fn rsipc_thread_slot() -> *const Cell<*const Thread>;
}

/// The block of this thread. ENOMEM.
pub fn this_thread() -> Result<&'static Thread> {
    // SAFETY: the thread's own variable, which lives as long as the thread.
    thread_of(unsafe { &*rsipc_thread_slot() })
}

/// The block that this thread-local variable leads to, made if there is none. ENOMEM.
#[inline(always)]
pub fn thread_of(slot: &Cell<*const Thread>) -> Result<&'static Thread> {
    match Thread::current(slot) {
        Some(thread) => Ok(thread),
        None => adopt_thread(slot),
    }
}

#[cold]
fn adopt_thread(slot: &Cell<*const Thread>) -> Result<&'static Thread> {
    kept(|| {
        let thread = Thread::adopt(slot)?;
        // SAFETY: takes no arguments.
        unsafe { rsipc_thread_watch() };
        Ok(thread)
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_thread_retire(thread: *const Thread) {
    // SAFETY: C gives back the block that the thread has used until now. Blocks are never unmapped.
    unsafe { &*thread }.retire();
}
