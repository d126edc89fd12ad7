//! The calls of `<semaphore.h>`.

use std::ffi::{c_char, c_int, c_uint};

use libc::{clockid_t, sem_t, timespec};

use crate::edge::{status, string};
use crate::entry::jump_to;
use crate::thread::unconfined_thread;
use rsipc_core::os::Errno;
use rsipc_core::os::Result;
use rsipc_core::os::cancel::uncancelled;
use rsipc_core::os::futex::Scope;
use rsipc_core::posix::sem::ledger::uses;
use rsipc_core::posix::sem::{self, Semaphore};

/// Initialises an unnamed semaphore. POSIX.1-2017, `sem_init`: EINVAL for a value above
/// `SEM_VALUE_MAX`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sem_init(sem: *mut sem_t, pshared: c_int, value: c_uint) -> c_int {
    let scope = if pshared == 0 { Scope::Private } else { Scope::Shared };
    status(Semaphore::new(value, scope).and_then(|new| {
        let storage = core(sem)?;
        // SAFETY: the caller gives memory of the size and alignment of a sem_t that no thread uses
        // as a semaphore.
        unsafe { storage.write(new) };
        Ok(())
    }))
}

/// Destroys an unnamed semaphore. Only a robust one has something to free. POSIX.1-2017,
/// `sem_destroy`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sem_destroy(sem: *mut sem_t) -> c_int {
    // SAFETY: the caller's semaphore, which no thread uses any more.
    status(core(sem).map(|sem| uncancelled(|| unsafe { uses::destroyed(sem) })))
}

/// Closes a named semaphore that `sem_open` has opened. POSIX.1-2017, `sem_close`: EINVAL for what
/// is not an open named semaphore.
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

/// Increments the value, and wakes a waiter. Async-signal-safe. POSIX.1-2017, `sem_post`: EOVERFLOW
/// at `SEM_VALUE_MAX`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sem_post(sem: *mut sem_t) -> c_int {
    // NULL is not plain.
    // SAFETY: the caller gives a semaphore.
    if uses::is_plain(sem.addr()) && unsafe { Semaphore::post_at_once(sem.cast()) } {
        return 0;
    }
    post_slowly(sem)
}

#[cold]
#[inline(never)]
fn post_slowly(sem: *mut sem_t) -> c_int {
    // SAFETY: the caller of `sem_post` gives a semaphore.
    status(core(sem).and_then(|sem| unsafe { Semaphore::post(sem, unconfined_thread) }))
}

/// Decrements the value, or fails with EAGAIN if it is 0. POSIX.1-2017, `sem_trywait`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sem_trywait(sem: *mut sem_t) -> c_int {
    // SAFETY: the caller gives a semaphore.
    let taken = unsafe { shared(sem) }
        .and_then(|sem| if sem.try_take() { Ok(()) } else { Err(Errno::EAGAIN) });
    status(taken)
}

/// Stores the value in `sval`. POSIX.1-2017, `sem_getvalue`; 0 for a locked semaphore, unless
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

/// Opens a named semaphore; mode and value follow when the flags have O_CREAT. POSIX.1-2017,
/// `sem_open`.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sem_open(name: *const c_char, oflag: c_int) -> *mut sem_t {
    jump_to!(rsipc_c_sem_open)
}

/// Decrements the value, and sleeps while it is 0. A cancellation point. POSIX.1-2017, `sem_wait`.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sem_wait(sem: *mut sem_t) -> c_int {
    jump_to!(rsipc_c_sem_wait)
}

/// `sem_wait` until a time of CLOCK_REALTIME at most: ETIMEDOUT. POSIX.1-2017, `sem_timedwait`.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sem_timedwait(sem: *mut sem_t, abstime: *const timespec) -> c_int {
    jump_to!(rsipc_c_sem_timedwait)
}

/// `sem_timedwait` on CLOCK_REALTIME or CLOCK_MONOTONIC. POSIX.1-2024, `sem_clockwait`.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sem_clockwait(
    sem: *mut sem_t,
    clockid: clockid_t,
    abstime: *const timespec,
) -> c_int {
    jump_to!(rsipc_c_sem_clockwait)
}

/// EINVAL for NULL, where glibc would crash.
#[inline]
fn core(sem: *mut sem_t) -> Result<*mut Semaphore> {
    if sem.is_null() { Err(Errno::EINVAL) } else { Ok(sem.cast()) }
}

/// # Safety
/// `sem` is NULL or a semaphore that is not freed while the result is used.
#[inline]
pub unsafe fn shared<'a>(sem: *mut sem_t) -> Result<&'a Semaphore> {
    // SAFETY: not NULL, so it is a semaphore, says the caller.
    core(sem).map(|sem| unsafe { &*sem })
}
