//! Which process and thread this is. It is asked once for each hook, by gettid(2): as long as the
//! answer stays the same, so does the process. That notices every kind of child: one of fork(2), of
//! a bare clone(2), and one of vfork(2), which has its parent's memory.

use std::sync::atomic::{AtomicI32, Ordering};

use crate::system;

/// The last answers, of this thread alone: `struct rsipc_watch_who`.
#[repr(C)]
struct Who {
    /// 0: not asked yet.
    tid: AtomicI32,
    /// Stored before `tid`: a handler that comes in between asks again.
    pid: AtomicI32,
}

const _: () = {
    assert!(core::mem::offset_of!(Who, tid) == 0, "watch.h has it there");
    assert!(core::mem::offset_of!(Who, pid) == 4, "watch.h has it there");
};

unsafe extern "C" {
    fn rsipc_watch_who() -> *const Who;
}

fn known() -> &'static Who {
    // SAFETY: it lives as long as the thread, which keeps no reference to it beyond its end, and
    // zeros are a value of it.
    unsafe { &*rsipc_watch_who() }
}

/// A hook begins.
pub fn ask() {
    let (who, tid) = (known(), system::tid());
    if who.tid.load(Ordering::Relaxed) != tid {
        who.pid.store(system::pid(), Ordering::Relaxed);
        who.tid.store(tid, Ordering::Release);
    }
}

/// This process.
pub fn pid() -> i32 {
    tid();
    known().pid.load(Ordering::Relaxed)
}

/// This thread.
pub fn tid() -> i32 {
    if known().tid.load(Ordering::Acquire) == 0 {
        ask();
    }
    known().tid.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    extern "C" fn child(_: *mut libc::c_void) -> libc::c_int {
        ask();
        let own = system::pid();
        i32::from((pid(), tid()) == (own, own))
    }

    /// Whether a child of clone(2), which no fork handler sees, knows itself.
    fn is_noticed(flags: libc::c_int) -> bool {
        ask();
        let parent = (pid(), tid());
        let mut stack = vec![0_u128; 1 << 12];
        // SAFETY: the child has the stack to itself, and ends; with CLONE_VM the parent waits for
        // that.
        unsafe {
            let top = stack.as_mut_ptr().add(stack.len()).cast();
            let child = libc::clone(child, top, flags | libc::SIGCHLD, std::ptr::null_mut());
            assert!(child > 0, "clone failed");
            let mut status = 0;
            assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
            ask();
            assert_eq!((pid(), tid()), parent);
            libc::WEXITSTATUS(status) == 1
        }
    }

    #[test]
    fn a_child_of_a_bare_clone_knows_itself() {
        assert!(is_noticed(0));
    }

    #[test]
    fn a_child_that_shares_our_memory_knows_itself() {
        assert!(is_noticed(libc::CLONE_VM | libc::CLONE_VFORK));
    }

    #[test]
    fn each_thread_knows_itself() {
        ask();
        let (own, process) = (tid(), pid());
        let other = std::thread::spawn(|| (tid(), pid(), system::tid())).join().unwrap();
        assert_eq!((other.0, other.1), (other.2, process));
        assert_ne!(other.0, own);
    }
}
