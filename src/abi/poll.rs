//! The calls that wait for descriptors: `<poll.h>`, `<sys/select.h>`, `<sys/epoll.h>`. Only queues concern us.

use core::cell::Cell;
use std::ffi::c_int;

use libc::{epoll_event, fd_set, nfds_t, pollfd, sigset_t, size_t, timespec, timeval};

use super::entry::c_entry;
use super::mqueue::thread_of;
use crate::mq::{self, Poll};
use crate::sys::thread::Thread;

c_entry! {
    /// poll(2), for which a queue is readable when it has a message, and writable when it has room.
    poll(fds: *mut pollfd, nfds: nfds_t, timeout: c_int) -> c_int = rsipc_c_poll
}
c_entry! {
    /// ppoll(2)
    ppoll(
        fds: *mut pollfd,
        nfds: nfds_t,
        timeout: *const timespec,
        sigmask: *const sigset_t,
    ) -> c_int = rsipc_c_ppoll
}
c_entry! {
    /// `poll` as programs built with _FORTIFY_SOURCE call it. glibc.
    __poll_chk(fds: *mut pollfd, nfds: nfds_t, timeout: c_int, size: size_t) -> c_int = rsipc_c_poll_chk
}
c_entry! {
    /// `ppoll` as programs built with _FORTIFY_SOURCE call it. glibc.
    __ppoll_chk(
        fds: *mut pollfd,
        nfds: nfds_t,
        timeout: *const timespec,
        sigmask: *const sigset_t,
        size: size_t,
    ) -> c_int = rsipc_c_ppoll_chk
}
c_entry! {
    /// select(2)
    select(
        nfds: c_int,
        readfds: *mut fd_set,
        writefds: *mut fd_set,
        exceptfds: *mut fd_set,
        timeout: *mut timeval,
    ) -> c_int = rsipc_c_select
}
c_entry! {
    /// pselect(2)
    pselect(
        nfds: c_int,
        readfds: *mut fd_set,
        writefds: *mut fd_set,
        exceptfds: *mut fd_set,
        timeout: *const timespec,
        sigmask: *const sigset_t,
    ) -> c_int = rsipc_c_pselect
}
c_entry! {
    /// epoll_ctl(2)
    epoll_ctl(epfd: c_int, op: c_int, fd: c_int, event: *mut epoll_event) -> c_int = rsipc_c_epoll_ctl
}

unsafe extern "C" {
    fn rsipc_c_poll(fds: *mut pollfd, nfds: nfds_t, timeout: c_int) -> c_int;
    fn rsipc_c_ppoll(
        fds: *mut pollfd,
        nfds: nfds_t,
        timeout: *const timespec,
        sigmask: *const sigset_t,
    ) -> c_int;
    fn rsipc_c_poll_chk(fds: *mut pollfd, nfds: nfds_t, timeout: c_int, size: size_t) -> c_int;
    fn rsipc_c_ppoll_chk(
        fds: *mut pollfd,
        nfds: nfds_t,
        timeout: *const timespec,
        sigmask: *const sigset_t,
        size: size_t,
    ) -> c_int;
    fn rsipc_c_select(
        nfds: c_int,
        readfds: *mut fd_set,
        writefds: *mut fd_set,
        exceptfds: *mut fd_set,
        timeout: *mut timeval,
    ) -> c_int;
    fn rsipc_c_pselect(
        nfds: c_int,
        readfds: *mut fd_set,
        writefds: *mut fd_set,
        exceptfds: *mut fd_set,
        timeout: *const timespec,
        sigmask: *const sigset_t,
    ) -> c_int;
    fn rsipc_c_epoll_ctl(epfd: c_int, op: c_int, fd: c_int, event: *mut epoll_event) -> c_int;
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

