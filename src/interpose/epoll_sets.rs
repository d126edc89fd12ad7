//! What `cbits/epoll.c` calls when a descriptor is put into the set of an epoll.

use core::cell::Cell;
use core::ptr;
use std::ffi::c_int;

use libc::epoll_event;

use super::poll::begin;
use crate::thread::thread_of;
use rsipc_core::os::errno::preserved;
use rsipc_core::os::readable::Array;
use rsipc_core::posix::mq::{self, Poll, Pollers, nested};
use rsipc_core::shared::thread::Thread;

const EDGE: u32 = libc::EPOLLET.cast_unsigned();
const ONCE: u32 = libc::EPOLLONESHOT.cast_unsigned();

/// Once a process has had a queue.
#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_before_epoll_ctl(
    slot: *const Cell<*const Thread>,
    epoll: c_int,
    fd: c_int,
    event: *const epoll_event,
) {
    // SAFETY: C gives the thread's own variable.
    let slot = unsafe { &*slot };
    with_event(slot, event, |event| {
        let passed_on = if nested::tells_edges(epoll) { EDGE } else { 0 };
        begin(slot, fd, Pollers::from_events(event.events | passed_on), Poll::Watch);
    });
}

/// The same, and the call has succeeded.
#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_after_epoll_ctl(
    slot: *const Cell<*const Thread>,
    epoll: c_int,
    fd: c_int,
    event: *const epoll_event,
) {
    // SAFETY: C gives the thread's own variable.
    let slot = unsafe { &*slot };
    with_event(slot, event, |event| {
        let tells_once = event.events & ONCE != 0;
        let passed_on = if nested::tells_edges(epoll) { EDGE } else { 0 };
        let edge =
            if (event.events | passed_on) & EDGE != 0 { Pollers::EDGE } else { Pollers::NONE };
        let told = Pollers::told_by(event.events).and(edge);
        if !mq::is_found_queue(fd) {
            if nested::tells_edges(fd)
                && let Ok(thread) = thread_of(slot)
            {
                nested::pass_on(thread);
            }
        } else if let Ok(thread) = thread_of(slot) {
            mq::is_in_epoll(thread, fd, epoll, told, (!tells_once).then_some(event.u64));
        }
    });
}

/// Once a queue has been in a set, and after a call that has succeeded.
#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_after_epoll_del(
    slot: *const Cell<*const Thread>,
    epoll: c_int,
    fd: c_int,
) {
    // SAFETY: C gives the thread's own variable.
    let slot = unsafe { &*slot };
    preserved(|| {
        if mq::is_found_queue(fd)
            && let Ok(thread) = thread_of(slot)
        {
            mq::is_out_of_epoll(thread, fd, epoll);
        }
    });
}

/// Does it with what the program has given as its event, if that can be read, and leaves errno
/// alone.
fn with_event(
    slot: &Cell<*const Thread>,
    event: *const epoll_event,
    then: impl FnOnce(epoll_event),
) {
    preserved(|| Array::at(event, ptr::from_ref(slot).addr()).get(0).map(then));
}

/// In every process, after a call that has succeeded, so that the kernel has read the event.
#[unsafe(no_mangle)]
extern "C" fn rsipc_note_epoll_ctl(epoll: c_int, fd: c_int, events: u32) {
    nested::note(epoll, fd, events & EDGE != 0);
}
