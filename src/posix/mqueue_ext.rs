//! The calls on queues that `<mqueue.h>` does not have.

use std::ffi::{c_char, c_int, c_uint};

use libc::{clockid_t, mqd_t, size_t, ssize_t, timespec};

use crate::edge::fail;
use crate::entry::jump_to;
use crate::thread::this_thread;
use rsipc_core::cbits::MqMessage;
use rsipc_core::os::cancel::uncancelled;
use rsipc_core::posix::mq::{self, Incoming};

/// `mq_timedsend` until a time of CLOCK_REALTIME or CLOCK_MONOTONIC; NULL: without an end. A
/// cancellation point. EINVAL for another clock.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rsipc_mq_clocksend(
    mqdes: mqd_t,
    msg_ptr: *const c_char,
    msg_len: size_t,
    msg_prio: c_uint,
    clockid: clockid_t,
    abstime: *const timespec,
) -> c_int {
    jump_to!(rsipc_c_mq_clocksend)
}

/// `mq_timedreceive` until a time of CLOCK_REALTIME or CLOCK_MONOTONIC; NULL: without an end. A
/// cancellation point. EINVAL for another clock.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rsipc_mq_clockreceive(
    mqdes: mqd_t,
    msg_ptr: *mut c_char,
    msg_len: size_t,
    msg_prio: *mut c_uint,
    clockid: clockid_t,
    abstime: *const timespec,
) -> ssize_t {
    jump_to!(rsipc_c_mq_clockreceive)
}

/// Sends messages in their order: waits for space for the first one, and sends as many others as
/// there is space for then. Returns how many were sent. -1: none; see errno, as for `mq_send`. A
/// cancellation point.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rsipc_mq_sendv(
    mqdes: mqd_t,
    messages: *const MqMessage,
    count: c_uint,
) -> c_int {
    jump_to!(rsipc_c_mq_sendv)
}

/// Receives messages in the order of delivery: waits for the first one, and receives as many more
/// as there are then. `length` of each is the size of `body`, at least mq_msgsize, and becomes the
/// length of the message. Returns how many were received. -1: none; see errno, as for `mq_receive`.
/// A cancellation point.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rsipc_mq_recvv(
    mqdes: mqd_t,
    messages: *mut MqMessage,
    count: c_uint,
) -> c_int {
    jump_to!(rsipc_c_mq_recvv)
}

/// Copies the message at this position in the order of delivery, from 0, and leaves it in the
/// queue. Returns its length. -1: see errno: ENOMSG when there are not so many messages, EMSGSIZE
/// when it is longer than `msg_len`. `msg_prio` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rsipc_mq_peek(
    mqdes: mqd_t,
    msg_ptr: *mut c_char,
    msg_len: size_t,
    msg_prio: *mut c_uint,
    position: c_uint,
) -> ssize_t {
    let into = Incoming { body: msg_ptr.cast(), capacity: msg_len, priority: msg_prio };
    let position = usize::try_from(position).unwrap_or(usize::MAX);
    // SAFETY: the caller gives a buffer of so many bytes, or NULL.
    match uncancelled(|| unsafe { mq::peek(this_thread()?, mqdes, &into, position) }) {
        Ok(message) => {
            // SAFETY: the caller gives a variable, or NULL.
            if let Some(priority) = unsafe { msg_prio.as_mut() } {
                *priority = message.priority;
            }
            // At most 16 MiB.
            message.length.cast_signed()
        }
        Err(error) => fail(error, -1),
    }
}
