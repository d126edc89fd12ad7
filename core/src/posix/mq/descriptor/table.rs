//! From a descriptor to its queue.
//!
//! The table is looked up without a lock. An [`Open`] that was taken out of it stays mapped while an operation is in
//! the middle of it (a hazard pointer, `shared::thread`); then it is *retired*, and goes when nobody uses it any more.
//! The memory of an `Open` itself is never given back, only used again: who has an old pointer reads stale facts, and
//! sees at the second look at the table that they are stale.

use core::cell::UnsafeCell;
use core::ops::RangeInclusive;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::os::fd::RawFd;

use memmap2::MmapRaw;

use crate::os::Errno;
use crate::os::Result;
use crate::os::cancel::uncancelled;
use crate::os::fork::ForkMutex;
use crate::os::membarrier;
use crate::posix::mq::descriptor::inherited;
use crate::posix::mq::layout::Layout;
use crate::posix::mq::poll::keeper::Polled;
use crate::shared::thread::{self, FrameTag, Operation, Thread};

/// Descriptors in a part of the table.
const PART: usize = 1024;
/// Parts: descriptors are below 1,048,576, as `fs.nr_open` is.
const PARTS: usize = 1024;

type Part = [AtomicPtr<Open>; PART];

/// Each part is made when its first descriptor comes, and stays.
static TABLE: [AtomicPtr<Part>; PARTS] = [const { AtomicPtr::new(ptr::null_mut()) }; PARTS];

/// What a descriptor is to this process.
pub struct Opened {
    /// The mapped queue.
    pub layout: Layout,
    /// Keeps it mapped.
    #[expect(dead_code, reason = "held for its drop")]
    pub map: MmapRaw,
    /// Opened for receiving.
    pub can_receive: bool,
    /// Opened for sending.
    pub can_send: bool,
    /// Whether the open description had `O_NONBLOCK` when somebody last asked. A hint: who would sleep asks again.
    pub was_nonblocking: AtomicBool,
    /// Device and inode of the FIFO that the descriptor really is.
    pub fifo: (u64, u64),
    /// How this process polls it.
    pub polled: Polled,
}

/// What an entry of the table leads to.
#[derive(Default)]
pub struct Open {
    /// Changed by the holder of [`POOL`] alone, while the table does not lead here and nobody works on it.
    opened: UnsafeCell<Option<Opened>>,
    /// Entries of the table that lead here. From 0 it never rises again until the `Open` is used anew.
    descriptors: AtomicUsize,
    /// The next one that is retired.
    next: AtomicPtr<Open>,
}

// SAFETY: `opened` is only changed while nobody can read it, as its comment says.
unsafe impl Sync for Open {}
// SAFETY: nothing in it belongs to a thread.
unsafe impl Send for Open {}

/// Entries that nobody uses.
#[derive(Default)]
pub struct Pool {
    free: Vec<&'static Open>,
}

/// Held while entries are made and freed; never by an operation on a queue.
static POOL: ForkMutex<Pool> = ForkMutex::new(1, Pool { free: Vec::new() });

/// Entries that have left the table, chained by `next`. Anybody may put one in front; the holder of [`POOL`] takes all.
static RETIRED: AtomicPtr<Open> = AtomicPtr::new(ptr::null_mut());

/// An operation on the queue of a descriptor. The queue stays mapped until it is dropped.
pub struct Use<'t> {
    /// What the operation may claim with.
    pub operation: Operation<'t>,
    /// The queue.
    pub queue: &'t Opened,
    /// The descriptor it was found by.
    pub fd: RawFd,
}

/// Begins an operation on the queue of `fd`. EBADF when it is not one.
#[inline(always)]
pub fn enter<'t>(mut thread: &'t Thread, fd: RawFd, tag: &FrameTag) -> Result<Use<'t>> {
    loop {
        let Some((entry, open)) = look_up(fd) else {
            adopt_inherited(fd)?;
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
            // SAFETY: entries are never freed; the table led here after the hazard pointer was visible, so `opened`
            // does not change before the operation ends.
            if let Some(queue) = unsafe { &*(*open).opened.get() } {
                if !queue.layout.is_at_home() {
                    operation.unguard();
                }
                return Ok(Use { operation, queue, fd });
            }
            // There is none where a descriptor is being closed.
            if open == closing() {
                return Err(Errno::EBADF);
            }
        }
    }
}

/// The block of the calling thread, if this is the child of a fork and `thread` was its parent's.
#[cold]
fn other_thread(error: Errno) -> Result<&'static Thread> {
    if error == Errno::ERESTART { Thread::calling() } else { Err(error) }
}

#[cold]
fn adopt_inherited(fd: RawFd) -> Result<()> {
    uncancelled(|| inherited::adopt(fd))
}

