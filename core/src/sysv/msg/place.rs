//! Where a wait for a message, or for space, takes place.

use core::mem::MaybeUninit;

use super::queue::Queue;
use super::task::Task;
use super::wait::Waiting;
use crate::os::Result;
use crate::os::futex::Interrupted;
use crate::shared::thread::{FrameTag, Thread};
use crate::shared::wait::Wait;
use crate::sysv::enter::enter;

/// Where a wait takes place. C gives the memory.
#[repr(C)]
pub struct CallStorage {
    /// There from the moment on at which the task must wait.
    pub wait: MaybeUninit<Wait<Waiting>>,
    /// Of the operation that holds the record.
    tag: FrameTag,
}

/// Places a wait in `storage`: what follows is [`Wait::begin`]. EINVAL for the id; EACCES.
///
/// # Safety
/// `storage` is valid for writing, and is not moved before the wait is over. The memory of the task
/// is valid as long.
pub unsafe fn place(
    thread: &'static Thread,
    id: i32,
    task: Task,
    storage: *mut CallStorage,
) -> Result<()> {
    // SAFETY: valid for writing, says the caller; the tag is initialised before it is borrowed.
    let tag = unsafe {
        (&raw mut (*storage).tag).write(FrameTag::new());
        &(*storage).tag
    };
    let mut entered = enter::<Queue>(thread, id, tag)?;
    // The word that the kernel watches is needed for what is owed.
    entered.operation.claim_by_presence();
    let waiting = Waiting::new(entered, task);
    // SAFETY: valid for writing, says the caller.
    unsafe { Wait::place((&raw mut (*storage).wait).cast(), waiting, Interrupted::Fails) };
    Ok(())
}
