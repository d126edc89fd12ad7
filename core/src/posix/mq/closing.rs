//! The calls of the program that close and duplicate descriptors, as far as queues are concerned:
//! `close`, `close_range`, `closefrom`, `dup`, `dup2`, `dup3`, and `mq_close`.
//!
//! The kernel does the work. What the library knows of a descriptor changes only after the call has
//! succeeded, and only in the process that owns the memory ([`Process::owns_memory`]): the child of
//! a vfork closes its own copies. It notes that (`Thread::lend_calling`), so that it does not find
//! the parent's queues by the numbers that it has closed.
//!
//! Except for `mq_close` and [`doubt_all`], nothing in here takes a lock or allocates, so a signal
//! handler may close any descriptor.

use core::ops::RangeInclusive;
use std::os::fd::RawFd;

use crate::cbits::Moved;
use crate::os::Errno;
use crate::os::Result;
use crate::os::lock::{self, Kind, Owner};
use crate::os::process::Process;
use crate::os::reserved::{self, Reserved};
use crate::posix::mq::descriptor::{self, Closing, inherited};
use crate::posix::mq::notify::internal;
use crate::posix::mq::poll;
use crate::shared::pause::Pause;
use crate::shared::presence;
use crate::shared::thread::{FrameTag, Thread};

/// Closes a descriptor of a queue, and ends the registration of this process. POSIX.1-2017,
/// `mq_close`. EBADF: it is not open. glibc's closes what is no queue, too.
pub fn close(thread: &'static Thread, fd: RawFd) -> Result<()> {
    if !Process::owns_memory() {
        // The child of a vfork: the table describes the parent's descriptors.
        Thread::lend_calling();
        return close_only(fd);
    }
    {
        let tag = FrameTag::new();
        match descriptor::enter(thread, fd, &tag) {
            Ok(queue) if queue.is_open() => {}
            Ok(queue) => {
                drop(queue);
                forget_closed(thread, fd..=fd);
                return close_only(fd);
            }
            Err(Errno::EBADF) => return close_only(fd),
            Err(error) => return Err(error),
        }
    }
    if descriptor::is_doubted(fd) {
        return close_only(fd);
    }
    let closing = Closing::begin(fd)?;
    let result = close_only(fd);
    end(thread, closing, result.is_ok());
    descriptor::free_unused();
    result
}

/// Not our own `close`. EBADF for a descriptor of the library's own, too.
fn close_only(fd: RawFd) -> Result<()> {
    if reserved::is_reserved(fd) {
        return Err(Errno::EBADF);
    }
    // SAFETY: the caller gives it up.
    if unsafe { libc::syscall(libc::SYS_close, fd) } == 0 { Ok(()) } else { Err(Errno::last()) }
}

/// What is to be done about a descriptor that is about to be closed.
pub enum Close {
    /// It is none of our concern.
    Freely,
    /// For the program it is not in use: EBADF.
    Spare,
    /// A queue: [`end`] must follow.
    Queue(Closing),
    /// Perhaps a descriptor of the queue with this FIFO that no call has been made with:
    /// [`end_unknown`] must follow.
    Unknown((u64, u64)),
}

/// A descriptor is about to be closed.
pub fn begin(fd: RawFd) -> Close {
    if reserved::is_reserved(fd) {
        return if Process::owns_memory() { Close::Spare } else { Close::Freely };
    }
    if descriptor::is_queue(fd) {
        if !Process::owns_memory() {
            Thread::lend_calling();
            return Close::Freely;
        }
        if descriptor::is_doubted(fd) {
            return Close::Freely;
        }
        return Closing::begin(fd).map_or(Close::Freely, Close::Queue);
    }
    descriptor::forget_what_it_was(fd);
    if internal::has_registered()
        && let Ok(fifo) = inherited::fifo_of(fd)
        && Process::owns_memory()
    {
        return Close::Unknown(fifo);
    }
    Close::Freely
}

/// What [`begin`] was told of has happened, or not.
pub fn end(thread: &'static Thread, closing: Closing, is_closed: bool) {
    if !is_closed {
        return closing.undone();
    }
    let tag = FrameTag::new();
    let fifo = closing.enter(thread, &tag).map(|queue| {
        queue.tell_interrupted();
        queue.queue.fifo
    });
    poll::closed::closed(thread, &closing);
    closing.done();
    if let Ok(fifo) = fifo {
        internal::closed(fifo);
    }
}

/// The same of a descriptor with this FIFO. Any close of a queue's descriptor ends the registration
/// of the process.
pub fn end_unknown(fifo: (u64, u64)) {
    internal::closed(fifo);
}

/// Some descriptors of this range may have been closed: forgets those that do not lead to their
/// queues any more.
pub fn forget_closed(thread: &'static Thread, range: RangeInclusive<RawFd>) {
    if !Process::owns_memory() {
        if descriptor::in_range(range).next().is_some() {
            Thread::lend_calling();
        }
        return;
    }
    descriptor::no_queues_in(range.clone()).for_each(descriptor::forget_what_it_was);
    descriptor::close_gone(thread, range, |closing| end(thread, closing, true));
}

/// The calling thread has a table of descriptors of its own now: what a descriptor means is not the
/// same for all threads any more.
pub fn doubt_all() {
    if Process::owns_memory() {
        descriptor::in_range(0..=RawFd::MAX).for_each(descriptor::doubt);
    }
}

/// The lowest descriptor of our own in this range, which the program must not close. `None` in the
/// child of a vfork, which closes copies.
pub fn lowest_spared(range: RangeInclusive<RawFd>) -> Option<RawFd> {
    reserved::all().filter(|fd| range.contains(fd)).min().filter(|_| Process::owns_memory())
}

/// The program is about to duplicate another descriptor to this one. If it is one of ours, ours
/// gets another number, or goes if there is none. False: it may not go, as others know of this
/// process by its locks. Otherwise [`way_was_made`] must follow.
pub fn make_way(fd: RawFd, moved: &mut Moved) -> bool {
    if !reserved::is_reserved(fd) || !Process::owns_memory() {
        return true;
    }
    let count = lock::own(fd, &mut moved.locks);
    presence::begin_move(fd);
    match reserved::move_away(fd) {
        Ok(kept) => {
            moved.count = u32::try_from(count).unwrap_or(0);
            moved.kept = kept.map_or(0, Reserved::to_bits);
            true
        }
        Err(_) if count == 0 => {
            reserved::give_up(fd);
            true
        }
        Err(_) => {
            presence::end_move(fd);
            false
        }
    }
}

/// The program has done that, or has failed to. To close the old number has given back the
/// process's locks on the file.
pub fn way_was_made(moved: &Moved) {
    let Some(kept) = Reserved::from_bits(moved.kept) else { return };
    for &[first, last] in moved.locks.iter().take(moved.count as usize) {
        // Another process may have it for an instant, to look. One that has been faster and keeps
        // it does so as after any loss of a lock.
        let mut pause = Pause::default();
        let lock = || lock::try_lock_range(kept.fd(), Owner::Process, Kind::Write, first..=last);
        while lock() == Ok(false) && pause.wait() {}
    }
    presence::end_move(kept.fd());
}

/// The program has made a duplicate of a descriptor.
pub fn duplicated(fd: RawFd, copy: RawFd) {
    if descriptor::is_queue(fd) && Process::owns_memory() {
        // Not a queue any more: then the duplicate is none either.
        let _ = descriptor::insert_alias(copy, fd);
    }
}
