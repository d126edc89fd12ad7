//! Whether segments are the kernel's or ours.
//!
//! `RSIPC_SYSV` decides. Where it is not set, they are the kernel's, so that a program shares them
//! with programs without the library; where the kernel refuses to make any, they are ours.

use crate::atomic::{AtomicU8, Ordering};
use crate::os::Errno;
use crate::os::errno::preserved;
use crate::os::settings::{self, Memory};

/// What the kernel has answered to the first call of the process: 0 = not asked yet, [`OURS`] or
/// [`KERNELS`]. Each thread that asks finds the same, and stores it; Relaxed, as it is all there is
/// to know. The child of a fork goes on with it, so that it finds the segments of its parent.
static ANSWER: AtomicU8 = AtomicU8::new(0);

const OURS: u8 = 1;
const KERNELS: u8 = 2;

/// Whether segments are ours: the same for as long as the program runs. Makes at most one system
/// call, at the first call. Leaves `errno` alone.
pub fn is_ours() -> bool {
    match settings::get().sysv.memory {
        Memory::Ours => true,
        Memory::Kernels => false,
        Memory::AsPermitted => match ANSWER.load(Ordering::Relaxed) {
            0 => ask(),
            answer => answer == OURS,
        },
    }
}

#[cold]
fn ask() -> bool {
    // A segment of no bytes is EINVAL wherever there can be segments.
    let refusal = preserved(|| {
        // SAFETY: takes no pointer.
        let made = unsafe { libc::syscall(libc::SYS_shmget, libc::IPC_PRIVATE, 0, 0) };
        if made < 0 { Some(Errno::last()) } else { None }
    });
    // A kernel without System V, or a filter.
    let ours = matches!(refusal, Some(Errno::ENOSYS | Errno::EPERM));
    ANSWER.store(if ours { OURS } else { KERNELS }, Ordering::Relaxed);
    ours
}
