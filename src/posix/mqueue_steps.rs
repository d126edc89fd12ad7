//! What `cbits/mqueue.c` calls, and what is called in C: the steps of a wait, an open whose arguments are known. Not
//! exported, and not read by cbindgen.

use core::cell::Cell;
use core::mem::{MaybeUninit, align_of, size_of};
use std::ffi::{c_char, c_int, c_uint, c_void};

use libc::{mode_t, mq_attr, mqd_t, size_t, ssize_t, timespec};

use crate::edge::{WaitKind, answer, fail, step, string};
use crate::thread::thread_of;
use rsipc_core::os::Result;
use rsipc_core::os::cancel::uncancelled;
use rsipc_core::os::clock::{Clock, Deadline};
use rsipc_core::os::futex::Sleep;
use rsipc_core::posix::mq::{self, How, Incoming, Outgoing, Progress, Start, Task, Wait};
use rsipc_core::shared::thread::Thread;

unsafe extern "C" {
    pub fn rsipc_start_notification(wish: *const Start);
}

/// `struct rsipc_mq_task`
#[repr(C)]
pub struct CTask {
    queue: mqd_t,
    is_send: c_int,
    body: *mut c_void,
    length: size_t,
    priority: c_uint,
    received: ssize_t,
}

/// `struct rsipc_mq_wait`: the wait, and the task to complete.
#[repr(C)]
pub struct WaitRoom(MaybeUninit<[u64; size_of::<Sleep>() / 8 + 24]>);

/// A wait as C sees it.
#[repr(C)]
struct CWait {
    wait: MaybeUninit<Wait>,
    task: *mut CTask,
}

const _: () =
    assert!(size_of::<CWait>() <= size_of::<WaitRoom>() && align_of::<CWait>() <= align_of::<WaitRoom>());

impl CTask {
    #[inline]
    fn task(&self) -> Task {
        if self.is_send != 0 {
            Task::Send(Outgoing { body: self.body.cast(), length: self.length, priority: self.priority })
        } else {
            Task::Receive(Incoming { body: self.body.cast(), room: self.length })
        }
    }

    #[inline]
    fn complete(&mut self, progress: Result<Progress>) -> c_int {
        answer(progress.map(|progress| match progress {
            Progress::Sent => true,
            Progress::Received(message) => {
                // At most 16 MiB.
                self.received = ssize_t::try_from(message.length).unwrap_or(ssize_t::MAX);
                self.priority = message.priority;
                true
            }
            Progress::MustSleep => false,
        }))
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_mq_try_send(
    slot: *const Cell<*const Thread>,
    queue: mqd_t,
    body: *const u8,
    length: size_t,
    priority: c_uint,
) -> c_int {
    // SAFETY: C gives the thread's own variable.
    let done = thread_of(unsafe { &*slot }).and_then(|thread| {
        // SAFETY: the caller of mq_send vouches for its memory.
        unsafe { mq::send_at_once(thread, queue, &Outgoing { body, length, priority }) }
    });
    answer(done)
}

/// `priority` may be NULL. Both results are only stored when there is a message.
#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_mq_try_receive(
    slot: *const Cell<*const Thread>,
    queue: mqd_t,
    body: *mut u8,
    room: size_t,
    priority: *mut c_uint,
    length: *mut size_t,
) -> c_int {
    // SAFETY: C gives the thread's own variable.
    let done = thread_of(unsafe { &*slot }).and_then(|thread| {
        // SAFETY: the caller of mq_receive vouches for its memory.
        unsafe { mq::receive_at_once(thread, queue, &Incoming { body, room }) }
    });
    answer(done.map(|received| {
        let Some(message) = received else { return false };
        // SAFETY: C gives its own variable, and what the caller of mq_receive gave: NULL or room for a number.
        unsafe {
            *length = message.length;
            if let Some(priority) = priority.as_mut() {
                *priority = message.priority;
            }
        }
        true
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

#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_mq_begin(
    slot: *const Cell<*const Thread>,
    task: *mut CTask,
    room: *mut WaitRoom,
    until: *const timespec,
) -> c_int {
    // SAFETY: C gives the thread's own variable, the room of a wait, which it does not move, and a task that lives as
    // long.
    let (slot, c_task, room) = unsafe { (&*slot, &mut *task, &mut *room.cast::<CWait>()) };
    room.task = task;
    // SAFETY: NULL, or the caller's timespec.
    let until = unsafe { until.as_ref() };
    step(|| {
        let begun = thread_of(slot).and_then(|thread| {
            let deadline = until.map(|until| Deadline::new(Clock::Realtime, *until)).transpose()?;
            // SAFETY: the caller of mq_send or mq_receive vouches for its memory.
            unsafe { Wait::begin(&mut room.wait, thread, c_task.queue, c_task.task(), deadline) }
        });
        c_task.complete(begun)
    })
}

unsafe extern "C" fn woken(wait: *mut c_void, error: c_int) -> c_int {
    // SAFETY: C calls this with the room of a wait that `rsipc_mq_begin` has initialised.
    unsafe {
        let room = &mut *wait.cast::<CWait>();
        step(|| (*room.task).complete(room.wait.assume_init_mut().woken(error)))
    }
}

unsafe extern "C" fn cancelled(wait: *mut c_void) {
    // SAFETY: as in `woken`; C does not use the wait after this.
    unsafe { (*wait.cast::<CWait>()).wait.assume_init_mut().abandon() };
}

#[unsafe(no_mangle)]
static rsipc_mq_wait_kind: WaitKind = WaitKind { woken, cancelled };

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
