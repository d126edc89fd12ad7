//! From a descriptor to its queue.
//!
//! The table is looked up without a lock. An [`Open`] that was taken out of it stays mapped while an operation is in
//! the middle of it (a hazard pointer, `sys::thread`); then it is *retired*, and goes when nobody uses it any more.
//! The memory of an `Open` itself is never given back, only used again: who has an old pointer reads stale facts, and
//! sees at the second look at the table that they are stale.

use core::cell::UnsafeCell;
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::os::fd::RawFd;

use memmap2::MmapRaw;

use super::herald::Herald;
use super::keeper::Polled;
use super::layout::Layout;
use crate::sys::fork::ForkMutex;
use crate::sys::thread::{self, Operation, Seal, Thread};
use crate::sys::{Errno, Result, membarrier};

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
    pub map: MmapRaw,
    /// Opened for receiving.
    pub can_receive: bool,
    /// Opened for sending.
    pub can_send: bool,
    /// Device and inode of the FIFO that the descriptor really is.
    pub fifo: (u64, u64),
    /// The thread that is registered for notification, once there is one.
    pub herald: AtomicPtr<Herald>,
    /// How this process polls it.
    pub polled: Polled,
}

/// An entry of the table.
pub struct Open {
    /// Changed by the holder of [`POOL`] alone, while the table does not lead here and nobody works on it.
    opened: UnsafeCell<Option<Opened>>,
    /// Entries of the table that lead here.
    descriptors: AtomicUsize,
}

// SAFETY: `opened` is only changed while nobody can read it, as its comment says.
unsafe impl Sync for Open {}
// SAFETY: nothing in it belongs to a thread.
unsafe impl Send for Open {}

/// Entries that are not in the table.
#[derive(Default)]
pub struct Pool {
    free: Vec<&'static Open>,
    retired: Vec<&'static Open>,
}

/// Held while entries are made, retired and freed; never by an operation on a queue.
pub static POOL: ForkMutex<Pool> = ForkMutex::new(Pool { free: Vec::new(), retired: Vec::new() });

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
#[inline]
pub fn enter<'t>(thread: &'t Thread, fd: RawFd, seal: &Seal) -> Result<Use<'t>> {
    loop {
        let entry = entry(fd).ok_or(Errno::EBADF)?;
        let open = entry.load(Ordering::Acquire);
        if open.is_null() {
            return Err(Errno::EBADF);
        }
        let operation = thread.begin(open.cast(), seal)?;
        membarrier::light();
        if ptr::eq(entry.load(Ordering::Acquire), open) {
            // SAFETY: entries are never freed; the table led here after the hazard pointer was visible, so `opened`
            // does not change before the operation ends.
            if let Some(queue) = unsafe { &*(*open).opened.get() } {
                return Ok(Use { operation, queue, fd });
            }
        }
    }
}

/// Whether `fd` is in the table.
#[inline]
pub fn is_queue(fd: RawFd) -> bool {
    entry(fd).is_some_and(|entry| !entry.load(Ordering::Relaxed).is_null())
}

/// Puts a new queue into the table. What the number stood for before is retired: somebody has closed it behind our
/// back.
pub fn insert(fd: RawFd, opened: Opened) -> Result<()> {
    let entry = entry_or_new(fd)?;
    let mut pool = POOL.lock();
    pool.free_unused();
    let open = pool.free.pop().unwrap_or_else(|| {
        Box::leak(Box::new(Open { opened: UnsafeCell::new(None), descriptors: AtomicUsize::new(0) }))
    });
    // SAFETY: it comes from the free ones: nobody can read it.
    unsafe { *open.opened.get() = Some(opened) };
    pool.replace(entry, open);
    Ok(())
}

/// A further descriptor for the queue of another one: `dup`.
pub fn insert_alias(fd: RawFd, of: RawFd) -> Result<()> {
    let entry = entry_or_new(fd)?;
    let mut pool = POOL.lock();
    let open = self::entry(of).map_or(ptr::null_mut(), |entry| entry.load(Ordering::Acquire));
    // SAFETY: entries are never freed.
    let open = unsafe { open.as_ref() }.ok_or(Errno::EBADF)?;
    pool.replace(entry, open);
    Ok(())
}

/// Takes a descriptor out of the table. EBADF when it is not there.
pub fn remove(fd: RawFd) -> Result<()> {
    let entry = entry(fd).ok_or(Errno::EBADF)?;
    let mut pool = POOL.lock();
    let old = entry.swap(ptr::null_mut(), Ordering::SeqCst);
    // SAFETY: entries are never freed.
    let old = unsafe { old.as_ref() }.ok_or(Errno::EBADF)?;
    pool.retire(old);
    pool.free_unused();
    Ok(())
}

/// The descriptors in the table.
pub fn all() -> impl Iterator<Item = RawFd> {
    let parts = TABLE.iter().enumerate().filter_map(|(number, part)| {
        // SAFETY: parts are never freed.
        unsafe { part.load(Ordering::Acquire).as_ref() }.map(|part| (number, part))
    });
    let entries = parts.flat_map(|(number, part)| {
        part.iter().enumerate().map(move |(index, entry)| (number * PART + index, entry))
    });
    entries
        .filter(|(_, entry)| !entry.load(Ordering::Acquire).is_null())
        .filter_map(|(fd, _)| RawFd::try_from(fd).ok())
}

impl Use<'_> {
    /// Whether the descriptor still is what it was: the program may have closed it without telling us.
    pub fn is_open(&self) -> bool {
        identity(self.fd) == Ok(self.queue.fifo)
    }
}

/// Device and inode of the file behind a descriptor. EBADF.
pub fn identity(fd: RawFd) -> Result<(u64, u64)> {
    // SAFETY: `status` is plain data that fstat fills in.
    unsafe {
        let mut status: libc::stat = core::mem::zeroed();
        if libc::fstat(fd, &raw mut status) == 0 {
            Ok((status.st_dev, status.st_ino))
        } else {
            Err(Errno::last())
        }
    }
}

impl Pool {
    fn replace(&mut self, entry: &AtomicPtr<Open>, open: &'static Open) {
        open.descriptors.fetch_add(1, Ordering::Relaxed);
        let old = entry.swap(ptr::from_ref(open).cast_mut(), Ordering::SeqCst);
        // SAFETY: entries are never freed.
        if let Some(old) = unsafe { old.as_ref() } {
            self.retire(old);
        }
    }

    fn retire(&mut self, old: &'static Open) {
        if old.descriptors.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.retired.push(old);
        }
    }

    /// Unmaps the retired queues that no operation is in the middle of.
    fn free_unused(&mut self) {
        if self.retired.is_empty() {
            return;
        }
        membarrier::heavy();
        let (used, unused) = self
            .retired
            .drain(..)
            .partition::<Vec<_>, _>(|open| thread::is_in_use(ptr::from_ref(*open).cast()));
        for open in &unused {
            // SAFETY: the table does not lead here since before the barrier, and nobody's hazard pointer does.
            unsafe { *open.opened.get() = None };
        }
        self.retired = used;
        self.free.extend(unused);
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
