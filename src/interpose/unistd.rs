//! The calls of `<unistd.h>` that close and duplicate descriptors. Only queues concern us, and
//! descriptors of our own.

use core::cell::Cell;
use core::ptr;
use std::ffi::{c_int, c_uint};

use crate::entry::jump_to;
use crate::thread::thread_of;
use rsipc_core::cbits::{self, CLOSE_FREELY, CLOSE_QUEUE, CLOSE_SPARE, CLOSE_UNKNOWN};
use rsipc_core::os::cancel::uncancelled;
use rsipc_core::os::errno::preserved;
use rsipc_core::os::threads;
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

#[unsafe(no_mangle)]
extern "C" fn rsipc_is_queue(fd: c_int) -> c_int {
    preserved(|| c_int::from(mq::is_found_queue(fd)))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_close_begin(closing: *mut cbits::Closing, fd: c_int) -> c_int {
    let nothing = cbits::Closing { open: ptr::null_mut(), fifo: [0; 2], fd, kind: CLOSE_FREELY };
    let begun = preserved(|| match mq::begin_close(fd) {
        Close::Freely => cbits::Closing { kind: CLOSE_FREELY, ..nothing },
        Close::Spare => cbits::Closing { kind: CLOSE_SPARE, ..nothing },
        Close::Queue(queue) => {
            let (fd, open) = queue.into_raw();
            cbits::Closing { open: open.cast(), fd, kind: CLOSE_QUEUE, ..nothing }
        }
        Close::Unknown((device, inode)) => {
            cbits::Closing { fifo: [device, inode], kind: CLOSE_UNKNOWN, ..nothing }
        }
    });
    let kind = begun.kind;
    // SAFETY: C gives a variable of its own.
    unsafe { closing.write(begun) };
    kind
}

/// Follows each [`rsipc_close_begin`] that was not told to spare the descriptor.
#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_close_end(
    slot: *const Cell<*const Thread>,
    closing: *const cbits::Closing,
    is_closed: c_int,
) {
    // SAFETY: C gives the thread's own variable, and what was begun, once.
    let (slot, closing) = unsafe { (&*slot, &*closing) };
    preserved(|| match (closing.kind, thread_of(slot)) {
        (CLOSE_QUEUE, Ok(thread)) => {
            // SAFETY: the kind says that it comes from `into_raw`.
            let queue = unsafe { Closing::from_raw(closing.fd, closing.open.cast()) };
            mq::end_close(thread, queue, is_closed != 0);
        }
        (CLOSE_UNKNOWN, _) if is_closed != 0 => {
            mq::end_unknown((closing.fifo[0], closing.fifo[1]));
        }
        _ => {}
    });
}

/// Whether the descriptor that was to be closed is closed, after a call that did not come to its
/// end.
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

/// For C, where the C library cannot tell: whether the program has one thread only.
#[unsafe(no_mangle)]
extern "C" fn rsipc_is_program_alone() -> c_int {
    c_int::from(threads::is_program_alone())
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

/// The program is about to duplicate another descriptor to this one. 0: that is not possible.
#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_make_way(moved: *mut cbits::Moved, fd: c_int) -> c_int {
    // SAFETY: C gives a variable of its own.
    preserved(|| c_int::from(mq::make_way(fd, unsafe { &mut *moved })))
}

/// Follows each [`rsipc_make_way`] that was possible.
#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_way_was_made(moved: *const cbits::Moved) {
    // SAFETY: C gives a variable of its own.
    preserved(|| mq::way_was_made(unsafe { &*moved }));
}

#[unsafe(no_mangle)]
extern "C" fn rsipc_duplicated(fd: c_int, copy: c_int) {
    uncancelled(|| preserved(|| mq::duplicated(fd, copy)));
}
