//! The table from descriptors to queues. It is looked up without a lock.
//!
//! | entry | meaning | stored by |
//! |---|---|---|
//! | null | not known | the thread that has closed it |
//! | an [`Open`] | a queue | the thread that opens, duplicates or finds it (`inherited`) |
//! | [`closing`] | a queue that is being closed: no thread may use the descriptor | the thread that closes it |
//! | [`no_queue`] | not a queue | a thread that was to poll it and has checked, from null |

use core::ops::RangeInclusive;
use core::ptr;
use std::os::fd::RawFd;

use crate::atomic::{AtomicPtr, Ordering};
use crate::os::Errno;
use crate::os::Result;
use crate::os::concern;
use crate::os::file;
use crate::os::process::Process;
use crate::posix::mq::descriptor::open::{Open, Opened, POOL};
use crate::posix::mq::descriptor::spare;
use crate::shared::thread::Thread;

/// Descriptors in a slab of the table.
const SLAB: usize = 1024;
/// Slabs: descriptors are below 1,048,576, as `fs.nr_open` is.
const SLABS: usize = 1024;

type Slab = [AtomicPtr<Open>; SLAB];

/// The first slab: most descriptors are found here without a second look.
static FIRST: Slab = [const { AtomicPtr::new(ptr::null_mut()) }; SLAB];

/// The others; the first entry is not used. Each slab is made when its first descriptor comes, and
/// stays.
static TABLE: [AtomicPtr<Slab>; SLABS] = [const { AtomicPtr::new(ptr::null_mut()) }; SLABS];

static CLOSING: Open = Open::empty();
static NO_QUEUE: Open = Open::empty();

fn closing() -> *mut Open {
    (&raw const CLOSING).cast_mut()
}

pub(super) fn no_queue() -> *mut Open {
    (&raw const NO_QUEUE).cast_mut()
}

/// A queue, and not one of the special entries.
pub(super) fn as_queue(open: *mut Open) -> Option<&'static Open> {
    // SAFETY: what the table leads to is never freed.
    unsafe { open.as_ref() }.filter(|_| open != closing() && open != no_queue())
}

#[inline]
pub(super) fn look_up(fd: RawFd) -> Option<(&'static AtomicPtr<Open>, *mut Open)> {
    let entry = entry(fd)?;
    let open = entry.load(Ordering::Acquire);
    (!open.is_null()).then_some((entry, open))
}

/// Whether `fd` is in the table.
#[inline]
pub fn is_queue(fd: RawFd) -> bool {
    look_up(fd).is_some_and(|(_, open)| as_queue(open).is_some())
}

/// A thread has checked that the descriptor is in use, and not a queue's. Async-signal-safe.
pub(super) fn note_no_queue(fd: RawFd) {
    if let Ok(entry) = entry_or_new(fd) {
        exchange(entry, ptr::null_mut(), no_queue());
    }
}

/// The descriptor may have changed its meaning since that check.
pub fn forget_what_it_was(fd: RawFd) {
    if let Some(entry) = entry(fd) {
        exchange(entry, no_queue(), ptr::null_mut());
    }
}

/// Puts a new queue into the table. What the descriptor stood for before is retired: it was closed
/// by a bare system call.
pub fn insert(fd: RawFd, opened: Opened) -> Result<()> {
    concern::set(concern::QUEUES);
    note_child();
    let entry = entry_or_new(fd)?;
    replace(entry, spare::take(opened));
    Ok(())
}

/// Puts a queue into the table for a descriptor that was not in it, unless the descriptor has come
/// to mean another file since. EBADF then.
pub fn insert_inherited(fd: RawFd, opened: Opened) -> Result<()> {
    concern::set(concern::QUEUES);
    note_child();
    let fifo = opened.fifo;
    let entry = entry_or_new(fd)?;
    let open = spare::take(opened);
    if !exchange(entry, ptr::null_mut(), open) && !exchange(entry, no_queue(), open) {
        unshare(open);
        // Another thread has entered it, or is closing it: the next look-up shows which.
        return Ok(());
    }
    if identity(fd) == Ok(fifo) {
        return Ok(());
    }
    if exchange(entry, open, ptr::null_mut()) {
        unshare(open);
    }
    Err(Errno::EBADF)
}

