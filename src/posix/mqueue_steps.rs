//! What `cbits/mqueue.c` calls, and what is called in C: the steps of a wait, an open whose
//! arguments are known. Not exported, and not read by cbindgen.

use core::cell::Cell;
use core::mem::offset_of;
use std::ffi::{c_char, c_int, c_uint, c_void};

use libc::{clockid_t, mode_t, mq_attr, mqd_t, size_t, ssize_t, timespec};

use crate::edge::{fail, name_of_queue};
use crate::thread::thread_of;
use crate::wait::{answer_of, fits_in_c, step};
use rsipc_core::cbits::{
    DutyStorage, LOAN, MQ_LOAN_ALL, MUST_SLEEP, MqReceive, MqSend, MqWaitStorage, WaitKind,
    WaitStorage,
};
use rsipc_core::os::Errno;
use rsipc_core::os::Result;
use rsipc_core::os::cancel::uncancelled;
use rsipc_core::os::clock::{Clock, Deadline};
use rsipc_core::os::user;
use rsipc_core::posix::mq::{
    self, Borrowed, CallStorage, Duty, How, Incoming, Outgoing, Received, Task, Transfer,
    Transferred,
};
use rsipc_core::shared::thread::Thread;
use rsipc_core::shared::wait::{Progress, Wait};

unsafe extern "C" {
    /// A notification by a thread, with a copy of the attributes, which may be NULL. NULL: ENOMEM.
    pub fn rsipc_notification_new(
        function: *const c_void,
        value: libc::sigval,
        attributes: *const libc::pthread_attr_t,
    ) -> *mut c_void;
    /// See [`mq::Start`].
    pub fn rsipc_notification_start(notification: *mut c_void, duty: *const Duty) -> c_int;
    pub fn rsipc_notification_free(notification: *mut c_void);
}

const _: () = assert!(size_of::<Duty>() == size_of::<DutyStorage>());
const _: () = assert!(align_of::<Duty>() <= align_of::<DutyStorage>());

/// Sleeps until the registration is over. 1: the caller is to notify.
#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_duty_wait(duty: *const Duty) -> c_int {
    // SAFETY: C gives its copy of what `rsipc_notification_start` got.
    let duty = unsafe { &*duty };
    let is_due = duty.wait().is_some();
    duty.finish();
    c_int::from(is_due)
}

/// What is in the storage that C gives for a wait.
#[repr(C)]
struct MqWait {
    storage: CallStorage,
    results: Results,
}

/// Where results go. Any of them may be NULL that the task does not have; those that the caller of
/// the function has given may be NULL in any case.
#[repr(C)]
#[derive(Clone, Copy)]
struct Results {
    body: *mut *mut c_void,
    length: *mut ssize_t,
    priority: *mut c_uint,
}

impl Results {
    /// # Safety
    /// They are NULL, or valid for writing.
    unsafe fn store(self, done: Transferred) {
        let (body, message) = match done {
            Transferred::Sent => return,
            Transferred::Received(message) => (None, Some(message)),
            Transferred::Loaned(body) => (Some(body), None),
            Transferred::Borrowed(Borrowed { body, message }) => (Some(body), Some(message)),
        };
        // SAFETY: as the caller says.
        unsafe {
            if let (Some(to), Some(body)) = (self.body.as_mut(), body) {
                *to = body.cast();
            }
            if let Some(message) = message {
                let length = give(message, self.priority);
                if let Some(to) = self.length.as_mut() {
                    *to = length;
                }
            }
        }
    }
}

const _: () = assert!(fits_in_c::<MqWait, MqWaitStorage>());

// What C gives begins with what the core is given.
const _: () = assert!(
    size_of::<Outgoing>() <= size_of::<MqSend>()
        && offset_of!(Outgoing, body) == offset_of!(MqSend, body)
        && offset_of!(Outgoing, length) == offset_of!(MqSend, length)
        && offset_of!(Outgoing, priority) == offset_of!(MqSend, priority)
);
const _: () = assert!(
    size_of::<Incoming>() <= size_of::<MqReceive>()
        && offset_of!(Incoming, body) == offset_of!(MqReceive, body)
        && offset_of!(Incoming, capacity) == offset_of!(MqReceive, capacity)
        && offset_of!(Incoming, priority) == offset_of!(MqReceive, priority)
);

