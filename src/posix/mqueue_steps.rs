//! What `cbits/mqueue.c` calls, and what is called in C: the steps of a wait, an open whose arguments are known. Not
//! exported, and not read by cbindgen.

use core::cell::Cell;
use core::ptr;
use std::ffi::{c_char, c_int, c_uint};

use libc::{mode_t, mq_attr, mqd_t, size_t, timespec};

use crate::edge::{fail, string};
use crate::thread::thread_of;
use crate::wait::{CWait, WaitKind, answer, answer_of};
use rsipc_core::os::Result;
use rsipc_core::os::cancel::uncancelled;
use rsipc_core::os::clock::{Clock, Deadline};
use rsipc_core::posix::mq::{self, How, Incoming, Outgoing, Received, Room, Start, Transfer, Transferred};
use rsipc_core::shared::thread::Thread;
use rsipc_core::shared::wait::{Progress, Wait};

unsafe extern "C" {
    pub fn rsipc_start_notification(wish: *const Start);
}

/// `struct rsipc_mq_received`
#[repr(C)]
pub struct CReceived {
    length: size_t,
    priority: c_uint,
}

/// What is in the room that C gives for a wait.
#[repr(C)]
struct MqWait {
    room: Room,
    /// NULL for one who sends.
    received: *mut CReceived,
}

const _: () = assert!(CWait::has_room_for::<MqWait>());

#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_mq_try_send(
    slot: *const Cell<*const Thread>,
    wait: *mut CWait,
    queue: mqd_t,
    body: *const u8,
    length: size_t,
    priority: c_uint,
) -> c_int {
    let wait: *mut MqWait = wait.cast();
    // SAFETY: C gives the thread's own variable, and the room of a wait, which it does not move; the caller of mq_send
    // vouches for its memory.
    let sent = unsafe {
        thread_of(&*slot).and_then(|thread| {
            mq::send_or_wait(thread, queue, &Outgoing { body, length, priority }, &raw mut (*wait).room)
        })
    };
    answer(sent.map(|sent| {
        if !sent {
            // SAFETY: as above.
            unsafe { (&raw mut (*wait).received).write(ptr::null_mut()) };
        }
        sent.then_some(())
    }))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_mq_try_receive(
    slot: *const Cell<*const Thread>,
    wait: *mut CWait,
    queue: mqd_t,
    body: *mut u8,
    room: size_t,
    into: *mut CReceived,
) -> c_int {
    let wait: *mut MqWait = wait.cast();
    // SAFETY: as in `rsipc_mq_try_send`.
    let received = unsafe {
        thread_of(&*slot).and_then(|thread| {
            mq::receive_or_wait(thread, queue, &Incoming { body, room }, &raw mut (*wait).room)
        })
    };
    answer(received.map(|received| {
        if received.is_none() {
            // SAFETY: as above.
            unsafe { (&raw mut (*wait).received).write(into) };
        }
        received.map(|message| {
            // SAFETY: C gives its own variable.
            unsafe { into.write(CReceived { length: message.length, priority: message.priority }) };
        })
    }))
}

/// EINVAL as the kernel gives it for a time, before it looks at anything else.
#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_mq_check_time(until: *const timespec) -> c_int {
    // SAFETY: C gives the caller's timespec, not NULL.
    let until = unsafe { *until };
    let is_valid = until.tv_sec >= 0 && Deadline::new(Clock::Realtime, until).is_ok();
    if is_valid { 0 } else { libc::EINVAL }
}

/// `until` is NULL, or has been checked.
#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_mq_begin(wait: *mut CWait, until: *const timespec) -> c_int {
    let wait: *mut MqWait = wait.cast();
    // SAFETY: NULL, or the caller's timespec.
    let until = unsafe { until.as_ref() }.map(|until| Deadline { clock: Clock::Realtime, time: *until });
    // SAFETY: C gives a wait that one of the functions above has placed.
    unsafe { conclude(wait, Wait::begin(place(wait), until)) }
}

unsafe extern "C" fn woken(wait: *mut CWait, error: c_int) -> c_int {
    let wait: *mut MqWait = wait.cast();
    // SAFETY: C calls this with a wait that must sleep.
    unsafe { conclude(wait, Wait::woken(place(wait), error)) }
}

unsafe extern "C" fn cancelled(wait: *mut CWait) {
    // SAFETY: as in `woken`.
    unsafe { Wait::abandon(place(wait.cast())) };
}

/// # Safety
/// `wait` is valid.
unsafe fn place(wait: *mut MqWait) -> *mut Wait<Transfer> {
    // SAFETY: only its address is taken.
    unsafe { (&raw mut (*wait).room.wait).cast() }
}

/// # Safety
/// `wait` was placed by one of the functions above.
unsafe fn conclude(wait: *mut MqWait, progress: Result<Progress<Transferred>>) -> c_int {
    answer_of(progress, |done| {
        if let Transferred::Received(Received { length, priority }) = done {
            // SAFETY: one who receives has given its variable, and waits for it.
            unsafe { (*wait).received.write(CReceived { length, priority }) };
        }
    })
}

#[unsafe(no_mangle)]
static rsipc_mq_wait_kind: WaitKind = WaitKind { woken, cancelled, is_cancellation_point: 1 };

#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_mq_open(
    name: *const c_char,
    flags: c_int,
    mode: mode_t,
    attributes: *const mq_attr,
) -> mqd_t {
    // SAFETY: C hands on what the caller of mq_open gave: NULL or a mq_attr.
    let sizes =
        unsafe { attributes.as_ref() }.map(|attributes| (attributes.mq_maxmsg, attributes.mq_msgsize));
    // SAFETY: the caller gives a C string or NULL.
    match uncancelled(|| mq::open(unsafe { string(name) }?, How { flags, mode, sizes })) {
        Ok(fd) => fd,
        Err(error) => fail(error, -1),
    }
}
