//! fcntl(2) and ioctl(2). Only queues concern us, and descriptors of our own. Both calls take a
//! third argument of any type, or none: on 64-bit machines it is in the third register, and is
//! passed on as it is.

use core::cell::Cell;
use std::ffi::{c_int, c_long, c_ulong};

use libc::flock;

use super::file::{call, small};
use crate::entry::{jump_to, jumps_to};
use crate::thread::thread_of;
use rsipc_core::os::errno::preserved;
use rsipc_core::os::user;
use rsipc_core::posix::mq;
use rsipc_core::shared::thread::Thread;

jumps_to! {
    rsipc_c_fcntl(fd: c_int, cmd: c_int, arg: c_long) -> c_int;
    /// fcntl(2), which shows what a queue is open for, and knows its duplicates.
    fcntl;
    /// `fcntl` for large files, and what programs built with glibc 2.28 or later may call.
    fcntl64;
}

jumps_to! {
    rsipc_c_ioctl(fd: c_int, request: c_ulong, arg: c_long) -> c_int;
    /// ioctl(2), which says how much of the status line of a queue is left.
    ioctl;
}

// What cbits/control.c calls.

#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_queue_access_mode(slot: *const Cell<*const Thread>, fd: c_int) -> c_int {
    // SAFETY: C gives the thread's own variable.
    small(unsafe { call(slot, |thread| mq::access_mode(thread, fd).map(i64::from)) })
}

/// EBADF for a lock that needs a right for which the queue is not open. What the kernel refuses
/// before it looks at that, it is left to refuse.
#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_queue_may_lock(
    slot: *const Cell<*const Thread>,
    fd: c_int,
    lock: *const flock,
) -> c_int {
    let may_not = |lock: flock, mode| match (c_int::from(lock.l_whence), c_int::from(lock.l_type)) {
        (libc::SEEK_SET..=libc::SEEK_END, libc::F_RDLCK) => mode == libc::O_WRONLY,
        (libc::SEEK_SET..=libc::SEEK_END, libc::F_WRLCK) => mode == libc::O_RDONLY,
        _ => false,
    };
    // SAFETY: C gives the thread's own variable.
    small(unsafe {
        call(slot, |thread| {
            let mode = mq::access_mode(thread, fd)?;
            // A filter may refuse what that needs, and the kernel then grants the lock.
            let lock = preserved(|| user::read(lock));
            let refused = lock.is_ok_and(|lock| may_not(lock, mode));
            Ok(if refused { -i64::from(libc::EBADF) } else { 0 })
        })
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_flags_changed(slot: *const Cell<*const Thread>, fd: c_int) {
    // SAFETY: C gives the thread's own variable.
    if let Ok(thread) = thread_of(unsafe { &*slot }) {
        preserved(|| mq::flags_changed(thread, fd));
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_queue_left(slot: *const Cell<*const Thread>, fd: c_int) -> c_int {
    // SAFETY: C gives the thread's own variable.
    small(unsafe { call(slot, |thread| mq::left_to_read(thread, fd)) })
}
