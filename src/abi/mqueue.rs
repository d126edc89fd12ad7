//! The calls of `<mqueue.h>`.

use core::cell::Cell;
use core::mem::{MaybeUninit, align_of, size_of};
use std::ffi::{c_char, c_int, c_long, c_uint, c_void};

use libc::{mode_t, mq_attr, mqd_t, sigevent, size_t, ssize_t, timespec};

use super::edge::{WaitKind, answer, fail, status, string};
use super::entry::c_entry;
use crate::mq::{self, Attributes, How, Incoming, Outgoing, Progress, Start, Task, Wait, Wish};
use crate::sys::cancel::uncancelled;
use crate::sys::clock::{Clock, Deadline};
use crate::sys::futex::Sleep;
use crate::sys::thread::Thread;
use crate::sys::{Errno, Result};

c_entry! {
    /// Opens a queue; mode and attributes follow when the flags have O_CREAT. POSIX.1-2017, `mq_open`.
    mq_open(name: *const c_char, oflag: c_int) -> mqd_t = rsipc_c_mq_open
}
c_entry! {
    /// `mq_open` of two arguments, as programs built with _FORTIFY_SOURCE call it. glibc.
    __mq_open_2(name: *const c_char, oflag: c_int) -> mqd_t = rsipc_c_mq_open_2
}
c_entry! {
    /// Sends a message, and sleeps while the queue is full. A cancellation point. POSIX.1-2017, `mq_send`.
    mq_send(mqdes: mqd_t, msg_ptr: *const c_char, msg_len: size_t, msg_prio: c_uint) -> c_int = rsipc_c_mq_send
}
c_entry! {
    /// `mq_send` until a time of CLOCK_REALTIME: ETIMEDOUT. POSIX.1-2017, `mq_timedsend`.
    mq_timedsend(
        mqdes: mqd_t,
        msg_ptr: *const c_char,
        msg_len: size_t,
        msg_prio: c_uint,
        abstime: *const timespec,
    ) -> c_int = rsipc_c_mq_timedsend
}
c_entry! {
    /// Receives the oldest message of the highest priority, and sleeps while there is none. A cancellation point.
    /// POSIX.1-2017, `mq_receive`.
    mq_receive(
        mqdes: mqd_t,
        msg_ptr: *mut c_char,
        msg_len: size_t,
        msg_prio: *mut c_uint,
    ) -> ssize_t = rsipc_c_mq_receive
}
c_entry! {
    /// `mq_receive` until a time of CLOCK_REALTIME: ETIMEDOUT. POSIX.1-2017, `mq_timedreceive`.
    mq_timedreceive(
        mqdes: mqd_t,
        msg_ptr: *mut c_char,
        msg_len: size_t,
        msg_prio: *mut c_uint,
        abstime: *const timespec,
    ) -> ssize_t = rsipc_c_mq_timedreceive
}

unsafe extern "C" {
    fn rsipc_c_mq_open(name: *const c_char, oflag: c_int, ...) -> mqd_t;
    fn rsipc_c_mq_open_2(name: *const c_char, oflag: c_int) -> mqd_t;
    fn rsipc_c_mq_send(mqdes: mqd_t, msg_ptr: *const c_char, msg_len: size_t, msg_prio: c_uint) -> c_int;
    fn rsipc_c_mq_timedsend(
        mqdes: mqd_t,
        msg_ptr: *const c_char,
        msg_len: size_t,
        msg_prio: c_uint,
        abstime: *const timespec,
    ) -> c_int;
    fn rsipc_c_mq_receive(
        mqdes: mqd_t,
        msg_ptr: *mut c_char,
        msg_len: size_t,
        msg_prio: *mut c_uint,
    ) -> ssize_t;
    fn rsipc_c_mq_timedreceive(
        mqdes: mqd_t,
        msg_ptr: *mut c_char,
        msg_len: size_t,
        msg_prio: *mut c_uint,
        abstime: *const timespec,
    ) -> ssize_t;
    fn rsipc_start_notification(wish: *const Start);
    fn rsipc_thread_watch();
    fn rsipc_thread_slot() -> *const Cell<*const Thread>;
}

/// Closes a descriptor of a queue. POSIX.1-2017, `mq_close`.
#[unsafe(no_mangle)]
pub extern "C" fn mq_close(mqdes: mqd_t) -> c_int {
    status(uncancelled(|| mq::close(this_thread()?, mqdes)))
}

/// Removes the name of a queue. POSIX.1-2017, `mq_unlink`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mq_unlink(name: *const c_char) -> c_int {
    // SAFETY: the caller gives a C string or NULL.
    status(uncancelled(|| mq::unlink(unsafe { string(name) }?)))
}

/// What a queue is like now. POSIX.1-2017, `mq_getattr`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mq_getattr(mqdes: mqd_t, mqstat: *mut mq_attr) -> c_int {
    status(uncancelled(|| {
        let attributes = mq::attributes(this_thread()?, mqdes)?;
        // SAFETY: the caller gives room for a mq_attr, or NULL.
        unsafe { store(attributes, mqstat) };
        Ok(())
    }))
}

