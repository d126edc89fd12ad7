//! Memory of messages, which `<mqueue.h>` does not have.

use std::ffi::{c_int, c_uint, c_void};

use libc::{clockid_t, mqd_t, size_t, timespec};

use crate::edge::status;
use crate::entry::jump_to;
use crate::thread::this_thread;
use rsipc_core::os::cancel::uncancelled;
use rsipc_core::posix::mq::{self, Outgoing};

/// Returns memory for a message of up to mq_msgsize bytes: a free slot of the queue, which is this
/// process's until `rsipc_mq_commit` or `rsipc_mq_return`. Waits for one, until a time of
/// CLOCK_REALTIME or CLOCK_MONOTONIC; NULL: without an end. `flags`: 0, or RSIPC_MQ_LOAN_ALL, which
/// lifts the limit of half of the slots. Returns NULL on error, and sets errno: ENOBUFS at that
/// limit. A cancellation point.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rsipc_mq_loan(
    mqdes: mqd_t,
    flags: c_uint,
    clockid: clockid_t,
    abstime: *const timespec,
) -> *mut c_void {
    jump_to!(rsipc_c_mq_loan)
}

/// Sends the message in a loan, of this length and priority. The memory is not this process's any
/// more. On error it still is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rsipc_mq_commit(
    mqdes: mqd_t,
    loan: *mut c_void,
    msg_len: size_t,
    msg_prio: c_uint,
) -> c_int {
    let loan = Outgoing { body: loan.cast(), length: msg_len, priority: msg_prio };
    status(uncancelled(|| mq::commit(this_thread()?, mqdes, &loan)))
}

/// Returns the next message where it lies, and stores its length and priority, which may both be
/// NULL. No other process receives it until `rsipc_mq_release` or `rsipc_mq_return`. Waits as
/// `rsipc_mq_loan` does. Returns NULL on error, and sets errno. A cancellation point.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rsipc_mq_borrow(
    mqdes: mqd_t,
    msg_len: *mut size_t,
    msg_prio: *mut c_uint,
    clockid: clockid_t,
    abstime: *const timespec,
) -> *mut c_void {
    jump_to!(rsipc_c_mq_borrow)
}

/// A borrowed message has been received: it is gone, and its slot is free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rsipc_mq_release(mqdes: mqd_t, message: *const c_void) -> c_int {
    status(uncancelled(|| mq::release(this_thread()?, mqdes, message.cast())))
}

/// A borrowed message goes back to its place in the order of delivery. A loan becomes a free slot.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rsipc_mq_return(mqdes: mqd_t, memory: *const c_void) -> c_int {
    status(uncancelled(|| mq::give_back(this_thread()?, mqdes, memory.cast())))
}
