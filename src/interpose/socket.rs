//! The calls of `<sys/socket.h>` that send descriptors to other processes. Only queues concern us.

use core::cell::Cell;
use core::ptr;
use std::ffi::{c_int, c_uint};

use libc::{cmsghdr, mmsghdr, msghdr, ssize_t};

use crate::entry::jump_to;
use crate::thread::thread_of;
use rsipc_core::os::errno::preserved;
use rsipc_core::os::readable::Array;
use rsipc_core::posix::mq;
use rsipc_core::shared::thread::Thread;

/// Messages that the kernel sends in one call at most: UIO_MAXIOV.
const MOST_MESSAGES: usize = 1024;
/// Descriptors that it sends in one message at most: SCM_MAX_FD.
const MOST_DESCRIPTORS: usize = 253;

/// sendmsg(2)
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sendmsg(socket: c_int, message: *const msghdr, flags: c_int) -> ssize_t {
    jump_to!(rsipc_c_sendmsg)
}

/// sendmmsg(2)
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sendmmsg(
    socket: c_int,
    messages: *mut mmsghdr,
    count: c_uint,
    flags: c_int,
) -> c_int {
    jump_to!(rsipc_c_sendmmsg)
}

// What cbits/socket.c calls, once a process has had a queue.

#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_before_sendmsg(
    slot: *const Cell<*const Thread>,
    message: *const msghdr,
) {
    // SAFETY: C gives the thread's own variable.
    let slot = unsafe { &*slot };
    preserved(|| {
        if let Some(message) = Array::at(message, ptr::from_ref(slot).addr()).get(0) {
            hand_over(slot, &message);
        }
    });
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_before_sendmmsg(
    slot: *const Cell<*const Thread>,
    messages: *const mmsghdr,
    count: c_uint,
) {
    // SAFETY: C gives the thread's own variable.
    let slot = unsafe { &*slot };
    preserved(|| {
        let mut messages = Array::at(messages, ptr::from_ref(slot).addr());
        let count = (count as usize).min(MOST_MESSAGES);
        for message in (0..count).map_while(|index| messages.get(index)) {
            hand_over(slot, &message.msg_hdr);
        }
    });
}

/// Nothing is read beyond the control data that the message claims to have.
fn hand_over(slot: &Cell<*const Thread>, message: &msghdr) {
    let end = message.msg_control.addr().saturating_add(message.msg_controllen);
    let mut at = message.msg_control.cast::<cmsghdr>();
    while !at.is_null() && at.addr().saturating_add(size_of::<cmsghdr>()) <= end {
        let Some(header) = Array::at(at, ptr::from_ref(slot).addr()).get(0) else { return };
        let length = header.cmsg_len;
        if length < size_of::<cmsghdr>() || length > end - at.addr() {
            return;
        }
        if (header.cmsg_level, header.cmsg_type) == (libc::SOL_SOCKET, libc::SCM_RIGHTS) {
            let count = (length - size_of::<cmsghdr>()) / size_of::<c_int>();
            let mut descriptors =
                Array::at(at.wrapping_add(1).cast::<c_int>(), ptr::from_ref(slot).addr());
            (0..count.min(MOST_DESCRIPTORS))
                .map_while(|index| descriptors.get(index))
                .for_each(|fd| hand_over_one(slot, fd));
        }
        at = at.wrapping_byte_add(length.next_multiple_of(size_of::<usize>()));
    }
}

fn hand_over_one(slot: &Cell<*const Thread>, fd: c_int) {
    if mq::is_found_queue(fd)
        && let Ok(thread) = thread_of(slot)
    {
        mq::hand_over(thread, fd);
    }
}