/// The child of a vfork(2) is about to put a descriptor of its own into the table, which is its
/// parent's. The parent takes it out again (`enter`).
fn note_child() {
    if !Process::owns_memory() {
        Thread::lend_calling();
    }
}

/// A further descriptor for the open description of `of`, which has not left the table: `dup`.
pub fn insert_alias(fd: RawFd, of: RawFd) -> Result<()> {
    let entry = entry_or_new(fd)?;
    let open = self::entry(of).map_or(ptr::null_mut(), |entry| entry.load(Ordering::Acquire));
    if as_queue(open).is_some_and(Open::share) {
        replace(entry, open);
        Ok(())
    } else {
        Err(Errno::EBADF)
    }
}

/// A queue that is being closed. Its entry says so, and it stays as it is until the end is told.
pub struct Closing {
    pub(super) fd: RawFd,
    pub(super) open: *mut Open,
}

impl Closing {
    /// EBADF when it is not in the table.
    pub fn begin(fd: RawFd) -> Result<Self> {
        let entry = entry(fd).ok_or(Errno::EBADF)?;
        let mut open = entry.load(Ordering::Acquire);
        while as_queue(open).is_some() {
            match entry.compare_exchange(open, closing(), Ordering::SeqCst, Ordering::Acquire) {
                Ok(_) => return Ok(Self { fd, open }),
                Err(now) => open = now,
            }
        }
        Err(Errno::EBADF)
    }

    /// The descriptor.
    pub fn fd(&self) -> RawFd {
        self.fd
    }

    /// The descriptor has been closed. It is free, or has been reused meanwhile, and then stays as
    /// it is.
    pub fn done(self) {
        if let Some(entry) = entry(self.fd) {
            exchange(entry, closing(), ptr::null_mut());
        }
        unshare(self.open);
    }

    /// It has not been closed.
    pub fn undone(self) {
        let is_back = entry(self.fd).is_some_and(|entry| exchange(entry, closing(), self.open));
        if !is_back {
            unshare(self.open);
        }
    }

    /// In two words, for C to keep.
    pub fn into_raw(self) -> (RawFd, *mut ()) {
        (self.fd, self.open.cast())
    }

    /// # Safety
    /// The two words come from [`Closing::into_raw`], and this is done once.
    pub unsafe fn from_raw(fd: RawFd, open: *mut ()) -> Self {
        Self { fd, open: open.cast() }
    }
}

/// An entry less leads here.
fn unshare(open: *mut Open) {
    if let Some(queue) = as_queue(open) {
        queue.unshare();
    }
}

/// From now on each thread sees for itself whether the descriptor is still that of the queue: the
/// table of descriptors is not the same for all any more.
pub fn doubt(fd: RawFd) {
    let mut pool = POOL.lock();
    let Some(entry) = entry(fd) else { return };
    let known = entry.load(Ordering::Acquire);
    if let Some(queue) = as_queue(known).filter(|queue| queue.behind().is_none()) {
        // Its share in the queue goes over to the new entry.
        let new = pool.take_in_front_of(queue);
        if !exchange(entry, known, new) {
            pool.give_back(new);
        }
    }
}

/// Whether each thread has to see for itself: see [`doubt`].
pub fn is_doubted(fd: RawFd) -> bool {
    let queue = look_up(fd).and_then(|(_, open)| as_queue(open));
    queue.is_some_and(|queue| queue.behind().is_some())
}

/// Puts something into an entry. What was there is not found by this descriptor any more.
fn replace(entry: &AtomicPtr<Open>, open: *mut Open) {
    unshare(entry.swap(open, Ordering::SeqCst));
}

