//! The calls that wait for descriptors: `<poll.h>`, `<sys/select.h>`, `<sys/epoll.h>`. Only queues
//! concern us.

use core::cell::Cell;
use core::ptr;
use std::ffi::c_int;

use libc::{epoll_event, fd_set, nfds_t, pollfd, sigset_t, size_t, timespec, timeval};

use crate::entry::jump_to;
use crate::thread::thread_of;
use rsipc_core::cbits::{EXPECTED, STRUCK};
use rsipc_core::os::concern;
use rsipc_core::os::errno::preserved;
use rsipc_core::os::readable::Array;
use rsipc_core::posix::mq::{self, Begun, Poll, Pollers, Reasons};
use rsipc_core::shared::thread::Thread;

/// As many descriptors as a process can have: the kernel refuses more.
const MOST_DESCRIPTORS: usize = 1 << 20;
/// Descriptors in a word of a set.
pub(super) const BITS: usize = 64;

/// poll(2), for which a queue is readable when it has a message, and writable when it has space.
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
pub unsafe extern "C" fn __poll_chk(
    fds: *mut pollfd,
    nfds: nfds_t,
    timeout: c_int,
    size: size_t,
) -> c_int {
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
pub unsafe extern "C" fn epoll_ctl(
    epfd: c_int,
    op: c_int,
    fd: c_int,
    event: *mut epoll_event,
) -> c_int {
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

// What cbits/poll.c and cbits/epoll.c call, once a process has had a queue. More: `epoll_sets`.

fn how(may_sleep: c_int) -> Poll {
    if may_sleep != 0 { Poll::Call } else { Poll::AtOnce }
}

/// `None`: it is no queue. Without a block of the thread the poll is the kernel's alone.
pub(super) fn begin(
    slot: &Cell<*const Thread>,
    fd: c_int,
    wanted: Pollers,
    how: Poll,
) -> Option<Begun> {
    let thread = mq::is_found_queue(fd).then(|| thread_of(slot))?.ok()?;
    mq::begin_poll(thread, fd, wanted, how).ok()
}

/// For a call with a descriptor that is not a queue's: it may be an epoll that has queues in its
/// set. The queues that the call itself polls are brought up to date as far as that pays (`begin`).
fn bring_interest_up_to_date(slot: &Cell<*const Thread>) {
    if concern::is_set(concern::IN_EPOLL)
        && let Ok(thread) = thread_of(slot)
    {
        mq::before_epoll_wait(thread, -1, false);
    }
}

/// Returns the number of queues. Never reads what the kernel would not read; what cannot be read,
/// the kernel will complain of.
#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_before_poll(
    slot: *const Cell<*const Thread>,
    fds: *const pollfd,
    count: nfds_t,
    may_sleep: c_int,
    reasons: &mut c_int,
) -> c_int {
    // SAFETY: C gives the thread's own variable.
    let slot = unsafe { &*slot };
    let mut seen = Seen::default();
    let count = usize::try_from(count).ok().filter(|&count| count <= MOST_DESCRIPTORS).unwrap_or(0);
    preserved(|| {
        let mut fds = Array::at(fds, ptr::from_ref(slot).addr());
        for polled in (0..count).map_while(|index| fds.get(index)) {
            let events = u32::from(polled.events.cast_unsigned());
            let begun = begin(slot, polled.fd, Pollers::from_events(events), how(may_sleep));
            seen.add(begun, Pollers::told_by(events));
        }
        if seen.has_others {
            bring_interest_up_to_date(slot);
        }
    });
    *reasons = *reasons & STRUCK | in_c(seen.reasons);
    seen.queues
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_before_select(
    slot: *const Cell<*const Thread>,
    count: c_int,
    sets: *const [*const u64; 3],
    may_sleep: c_int,
    reasons: &mut c_int,
) -> c_int {
    // SAFETY: C gives the thread's own variable, and an array of its own.
    let (slot, sets) = unsafe { (&*slot, &*sets) };
    let mut seen = Seen::default();
    let count = usize::try_from(count).ok().filter(|&count| count <= MOST_DESCRIPTORS).unwrap_or(0);
    preserved(|| {
        let mut sets =
            sets.map(|set| (!set.is_null()).then(|| Array::at(set, ptr::from_ref(slot).addr())));
        for word in 0..count.div_ceil(BITS) {
            let words =
                sets.each_mut().map(|set| set.as_mut().map_or(Some(0), |set| set.get(word)));
            let [Some(input), Some(output), Some(other)] = words else {
                // The kernel will refuse it, so there is no answer to correct, nor sets to copy.
                seen = Seen::default();
                return;
            };
            for bit in bits_of(input | output | other) {
                let fd = word * BITS + bit;
                let told = selected([input, output], bit);
                let wanted = if told == Pollers::NONE { Pollers::MESSAGE } else { told };
                if let Some(fd) = c_int::try_from(fd).ok().filter(|_| fd < count) {
                    seen.add(begin(slot, fd, wanted, how(may_sleep)), told);
                }
            }
        }
        if seen.has_others {
            bring_interest_up_to_date(slot);
        }
    });
    *reasons = *reasons & STRUCK | in_c(seen.reasons);
    seen.queues
}

/// What has been seen of the descriptors of a call.
#[derive(Default)]
struct Seen {
    queues: c_int,
    has_others: bool,
    reasons: Reasons,
}

impl Seen {
    /// What `begin` says of the next one. `told`: the events that are asked for.
    fn add(&mut self, begun: Option<Begun>, told: Pollers) {
        match begun {
            Some(begun) => {
                self.queues += 1;
                self.reasons.add(begun, told);
            }
            None => self.has_others = true,
        }
    }
}

fn in_c(Reasons { is_expected, is_struck }: Reasons) -> c_int {
    (if is_expected { EXPECTED } else { 0 }) | (if is_struck { STRUCK } else { 0 })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_before_epoll_wait(
    slot: *const Cell<*const Thread>,
    epoll: c_int,
    may_sleep: c_int,
    reasons: &mut c_int,
) {
    // SAFETY: C gives the thread's own variable.
    let thread = thread_of(unsafe { &*slot });
    let found = thread.map(|thread| mq::before_epoll_wait(thread, epoll, may_sleep != 0));
    *reasons = *reasons & STRUCK | in_c(found.unwrap_or_default());
}

/// Removes from the answer of poll the events that are not true. Returns how many descriptors have
/// none left. `may_wait`: whether it may wait for a moment for what is about to come true.
/// `too_early`: set if there is such an event.
#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_after_poll(
    slot: *const Cell<*const Thread>,
    fds: *mut pollfd,
    count: nfds_t,
    may_wait: c_int,
    too_early: *mut c_int,
) -> c_int {
    // SAFETY: C gives the thread's own variable.
    let Ok(thread) = thread_of(unsafe { &*slot }) else { return 0 };
    let mut emptied = 0;
    for index in 0..usize::try_from(count).unwrap_or(0) {
        // SAFETY: the kernel has just written its answer there.
        let polled = unsafe { &mut *fds.add(index) };
        if polled.revents != 0 && mq::is_found_queue(polled.fd) {
            let told = u32::from(polled.revents.cast_unsigned());
            let correction = mq::correct(thread, polled.fd, Pollers::told_by(told), may_wait != 0);
            note(correction.is_too_early(), too_early);
            let left = told & !correction.untrue().events();
            polled.revents = i16::try_from(left).unwrap_or(polled.revents);
            emptied += c_int::from(left == 0);
        }
    }
    emptied
}

/// Removes from the answer of select what is not true. Returns how many bits that were. The others
/// as above.
#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_after_select(
    slot: *const Cell<*const Thread>,
    count: c_int,
    sets: *const [*mut u64; 3],
    may_wait: c_int,
    too_early: *mut c_int,
) -> c_int {
    // SAFETY: C gives the thread's own variable, and an array of its own.
    let (Ok(thread), sets) = (thread_of(unsafe { &*slot }), unsafe { *sets }) else { return 0 };
    let mut emptied = 0;
    for word in 0..usize::try_from(count).unwrap_or(0).div_ceil(BITS) {
        // SAFETY: the kernel has just written its answer there, up to this word.
        let [input, output] =
            [sets[0], sets[1]].map(|set| (!set.is_null()).then(|| unsafe { &mut *set.add(word) }));
        let answer = [&input, &output].map(|set| set.as_ref().map_or(0, |set| **set));
        let mut untrue = [0; 2];
        for bit in bits_of(answer[0] | answer[1]) {
            let Ok(fd) = c_int::try_from(word * BITS + bit) else { break };
            if mq::is_found_queue(fd) {
                let correction = mq::correct(thread, fd, selected(answer, bit), may_wait != 0);
                note(correction.is_too_early(), too_early);
                untrue[0] |= u64::from(correction.untrue().has(Pollers::MESSAGE)) << bit;
                untrue[1] |= u64::from(correction.untrue().has(Pollers::SPACE)) << bit;
            }
        }
        for (set, untrue) in [input, output].into_iter().zip(untrue) {
            if let Some(set) = set {
                emptied += untrue.count_ones().cast_signed();
                *set &= !untrue;
            }
        }
    }
    emptied
}

/// Removes from the answer of epoll_wait what is not true. Returns how many events are left.
/// `too_early`: set if nothing of one is true yet. It may still be in the answer. `may_wait` as
/// above.
#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_after_epoll_wait(
    slot: *const Cell<*const Thread>,
    epoll: c_int,
    events: *mut epoll_event,
    count: c_int,
    may_wait: c_int,
    too_early: *mut c_int,
) -> c_int {
    // SAFETY: C gives the thread's own variable.
    let Ok(thread) = thread_of(unsafe { &*slot }) else { return count };
    // SAFETY: the kernel has just written so many events there.
    let events =
        unsafe { core::slice::from_raw_parts_mut(events, usize::try_from(count).unwrap_or(0)) };
    let is_too_early = mq::correct_epoll(thread, epoll, may_wait != 0, |data, change| {
        for event in events.iter_mut().filter(|event| event.u64 == data) {
            event.events = change(event.events);
        }
    });
    note(is_too_early, too_early);
    let mut left = 0;
    for index in 0..events.len() {
        if events[index].events != 0 {
            events[left] = events[index];
            left += 1;
        }
    }
    c_int::try_from(left).unwrap_or(count)
}

/// Tells C that something is true.
fn note(it_is: bool, place: *mut c_int) {
    if it_is {
        // SAFETY: C gives a variable of its own.
        unsafe { *place = 1 };
    }
}

pub(super) fn bits_of(mut word: u64) -> impl Iterator<Item = usize> {
    core::iter::from_fn(move || {
        let bit = (word != 0).then(|| word.trailing_zeros() as usize);
        word &= word.wrapping_sub(1);
        bit
    })
}

/// What a bit of the sets to read from and to write to stands for.
pub(super) fn selected([input, output]: [u64; 2], bit: usize) -> Pollers {
    let of = |set: u64, who| if set >> bit & 1 == 1 { who } else { Pollers::NONE };
    of(input, Pollers::MESSAGE).and(of(output, Pollers::SPACE))
}
