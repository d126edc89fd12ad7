//! The calls of `<unistd.h>` that close and duplicate descriptors. Only queues concern us.

use core::cell::Cell;
use core::ptr;
use std::ffi::{c_int, c_uint};

use crate::entry::jump_to;
use crate::thread::thread_of;
use rsipc_core::os::cancel::uncancelled;
use rsipc_core::os::errno::preserved;
use rsipc_core::posix::mq::{self, Close, Closing};
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

// What cbits/unistd.c calls, once descriptors concern us.

/// `struct rsipc_closing`: what a call that closes a descriptor has to remember.
#[repr(C)]
pub struct CClosing {
    open: *mut (),
    fifo: [u64; 2],
    fd: c_int,
    kind: c_int,
}

/// `CClosing::kind`
const FREELY: c_int = 0;
const SPARE: c_int = 1;
const QUEUE: c_int = 2;
const UNKNOWN: c_int = 3;

#[unsafe(no_mangle)]
extern "C" fn rsipc_is_queue(fd: c_int) -> c_int {
    preserved(|| c_int::from(mq::is_found_queue(fd)))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_close_begin(closing: *mut CClosing, fd: c_int) -> c_int {
    let begun = preserved(|| match mq::begin_close(fd) {
        Close::Freely => CClosing { open: ptr::null_mut(), fifo: [0; 2], fd, kind: FREELY },
        Close::Spare => CClosing { open: ptr::null_mut(), fifo: [0; 2], fd, kind: SPARE },
        Close::Queue(queue) => {
            let (fd, open) = queue.into_raw();
            CClosing { open, fifo: [0; 2], fd, kind: QUEUE }
        }
        Close::Unknown((device, inode)) => {
            CClosing { open: ptr::null_mut(), fifo: [device, inode], fd, kind: UNKNOWN }
        }
    });
    let kind = begun.kind;
    // SAFETY: C gives room of its own.
    unsafe { closing.write(begun) };
    kind
}

/// Follows each [`rsipc_close_begin`] that was not told to spare the descriptor.
#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_close_end(
    slot: *const Cell<*const Thread>,
    closing: *const CClosing,
    is_closed: c_int,
) {
    // SAFETY: C gives the thread's own variable, and what was begun, once.
    let (slot, closing) = unsafe { (&*slot, &*closing) };
    preserved(|| match (closing.kind, thread_of(slot)) {
        (QUEUE, Ok(thread)) => {
            // SAFETY: the kind says that it comes from `into_raw`.
            let queue = unsafe { Closing::from_raw(closing.fd, closing.open) };
            mq::end_close(thread, queue, is_closed != 0);
        }
        (UNKNOWN, _) if is_closed != 0 => {
            mq::end_unknown((closing.fifo[0], closing.fifo[1]));
        }
        _ => {}
    });
}

/// Whether the number that was to be closed is closed, after a call that did not come to its end.
#[unsafe(no_mangle)]
extern "C" fn rsipc_is_closed(fd: c_int) -> c_int {
    preserved(|| c_int::from(!mq::is_descriptor_of_queue(fd)))
}

/// Some descriptors of this range may have been closed.
#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_closed_range(
    slot: *const Cell<*const Thread>,
    first: c_int,
    last: c_int,
) {
    // SAFETY: C gives the thread's own variable.
    if let Ok(thread) = thread_of(unsafe { &*slot }) {
        preserved(|| mq::forget_closed(thread, first..=last));
    }
}

/// The calling thread has a table of descriptors of its own now.
#[unsafe(no_mangle)]
extern "C" fn rsipc_unshared() {
    preserved(mq::doubt_all);
}

/// The lowest descriptor of our own in this range; -1 = none.
#[unsafe(no_mangle)]
extern "C" fn rsipc_lowest_spared(first: c_int, last: c_int) -> c_int {
    preserved(|| mq::lowest_spared(first..=last).unwrap_or(-1))
}

/// The program is about to duplicate something to this number. 0: it cannot have it.
#[unsafe(no_mangle)]
extern "C" fn rsipc_make_way(fd: c_int) -> c_int {
    preserved(|| c_int::from(mq::make_way(fd)))
}

#[unsafe(no_mangle)]
extern "C" fn rsipc_duplicated(fd: c_int, copy: c_int) {
    uncancelled(|| preserved(|| mq::duplicated(fd, copy)));
}
