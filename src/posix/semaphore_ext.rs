//! The calls on semaphores that `<semaphore.h>` does not have.

use std::ffi::c_int;

use libc::sem_t;

use crate::edge::{fail, status};
use crate::thread::unconfined_thread;
use rsipc_core::os::cancel::uncancelled;
use rsipc_core::os::{Errno, Result};
use rsipc_core::posix::sem::Semaphore;
use rsipc_core::posix::sem::ledger::uses;
use rsipc_core::shared::thread::FrameTag;

/// From now on, what this process takes from the semaphore in excess of what it posts is given back
/// when it dies, or begins another program. EINVAL: the semaphore is not shared between processes;
/// ENOSYS: the kernel, or a filter, does not allow it; EAGAIN: 120 processes do so already; EACCES:
/// another user keeps the count.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rsipc_sem_setrobust(sem: *mut sem_t) -> c_int {
    // SAFETY: the caller gives a semaphore, or NULL.
    status(uncancelled(|| unsafe { uses::count(semaphore(sem)?, unconfined_thread()) }))
}

/// 1 if a process has died with something taken, which has been given back: what the semaphore
/// protects may be half changed. Each such death is told once, to one process; several that nobody
/// has asked about, together. 0: no. -1: see errno: EINVAL: this process has not called
/// `rsipc_sem_setrobust`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rsipc_sem_wasdead(sem: *mut sem_t) -> c_int {
    let tag = FrameTag::new();
    let told = semaphore(sem).and_then(|sem| uses::find(sem, &tag).ok_or(Errno::EINVAL));
    match told {
        Ok(counted) => counted.was_dead().into(),
        Err(error) => fail(error, -1),
    }
}

fn semaphore(sem: *mut sem_t) -> Result<*const Semaphore> {
    if sem.is_null() { Err(Errno::EINVAL) } else { Ok(sem.cast_const().cast()) }
}
