//! The calls that wait for descriptors, `<poll.h>`, `<sys/select.h>`, `<sys/epoll.h>`, and those that close them,
//! `<unistd.h>`. Only queues concern us.

use core::cell::Cell;
use std::ffi::{c_int, c_uint};

use libc::{epoll_event, fd_set, nfds_t, pollfd, sigset_t, size_t, timespec, timeval};

use super::entry::c_entry;
use super::mqueue::thread_of;
use crate::mq::{self, Poll};
use crate::sys::cancel::uncancelled;
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

c_entry! {
    /// close(2), which ends the registration for notification, as `mq_close` does.
    close(fd: c_int) -> c_int = rsipc_c_close
}
c_entry! {
    /// close_range(2)
    close_range(first: c_uint, last: c_uint, flags: c_int) -> c_int = rsipc_c_close_range
}
c_entry! {
    /// closefrom(3)
    closefrom(lowfd: c_int) -> () = rsipc_c_closefrom
}
c_entry! {
    /// dup(2)
    dup(oldfd: c_int) -> c_int = rsipc_c_dup
}
c_entry! {
    /// dup2(2)
    dup2(oldfd: c_int, newfd: c_int) -> c_int = rsipc_c_dup2
}
c_entry! {
    /// dup3(2)
    dup3(oldfd: c_int, newfd: c_int, flags: c_int) -> c_int = rsipc_c_dup3
}

unsafe extern "C" {
    fn rsipc_c_close(fd: c_int) -> c_int;
    fn rsipc_c_close_range(first: c_uint, last: c_uint, flags: c_int) -> c_int;
    fn rsipc_c_closefrom(lowfd: c_int);
    fn rsipc_c_dup(oldfd: c_int) -> c_int;
    fn rsipc_c_dup2(oldfd: c_int, newfd: c_int) -> c_int;
    fn rsipc_c_dup3(oldfd: c_int, newfd: c_int, flags: c_int) -> c_int;
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

#[unsafe(no_mangle)]
extern "C" fn rsipc_duplicated(fd: c_int, copy: c_int) {
    uncancelled(|| mq::duplicated(fd, copy));
}

#[unsafe(no_mangle)]
extern "C" fn rsipc_is_remembered(fd: c_int) -> c_int {
    c_int::from(mq::is_remembered(fd))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_forget(slot: *const Cell<*const Thread>, first: c_int, last: c_int) {
    // SAFETY: as in `rsipc_poll_begin`.
    if let Ok(thread) = thread_of(unsafe { &*slot }) {
        uncancelled(|| {
            if first == last { mq::forget(thread, first) } else { mq::forget_range(thread, first..=last) }
        });
    }
}
