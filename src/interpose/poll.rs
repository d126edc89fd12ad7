//! The calls that wait for descriptors: `<poll.h>`, `<sys/select.h>`, `<sys/epoll.h>`. Only queues concern us.

use core::cell::Cell;
use std::ffi::c_int;

use libc::{epoll_event, fd_set, nfds_t, pollfd, sigset_t, size_t, timespec, timeval};

use crate::entry::jump_to;
use crate::thread::thread_of;
use rsipc_core::posix::mq::{self, Poll};
use rsipc_core::shared::thread::Thread;

/// poll(2), for which a queue is readable when it has a message, and writable when it has room.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn poll(fds: *mut pollfd, nfds: nfds_t, timeout: c_int) -> c_int {
    jump_to!(rsipc_c_poll)
}

/// ppoll(2)
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ppoll(
    fds: *mut pollfd,
    nfds: nfds_t,
    timeout: *const timespec,
    sigmask: *const sigset_t,
) -> c_int {
    jump_to!(rsipc_c_ppoll)
}

/// `poll` as programs built with _FORTIFY_SOURCE call it. glibc.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __poll_chk(fds: *mut pollfd, nfds: nfds_t, timeout: c_int, size: size_t) -> c_int {
    jump_to!(rsipc_c_poll_chk)
}

/// `ppoll` as programs built with _FORTIFY_SOURCE call it. glibc.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __ppoll_chk(
    fds: *mut pollfd,
    nfds: nfds_t,
    timeout: *const timespec,
    sigmask: *const sigset_t,
    size: size_t,
) -> c_int {
    jump_to!(rsipc_c_ppoll_chk)
}

/// select(2)
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn select(
    nfds: c_int,
    readfds: *mut fd_set,
    writefds: *mut fd_set,
    exceptfds: *mut fd_set,
    timeout: *mut timeval,
) -> c_int {
    jump_to!(rsipc_c_select)
}

/// pselect(2)
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pselect(
    nfds: c_int,
    readfds: *mut fd_set,
    writefds: *mut fd_set,
    exceptfds: *mut fd_set,
    timeout: *const timespec,
    sigmask: *const sigset_t,
) -> c_int {
    jump_to!(rsipc_c_pselect)
}

/// epoll_ctl(2)
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn epoll_ctl(epfd: c_int, op: c_int, fd: c_int, event: *mut epoll_event) -> c_int {
    jump_to!(rsipc_c_epoll_ctl)
}

#[unsafe(no_mangle)]
extern "C" fn rsipc_is_queue(fd: c_int) -> c_int {
    c_int::from(mq::is_queue(fd))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_poll_begin(slot: *const Cell<*const Thread>, fd: c_int, watch: c_int) {
    let how = if watch != 0 { Poll::Watch } else { Poll::Call };
    // SAFETY: C gives the thread's own variable. Without a block the poll is the kernel's alone.
    if let Ok(thread) = thread_of(unsafe { &*slot }) {
        mq::begin_poll(thread, fd, how);
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_poll_end(slot: *const Cell<*const Thread>, fd: c_int) {
    // SAFETY: as in `rsipc_poll_begin`.
    if let Ok(thread) = thread_of(unsafe { &*slot }) {
        mq::end_poll(thread, fd);
    }
}
