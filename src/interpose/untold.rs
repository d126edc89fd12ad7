//! What `cbits/poll.c` and `cbits/epoll.c` call when the kernel had to report what a queue has, and
//! has been asked.

use core::cell::Cell;
use std::ffi::c_int;

use libc::{epoll_event, nfds_t, pollfd};

use super::poll::{BITS, bits_of, selected};
use crate::thread::thread_of;
use rsipc_core::posix::mq::{self, Pollers};
use rsipc_core::shared::thread::Thread;

/// 1: there is something that was asked of poll(2) and is missing in its answer.
#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_count_untold_of_poll(
    slot: *const Cell<*const Thread>,
    fds: *const pollfd,
    count: nfds_t,
) -> c_int {
    // SAFETY: C gives the thread's own variable.
    let Ok(thread) = thread_of(unsafe { &*slot }) else { return 0 };
    let mut is_missing = false;
    for index in 0..usize::try_from(count).unwrap_or(0) {
        // SAFETY: the kernel has just read what was asked there, and written its answer.
        let polled = unsafe { fds.add(index).read_unaligned() };
        let untold = told_by(polled.events).but(told_by(polled.revents));
        if untold.any() && mq::is_found_queue(polled.fd) {
            is_missing |= mq::count_untold(thread, polled.fd, untold);
        }
    }
    c_int::from(is_missing)
}

fn told_by(events: i16) -> Pollers {
    Pollers::told_by(u32::from(events.cast_unsigned()))
}

/// The same for select(2): the sets to read from and to write to as they were, and the answer.
#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_count_untold_of_select(
    slot: *const Cell<*const Thread>,
    count: c_int,
    asked: &[*const u64; 2],
    told: &[*const u64; 2],
) -> c_int {
    // SAFETY: C gives the thread's own variable.
    let Ok(thread) = thread_of(unsafe { &*slot }) else { return 0 };
    let mut is_missing = false;
    for word in 0..usize::try_from(count).unwrap_or(0).div_ceil(BITS) {
        let in_word = |set: &*const u64| {
            // SAFETY: the kernel has read and written such a set up to this word, and C has copied
            // as much.
            if set.is_null() { 0 } else { unsafe { set.add(word).read_unaligned() } }
        };
        let (asked, told) = (asked.each_ref().map(in_word), told.each_ref().map(in_word));
        let untold = [asked[0] & !told[0], asked[1] & !told[1]];
        for bit in bits_of(untold[0] | untold[1]) {
            let Ok(fd) = c_int::try_from(word * BITS + bit) else { break };
            if fd < count && mq::is_found_queue(fd) {
                is_missing |= mq::count_untold(thread, fd, selected(untold, bit));
            }
        }
    }
    c_int::from(is_missing)
}

/// The same for epoll_wait(2), which has reported so many events, and could have reported `most`.
#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_count_untold_of_epoll(
    slot: *const Cell<*const Thread>,
    epoll: c_int,
    events: *const epoll_event,
    count: c_int,
    most: c_int,
) -> c_int {
    // SAFETY: C gives the thread's own variable.
    let Ok(thread) = thread_of(unsafe { &*slot }) else { return 0 };
    let count = usize::try_from(count).unwrap_or(0);
    // SAFETY: the kernel has just written so many events there.
    let told = |index| unsafe { events.add(index).read_unaligned() };
    let is_missing = mq::count_untold_of_epoll(thread, epoll, |data| match data {
        _ if count == 0 => Some(Pollers::NONE),
        Some(data) if c_int::try_from(count) != Ok(most) => {
            let of_it = (0..count).map(told).filter(|event| { event.u64 } == data);
            let of_it = of_it.map(|event| Pollers::told_by(event.events));
            Some(of_it.fold(Pollers::NONE, Pollers::and))
        }
        _ => None,
    });
    c_int::from(is_missing)
}
