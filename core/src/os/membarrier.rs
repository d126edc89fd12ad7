//! Barriers in all threads of the process, or of all processes, at the expense of the caller
//! (membarrier(2)).
//!
//! A thread that uses an object stores a hazard pointer, and then checks that the object still
//! exists. The processor may reorder the two, so a barrier is needed between them. The user of the
//! object omits it. The thread that takes objects down runs a barrier in all threads instead: after
//! that, each user either has made its hazard pointer visible, or will see that the object is gone.
//! In the same way a sender stores a message and then checks whether a process wants to be
//! notified, and a process that registers runs a barrier in the threads of all processes.

use crate::atomic::{AtomicBool, Ordering, compiler_fence, fence};
use crate::os::errno::Errno;
use crate::os::{filter, process};

/// `MEMBARRIER_CMD_PRIVATE_EXPEDITED` and its registration, linux/membarrier.h
const PRIVATE_EXPEDITED: i32 = 1 << 3;
const REGISTER_PRIVATE_EXPEDITED: i32 = 1 << 4;

/// `MEMBARRIER_CMD_GLOBAL_EXPEDITED`, its registration, and the same for all threads of the system,
/// slowly.
const GLOBAL_EXPEDITED: i32 = 1 << 1;
const REGISTER_GLOBAL_EXPEDITED: i32 = 1 << 2;
const GLOBAL: i32 = 1;

/// Set before the first object exists, where the kernel has no membarrier, or none of this kind
/// (before Linux 4.14).
static NO_MEMBARRIER: AtomicBool = AtomicBool::new(false);

/// There was a filter then, and it has not killed for the call: that of a container, or of a
/// service manager.
static HAD_FILTER: AtomicBool = AtomicBool::new(false);

/// To be called before the first object exists. Asks the kernel once in each process.
pub fn prepare() {
    let is_in_barriers = process::is_in_barriers();
    // Acquire, with the Release below: the kernel knows of the process before it has an object.
    if is_in_barriers.load(Ordering::Acquire) {
        return;
    }
    filter::look_while_opening();
    HAD_FILTER.store(filter::is_any(), Ordering::SeqCst);
    if membarrier(REGISTER_PRIVATE_EXPEDITED).is_err() {
        NO_MEMBARRIER.store(true, Ordering::SeqCst);
    }
    let _ = membarrier(REGISTER_GLOBAL_EXPEDITED);
    is_in_barriers.store(true, Ordering::Release);
}

/// The users' side: between storing the hazard pointer and the check; and the sender's side,
/// between storing the message and the check.
#[inline]
pub fn light() {
    compiler_fence(Ordering::SeqCst);
    // Relaxed: stored before any object stood.
    if NO_MEMBARRIER.load(Ordering::Relaxed) {
        fence(Ordering::SeqCst);
    }
}

/// Whether the calling thread may call [`heavy`]: a filter that has come since [`prepare`] may kill
/// for it. If not, what could be given back after it stays. `is_confined`: what the thread has
/// found (`filter`).
pub fn may_call(is_confined: impl FnOnce() -> bool) -> bool {
    // Relaxed: stored before any object stood.
    NO_MEMBARRIER.load(Ordering::Relaxed)
        || HAD_FILTER.load(Ordering::Relaxed)
        || !is_confined()
        || !filter::is_any()
}

/// The other side: after the object cannot be found any more, and before the hazard pointers are
/// checked.
pub fn heavy() {
    fence(Ordering::SeqCst);
    if NO_MEMBARRIER.load(Ordering::Relaxed) {
        return;
    }
    // The child of a fork has the objects of its parent, but perhaps not the registration.
    if membarrier(PRIVATE_EXPEDITED) == Err(Errno::EPERM) {
        let _ = membarrier(REGISTER_PRIVATE_EXPEDITED);
        let _ = membarrier(PRIVATE_EXPEDITED);
    }
}

/// A barrier in all threads of all processes that have called [`prepare`]. Where the kernel refuses
/// it (before Linux 4.3, and under some filters), the processes that were refused run a barrier
/// each time.
pub fn everywhere() {
    fence(Ordering::SeqCst);
    if membarrier(GLOBAL_EXPEDITED).is_err() {
        let _ = membarrier(GLOBAL);
    }
}

fn membarrier(command: i32) -> Result<(), Errno> {
    // SAFETY: takes no pointer.
    if unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) } == 0 {
        Ok(())
    } else {
        Err(Errno::last())
    }
}
