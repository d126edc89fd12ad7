//! The calls that take a descriptor for a file: `<sys/stat.h>` and `<unistd.h>`. Only queues
//! concern us, which the kernel knows as FIFOs. Programs see what Linux shows of its own queues.

use core::cell::Cell;
use std::ffi::{c_char, c_int, c_uint, c_void};

use libc::{gid_t, mode_t, off_t, size_t, ssize_t, stat, statx as statx_t, uid_t};

use crate::entry::{jump_to, jumps_to};
use crate::thread::thread_of;
use rsipc_core::cbits::NOT_A_QUEUE;
use rsipc_core::os::cancel::uncancelled;
use rsipc_core::os::{Errno, Result};
use rsipc_core::posix::mq::{self, From};
use rsipc_core::shared::thread::Thread;

jumps_to! {
    rsipc_c_fstat(fd: c_int, statbuf: *mut stat) -> c_int;
    /// fstat(2)
    fstat;
    /// `fstat` for programs that are built for large files. On 64-bit machines it is the same.
    fstat64;
}

jumps_to! {
    rsipc_c_fxstat(version: c_int, fd: c_int, statbuf: *mut stat) -> c_int;
    /// `fstat` as programs call it that were built with glibc before 2.33.
    __fxstat;
    /// [`__fxstat`] for large files.
    __fxstat64;
}

jumps_to! {
    rsipc_c_fstatat(
        dirfd: c_int,
        pathname: *const c_char,
        statbuf: *mut stat,
        flags: c_int,
    ) -> c_int;
    /// fstatat(2), which is fstat(2) with an empty path.
    fstatat;
    /// `fstatat` for large files.
    fstatat64;
}

jumps_to! {
    rsipc_c_fxstatat(
        version: c_int,
        dirfd: c_int,
        pathname: *const c_char,
        statbuf: *mut stat,
        flags: c_int,
    ) -> c_int;
    /// `fstatat` as programs call it that were built with glibc before 2.33.
    __fxstatat;
    /// [`__fxstatat`] for large files.
    __fxstatat64;
}

unsafe extern "C" {
    fn rsipc_c_statx(
        dirfd: c_int,
        pathname: *const c_char,
        flags: c_int,
        mask: c_uint,
        statxbuf: *mut statx_t,
    ) -> c_int;
}

/// statx(2). No jump like the others: the standard library refers to this name weakly, which
/// assembly cannot take back.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn statx(
    dirfd: c_int,
    pathname: *const c_char,
    flags: c_int,
    mask: c_uint,
    statxbuf: *mut statx_t,
) -> c_int {
    // SAFETY: the arguments of the caller.
    unsafe { rsipc_c_statx(dirfd, pathname, flags, mask, statxbuf) }
}

/// fchmod(2), which sets the mode that `mq_open` enforces.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fchmod(fd: c_int, mode: mode_t) -> c_int {
    jump_to!(rsipc_c_fchmod)
}

/// fchown(2), which gives both files of a queue to another user or group.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fchown(fd: c_int, owner: uid_t, group: gid_t) -> c_int {
    jump_to!(rsipc_c_fchown)
}

/// read(2), which gives the status line of a queue: mq_overview(7).
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn read(fd: c_int, buf: *mut c_void, count: size_t) -> ssize_t {
    jump_to!(rsipc_c_read)
}

/// `read` as programs built with _FORTIFY_SOURCE call it. glibc.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __read_chk(
    fd: c_int,
    buf: *mut c_void,
    count: size_t,
    size: size_t,
) -> ssize_t {
    jump_to!(rsipc_c_read_chk)
}

jumps_to! {
    rsipc_c_pread(fd: c_int, buf: *mut c_void, count: size_t, offset: off_t) -> ssize_t;
    /// pread(2)
    pread;
    /// `pread` for large files.
    pread64;
}

jumps_to! {
    rsipc_c_pread_chk(
        fd: c_int,
        buf: *mut c_void,
        count: size_t,
        offset: off_t,
        size: size_t,
    ) -> ssize_t;
    /// `pread` as programs built with _FORTIFY_SOURCE call it. glibc.
    __pread_chk;
    /// [`__pread_chk`] for large files.
    __pread64_chk;
}

