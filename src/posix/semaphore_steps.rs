//! What `cbits/semaphore.c` calls: the steps of a wait, and an open whose arguments are known. Not exported, and not
//! read by cbindgen.

use core::mem::{MaybeUninit, align_of, size_of};
use std::ffi::{c_char, c_int, c_uint, c_void};

use libc::{clockid_t, mode_t, sem_t, timespec};

use super::semaphore::shared;
use crate::edge::{WaitKind, answer, fail, step, string};
use rsipc_core::os::Errno;
use rsipc_core::os::Result;
use rsipc_core::os::cancel::uncancelled;
use rsipc_core::os::clock::{Clock, Deadline};
use rsipc_core::os::futex::Sleep;
use rsipc_core::posix::sem::{self, Open, Patience, Progress, Semaphore, Wait};

/// `struct rsipc_sem_wait`
#[repr(C)]
pub struct WaitRoom(MaybeUninit<[u64; size_of::<Sleep>() / 8 + 6]>);

const _: () =
    assert!(size_of::<Wait>() <= size_of::<WaitRoom>() && align_of::<Wait>() <= align_of::<WaitRoom>());

fn drive(next: impl FnOnce() -> Result<Progress>) -> c_int {
    step(|| answer(next().map(|progress| progress == Progress::Done)))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_sem_try(sem: *mut sem_t) -> bool {
    // SAFETY: C hands on what the caller of sem_wait gave.
    unsafe { shared(sem) }.is_ok_and(Semaphore::try_take)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_sem_begin(room: *mut WaitRoom, sem: *mut sem_t) -> c_int {
    // SAFETY: C hands on what the caller of sem_wait gave.
    let sem = unsafe { shared(sem) };
    // SAFETY: C gives the room of a wait, which it does not move.
    let room = unsafe { &mut *room.cast() };
    drive(|| sem.and_then(|sem| Wait::begin(room, sem, Patience::Unlimited)))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_sem_begin_timed(
    room: *mut WaitRoom,
    sem: *mut sem_t,
    clock: clockid_t,
    until: *const timespec,
) -> c_int {
    // SAFETY: C hands on what the caller of sem_timedwait or sem_clockwait gave.
    let sem = unsafe { shared(sem) };
    // SAFETY: NULL, or the caller's timespec.
    let until = unsafe { until.as_ref() }.ok_or(Errno::EINVAL);
    // SAFETY: C gives the room of a wait, which it does not move.
    let room = unsafe { &mut *room.cast() };
    drive(|| {
        let sem = sem?;
        let deadline = Deadline::new(Clock::from_id(clock)?, *until?)?;
        Wait::begin(room, sem, Patience::Until(deadline))
    })
}

unsafe extern "C" fn woken(wait: *mut c_void, error: c_int) -> c_int {
    // SAFETY: C calls this with the wait that a `begin` above has initialised.
    drive(|| unsafe { &mut *wait.cast::<Wait>() }.woken(error))
}

unsafe extern "C" fn cancelled(wait: *mut c_void) {
    // SAFETY: as in `woken`; C does not use the wait after this.
    unsafe { &mut *wait.cast::<Wait>() }.abandon();
}

#[unsafe(no_mangle)]
static rsipc_sem_wait_kind: WaitKind = WaitKind { woken, cancelled };

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
    match uncancelled(|| sem::open(unsafe { string(name) }?, how)) {
        Ok(sem) => sem.cast(),
        Err(error) => fail(error, libc::SEM_FAILED),
    }
}
