//! The calls of `<semaphore.h>`.

use core::mem::{MaybeUninit, align_of, size_of};
use std::ffi::{c_char, c_int, c_uint, c_void};

use libc::{clockid_t, mode_t, sem_t, timespec};

use super::edge::{WaitKind, answer, fail, status, string};
use super::entry::c_entry;
use crate::sem::{self, Open, Patience, Progress, Semaphore, Wait};
use crate::sys::cancel::uncancelled;
use crate::sys::clock::{Clock, Deadline};
use crate::sys::futex::{Scope, Sleep};
use crate::sys::{Errno, Result};

/// Makes an unnamed semaphore. POSIX.1-2017, `sem_init`: EINVAL for a value above `SEM_VALUE_MAX`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sem_init(sem: *mut sem_t, pshared: c_int, value: c_uint) -> c_int {
    let scope = if pshared == 0 { Scope::Private } else { Scope::Shared };
    status(Semaphore::new(value, scope).and_then(|new| {
        let room = core(sem)?;
        // SAFETY: the caller gives memory of the size and alignment of a sem_t that nobody uses as a semaphore.
        unsafe { room.write(new) };
        Ok(())
    }))
}

/// Ends the use of an unnamed semaphore. There is nothing to free. POSIX.1-2017, `sem_destroy`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sem_destroy(sem: *mut sem_t) -> c_int {
    status(core(sem).map(drop))
}

/// Takes back one `sem_open`. POSIX.1-2017, `sem_close`: EINVAL for what is not an open named semaphore.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sem_close(sem: *mut sem_t) -> c_int {
    status(uncancelled(|| sem::close(sem.cast())))
}

/// Removes the name of a named semaphore. POSIX.1-2017, `sem_unlink`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sem_unlink(name: *const c_char) -> c_int {
    // SAFETY: the caller gives a C string or NULL.
    status(uncancelled(|| sem::unlink(unsafe { string(name) }?)))
}

/// Adds a token. Async-signal-safe. POSIX.1-2017, `sem_post`: EOVERFLOW at `SEM_VALUE_MAX`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sem_post(sem: *mut sem_t) -> c_int {
    // SAFETY: the caller gives a semaphore.
    status(core(sem).and_then(|sem| unsafe { Semaphore::post(sem) }))
}

/// Takes a token, or fails with EAGAIN. POSIX.1-2017, `sem_trywait`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sem_trywait(sem: *mut sem_t) -> c_int {
    // SAFETY: the caller gives a semaphore.
    let taken =
        unsafe { shared(sem) }.and_then(|sem| if sem.try_take() { Ok(()) } else { Err(Errno::EAGAIN) });
    status(taken)
}

/// The number of tokens. POSIX.1-2017, `sem_getvalue`; 0 for a locked semaphore, unless
/// RSIPC_SEM_GETVALUE=waiters asks for minus the number of waiters.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sem_getvalue(sem: *mut sem_t, sval: *mut c_int) -> c_int {
    // SAFETY: the caller gives a semaphore.
    status(unsafe { shared(sem) }.and_then(|sem| {
        if sval.is_null() {
            return Err(Errno::EFAULT);
        }
        // SAFETY: the caller gives an int to write to.
        unsafe { *sval = sem.value() };
        Ok(())
    }))
}

c_entry! {
    /// Opens a named semaphore; mode and value follow when the flags have O_CREAT. POSIX.1-2017, `sem_open`.
    sem_open(name: *const c_char, oflag: c_int) -> *mut sem_t = rsipc_c_sem_open
}
c_entry! {
    /// Takes a token, and sleeps while there is none. A cancellation point. POSIX.1-2017, `sem_wait`.
    sem_wait(sem: *mut sem_t) -> c_int = rsipc_c_sem_wait
}
c_entry! {
    /// `sem_wait` until a time of CLOCK_REALTIME: ETIMEDOUT. POSIX.1-2017, `sem_timedwait`.
    sem_timedwait(sem: *mut sem_t, abstime: *const timespec) -> c_int = rsipc_c_sem_timedwait
}
c_entry! {
    /// `sem_timedwait` on CLOCK_REALTIME or CLOCK_MONOTONIC. POSIX.1-2024, `sem_clockwait`.
    sem_clockwait(sem: *mut sem_t, clockid: clockid_t, abstime: *const timespec) -> c_int = rsipc_c_sem_clockwait
}

unsafe extern "C" {
    fn rsipc_c_sem_open(name: *const c_char, oflag: c_int, ...) -> *mut sem_t;
    fn rsipc_c_sem_wait(sem: *mut sem_t) -> c_int;
    fn rsipc_c_sem_timedwait(sem: *mut sem_t, abstime: *const timespec) -> c_int;
    fn rsipc_c_sem_clockwait(sem: *mut sem_t, clockid: clockid_t, abstime: *const timespec) -> c_int;
}

/// EINVAL for NULL, where glibc would crash.
#[inline]
fn core(sem: *mut sem_t) -> Result<*mut Semaphore> {
    if sem.is_null() { Err(Errno::EINVAL) } else { Ok(sem.cast()) }
}

/// # Safety
/// `sem` is NULL or a semaphore that nobody frees while the result is used.
#[inline]
unsafe fn shared<'a>(sem: *mut sem_t) -> Result<&'a Semaphore> {
    // SAFETY: not NULL, so it is a semaphore, says the caller.
    core(sem).map(|sem| unsafe { &*sem })
}

// What cbits/semaphore.c calls.

/// `struct rsipc_sem_wait`
#[repr(C)]
pub struct WaitRoom(MaybeUninit<[u64; size_of::<Sleep>() / 8 + 6]>);

const _: () =
    assert!(size_of::<Wait>() <= size_of::<WaitRoom>() && align_of::<Wait>() <= align_of::<WaitRoom>());

fn drive(progress: Result<Progress>) -> c_int {
    answer(progress.map(|progress| progress == Progress::Done))
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
    drive(sem.and_then(|sem| Wait::begin(room, sem, Patience::Unlimited)))
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
    drive(sem.and_then(|sem| {
        let deadline = Deadline::new(Clock::from_id(clock)?, *until?)?;
        Wait::begin(room, sem, Patience::Until(deadline))
    }))
}

unsafe extern "C" fn woken(wait: *mut c_void, error: c_int) -> c_int {
    // SAFETY: C calls this with the wait that a `begin` above has initialised.
    drive(unsafe { &mut *wait.cast::<Wait>() }.woken(error))
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
