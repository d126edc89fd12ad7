//! The calls of `<unistd.h>` that close and duplicate descriptors. Only queues concern us.

use core::cell::Cell;
use std::ffi::{c_int, c_uint};

use crate::entry::jump_to;
use crate::thread::thread_of;
use rsipc_core::os::cancel::uncancelled;
use rsipc_core::posix::mq;
use rsipc_core::shared::thread::Thread;

/// close(2), which ends the registration for notification, as `mq_close` does.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn close(fd: c_int) -> c_int {
    jump_to!(rsipc_c_close)
}

/// close_range(2)
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn close_range(first: c_uint, last: c_uint, flags: c_int) -> c_int {
    jump_to!(rsipc_c_close_range)
}

/// closefrom(3)
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn closefrom(lowfd: c_int) {
    jump_to!(rsipc_c_closefrom)
}

/// dup(2)
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dup(oldfd: c_int) -> c_int {
    jump_to!(rsipc_c_dup)
}

/// dup2(2)
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dup2(oldfd: c_int, newfd: c_int) -> c_int {
    jump_to!(rsipc_c_dup2)
}

/// dup3(2)
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dup3(oldfd: c_int, newfd: c_int, flags: c_int) -> c_int {
    jump_to!(rsipc_c_dup3)
}

// What cbits/unistd.c calls.

#[unsafe(no_mangle)]
extern "C" fn rsipc_is_remembered(fd: c_int) -> c_int {
    c_int::from(mq::is_remembered(fd))
}

#[unsafe(no_mangle)]
extern "C" fn rsipc_duplicated(fd: c_int, copy: c_int) {
    uncancelled(|| mq::duplicated(fd, copy));
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_forget(slot: *const Cell<*const Thread>, first: c_int, last: c_int) {
    // SAFETY: C gives the thread's own variable. Without a block there is nothing to forget.
    if let Ok(thread) = thread_of(unsafe { &*slot }) {
        uncancelled(|| {
            if first == last { mq::forget(thread, first) } else { mq::forget_range(thread, first..=last) }
        });
    }
}

#[unsafe(no_mangle)]
extern "C" fn rsipc_forgotten(first: c_int, last: c_int) {
    mq::forgotten(first..=last);
}
