//! A barrier in all threads of the process, or of all processes, paid for by the one who needs it
//! (membarrier(2)).
//!
//! Who uses an object stores a hazard pointer and then looks whether the object still stands. The
//! processor may do the look first, so there must be a barrier in between. That of the users is
//! left out: the one who takes objects down runs a barrier in all of them, after which each of them
//! either has its hazard pointer visible or will see that the object is gone. In the same way a
//! sender stores a message and then looks whether anybody wants to be notified, and who registers
//! runs a barrier in the threads of all processes.

use core::sync::atomic::{AtomicBool, Ordering, compiler_fence, fence};

use crate::os::errno::Errno;

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
static EVERYBODY_PAYS: AtomicBool = AtomicBool::new(false);

/// To be called before the first object stands.
pub fn prepare() {
    if membarrier(REGISTER_PRIVATE_EXPEDITED).is_err() {
        EVERYBODY_PAYS.store(true, Ordering::SeqCst);
    }
    let _ = membarrier(REGISTER_GLOBAL_EXPEDITED);
}

/// The users' side: between the hazard pointer and the look; and the sender's, between the message
/// and the look.
#[inline]
pub fn light() {
    compiler_fence(Ordering::SeqCst);
    // Relaxed: stored before any object stood.
    if EVERYBODY_PAYS.load(Ordering::Relaxed) {
        fence(Ordering::SeqCst);
    }
}

/// The other side: after the object can be found no more, before the look at the hazard pointers.
pub fn heavy() {
    fence(Ordering::SeqCst);
    if EVERYBODY_PAYS.load(Ordering::Relaxed) {
        return;
    }
    // The child of a fork has the objects of its parent, but perhaps not the registration.
    if membarrier(PRIVATE_EXPEDITED) == Err(Errno::EPERM) {
        let _ = membarrier(REGISTER_PRIVATE_EXPEDITED);
        let _ = membarrier(PRIVATE_EXPEDITED);
    }
}

/// A barrier in all threads of all processes that have called [`prepare`]. Where the kernel refuses
/// it (before Linux 4.3, and under some filters), those to which it does so run one each time.
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
