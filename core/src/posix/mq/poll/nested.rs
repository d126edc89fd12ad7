//! Epolls in the sets of epolls, as far as this process has put them there: a queue in the inner
//! one has to tell of edges if an outer one is told of edges, at any distance.
//!
//! A word for each number of a descriptor, without a lock. It is written for every descriptor that
//! is put into a set, because a queue may be put into the inner epoll later. A word that is out of
//! date makes a queue tell of more than is asked for. Numbers from `LIMIT` up are not known.
//!
//! The words carry no other data. Release and Acquire: a thread that finds an inner epoll in the
//! set of an outer one finds what was noted of the outer one before. If two threads note the same
//! number at once, one note may be lost.
//!
//! | bits | meaning | set by |
//! |---|---|---|
//! | 0 | a set that it is in tells of edges | the thread that puts it there |
//! | 1.. | the epoll whose set it was put into last, plus one | the same |

use std::os::fd::RawFd;

use crate::atomic::{AtomicU32, Ordering};
use crate::posix::mq::descriptor;
use crate::posix::mq::poll::interest;
use crate::posix::mq::poll::pollers::{self, Poll};
use crate::posix::mq::poll::readiness::Pollers;
use crate::shared::thread::{FrameTag, Thread};

/// Numbers that are known. The pages are only there once they are used.
const LIMIT: usize = 1024;
/// Epolls in a row, at most: the kernel allows no more.
const DEEPEST: usize = 6;

const EDGE: u32 = 1;

static SETS: [AtomicU32; LIMIT] = [const { AtomicU32::new(0) }; LIMIT];

fn word(fd: RawFd) -> Option<&'static AtomicU32> {
    SETS.get(usize::try_from(fd).ok()?)
}

/// `fd` has been put into the set of `epoll`, or is reported otherwise there.
pub fn note(epoll: RawFd, fd: RawFd, tells_edges: bool) {
    if let (Some(word), Ok(epoll)) = (word(fd), u32::try_from(epoll)) {
        let set = (epoll + 1) << 1;
        let known = word.load(Ordering::Relaxed);
        // What another set is told of it stays.
        let kept = if known & !EDGE == set { 0 } else { known & EDGE };
        let wanted = set | kept | u32::from(tells_edges);
        if wanted != known {
            word.store(wanted, Ordering::Release);
        }
    }
}

/// Whether a set that this epoll is in, itself or within another epoll, tells of edges.
pub fn tells_edges(epoll: RawFd) -> bool {
    let mut inner = epoll;
    for _ in 0..DEEPEST {
        let known = word(inner).map_or(0, |word| word.load(Ordering::Acquire));
        if known & EDGE != 0 {
            return true;
        }
        match RawFd::try_from(known >> 1) {
            Ok(outer @ 1..) => inner = outer - 1,
            _ => return false,
        }
    }
    false
}

/// An epoll has been put into a set that tells of edges: the queues within it tell of them, too.
pub fn pass_on(thread: &'static Thread) {
    for fd in interest::all() {
        let tag = FrameTag::new();
        let events = match descriptor::enter(thread, fd, &tag) {
            Ok(queue) if tells_edges(queue.queue.polling.set()) => queue.queue.polling.events(),
            _ => continue,
        };
        if events.any() && !events.has(Pollers::EDGE) {
            // EBADF: it is none any more.
            let _ = pollers::begin(thread, fd, events.and(Pollers::EDGE), Poll::Watch);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_passed_on_through_epolls() {
        // Numbers that no other test uses.
        let [inner, middle, outer, other] = [1000, 1001, 1002, 1003];
        note(middle, inner, false);
        note(outer, middle, false);
        assert!(!tells_edges(inner));
        note(outer, middle, true);
        assert!(tells_edges(inner) && tells_edges(middle) && !tells_edges(outer));
        note(outer, middle, false);
        assert!(!tells_edges(inner));
        note(outer, middle, true);
        note(other, middle, false);
        assert!(tells_edges(inner));
        note(inner, outer, false);
        note(middle, other, false);
        assert!(tells_edges(outer));
        for fd in [inner, middle, outer, other] {
            // The first takes it out of the other set, the second says what this one tells.
            note(fd, fd, false);
            note(fd, fd, false);
            assert!(!tells_edges(fd));
        }
        note(outer, -1, true);
        note(outer, 1024, true);
        assert!(!tells_edges(-1) && !tells_edges(1024));
    }
}
