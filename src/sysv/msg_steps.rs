//! What `cbits/sysv_msg.c` calls: the steps of a wait. Not exported, and not read by cbindgen.

use core::cell::Cell;
use std::ffi::{c_int, c_long, c_void};

use libc::{size_t, ssize_t};

use crate::thread::{on_this_thread, thread_of};
use crate::wait::{answer_of, fits_in_c, step};
use rsipc_core::cbits::{MUST_SLEEP, WaitKind, WaitStorage};
use rsipc_core::os::settings;
use rsipc_core::os::user;
use rsipc_core::os::{Errno, Result};
use rsipc_core::shared::thread::Thread;
use rsipc_core::shared::wait::{Progress, Wait};
use rsipc_core::sysv::msg::{
    self, CallStorage, Done, Incoming, Outcome, Outgoing, Selector, Waiting,
};

/// Bits of the flags of msgrcv(2), from linux/msg.h.
const NOERROR: c_int = 0o10_000;
const EXCEPT: c_int = 0o20_000;
const COPY: c_int = 0o40_000;

/// What is in the storage that C gives for a wait.
#[repr(C)]
struct MsgWait {
    storage: CallStorage,
    /// Where the result of a receive goes.
    length: *mut ssize_t,
}

const _: () = assert!(fits_in_c::<MsgWait, WaitStorage>());

#[unsafe(no_mangle)]
extern "C" fn rsipc_msg_is_ours() -> c_int {
    c_int::from(settings::get().sysv.queues)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_msg_try_send(
    slot: *const Cell<*const Thread>,
    wait: *mut WaitStorage,
    queue: c_int,
    message: *const c_void,
    length: size_t,
    flags: c_int,
) -> c_int {
    let wait: *mut MsgWait = wait.cast();
    // SAFETY: C gives the thread's own variable, and the storage of a wait, which it does not move;
    // the caller of msgsnd vouches for its memory.
    let sent = unsafe {
        attempt(slot, |thread| {
            let message = outgoing(thread, queue, message, length)?;
            msg::send_or_wait(thread, queue, &message, flags, &raw mut (*wait).storage)
        })
    };
    match sent {
        Ok(Outcome::Done(())) => 0,
        Ok(Outcome::MustWait) => MUST_SLEEP,
        Err(Errno(number)) => number,
    }
}

/// What is to be sent. EFAULT for the type; EINVAL; EFAULT for the body.
#[inline(always)]
fn outgoing(
    thread: &'static Thread,
    queue: c_int,
    message: *const c_void,
    length: size_t,
) -> Result<Outgoing> {
    let start: *const c_long = message.cast();
    let kind = user::readable(start.cast::<u8>(), size_of::<c_long>())?;
    // SAFETY: it could be read a moment ago.
    let kind = unsafe { kind.cast::<c_long>().read_unaligned() };
    if queue < 0 || length.cast_signed() < 0 || kind < 1 || msg::is_too_long(thread, queue, length)
    {
        return Err(Errno::EINVAL);
    }
    let body = start.wrapping_add(1).cast::<u8>();
    if length > 0 {
        user::readable(body, length)?;
    }
    Ok(Outgoing { kind, body, length })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_msg_try_receive(
    slot: *const Cell<*const Thread>,
    wait: *mut WaitStorage,
    queue: c_int,
    message: *mut c_void,
    capacity: size_t,
    kind: c_long,
    flags: c_int,
) -> ssize_t {
    let wait: *mut MsgWait = wait.cast();
    // SAFETY: C gives the thread's own variable, and the storage of a wait, which it does not move;
    // the caller of msgrcv vouches for its memory.
    let received = unsafe {
        attempt(slot, |thread| {
            receive(thread, &raw mut (*wait).storage, queue, message, capacity, kind, flags)
        })
    };
    match received {
        // At most 16 MiB.
        Ok(Outcome::Done(length)) => length.cast_signed(),
        Ok(Outcome::MustWait) => negative(MUST_SLEEP),
        Err(Errno(number)) => negative(number),
    }
}

/// # Safety
/// As for [`msg::receive_or_wait`].
#[inline(always)]
unsafe fn receive(
    thread: &'static Thread,
    place: *mut CallStorage,
    queue: c_int,
    message: *mut c_void,
    capacity: size_t,
    kind: c_long,
    flags: c_int,
) -> Result<Outcome<usize>> {
    if queue < 0 || capacity.cast_signed() < 0 {
        return Err(Errno::EINVAL);
    }
    let selector = Selector::new(kind, flags);
    let into = Incoming { into: message.cast(), capacity, selector, cut: flags & NOERROR != 0 };
    if flags & COPY == 0 {
        // SAFETY: as the caller says.
        return unsafe { msg::receive_or_wait(thread, queue, &into, flags, place) };
    }
    if flags & EXCEPT != 0 || flags & libc::IPC_NOWAIT == 0 {
        return Err(Errno::EINVAL);
    }
    // A negative index is beyond the end, too.
    let nth = usize::try_from(kind).unwrap_or(usize::MAX);
    // SAFETY: as the caller says.
    unsafe { msg::copy(thread, queue, &into, nth) }.map(Outcome::Done)
}

/// Makes a call on this thread; again, if it finds itself in the child of a fork.
///
/// # Safety
/// `slot` is the thread's own variable.
#[inline(always)]
unsafe fn attempt<T>(
    slot: *const Cell<*const Thread>,
    call: impl Fn(&'static Thread) -> Result<T>,
) -> Result<T> {
    // SAFETY: as the caller says.
    match thread_of(unsafe { &*slot }).and_then(&call) {
        Err(Errno::ERESTART) => on_this_thread(call),
        result => result,
    }
}

fn negative(answer: c_int) -> ssize_t {
    // An errno is small.
    ssize_t::try_from(-answer).unwrap_or(ssize_t::MIN)
}

/// Where the result goes: `MsgWait`.
#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_msg_begin(wait: *mut WaitStorage, length: *mut ssize_t) -> c_int {
    let wait: *mut MsgWait = wait.cast();
    // SAFETY: C gives the storage of a wait.
    unsafe { (&raw mut (*wait).length).write(length) };
    // SAFETY: C gives a wait that one of the functions above has placed.
    step(|| unsafe { conclude(wait, Wait::begin(place(wait), None)) })
}

unsafe extern "C" fn woken(wait: *mut WaitStorage, end: c_int) -> c_int {
    let wait: *mut MsgWait = wait.cast();
    // SAFETY: C calls this with a wait that must sleep.
    step(|| unsafe { conclude(wait, Wait::woken(place(wait), end)) })
}

unsafe extern "C" fn cancelled(wait: *mut WaitStorage) {
    // SAFETY: C calls this with a wait that must sleep.
    unsafe { Wait::abandon(place(wait.cast())) };
}

/// # Safety
/// `wait` is valid.
unsafe fn place(wait: *mut MsgWait) -> *mut Wait<Waiting> {
    // SAFETY: only its address is taken.
    unsafe { (&raw mut (*wait).storage.wait).cast() }
}

/// # Safety
/// `wait` was placed by one of the functions above.
unsafe fn conclude(wait: *mut MsgWait, progress: Result<Progress<Done>>) -> c_int {
    answer_of(progress, |done| {
        if let Done::Received(length) = done {
            // SAFETY: a receive has given its variable, and waits for it.
            unsafe { *(*wait).length = length.cast_signed() };
        }
    })
}

#[unsafe(no_mangle)]
static rsipc_msg_wait_kind: WaitKind = WaitKind { woken, cancelled, is_cancellation_point: 1 };
