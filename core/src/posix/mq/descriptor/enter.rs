//! From a descriptor to an operation on its queue.

use core::mem::ManuallyDrop;
use core::ops::RangeInclusive;
use core::ptr;
use std::os::fd::RawFd;

use crate::atomic::Ordering;
use crate::os::Errno;
use crate::os::Result;
use crate::os::cancel::uncancelled;
use crate::os::errno::preserved;
use crate::os::file;
use crate::os::membarrier;
use crate::os::process::Process;
use crate::posix::mq::descriptor::inherited;
use crate::posix::mq::descriptor::open::{AtOnce, Open, Opened};
use crate::posix::mq::descriptor::table::{
    Closing, as_queue, identity, in_range, is_queue, look_up, no_queue, note_no_queue,
};
use crate::shared::thread::{FrameTag, Operation, Thread};

/// An operation on the queue of a descriptor. The queue stays mapped until it is dropped.
pub struct Use<'t> {
    /// What the operation may claim with.
    pub operation: Operation<'t>,
    /// The queue.
    pub queue: &'t Opened,
    /// The descriptor it was found by.
    pub fd: RawFd,
}

/// Begins an operation on the queue of `fd` which is for this, where that is simple: the thread is
/// in the middle of nothing, and it claims with its TID, which the kernel watches. `None`:
/// [`enter`] finds out.
///
/// The result is made in one place only, so that it can stay in registers.
#[inline(always)]
pub fn enter_at_once<'t>(
    thread: &'t Thread,
    fd: RawFd,
    tag: &FrameTag,
    what: AtOnce,
) -> Option<Use<'t>> {
    let (entry, open) = look_up(fd)?;
    let operation = thread.begin_at_once(open.cast(), tag)?;
    membarrier::light();
    if !ptr::eq(entry.load(Ordering::Acquire), open) {
        return None;
    }
    // SAFETY: entries are never freed; the table led here after the hazard pointer was visible, so
    // `opened` does not change before the operation ends.
    let queue = unsafe { (*open).opened_for(what) }?;
    Some(Use { operation, queue, fd })
}

/// Begins an operation on the queue of `fd`. EBADF when it is not one.
#[inline(always)]
pub fn enter<'t>(mut thread: &'t Thread, fd: RawFd, tag: &FrameTag) -> Result<Use<'t>> {
    loop {
        if thread.is_lent() {
            take_back(thread);
        }
        let Some((entry, open)) = look_up(fd) else {
            insert_unknown(fd)?;
            continue;
        };
        let mut operation = match thread.begin(open.cast(), tag) {
            Ok(operation) => operation,
            Err(error) => {
                thread = other_thread(error)?;
                continue;
            }
        };
        membarrier::light();
        if ptr::eq(entry.load(Ordering::Acquire), open) {
            // SAFETY: entries are never freed; the table led here after the hazard pointer was
            // visible, so `opened` does not change before the operation ends.
            if let Some(queue) = unsafe { (*open).opened() } {
                if thread.is_lent() {
                    return enter_doubted(queue, operation, fd);
                }
                choose_identity(queue, &mut operation);
                return Ok(Use { operation, queue, fd });
            }
            // SAFETY: entries are never freed.
            if let Some(queue) = unsafe { (*open).behind() } {
                // SAFETY: the entry in front of it has a share in it, and the operation protects
                // that one.
                let queue = unsafe { queue.opened() }.ok_or(Errno::EBADF)?;
                return enter_doubted(queue, operation, fd);
            }
            drop(operation);
            leave_special(fd, open)?;
        }
    }
}

/// TIDs are valid at home only: in another PID namespace a thread claims in the name of the
/// process's presence.
///
/// No function that is called here gets a reference to the operation: it would be kept in memory
/// from then on, and a message would take half as long again.
#[inline(always)]
fn choose_identity(queue: &Opened, operation: &mut Operation<'_>) {
    if !queue.layout.is_at_home() {
        queue.layout.note_visitor();
        operation.unguard();
    } else if !operation.is_watched() && needs_presence(queue, operation.is_at_home()) {
        operation.claim_by_presence();
    }
}

/// At home a TID is enough even where the kernel does not watch the claim. It is not enough once a
/// thread of another PID namespace takes part, which could not find out that the holder has died.
#[cold]
fn needs_presence(queue: &Opened, is_at_home: bool) -> bool {
    if !is_at_home {
        queue.layout.note_visitor();
    }
    is_at_home && queue.layout.has_visitors()
}

/// The block of the calling thread, if this is the child of a fork and `thread` was its parent's.
#[cold]
fn other_thread(error: Errno) -> Result<&'static Thread> {
    if error == Errno::ERESTART { Thread::calling() } else { Err(error) }
}

