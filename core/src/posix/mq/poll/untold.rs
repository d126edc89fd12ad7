//! Events that a queue has and the kernel has not reported.
//!
//! A program may read from the FIFO by a call that the library does not see: a stream of
//! `<stdio.h>`, io_uring, `eventfd_read`, a bare system call. It takes packets out, and the number
//! of packets in shared memory is too high: no sender puts one in, and the kernel knows of no
//! message.
//!
//! To count the packets before each poll would cost a system call. So a call that has to find
//! something, as the queue has it, does not sleep before it has looked (`cbits/poll.c`). What it
//! finds then is its answer. Only of a queue that is missing in it are the packets counted. A
//! packet that is taken out while a call sleeps is noticed by the next call.

use std::os::fd::RawFd;

use crate::os::errno::preserved;
use crate::posix::mq::descriptor::{self, Use};
use crate::posix::mq::poll::interest;
use crate::posix::mq::poll::readiness::Pollers;
use crate::shared::thread::{FrameTag, Thread};

/// The kernel has not reported these events of this descriptor. True: it is a queue's, and the
/// queue has one of them. The kernel knows of it now.
pub fn count_untold(thread: &'static Thread, fd: RawFd, untold: Pollers) -> bool {
    let tag = FrameTag::new();
    untold.any() && descriptor::enter(thread, fd, &tag).is_ok_and(|queue| queue.tell(untold))
}

/// This epoll has been asked. `told`: the events that it has reported with this data. `None`: as it
/// has reported some, it may have left others out. True: it has left out an event that a queue has.
/// The kernel knows of it now.
pub fn count_untold_of_epoll(
    thread: &'static Thread,
    epoll: RawFd,
    told: impl Fn(Option<u64>) -> Option<Pollers>,
) -> bool {
    let mut is_missing = false;
    for fd in interest::all() {
        let tag = FrameTag::new();
        let Ok(queue) = descriptor::enter(thread, fd, &tag) else { continue };
        let polling = &queue.queue.polling;
        if let Some(told) = told(polling.data_for(epoll)) {
            let untold = polling.told_by(epoll).but(told);
            is_missing |= untold.any() && queue.tell(untold);
        }
    }
    is_missing
}

impl Use<'_> {
    /// Makes the kernel report those of these events that the queue has. Whether there are any.
    fn tell(&self, untold: Pollers) -> bool {
        preserved(|| {
            let readiness = self.queue.layout.readiness();
            self.is_ready(untold) && {
                readiness.correct(&self.channel());
                // As for a new poller: a sender that has read the former number, and has not put a
                // packet in for that, may be under way.
                self.level(untold, true, false).shown.are(untold)
            }
        })
    }
}
