//! What `cbits/semaphore.c` calls: the steps of a wait, and an open whose arguments are known. Not
//! exported, and not read by cbindgen.

use std::ffi::{CStr, c_char, c_int, c_uint};

use libc::{clockid_t, mode_t, sem_t, timespec};

use super::semaphore::shared;
use crate::edge::{fail, string};
use crate::thread::unconfined_thread;
use crate::wait::{answer_of, fits_in_c, step};
use rsipc_core::cbits::{WaitKind, WaitStorage};
use rsipc_core::os::Errno;
use rsipc_core::os::Result;
use rsipc_core::os::cancel::uncancelled;
use rsipc_core::os::clock::{Clock, Deadline};
use rsipc_core::posix::sem::ledger::uses;
use rsipc_core::posix::sem::{self, Decrement, Open, Patience, Semaphore};
use rsipc_core::shared::wait::{Terms, Wait};

type SemWait = Wait<Decrement<'static>>;

const _: () = assert!(fits_in_c::<SemWait, WaitStorage>());

#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_sem_begin(storage: *mut WaitStorage, sem: *mut sem_t) -> c_int {
    // SAFETY: C gives the storage of a wait, and what its caller gave.
    step(|| unsafe { begin(storage, sem, Ok(Patience::Unlimited)) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_sem_begin_timed(
    storage: *mut WaitStorage,
    sem: *mut sem_t,
    clock: clockid_t,
    until: *const timespec,
) -> c_int {
    // SAFETY: NULL, or the caller's timespec.
    let until = unsafe { until.as_ref() }.ok_or(Errno::EINVAL);
    let deadline = until.and_then(|until| Deadline::new(Clock::from_id(clock)?, *until));
    // SAFETY: C gives the storage of a wait, and what its caller gave.
    step(|| unsafe { begin(storage, sem, deadline.map(Patience::Until)) })
}

/// # Safety
/// C gives the storage of a wait, which it does not move, and what the caller of sem_wait gave.
unsafe fn begin(storage: *mut WaitStorage, sem: *mut sem_t, patience: Result<Patience>) -> c_int {
    // SAFETY: as the caller says; the semaphore outlives the wait for it.
    let begun = unsafe { shared(sem) }.and_then(|sem| {
        let Terms { until, interrupted } = patience?.terms();
        let storage: *mut SemWait = storage.cast();
        // SAFETY: as the caller says.
        unsafe {
            Wait::place(storage, Decrement::new(sem, unconfined_thread()), interrupted);
            Wait::begin(storage, until)
        }
    });
    answer_of(begun, |()| ())
}

unsafe extern "C" fn woken(storage: *mut WaitStorage, end: c_int) -> c_int {
    // SAFETY: C calls this with a wait that `begin` has begun, and that must sleep.
    step(|| answer_of(unsafe { SemWait::woken(storage.cast(), end) }, |()| ()))
}

unsafe extern "C" fn cancelled(storage: *mut WaitStorage) {
    // SAFETY: C calls this with a wait that must sleep.
    unsafe { SemWait::abandon(storage.cast()) };
}

#[unsafe(no_mangle)]
static rsipc_sem_wait_kind: WaitKind = WaitKind { woken, cancelled, is_cancellation_point: 1 };

#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_sem_open(
    name: *const c_char,
    flags: c_int,
    mode: mode_t,
    value: c_uint,
) -> *mut sem_t {
    let how = if flags & libc::O_CREAT == 0 {
        Open::Existing
    } else {
        Open::OrCreate { mode, value, exclusive: flags & libc::O_EXCL != 0 }
    };
    // SAFETY: C hands on what the caller of sem_open gave.
    match uncancelled(|| open(unsafe { string(name) }?, how)) {
        Ok(sem) => sem.cast(),
        Err(error) => fail(error, libc::SEM_FAILED),
    }
}

/// Fails where it is to be robust and cannot be.
fn open(name: &CStr, how: Open) -> Result<*mut Semaphore> {
    let opened = sem::open(name, how)?;
    // SAFETY: it has just been opened.
    unsafe { uses::count_if_asked(name, opened, unconfined_thread) }.inspect_err(|_| {
        let _ = sem::close(opened);
    })?;
    Ok(opened)
}
