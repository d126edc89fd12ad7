//! The calls that wait for descriptors: `<poll.h>`, `<sys/select.h>`, `<sys/epoll.h>`. Only queues concern us.

use core::cell::Cell;
use std::ffi::c_int;

use libc::{epoll_event, fd_set, nfds_t, pollfd, sigset_t, size_t, timespec, timeval};

use crate::entry::jump_to;
use crate::thread::thread_of;
use rsipc_core::os::errno::kept;
use rsipc_core::os::readable::Array;
use rsipc_core::posix::mq::{self, Poll, Pollers};
use rsipc_core::shared::thread::Thread;

/// As many descriptors as a process can have: the kernel refuses more.
const MOST_DESCRIPTORS: usize = 1 << 20;
/// Descriptors in a word of a set.
const BITS: usize = 64;

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

/// epoll_wait(2)
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn epoll_wait(
    epfd: c_int,
    events: *mut epoll_event,
    maxevents: c_int,
    timeout: c_int,
) -> c_int {
    jump_to!(rsipc_c_epoll_wait)
}

/// epoll_pwait(2)
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn epoll_pwait(
    epfd: c_int,
    events: *mut epoll_event,
    maxevents: c_int,
    timeout: c_int,
    sigmask: *const sigset_t,
) -> c_int {
    jump_to!(rsipc_c_epoll_pwait)
}

/// epoll_pwait2(2)
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn epoll_pwait2(
    epfd: c_int,
    events: *mut epoll_event,
    maxevents: c_int,
    timeout: *const timespec,
    sigmask: *const sigset_t,
) -> c_int {
    jump_to!(rsipc_c_epoll_pwait2)
}

// What cbits/poll.c and cbits/epoll.c call, once a process has had a queue.

fn how(may_sleep: c_int) -> Poll {
    if may_sleep != 0 { Poll::Call } else { Poll::AtOnce }
}

fn begin(slot: &Cell<*const Thread>, fd: c_int, wanted: Pollers, how: Poll) {
    if mq::is_found_queue(fd)
        // Without a block the poll is the kernel's alone.
        && let Ok(thread) = thread_of(slot)
    {
        // Not a queue any more: then it is the kernel's business, too.
        let _ = mq::begin_poll(thread, fd, wanted, how);
    }
}

/// Never reads what the kernel would not read; what cannot be read, the kernel will complain of.
#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_before_poll(
    slot: *const Cell<*const Thread>,
    fds: *const pollfd,
    count: nfds_t,
    may_sleep: c_int,
) {
    // SAFETY: C gives the thread's own variable.
    let slot = unsafe { &*slot };
    let count = usize::try_from(count).ok().filter(|&count| count <= MOST_DESCRIPTORS).unwrap_or(0);
    kept(|| {
        let mut fds = Array::at(fds);
        for polled in (0..count).map_while(|index| fds.get(index)) {
            let events = Pollers::from_events(u32::from(polled.events.cast_unsigned()));
            begin(slot, polled.fd, events, how(may_sleep));
        }
    });
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_before_select(
    slot: *const Cell<*const Thread>,
    count: c_int,
    sets: *const [*const u64; 3],
    may_sleep: c_int,
) {
    // SAFETY: C gives the thread's own variable, and an array of its own.
    let (slot, sets) = unsafe { (&*slot, &*sets) };
    let count = usize::try_from(count).ok().filter(|&count| count <= MOST_DESCRIPTORS).unwrap_or(0);
    kept(|| {
        let mut sets = sets.map(|set| (!set.is_null()).then(|| Array::at(set)));
        for word in 0..count.div_ceil(BITS) {
            let [Some(input), Some(output), Some(other)] =
                sets.each_mut().map(|set| set.as_mut().map_or(Some(0), |set| set.get(word)))
            else {
                return;
            };
            let mut left = input | output | other;
            while left != 0 {
                let bit = left.trailing_zeros();
                left &= left - 1;
                let is_in = |set: u64| set >> bit & 1 == 1;
                let wanted = match (is_in(input), is_in(output)) {
                    (true, true) => Pollers::MESSAGE.and(Pollers::ROOM),
                    (false, true) => Pollers::ROOM,
                    _ => Pollers::MESSAGE,
                };
                match c_int::try_from(word * BITS + bit as usize) {
                    Ok(fd) if word * BITS + (bit as usize) < count => begin(slot, fd, wanted, how(may_sleep)),
                    _ => {}
                }
            }
        }
    });
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_before_epoll_ctl(
    slot: *const Cell<*const Thread>,
    fd: c_int,
    event: *const epoll_event,
) {
    // SAFETY: C gives the thread's own variable.
    let slot = unsafe { &*slot };
    kept(|| {
        if let Some(event) = Array::at(event).get(0) {
            begin(slot, fd, Pollers::from_events(event.events), Poll::Watch);
        }
    });
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_before_epoll_wait(slot: *const Cell<*const Thread>, may_sleep: c_int) {
    // SAFETY: C gives the thread's own variable.
    if let Ok(thread) = thread_of(unsafe { &*slot }) {
        mq::before_epoll_wait(thread, may_sleep != 0);
    }
}
