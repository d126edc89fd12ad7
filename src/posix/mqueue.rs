//! The calls of `<mqueue.h>`.

use std::ffi::{c_char, c_int, c_long, c_uint, c_void};

use libc::{mq_attr, mqd_t, sigevent, size_t, ssize_t, timespec};

use super::mqueue_steps::{
    rsipc_notification_free, rsipc_notification_new, rsipc_notification_start,
};
use crate::edge::{name_of_queue, status};
use crate::entry::jump_to;
use crate::thread::this_thread;
use rsipc_core::os::Errno;
use rsipc_core::os::Result;
use rsipc_core::os::cancel::uncancelled;
use rsipc_core::os::user;
use rsipc_core::posix::mq::{self, Attributes, Start, Wish};

/// Opens a queue; mode and attributes follow when the flags have O_CREAT. POSIX.1-2017, `mq_open`.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mq_open(name: *const c_char, oflag: c_int) -> mqd_t {
    jump_to!(rsipc_c_mq_open)
}

/// `mq_open` of two arguments, as programs built with _FORTIFY_SOURCE call it. glibc.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __mq_open_2(name: *const c_char, oflag: c_int) -> mqd_t {
    jump_to!(rsipc_c_mq_open_2)
}

/// Sends a message, and sleeps while the queue is full. A cancellation point. POSIX.1-2017,
/// `mq_send`.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mq_send(
    mqdes: mqd_t,
    msg_ptr: *const c_char,
    msg_len: size_t,
    msg_prio: c_uint,
) -> c_int {
    jump_to!(rsipc_c_mq_send)
}

/// `mq_send` until a time of CLOCK_REALTIME at most: ETIMEDOUT. POSIX.1-2017, `mq_timedsend`.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mq_timedsend(
    mqdes: mqd_t,
    msg_ptr: *const c_char,
    msg_len: size_t,
    msg_prio: c_uint,
    abstime: *const timespec,
) -> c_int {
    jump_to!(rsipc_c_mq_timedsend)
}

/// Receives the oldest message of the highest priority, and sleeps while there is none. A
/// cancellation point. POSIX.1-2017, `mq_receive`.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mq_receive(
    mqdes: mqd_t,
    msg_ptr: *mut c_char,
    msg_len: size_t,
    msg_prio: *mut c_uint,
) -> ssize_t {
    jump_to!(rsipc_c_mq_receive)
}

/// `mq_receive` until a time of CLOCK_REALTIME at most: ETIMEDOUT. POSIX.1-2017, `mq_timedreceive`.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mq_timedreceive(
    mqdes: mqd_t,
    msg_ptr: *mut c_char,
    msg_len: size_t,
    msg_prio: *mut c_uint,
    abstime: *const timespec,
) -> ssize_t {
    jump_to!(rsipc_c_mq_timedreceive)
}

/// Closes the descriptor of a queue. POSIX.1-2017, `mq_close`.
#[unsafe(no_mangle)]
pub extern "C" fn mq_close(mqdes: mqd_t) -> c_int {
    status(uncancelled(|| mq::close(this_thread()?, mqdes)))
}

/// Removes the name of a queue. POSIX.1-2017, `mq_unlink`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mq_unlink(name: *const c_char) -> c_int {
    // SAFETY: the caller gives a C string or NULL.
    status(uncancelled(|| mq::unlink(unsafe { name_of_queue(name) }?)))
}

/// Stores the attributes of a queue in `mqstat`. POSIX.1-2017, `mq_getattr`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mq_getattr(mqdes: mqd_t, mqstat: *mut mq_attr) -> c_int {
    status(uncancelled(|| {
        let attributes = mq::attributes(this_thread()?, mqdes)?;
        // SAFETY: the caller gives memory for a mq_attr, or NULL.
        unsafe { store(attributes, mqstat) }
    }))
}

/// Sets or clears O_NONBLOCK, and stores the previous attributes in `omqstat`, which may be NULL.
/// POSIX.1-2017, `mq_setattr`: EINVAL for any other flag.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mq_setattr(
    mqdes: mqd_t,
    mqstat: *const mq_attr,
    omqstat: *mut mq_attr,
) -> c_int {
    status(uncancelled(|| {
        if !mqstat.is_null() {
            user::readable(mqstat, 1)?;
        }
        // SAFETY: a mq_attr that can be read, or NULL, with which Linux changes nothing.
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
        // SAFETY: the caller gives memory for a mq_attr, or NULL.
        unsafe { store(before, omqstat) }
    }))
}

/// Registers the process to be notified when a message arrives at the empty queue. NULL: ends the
/// registration. POSIX.1-2017, `mq_notify`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mq_notify(mqdes: mqd_t, notification: *const sigevent) -> c_int {
    status(uncancelled(|| {
        // SAFETY: the caller gives a sigevent or NULL.
        let wish = unsafe { notification.as_ref().map(|event| wish(event)) }.transpose()?;
        let result = this_thread().and_then(|thread| mq::notify(thread, mqdes, wish));
        if let (Err(_), Some(Wish::Thread(start))) = (&result, wish) {
            // SAFETY: made by `wish`, and not used by any thread now.
            unsafe { rsipc_notification_free(start.notification) };
        }
        result
    }))
}

/// EINVAL for a kind of notification, or a signal, that there is not; ENOMEM.
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
        libc::SIGEV_SIGNAL if (0..=64).contains(&event.sigev_signo) => Ok(Wish::Signal {
            signo: event.sigev_signo.cast_unsigned(),
            value: event.sigev_value.sival_ptr.expose_provenance() as u64,
        }),
        libc::SIGEV_THREAD => {
            // SAFETY: a sigevent of this kind has these fields, and is larger.
            let event = unsafe { &*core::ptr::from_ref(event).cast::<ThreadEvent>() };
            // SAFETY: NULL or attributes, says the caller.
            let notification =
                unsafe { rsipc_notification_new(event.function, event.value, event.attributes) };
            if notification.is_null() {
                return Err(Errno::ENOMEM);
            }
            Ok(Wish::Thread(Start { notification, start: rsipc_notification_start }))
        }
        _ => Err(Errno::EINVAL),
    }
}

/// EFAULT.
///
/// # Safety
/// `into` is NULL, memory of the caller's for this, or cannot be written to.
unsafe fn store(attributes: Attributes, into: *mut mq_attr) -> Result<()> {
    if !into.is_null() {
        user::writable(into, 1)?;
    }
    // SAFETY: as the caller says; it can be written to.
    if let Some(into) = unsafe { into.as_mut() } {
        // What is reserved is 0, as the kernel stores it.
        // SAFETY: plain data, for which zeros are valid.
        *into = unsafe { core::mem::zeroed() };
        // All of them are far below the largest long.
        let long = |number: usize| c_long::try_from(number).unwrap_or(c_long::MAX);
        into.mq_flags = if attributes.nonblocking { c_long::from(libc::O_NONBLOCK) } else { 0 };
        into.mq_maxmsg = long(attributes.geometry.maxmsg);
        into.mq_msgsize = long(attributes.geometry.msgsize);
        into.mq_curmsgs = long(attributes.messages);
    }
    Ok(())
}
