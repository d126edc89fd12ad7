//! Descriptors that are closed while an epoll has them in its set.
//!
//! As long as a duplicate is open, the epoll goes on to report the queue, by the number that was
//! closed. No call finds the queue by that number any more, so none can look at it before it
//! sleeps: the FIFO must show what the queue has, at any time.

use core::ptr;
use std::os::fd::RawFd;

use crate::os::errno::preserved;
use crate::posix::mq::descriptor::{self, Closing};
use crate::posix::mq::poll::interest;
use crate::posix::mq::poll::polling::Polling;
use crate::shared::thread::{FrameTag, Thread};

/// A descriptor has been closed. Async-signal-safe.
pub fn closed(thread: &'static Thread, closing: &Closing) {
    if !interest::all().any(|fd| fd == closing.fd()) {
        return;
    }
    let polling: *const Polling = {
        let tag = FrameTag::new();
        let Ok(queue) = closing.enter(thread, &tag) else { return };
        let polling = &queue.queue.polling;
        if !polling.events().any() {
            return;
        }
        polling.put_out_of_sight();
        polling
    };
    // The closed one does not lead to the FIFO any more.
    for fd in descriptor::in_range(0..=RawFd::MAX) {
        let tag = FrameTag::new();
        if let Ok(queue) = descriptor::enter(thread, fd, &tag)
            && ptr::eq(&raw const queue.queue.polling, polling)
        {
            preserved(|| queue.level(queue.queue.polling.events(), false, false));
            return;
        }
    }
}