#[cold]
fn insert_unknown(fd: RawFd) -> Result<()> {
    uncancelled(|| inherited::insert(fd))
}

/// The thread has its block back from the child of a vfork(2), if this is not the child itself. The
/// two may have had their descriptors in common (`CLONE_FILES`), so the entries are checked.
#[cold]
fn take_back(thread: &Thread) {
    preserved(|| {
        if Process::owns_memory() {
            thread.take_back();
            close_gone(thread, 0..=RawFd::MAX, Closing::done);
        }
    });
}

/// Begins the closing of each descriptor of this range that does not lead to its queue any more,
/// and hands it on.
pub fn close_gone(thread: &Thread, range: RangeInclusive<RawFd>, end: impl Fn(Closing)) {
    for fd in in_range(range) {
        let is_gone = {
            let tag = FrameTag::new();
            enter(thread, fd, &tag).is_ok_and(|queue| identity(fd) != Ok(queue.queue.fifo))
        };
        if is_gone && let Ok(closing) = Closing::begin(fd) {
            end(closing);
        }
    }
}

/// In this thread, or in this child of a vfork(2), the descriptor may mean another file. EBADF
/// then.
#[cold]
fn enter_doubted<'t>(
    queue: &'t Opened,
    mut operation: Operation<'t>,
    fd: RawFd,
) -> Result<Use<'t>> {
    if identity(fd) != Ok(queue.fifo) {
        return Err(Errno::EBADF);
    }
    choose_identity(queue, &mut operation);
    Ok(Use { operation, queue, fd })
}

/// There is no queue in a special entry.
#[cold]
fn leave_special(fd: RawFd, open: *mut Open) -> Result<()> {
    // What was no queue may have been closed without the library's knowing.
    if open == no_queue() { insert_unknown(fd) } else { Err(Errno::EBADF) }
}

/// Whether `fd` is a queue. A descriptor that has not been checked yet is checked now, and is known
/// from then on.
#[inline]
pub fn is_found_queue(fd: RawFd) -> bool {
    match look_up(fd) {
        Some((_, open)) => as_queue(open).is_some(),
        None => fd >= 0 && find_out(fd),
    }
}

#[cold]
fn find_out(fd: RawFd) -> bool {
    // It is a question: that the answer is no is no error of the caller's.
    preserved(|| {
        if uncancelled(|| inherited::insert(fd)).is_ok() {
            return is_queue(fd);
        }
        // A descriptor that is not in use may be a queue's later.
        if file::status(fd).is_ok() {
            note_no_queue(fd);
        }
        false
    })
}

impl<'t> Use<'t> {
    /// Hands a copy of itself to what is done seldom: see [`Claimant::apart`].
    #[inline(always)]
    pub fn cold<T>(&self, seldom: impl FnOnce(&Self) -> T) -> T {
        seldom(&self.copy())
    }

    /// A copy, which does not end the operation.
    #[inline(always)]
    pub fn copy(&self) -> ManuallyDrop<Self> {
        let operation = ManuallyDrop::into_inner(self.operation.copy());
        ManuallyDrop::new(Use { operation, queue: self.queue, fd: self.fd })
    }

    /// The thread whose operation it is.
    pub fn thread(&self) -> &'t Thread {
        self.operation.thread()
    }

    /// Whether TIDs in claim words of the queue are those of this process's PID namespace.
    pub fn is_at_home(&self) -> bool {
        self.queue.layout.is_at_home() && self.operation.is_at_home()
    }

    /// Whether the descriptor still is what it was: the program may have closed it without telling
    /// us.
    pub fn is_open(&self) -> bool {
        is_queue(self.fd) && identity(self.fd) == Ok(self.queue.fifo)
    }

    /// The descriptor has been closed, or its `O_NONBLOCK` has changed. If this is a handler that
    /// has interrupted a call on it which waits, that call has to see: after a handler with
    /// SA_RESTART, Linux makes it anew.
    pub fn tell_interrupted(&self) {
        if self.operation.doubts_interrupted() {
            self.queue.layout.message().renew_sleeps();
            self.queue.layout.space().renew_sleeps();
        }
    }
}

impl Closing {
    /// An operation on it.
    pub fn enter<'t>(&self, thread: &'t Thread, tag: &FrameTag) -> Result<Use<'t>> {
        let mut operation = thread.begin(self.open.cast(), tag)?;
        // SAFETY: our share keeps it from being retired, and entries are never freed.
        let queue = unsafe { (*self.open).opened() }.ok_or(Errno::EBADF)?;
        choose_identity(queue, &mut operation);
        Ok(Use { operation, queue, fd: self.fd })
    }
}
