//! Threads of one process register one after the other, since a lock of the process does not
//! exclude its own threads. Nor may a thread close a descriptor of the library's own while another
//! registers, which would end the registration.

use super::signal;
use crate::atomic::{AtomicU32, Ordering};
use crate::os::signals::Blocked;
use crate::shared::pause::Pause;

/// The calling thread's turn. It ends when this is dropped.
#[must_use]
pub struct Guard {
    _blocked: Blocked,
}

/// The thread whose turn it is; 0 = none. Taken by CAS, given back by that thread. In the child of
/// a fork it may name a thread that is not there.
static OWNER: AtomicU32 = AtomicU32::new(0);

impl Guard {
    /// Waits for it. Async-signal-safe, as no handler ever interrupts a turn.
    pub fn take() -> Self {
        let blocked = Blocked::all();
        // SAFETY: takes no arguments.
        let own = u32::try_from(unsafe { libc::syscall(libc::SYS_gettid) }).unwrap_or(0);
        let mut pause = Pause::default();
        loop {
            let holder = OWNER.load(Ordering::SeqCst);
            // If it names this thread, it is out of date: no thread takes two turns at once.
            let is_free = holder == 0 || holder == own || !is_thread_of_this_process(holder);
            if is_free
                && OWNER.compare_exchange(holder, own, Ordering::SeqCst, Ordering::SeqCst).is_ok()
            {
                return Self { _blocked: blocked };
            }
            if !pause.wait() {
                pause = Pause::default();
            }
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        OWNER.store(0, Ordering::SeqCst);
    }
}

fn is_thread_of_this_process(tid: u32) -> bool {
    // SAFETY: takes no pointer; signal 0 is only a question.
    unsafe { libc::syscall(libc::SYS_tgkill, signal::own_pid(), tid, 0) == 0 }
}