/// write(2), which a queue refuses.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn write(fd: c_int, buf: *const c_void, count: size_t) -> ssize_t {
    jump_to!(rsipc_c_write)
}

jumps_to! {
    rsipc_c_lseek(fd: c_int, offset: off_t, whence: c_int) -> off_t;
    /// lseek(2), in the status line of a queue.
    lseek;
    /// `lseek` for large files.
    lseek64;
}

// What cbits/file.c calls.

/// The result of the call, minus an errno, or [`NOT_A_QUEUE`].
fn answer(result: Result<i64>) -> i64 {
    match result {
        Ok(result) => result,
        Err(Errno::EBADF) => NOT_A_QUEUE,
        Err(Errno(number)) => -i64::from(number),
    }
}

/// # Safety
/// `slot` is the thread's own variable.
pub(super) unsafe fn call(
    slot: *const Cell<*const Thread>,
    call: impl FnOnce(&'static Thread) -> Result<i64>,
) -> i64 {
    // SAFETY: says the caller. Without a block for the thread the call is the kernel's.
    answer(uncancelled(|| thread_of(unsafe { &*slot }).map_err(|_| Errno::EBADF).and_then(call)))
}

pub(super) fn small(answer: i64) -> c_int {
    c_int::try_from(answer).unwrap_or(-libc::EIO)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_queue_fstat(
    slot: *const Cell<*const Thread>,
    fd: c_int,
    status: *mut stat,
) -> c_int {
    // SAFETY: C gives the thread's own variable, and what the kernel has just written to.
    small(unsafe { call(slot, |thread| mq::describe(thread, fd, &mut *status).map(|()| 0)) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_queue_fchmod(
    slot: *const Cell<*const Thread>,
    fd: c_int,
    mode: mode_t,
) -> c_int {
    // SAFETY: C gives the thread's own variable.
    small(unsafe { call(slot, |thread| mq::change_mode(thread, fd, mode).map(|()| 0)) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_queue_fchown(
    slot: *const Cell<*const Thread>,
    fd: c_int,
    user: uid_t,
    group: gid_t,
) -> c_int {
    // SAFETY: C gives the thread's own variable.
    small(unsafe { call(slot, |thread| mq::change_owner(thread, fd, user, group).map(|()| 0)) })
}

/// A negative position: where the last one ended.
#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_queue_read(
    slot: *const Cell<*const Thread>,
    fd: c_int,
    into: *mut u8,
    capacity: size_t,
    position: off_t,
) -> ssize_t {
    // SAFETY: C gives the thread's own variable; the caller of read vouches for its memory.
    let read = unsafe {
        call(slot, |thread| {
            let read = mq::read(thread, fd, into, capacity, u64::try_from(position).ok())?;
            Ok(read.map_or(-i64::from(libc::EBADF), |length| i64::try_from(length).unwrap_or(0)))
        })
    };
    ssize_t::try_from(read).unwrap_or(-1)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_queue_lseek(
    slot: *const Cell<*const Thread>,
    fd: c_int,
    offset: off_t,
    whence: c_int,
) -> off_t {
    let from = match whence {
        libc::SEEK_SET => From::Start,
        libc::SEEK_CUR => From::Here,
        libc::SEEK_END => From::End,
        _ => return -i64::from(libc::EINVAL),
    };
    // SAFETY: C gives the thread's own variable.
    unsafe { call(slot, |thread| mq::seek(thread, fd, offset, from)) }
}

/// EBADF for a descriptor that may only receive, as for any file, EINVAL for the others: nothing is
/// written to the FIFO, which would make the queue readable.
#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_queue_write(slot: *const Cell<*const Thread>, fd: c_int) -> c_int {
    // SAFETY: C gives the thread's own variable.
    small(unsafe {
        call(slot, |thread| {
            let why = if mq::can_send(thread, fd)? { libc::EINVAL } else { libc::EBADF };
            Ok(-i64::from(why))
        })
    })
}