#[inline]
fn look_up(fd: RawFd) -> Option<(&'static AtomicPtr<Open>, *mut Open)> {
    let entry = entry(fd)?;
    let open = entry.load(Ordering::Acquire);
    (!open.is_null()).then_some((entry, open))
}

/// Whether `fd` is in the table.
#[inline]
pub fn is_queue(fd: RawFd) -> bool {
    look_up(fd).is_some_and(|(_, open)| open != closing())
}

/// Puts a new queue into the table. What the number stood for before is retired: somebody has closed it behind our
/// back.
pub fn insert(fd: RawFd, opened: Opened) -> Result<()> {
    let entry = entry_or_new(fd)?;
    replace(entry, new_entry(opened));
    Ok(())
}

/// Puts a queue into the table under a number that was not ours, unless the number has become somebody else's since.
/// EBADF then.
pub fn adopt(fd: RawFd, opened: Opened) -> Result<()> {
    let fifo = opened.fifo;
    let entry = entry_or_new(fd)?;
    let open = new_entry(opened);
    if entry.compare_exchange(ptr::null_mut(), open, Ordering::SeqCst, Ordering::SeqCst).is_err() {
        retire(open);
        // Another thread has adopted it, or is closing it: the next look-up tells.
        return Ok(());
    }
    if identity(fd) == Ok(fifo) {
        return Ok(());
    }
    if entry.compare_exchange(open, ptr::null_mut(), Ordering::SeqCst, Ordering::SeqCst).is_ok() {
        retire(open);
    }
    Err(Errno::EBADF)
}

fn new_entry(opened: Opened) -> *mut Open {
    let mut pool = POOL.lock();
    pool.free_unused();
    let open = pool.free.pop().unwrap_or_else(|| Box::leak(Box::default()));
    // SAFETY: it comes from the free ones: nobody can read it.
    unsafe { *open.opened.get() = Some(opened) };
    open.descriptors.store(1, Ordering::Relaxed);
    ptr::from_ref(open).cast_mut()
}

/// A further descriptor for the queue of `of`, which has not left the table: `dup`.
pub fn insert_alias(fd: RawFd, of: RawFd) -> Result<()> {
    let entry = entry_or_new(fd)?;
    let open = self::entry(of).map_or(ptr::null_mut(), |entry| entry.load(Ordering::Acquire));
    // SAFETY: entries are never freed.
    let known = unsafe { open.as_ref() }.filter(|_| open != closing()).ok_or(Errno::EBADF)?;
    let more = |descriptors: usize| (descriptors > 0).then_some(descriptors + 1);
    known.descriptors.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more).map_err(|_| Errno::EBADF)?;
    replace(entry, open);
    Ok(())
}

/// Takes a descriptor out of the table. EBADF when it is not there. Async-signal-safe: what is not needed any more is
/// freed later.
///
/// Until [`closed`] the number is nobody's: it still is the FIFO's, but not for long.
pub fn remove(fd: RawFd) -> Result<()> {
    let entry = entry(fd).ok_or(Errno::EBADF)?;
    if replace(entry, closing()) { Ok(()) } else { Err(Errno::EBADF) }
}

/// The descriptor has been closed, and its number is free.
pub fn closed(fd: RawFd) {
    if let Some(entry) = entry(fd) {
        // Whoever has got the number meanwhile keeps it.
        let _ = entry.compare_exchange(closing(), ptr::null_mut(), Ordering::SeqCst, Ordering::Relaxed);
    }
}

/// Unmaps what has been taken out and is not in use.
pub fn free_unused() {
    POOL.lock().free_unused();
}

/// Stands in the table for a descriptor that is being closed.
static CLOSING: Open = Open {
    opened: UnsafeCell::new(None),
    descriptors: AtomicUsize::new(0),
    next: AtomicPtr::new(ptr::null_mut()),
};

fn closing() -> *mut Open {
    (&raw const CLOSING).cast_mut()
}

/// True if there was an entry before.
fn replace(entry: &AtomicPtr<Open>, open: *mut Open) -> bool {
    let old = entry.swap(open, Ordering::SeqCst);
    // SAFETY: entries are never freed.
    let Some(known) = (unsafe { old.as_ref() }).filter(|_| old != closing()) else { return false };
    if known.descriptors.fetch_sub(1, Ordering::SeqCst) == 1 {
        retire(old);
    }
    true
}

fn retire(open: *mut Open) {
    let mut first = RETIRED.load(Ordering::Relaxed);
    loop {
        // SAFETY: entries are never freed, and this one is nobody else's now.
        unsafe { (*open).next.store(first, Ordering::Relaxed) };
        match RETIRED.compare_exchange_weak(first, open, Ordering::AcqRel, Ordering::Relaxed) {
            Ok(_) => return,
            Err(now) => first = now,
        }
    }
}