fn exchange(entry: &AtomicPtr<Open>, old: *mut Open, new: *mut Open) -> bool {
    entry.compare_exchange(old, new, Ordering::SeqCst, Ordering::Relaxed).is_ok()
}

/// The descriptors in the table that are in this range.
pub fn in_range(range: RangeInclusive<RawFd>) -> impl Iterator<Item = RawFd> {
    entries(range).filter(|&(_, open)| as_queue(open).is_some()).map(|(fd, _)| fd)
}

/// Descriptors in this range that were checked and are not queues': see [`forget_what_it_was`].
pub fn no_queues_in(range: RangeInclusive<RawFd>) -> impl Iterator<Item = RawFd> {
    entries(range).filter(|&(_, open)| open == no_queue()).map(|(fd, _)| fd)
}

/// The queues of the table. While the caller holds [`POOL`], they stay.
pub fn queues() -> impl Iterator<Item = &'static Open> {
    let all = entries(0..=RawFd::MAX).filter_map(|(_, open)| as_queue(open));
    all.map(|open| open.behind().unwrap_or(open))
}

fn entries(range: RangeInclusive<RawFd>) -> impl Iterator<Item = (RawFd, *mut Open)> {
    let (first, last) = (to_index(*range.start()), to_index(*range.end()));
    let slabs = (first / SLAB..=(last / SLAB).min(SLABS - 1))
        .filter_map(|number| slab(number).map(|slab| (number, slab)));
    let entries = slabs.flat_map(|(number, slab)| {
        slab.iter()
            .enumerate()
            .map(move |(index, entry)| (number * SLAB + index, entry.load(Ordering::Acquire)))
    });
    entries
        .filter(move |(fd, open)| (first..=last).contains(fd) && !open.is_null())
        .filter_map(|(fd, open)| RawFd::try_from(fd).ok().map(|fd| (fd, open)))
}

fn to_index(fd: RawFd) -> usize {
    usize::try_from(fd).unwrap_or(0)
}

/// Device and inode of the file behind a descriptor. EBADF.
pub fn identity(fd: RawFd) -> Result<(u64, u64)> {
    file::status(fd).map(|status| file::identity(&status))
}

#[inline]
fn entry(fd: RawFd) -> Option<&'static AtomicPtr<Open>> {
    // A negative one is beyond the table.
    let fd = fd.cast_unsigned() as usize;
    match FIRST.get(fd) {
        Some(entry) => Some(entry),
        None => slab(fd / SLAB).map(|slab| &slab[fd % SLAB]),
    }
}

#[inline]
fn slab(number: usize) -> Option<&'static Slab> {
    if number == 0 {
        return Some(&FIRST);
    }
    // SAFETY: slabs are never freed.
    unsafe { TABLE.get(number)?.load(Ordering::Acquire).as_ref() }
}

/// EMFILE for a descriptor beyond the table; ENOMEM. Async-signal-safe.
fn entry_or_new(fd: RawFd) -> Result<&'static AtomicPtr<Open>> {
    let number = usize::try_from(fd).map_err(|_| Errno::EBADF)?;
    let slab = TABLE.get(number / SLAB).ok_or(Errno::EMFILE)?;
    if number >= SLAB && slab.load(Ordering::Acquire).is_null() {
        let new = map_slab()?;
        if slab.compare_exchange(ptr::null_mut(), new, Ordering::AcqRel, Ordering::Acquire).is_err()
        {
            // SAFETY: no other thread has seen it.
            unsafe { libc::munmap(new.cast(), size_of::<Slab>()) };
        }
    }
    entry(fd).ok_or(Errno::EBADF)
}

/// All zeros: nulls.
fn map_slab() -> Result<*mut Slab> {
    let (protection, flags) =
        (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: new memory at an address of the kernel's choice.
    let new = unsafe { libc::mmap(ptr::null_mut(), size_of::<Slab>(), protection, flags, -1, 0) };
    if new == libc::MAP_FAILED { Err(Errno::ENOMEM) } else { Ok(new.cast()) }
}