/// Sets or clears O_NONBLOCK, and stores what was before. POSIX.1-2017, `mq_setattr`: EINVAL for any other flag.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mq_setattr(mqdes: mqd_t, mqstat: *const mq_attr, omqstat: *mut mq_attr) -> c_int {
    status(uncancelled(|| {
        // SAFETY: the caller gives a mq_attr, or NULL, with which Linux changes nothing.
        let before = match unsafe { mqstat.as_ref() } {
            None => mq::attributes(this_thread()?, mqdes)?,
            Some(new) => {
                let nonblock = c_long::from(libc::O_NONBLOCK);
                if new.mq_flags & !nonblock != 0 {
                    return Err(Errno::EINVAL);
                }
                mq::set_nonblocking(this_thread()?, mqdes, new.mq_flags & nonblock != 0)?
            }
        };
        // SAFETY: the caller gives room for a mq_attr, or NULL.
        unsafe { store(before, omqstat) };
        Ok(())
    }))
}

/// Asks to be notified when a message comes into the empty queue, or, with NULL, not to be. POSIX.1-2017, `mq_notify`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mq_notify(mqdes: mqd_t, notification: *const sigevent) -> c_int {
    status(uncancelled(|| {
        // SAFETY: the caller gives a sigevent or NULL.
        let wish = unsafe { notification.as_ref() }.map(|event| unsafe { wish(event) }).transpose()?;
        mq::notify(this_thread()?, mqdes, wish)
    }))
}

/// EINVAL for a kind of notification, or a signal, that there is not.
///
/// # Safety
/// What the event points to is valid.
unsafe fn wish(event: &sigevent) -> Result<Wish> {
    /// The beginning of `struct sigevent` of glibc, with the fields of SIGEV_THREAD.
    #[repr(C)]
    struct ThreadEvent {
        value: libc::sigval,
        signal: c_int,
        notify: c_int,
        function: *const c_void,
        attributes: *const libc::pthread_attr_t,
    }
    match event.sigev_notify {
        libc::SIGEV_NONE => Ok(Wish::Nothing),
        libc::SIGEV_SIGNAL if (0..=64).contains(&event.sigev_signo) => {
            Ok(Wish::Signal { number: event.sigev_signo, value: event.sigev_value })
        }
        libc::SIGEV_THREAD => {
            // SAFETY: a sigevent of this kind has these fields, and is larger.
            let event = unsafe { &*core::ptr::from_ref(event).cast::<ThreadEvent>() };
            // SAFETY: NULL or attributes, says the caller. glibc copies them byte for byte, too.
            let attributes = unsafe { event.attributes.as_ref() };
            // SAFETY: the attributes are only looked at if there are any.
            let none = || unsafe { core::mem::zeroed() };
            Ok(Wish::Thread(Start {
                function: event.function,
                value: event.value,
                attributes: attributes.copied().unwrap_or_else(none),
                has_attributes: attributes.is_some(),
                start: rsipc_start_notification,
            }))
        }
        _ => Err(Errno::EINVAL),
    }
}

/// # Safety
/// `into` is NULL or valid for writing.
unsafe fn store(attributes: Attributes, into: *mut mq_attr) {
    // SAFETY: as the caller says.
    if let Some(into) = unsafe { into.as_mut() } {
        // All of them are far below the largest long.
        let long = |number: usize| c_long::try_from(number).unwrap_or(c_long::MAX);
        into.mq_flags = if attributes.nonblocking { c_long::from(libc::O_NONBLOCK) } else { 0 };
        into.mq_maxmsg = long(attributes.geometry.maxmsg);
        into.mq_msgsize = long(attributes.geometry.msgsize);
        into.mq_curmsgs = long(attributes.messages);
    }
}

fn this_thread() -> Result<&'static Thread> {
    // SAFETY: the thread's own variable, which lives as long as the thread.
    thread_of(unsafe { &*rsipc_thread_slot() })
}

#[inline]
pub(super) fn thread_of(slot: &Cell<*const Thread>) -> Result<&'static Thread> {
    let before = slot.get();
    let thread = Thread::current(slot);
    if slot.get() != before {
        // SAFETY: takes no arguments.
        unsafe { rsipc_thread_watch() };
    }
    thread
}

// What cbits/mqueue.c and cbits/thread.c call.

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

const _: () = assert!(size_of::<CWait>() <= size_of::<WaitRoom>() && align_of::<CWait>() <= 16);

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
unsafe extern "C" fn rsipc_mq_try(slot: *const Cell<*const Thread>, task: *mut CTask) -> c_int {
    // SAFETY: C gives the thread's own variable, and a task that nobody else has.
    let (slot, c_task) = unsafe { (&*slot, &mut *task) };
    let task = c_task.task();
    let done = task.check().and_then(|()| thread_of(slot)).and_then(|thread| {
        // SAFETY: the caller of mq_send or mq_receive vouches for its memory.
        unsafe { mq::attempt(thread, c_task.queue, &task) }
    });
    c_task.complete(done.map(|done| done.unwrap_or(Progress::MustSleep)))
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
    let begun = thread_of(slot).and_then(|thread| {
        let deadline = until.map(|until| Deadline::new(Clock::Realtime, *until)).transpose()?;
        // SAFETY: the caller of mq_send or mq_receive vouches for its memory.
        unsafe { Wait::begin(&mut room.wait, thread, c_task.queue, c_task.task(), deadline) }
    });
    c_task.complete(begun)
}

unsafe extern "C" fn woken(wait: *mut c_void, error: c_int) -> c_int {
    // SAFETY: C calls this with the room of a wait that `rsipc_mq_begin` has initialised.
    unsafe {
        let room = &mut *wait.cast::<CWait>();
        (*room.task).complete(room.wait.assume_init_mut().woken(error))
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

#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_thread_retire(thread: *const Thread) {
    // SAFETY: C gives back the block that the thread has used until now. Blocks are never unmapped.
    unsafe { &*thread }.retire();
}