/// The descriptors in the table.
pub fn all() -> impl Iterator<Item = RawFd> {
    entries(0..=RawFd::MAX).filter(|&(_, open)| open != closing()).map(|(fd, _)| fd)
}

/// The descriptors in this range that are being closed.
pub fn closing_in(range: RangeInclusive<RawFd>) -> impl Iterator<Item = RawFd> {
    entries(range).filter(|&(_, open)| open == closing()).map(|(fd, _)| fd)
}

fn entries(range: RangeInclusive<RawFd>) -> impl Iterator<Item = (RawFd, *mut Open)> {
    let (first, last) = (to_index(*range.start()), to_index(*range.end()));
    let parts = (first / PART..=(last / PART).min(PARTS - 1)).filter_map(|number| {
        // SAFETY: parts are never freed.
        unsafe { TABLE[number].load(Ordering::Acquire).as_ref() }.map(|part| (number, part))
    });
    let entries = parts.flat_map(|(number, part)| {
        part.iter()
            .enumerate()
            .map(move |(index, entry)| (number * PART + index, entry.load(Ordering::Acquire)))
    });
    entries
        .filter(move |(fd, open)| (first..=last).contains(fd) && !open.is_null())
        .filter_map(|(fd, open)| RawFd::try_from(fd).ok().map(|fd| (fd, open)))
}

fn to_index(fd: RawFd) -> usize {
    usize::try_from(fd).unwrap_or(0)
}

impl<'t> Use<'t> {
    /// The thread whose operation it is.
    pub fn thread(&self) -> &'t Thread {
        self.operation.thread()
    }

    /// Whether TIDs in claim words of the queue are those of this process's PID namespace.
    pub fn is_at_home(&self) -> bool {
        self.queue.layout.is_at_home() && self.operation.is_at_home()
    }

    /// Whether the descriptor still is what it was: the program may have closed it without telling us.
    pub fn is_open(&self) -> bool {
        is_queue(self.fd) && identity(self.fd) == Ok(self.queue.fifo)
    }
}

/// Device and inode of the file behind a descriptor. EBADF.
pub fn identity(fd: RawFd) -> Result<(u64, u64)> {
    status(fd).map(|status| (status.st_dev, status.st_ino))
}

/// fstat(2): EBADF.
pub fn status(fd: RawFd) -> Result<libc::stat> {
    // SAFETY: `status` is plain data that fstat fills in.
    unsafe {
        let mut status: libc::stat = core::mem::zeroed();
        if libc::fstat(fd, &raw mut status) == 0 { Ok(status) } else { Err(Errno::last()) }
    }
}

impl Pool {
    /// Unmaps the retired queues that no operation is in the middle of.
    fn free_unused(&mut self) {
        let mut next = RETIRED.swap(ptr::null_mut(), Ordering::AcqRel);
        if next.is_null() {
            return;
        }
        membarrier::heavy();
        // SAFETY: entries are never freed; those in the chain are ours since the swap.
        while let Some(open) = unsafe { next.as_ref() } {
            let this = next;
            next = open.next.load(Ordering::Relaxed);
            if thread::is_in_use(this.cast()) {
                retire(this);
                continue;
            }
            // SAFETY: the table does not lead here since before the barrier, and nobody's hazard pointer does.
            unsafe { *open.opened.get() = None };
            self.free.push(open);
        }
    }
}

#[inline]
fn entry(fd: RawFd) -> Option<&'static AtomicPtr<Open>> {
    let fd = usize::try_from(fd).ok()?;
    let part = TABLE.get(fd / PART)?.load(Ordering::Acquire);
    // SAFETY: parts are never freed.
    unsafe { part.as_ref() }.map(|part| &part[fd % PART])
}

/// EMFILE for a number beyond the table.
fn entry_or_new(fd: RawFd) -> Result<&'static AtomicPtr<Open>> {
    let number = usize::try_from(fd).map_err(|_| Errno::EBADF)?;
    let part = TABLE.get(number / PART).ok_or(Errno::EMFILE)?;
    if part.load(Ordering::Acquire).is_null() {
        let new = Box::into_raw(Box::new([const { AtomicPtr::new(ptr::null_mut()) }; PART]));
        if part.compare_exchange(ptr::null_mut(), new, Ordering::AcqRel, Ordering::Acquire).is_err() {
            // SAFETY: nobody else has seen it.
            drop(unsafe { Box::from_raw(new) });
        }
    }
    entry(fd).ok_or(Errno::EBADF)
}
