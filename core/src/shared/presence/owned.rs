//! The files of this process, by their numbers: those that it has made, and the one that it has had
//! before an exec. In memory that is wiped in the child of a fork.

use std::os::fd::RawFd;

use super::file::Present;
use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::os::errno::{Errno, Result};
use crate::os::reserved::Reserved;
use crate::os::wiped::{Table, Wiped};

/// A file. It is filled in by the thread that has taken it, and then only its descriptor may go.
struct Entry {
    /// 0 = free, or not filled in; otherwise the number and one.
    number: AtomicU32,
    is_taken: AtomicU32,
    /// `Reserved::to_bits`; 0 = it is gone. Relaxed: the table that it leads to is ordered itself.
    kept: AtomicU32,
    device: AtomicU64,
    inode: AtomicU64,
}

// SAFETY: zeros are a free entry.
unsafe impl Wiped for Entry {}

/// The most files that a program gets that closes all its descriptors again and again.
static ENTRIES: Table<Entry, 16, 64> = Table::new();

impl Entry {
    fn of(number: u32) -> Option<&'static Self> {
        // Acquire: what was filled in before.
        ENTRIES.iter().find(|entry| entry.number.load(Ordering::Acquire) == number + 1)
    }
}

/// This is a file of this process. ENOMEM.
pub fn add(number: u32, present: Present) -> Result<()> {
    let is_taken = |entry: &&Entry| {
        entry.is_taken.compare_exchange(0, 1, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    };
    let entry = if let Some(entry) = ENTRIES.iter().find(is_taken) {
        entry
    } else {
        ENTRIES.grow()?;
        ENTRIES.iter().find(is_taken).ok_or(Errno::ENOMEM)?
    };
    entry.kept.store(present.kept.to_bits(), Ordering::Relaxed);
    entry.device.store(present.is.0, Ordering::Relaxed);
    entry.inode.store(present.is.1, Ordering::Relaxed);
    entry.number.store(number + 1, Ordering::Release);
    Ok(())
}

/// Whether it is in here.
pub fn has(number: u32) -> bool {
    Entry::of(number).is_some()
}

/// The file of this number. `None`: it is not in here, or the program has closed its descriptor.
pub fn present(number: u32) -> Option<Present> {
    let entry = Entry::of(number)?;
    let kept = Reserved::from_bits(entry.kept.load(Ordering::Relaxed))?;
    let is = (entry.device.load(Ordering::Relaxed), entry.inode.load(Ordering::Relaxed));
    Some(Present { kept, is })
}

/// Takes the lock on the file of this number again. False: it is not to be had any more.
pub fn renew(number: u32) -> bool {
    present(number).is_some_and(|present| present.renew() == Ok(true))
}

/// The program may have another file under the descriptor of this one by now.
pub fn forget(number: u32) {
    let kept = Entry::of(number).map_or(0, |entry| entry.kept.swap(0, Ordering::Relaxed));
    if let Some(kept) = Reserved::from_bits(kept) {
        kept.forget();
    }
}

/// Whether this is the descriptor of one of them.
pub fn is_descriptor(fd: RawFd) -> bool {
    let kept = |entry: &Entry| Reserved::from_bits(entry.kept.load(Ordering::Relaxed));
    ENTRIES.iter().filter_map(kept).any(|kept| kept.fd() == fd)
}