/// 0; or [`MUST_SLEEP`]: nothing has happened.
#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_mq_send_at_once(
    slot: *const Cell<*const Thread>,
    call: *const MqSend,
) -> c_int {
    // SAFETY: C gives the thread's own variable.
    let Some(thread) = Thread::current(unsafe { &*slot }) else { return MUST_SLEEP };
    // SAFETY: C gives what it has on its stack, which begins so; the caller of mq_send vouches for
    // its memory.
    let sent = unsafe { mq::send_at_once(thread, (*call).queue, &*call.cast()) };
    if sent { 0 } else { MUST_SLEEP }
}

/// The length of the message; minus [`MUST_SLEEP`]: nothing has happened; minus another errno.
#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_mq_receive_at_once(
    slot: *const Cell<*const Thread>,
    call: *const MqReceive,
) -> ssize_t {
    // SAFETY: C gives the thread's own variable.
    let Some(thread) = Thread::current(unsafe { &*slot }) else { return negative(MUST_SLEEP) };
    // SAFETY: C gives what it has on its stack.
    let (queue, priority) = unsafe { ((*call).queue, (*call).priority) };
    let give = |received| match received {
        // SAFETY: NULL, or the caller's variable.
        Ok(Some(message)) => unsafe { give(message, priority) },
        Ok(None) => negative(MUST_SLEEP),
        Err(errno) => refused(errno),
    };
    // SAFETY: what C gives begins so; the caller of mq_receive vouches for its memory.
    unsafe { mq::receive_at_once(thread, queue, &*call.cast(), give) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_mq_try_send(
    slot: *const Cell<*const Thread>,
    wait: *mut MqWaitStorage,
    queue: mqd_t,
    body: *const u8,
    length: size_t,
    priority: c_uint,
) -> c_int {
    let wait: *mut MqWait = wait.cast();
    let message = Outgoing { body, length, priority };
    // SAFETY: C gives the thread's own variable, and the storage of a wait, which it does not move;
    // the caller of mq_send vouches for its memory.
    let sent = thread_of(unsafe { &*slot }).and_then(|thread| unsafe {
        mq::send_or_wait(thread, queue, &message, &raw mut (*wait).storage)
    });
    match sent {
        Ok(true) => 0,
        Ok(false) => MUST_SLEEP,
        Err(Errno(number)) => number,
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_mq_try_receive(
    slot: *const Cell<*const Thread>,
    wait: *mut MqWaitStorage,
    queue: mqd_t,
    body: *mut u8,
    capacity: size_t,
    priority: *mut c_uint,
) -> ssize_t {
    let wait: *mut MqWait = wait.cast();
    let into = Incoming { body, capacity, priority };
    // SAFETY: C gives the thread's own variable, and the storage of a wait, which it does not move;
    // the caller of mq_receive vouches for its memory.
    let received = thread_of(unsafe { &*slot }).and_then(|thread| unsafe {
        mq::receive_or_wait(thread, queue, &into, &raw mut (*wait).storage)
    });
    match received {
        // SAFETY: NULL, or the caller's variable.
        Ok(Some(message)) => unsafe { give(message, priority) },
        Ok(None) => negative(MUST_SLEEP),
        Err(Errno(number)) => negative(number),
    }
}

/// Apart: inlined, it becomes arithmetic on the whole word that the number is in a half of, which
/// valgrind takes for use of the other half.
#[cold]
#[inline(never)]
fn refused(Errno(number): Errno) -> ssize_t {
    negative(number)
}

fn negative(answer: c_int) -> ssize_t {
    // An errno is small.
    ssize_t::try_from(-answer).unwrap_or(ssize_t::MIN)
}

/// # Safety
/// `priority` is NULL, or valid for writing.
#[inline(always)]
unsafe fn give(message: Received, priority: *mut c_uint) -> ssize_t {
    // SAFETY: as the caller says.
    if let Some(priority) = unsafe { priority.as_mut() } {
        *priority = message.priority;
    }
    // At most 16 MiB.
    message.length.cast_signed()
}

/// EFAULT and EINVAL as the kernel gives them for a time, before it looks at anything else; EINVAL
/// also for any other clock than the two.
#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_mq_check_time(clock: clockid_t, until: *const timespec) -> c_int {
    let Ok(clock) = Clock::from_id(clock) else { return libc::EINVAL };
    if !until.is_null() && user::readable(until, 1).is_err() {
        return libc::EFAULT;
    }
    // SAFETY: NULL, or can be read.
    let is_valid = unsafe { until.as_ref() }
        .is_none_or(|until| until.tv_sec >= 0 && Deadline::new(clock, *until).is_ok());
    if is_valid { 0 } else { libc::EINVAL }
}

/// `until` is NULL, or has been checked, as the clock has. Where the results go: `MqWait`.
#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_mq_begin(
    wait: *mut MqWaitStorage,
    clock: clockid_t,
    until: *const timespec,
    length: *mut ssize_t,
    priority: *mut c_uint,
) -> c_int {
    let results = Results { body: core::ptr::null_mut(), length, priority };
    // SAFETY: as C has it.
    unsafe { begin(wait.cast(), clock, until, results) }
}

/// # Safety
/// `wait` was placed by one of the functions above; the rest is as for `rsipc_mq_begin`.
unsafe fn begin(
    wait: *mut MqWait,
    clock: clockid_t,
    until: *const timespec,
    results: Results,
) -> c_int {
    // SAFETY: C gives the storage of a wait.
    unsafe { (&raw mut (*wait).results).write(results) };
    // SAFETY: NULL, or the caller's timespec.
    let until = unsafe { until.as_ref() }.map(|until| Deadline {
        clock: Clock::from_id(clock).unwrap_or(Clock::Realtime),
        time: *until,
    });
    // SAFETY: C gives a wait that one of the functions above has placed.
    step(|| unsafe { conclude(wait, Wait::begin(place(wait), until)) })
}

unsafe extern "C" fn woken(wait: *mut WaitStorage, end: c_int) -> c_int {
    let wait: *mut MqWait = wait.cast();
    // SAFETY: C calls this with a wait that must sleep.
    step(|| unsafe { conclude(wait, Wait::woken(place(wait), end)) })
}

unsafe extern "C" fn cancelled(wait: *mut WaitStorage) {
    // SAFETY: C calls this with a wait that must sleep.
    unsafe { Wait::abandon(place(wait.cast())) };
}

/// # Safety
/// `wait` is valid.
unsafe fn place(wait: *mut MqWait) -> *mut Wait<Transfer> {
    // SAFETY: only its address is taken.
    unsafe { (&raw mut (*wait).storage.wait).cast() }
}

/// # Safety
/// `wait` was placed by one of the functions above.
unsafe fn conclude(wait: *mut MqWait, progress: Result<Progress<Transferred>>) -> c_int {
    // SAFETY: the call has given its variables, and waits for them.
    answer_of(progress, |done| unsafe { (*wait).results.store(done) })
}

/// A loan ([`LOAN`]) or a borrowed message: 0, [`MUST_SLEEP`], or an errno. EINVAL for unknown
/// flags.
#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_mq_try_hold(
    slot: *const Cell<*const Thread>,
    wait: *mut MqWaitStorage,
    queue: mqd_t,
    what: c_int,
    flags: c_uint,
    body: *mut *mut c_void,
    length: *mut size_t,
    priority: *mut c_uint,
) -> c_int {
    if flags & !MQ_LOAN_ALL != 0 {
        return libc::EINVAL;
    }
    let task = match what {
        LOAN => Task::Loan { all: flags & MQ_LOAN_ALL != 0 },
        _ => Task::Borrow,
    };
    let wait: *mut MqWait = wait.cast();
    // SAFETY: C gives the thread's own variable, and the storage of a wait, which it does not move.
    let attempt =
        || unsafe { mq::hold_or_wait(thread_of(&*slot)?, queue, task, &raw mut (*wait).storage) };
    match uncancelled(attempt) {
        Ok(Some(done)) => {
            // SAFETY: NULL, or the caller's variables.
            unsafe { Results { body, length: length.cast(), priority }.store(done) };
            0
        }
        Ok(None) => MUST_SLEEP,
        Err(Errno(number)) => number,
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_mq_begin_hold(
    wait: *mut MqWaitStorage,
    clock: clockid_t,
    until: *const timespec,
    body: *mut *mut c_void,
    length: *mut size_t,
    priority: *mut c_uint,
) -> c_int {
    // SAFETY: as C has it.
    unsafe { begin(wait.cast(), clock, until, Results { body, length: length.cast(), priority }) }
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
    if !attributes.is_null() && user::readable(attributes, 1).is_err() {
        return fail(Errno::EFAULT, -1);
    }
    // SAFETY: C hands on what the caller of mq_open gave: NULL or a mq_attr, which can be read.
    let sizes = unsafe { attributes.as_ref() }
        .map(|attributes| (attributes.mq_maxmsg, attributes.mq_msgsize));
    // SAFETY: the caller gives a C string or NULL.
    match uncancelled(|| mq::open(unsafe { name_of_queue(name) }?, How { flags, mode, sizes })) {
        Ok(fd) => fd,
        Err(error) => fail(error, -1),
    }
}
