//! The calls of `<sys/sem.h>`.

use std::ffi::c_int;

use libc::{key_t, sembuf, size_t, timespec};

use super::sem_control::{kernel, number};
use crate::edge::status;
use crate::entry::jump_to;
use crate::thread::{on_this_thread, this_thread};
use rsipc_core::os::cancel::uncancelled;
use rsipc_core::os::settings;
use rsipc_core::os::user;
use rsipc_core::os::{Errno, Result};
use rsipc_core::shared::thread::FrameTag;
use rsipc_core::sysv::sem::{self, Operation, Wanted};

/// Returns the id of the set of semaphores with this key, or of a new one. POSIX.1-2017, `semget`.
#[unsafe(no_mangle)]
pub extern "C" fn semget(key: key_t, nsems: c_int, semflg: c_int) -> c_int {
    if !settings::get().sysv.semaphores {
        // SAFETY: no pointer.
        return kernel(unsafe { libc::syscall(libc::SYS_semget, key, nsems, semflg) });
    }
    number(uncancelled(|| on_this_thread(|thread| sem::get(thread, key, nsems, semflg))))
}

/// Performs an array of operations, and sleeps while that is not possible. POSIX.1-2017, `semop`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn semop(semid: c_int, sops: *mut sembuf, nsops: size_t) -> c_int {
    // SAFETY: as the caller of semop says.
    unsafe { semtimedop(semid, sops, nsops, core::ptr::null()) }
}

/// `semop` that sleeps for `timeout` at most: EAGAIN. Linux.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn semtimedop(
    semid: c_int,
    sops: *mut sembuf,
    nsops: size_t,
    timeout: *const timespec,
) -> c_int {
    if !settings::get().sysv.semaphores {
        // SAFETY: the kernel checks all pointers.
        return kernel(unsafe { libc::syscall(libc::SYS_semtimedop, semid, sops, nsops, timeout) });
    }
    // Near the frame of the next call, if a handler leaves this one for good.
    let tag = FrameTag::new();
    // SAFETY: as the caller of semtimedop says.
    status(unsafe { operate(&tag, semid, sops, nsops, timeout) })
}

/// # Safety
/// The pointers are those of a caller of `semtimedop`.
#[inline(never)]
unsafe fn operate(
    tag: &FrameTag,
    id: c_int,
    sops: *mut sembuf,
    count: size_t,
    timeout: *const timespec,
) -> Result<()> {
    let patience = if timeout.is_null() {
        None
    } else {
        // SAFETY: the caller's timespec.
        Some(unsafe { user::readable(timeout, 1)?.read_unaligned() })
    };
    // The system call has 32 bits for it.
    let count = count & 0xffff_ffff;
    if count > sem::OPERATIONS_MAX {
        return Err(Errno::E2BIG);
    }
    if count == 0 {
        return Err(Errno::EINVAL);
    }
    // SAFETY: the caller gives so many operations.
    let sops = unsafe { core::slice::from_raw_parts(user::readable(sops, count)?, count) };
    if id < 0 || patience.is_some_and(|time| !is_valid(time)) {
        return Err(Errno::EINVAL);
    }
    // A copy, which no other thread changes.
    let given = |operation: &sembuf| Operation {
        member: operation.sem_num,
        amount: operation.sem_op,
        flags: operation.sem_flg.cast_unsigned(),
    };
    match sops {
        [one] => perform(tag, id, &[given(one)], patience),
        few if few.len() <= FEW => perform_few(tag, id, few.iter().map(given), patience),
        many => perform_many(tag, id, many.iter().map(given), patience),
    }
}

#[inline(always)]
fn perform(
    tag: &FrameTag,
    id: c_int,
    operations: &[Operation],
    patience: Option<timespec>,
) -> Result<()> {
    let thread = this_thread()?;
    match sem::semop_at_once(thread, tag, id, operations) {
        Some(done) => done,
        None => wait(tag, id, operations, patience),
    }
}

#[cold]
#[inline(never)]
fn wait(
    tag: &FrameTag,
    id: c_int,
    operations: &[Operation],
    patience: Option<timespec>,
) -> Result<()> {
    uncancelled(|| on_this_thread(|thread| sem::semop(thread, tag, id, operations, patience)))
}

/// Operations of an array, mostly.
const FEW: usize = 8;

#[inline(never)]
fn perform_few(
    tag: &FrameTag,
    id: c_int,
    given: impl ExactSizeIterator<Item = Operation>,
    patience: Option<timespec>,
) -> Result<()> {
    let mut few = [Operation::default(); FEW];
    let list = few.get_mut(..given.len()).ok_or(Errno::E2BIG)?;
    list.iter_mut().zip(given).for_each(|(place, operation)| *place = operation);
    perform(tag, id, list, patience)
}

/// The copy takes three kilobytes of a stack that may be small. So nothing else stays there while
/// the call waits.
#[cold]
#[inline(never)]
fn perform_many(
    tag: &FrameTag,
    id: c_int,
    given: impl ExactSizeIterator<Item = Operation>,
    patience: Option<timespec>,
) -> Result<()> {
    let mut many = Wanted::none();
    many.fill(given);
    match many_at_once(tag, id, many.operations()) {
        Some(done) => done,
        None => wait(tag, id, many.operations(), patience),
    }
}

#[cold]
#[inline(never)]
fn many_at_once(tag: &FrameTag, id: c_int, operations: &[Operation]) -> Option<Result<()>> {
    match this_thread() {
        Ok(thread) => sem::semop_at_once(thread, tag, id, operations),
        Err(error) => Some(Err(error)),
    }
}

fn is_valid(time: timespec) -> bool {
    time.tv_sec >= 0 && (0..1_000_000_000).contains(&time.tv_nsec)
}

/// Returns the state of a set of semaphores, or changes it. POSIX.1-2017, `semctl`.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn semctl(semid: c_int, semnum: c_int, cmd: c_int) -> c_int {
    jump_to!(rsipc_c_semctl)
}
