//! The steps of batches that `cbits/mqueue_ext.c` calls. Not exported, and not read by cbindgen.

use core::cell::Cell;
use std::ffi::{c_int, c_uint, c_void};

use libc::mqd_t;

use crate::thread::thread_of;
use rsipc_core::cbits::MqMessage;
use rsipc_core::os::cancel::uncancelled;
use rsipc_core::os::{Errno, Result};
use rsipc_core::posix::mq::{self, Incoming, Outgoing};
use rsipc_core::shared::thread::Thread;

#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_mq_send_some(
    slot: *const Cell<*const Thread>,
    queue: mqd_t,
    messages: *const MqMessage,
    count: c_uint,
) -> c_int {
    let at = |index: usize| {
        // SAFETY: the caller gives so many messages.
        let message = unsafe { messages.add(index).read() };
        let body = message.body.cast::<u8>().cast_const();
        Outgoing { body, length: message.length, priority: message.priority }
    };
    // SAFETY: C gives the thread's own variable; the caller vouches for the bodies.
    answer(messages.cast(), count, |count| unsafe {
        mq::send_some(thread_of(&*slot)?, queue, count, at)
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_mq_receive_some(
    slot: *const Cell<*const Thread>,
    queue: mqd_t,
    messages: *mut MqMessage,
    count: c_uint,
) -> c_int {
    let at = |index: usize| {
        // SAFETY: the caller gives so many messages.
        let message = unsafe { messages.add(index).read() };
        let (body, capacity) = (message.body.cast(), message.length);
        Incoming { body, capacity, priority: core::ptr::null_mut() }
    };
    let done = |index: usize, received: mq::Received| {
        // SAFETY: the caller gives so many messages.
        let message = unsafe { &mut *messages.add(index) };
        message.length = received.length;
        message.priority = received.priority;
    };
    // SAFETY: C gives the thread's own variable; the caller vouches for the buffers.
    answer(messages.cast_const().cast(), count, |count| unsafe {
        mq::receive_some(thread_of(&*slot)?, queue, count, at, done)
    })
}

/// The number of messages, or the negative of an errno. EFAULT for NULL; EINVAL for more than an
/// int counts.
fn answer(
    messages: *const c_void,
    count: c_uint,
    act: impl FnOnce(usize) -> Result<usize>,
) -> c_int {
    let count = match c_int::try_from(count) {
        Err(_) => return -libc::EINVAL,
        Ok(count) if count > 0 && messages.is_null() => return -libc::EFAULT,
        Ok(count) => usize::try_from(count).unwrap_or(0),
    };
    match uncancelled(|| act(count)) {
        Ok(done) => c_int::try_from(done).unwrap_or(c_int::MAX),
        Err(Errno(number)) => -number,
    }
}
