//! The calls of `<sys/msg.h>`.

use std::ffi::{c_int, c_long, c_void};

use libc::{key_t, msqid_ds, size_t, ssize_t};

use super::msg_control::control;
use super::sem_control::{kernel, number};
use crate::entry::jump_to;
use crate::thread::on_this_thread;
use rsipc_core::os::Errno;
use rsipc_core::os::cancel::uncancelled;
use rsipc_core::os::settings;
use rsipc_core::sysv::msg;

/// Returns the id of the queue with this key, or of a new one. POSIX.1-2017, `msgget`.
#[unsafe(no_mangle)]
pub extern "C" fn msgget(key: key_t, msgflg: c_int) -> c_int {
    if !settings::get().sysv.queues {
        // SAFETY: no pointer.
        return kernel(unsafe { libc::syscall(libc::SYS_msgget, key, msgflg) });
    }
    number(uncancelled(|| on_this_thread(|thread| msg::get(thread, key, msgflg))))
}

/// Sends a message, and sleeps while there is no space for it. POSIX.1-2017, `msgsnd`.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn msgsnd(
    msqid: c_int,
    msgp: *const c_void,
    msgsz: size_t,
    msgflg: c_int,
) -> c_int {
    jump_to!(rsipc_c_msgsnd)
}

/// Receives a message, and sleeps while there is none. POSIX.1-2017, `msgrcv`.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn msgrcv(
    msqid: c_int,
    msgp: *mut c_void,
    msgsz: size_t,
    msgtyp: c_long,
    msgflg: c_int,
) -> ssize_t {
    jump_to!(rsipc_c_msgrcv)
}

/// Returns the state of a queue, or changes it. POSIX.1-2017, `msgctl`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn msgctl(msqid: c_int, cmd: c_int, buf: *mut msqid_ds) -> c_int {
    if !settings::get().sysv.queues {
        // SAFETY: the kernel checks all pointers.
        return kernel(unsafe { libc::syscall(libc::SYS_msgctl, msqid, cmd, buf) });
    }
    number(uncancelled(|| {
        if msqid < 0 || cmd < 0 {
            return Err(Errno::EINVAL);
        }
        on_this_thread(|thread| control(thread, msqid, cmd, buf))
    }))
}
