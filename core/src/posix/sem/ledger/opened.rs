//! The ledger of a semaphore, opened: its memory, its file, and the semaphore in a mapping of our
//! own.

use core::ffi::c_int;
use core::ptr;
use std::os::fd::{AsRawFd, IntoRawFd};

use super::super::layout::Semaphore;
use super::super::word::{Word, value, waiters};
use super::file::{self, Mapped, Place};
use super::keeper::Robust;
use super::layout::{SIZE, Words};
use crate::atomic::Ordering;
use crate::os;
use crate::os::errno::preserved;
use crate::os::filter::Found;
use crate::os::futex::{self, Scope};
use crate::os::maps::{self, Look};
use crate::os::reserved;
use crate::os::user;
use crate::os::{Errno, Result};

/// See the module.
pub struct Opened {
    /// What a keeper needs of it.
    pub robust: Robust,
    place: Place,
    /// Of the file of the ledger.
    file: (u64, u64),
}

// SAFETY: all is shared memory of atomics, or never changed.
unsafe impl Send for Opened {}
// SAFETY: threads share atomics, and what never changes.
unsafe impl Sync for Opened {}

impl Opened {
    /// Opens the ledger of a semaphore, or makes one. `is_ours`: whether this process has the
    /// ledger of a number open.
    pub fn new(semaphore: &Semaphore, place: Place, is_ours: impl Fn(u32) -> bool) -> Result<Self> {
        // First: memory that is not shared is to have no ledger.
        let again = map_again(ptr::from_ref(semaphore))?;
        Self::at(semaphore, again, place, is_ours).inspect_err(|_| unmap(again))
    }

    fn at(
        semaphore: &Semaphore,
        again: *const Semaphore,
        place: Place,
        is_ours: impl Fn(u32) -> bool,
    ) -> Result<Self> {
        let (number, mapped) = open_or_create(semaphore, &place, is_ours)?;
        let identity = os::file::identity(&os::file::status(mapped.file.as_raw_fd())?);
        let (words, file) = mapped.into_parts();
        // A descriptor that the program does not see.
        let file = reserved::keep(file.into_raw_fd()).inspect_err(|_| unmap_ledger(words))?;
        let robust = Robust { words, file, semaphore: again, number };
        Ok(Self { robust, place, file: identity })
    }

    /// Its words.
    pub fn words(&self) -> &Words {
        // SAFETY: they stay mapped until `close`.
        unsafe { &*self.robust.words }
    }

    /// The number of the ledger.
    pub fn number(&self) -> u32 {
        self.robust.number
    }

    /// The word of the semaphore. `None`: it has been destroyed, or initialised anew, or its memory
    /// is gone.
    pub fn word(&self) -> Option<&Word> {
        let semaphore = self.robust.semaphore;
        // SAFETY: it is mapped until `close`, and a moment ago there was memory.
        preserved(|| leads_to(semaphore, self.number())).then(|| unsafe { &(*semaphore).word })
    }

    /// Wakes as many waiters as the value is for. Leaves `errno` alone.
    pub fn wake_waiters(&self) {
        let Some(word) = self.word() else { return };
        let now = word.atomic().load(Ordering::SeqCst);
        let count = c_int::try_from(value(now).min(waiters(now))).unwrap_or(c_int::MAX);
        if count > 0 {
            let address = Semaphore::value_address(self.robust.semaphore);
            preserved(|| futex::wake(address, count, Scope::Shared));
        }
    }

    /// Whether the semaphore is the one in this place.
    pub fn is_of(&self, place: &Place) -> bool {
        // Not the path: the file may have lost its name since.
        self.identity() == (place.inode, place.offset)
    }

    fn identity(&self) -> (u64, u64) {
        (self.place.inode, self.place.offset)
    }

    /// Whether this address leads to it. True in doubt: without a free descriptor, or without
    /// /proc, that cannot be known. Async-signal-safe.
    pub fn may_be_at(&self, address: usize) -> bool {
        let mut is_it = false;
        let looked = maps::each_of_own(|mapping| {
            if !(mapping.start..mapping.end).contains(&address) {
                return Look::Continue(());
            }
            let offset = (mapping.offset + address - mapping.start) as u64;
            is_it = mapping.is_shared && (mapping.inode, offset) == self.identity();
            Look::Break(())
        });
        is_it || looked.is_err()
    }

    /// Whether the file of the ledger has a name.
    pub fn has_name(&self) -> Result<bool> {
        Ok(os::file::status(self.robust.file.fd())?.st_nlink > 0)
    }

    /// Whether the semaphore has been destroyed, or initialised anew, or its memory is gone. False
    /// in doubt.
    pub fn is_void(&self) -> bool {
        // Behind a filter it may be a call too many.
        !Found::default().is_confined() && !leads_to(self.robust.semaphore, self.number())
    }

    /// Removes the file if it is of no use to others: the semaphore is void, or its file has lost
    /// its name, and no other process takes part. `tries`: to get the membership
    /// lock.
    pub fn remove_if_useless(&self, tries: u32) {
        let fd = self.robust.file.fd();
        if !self.has_its_file() || !(file::is_nameless(self.words()) || self.is_void()) {
            return;
        }
        if file::lock_to_remove(fd, tries).is_err() {
            return;
        }
        if file::is_unused_by_others(fd) {
            let _ = std::fs::remove_file(file::path(self.number()));
        }
        file::unlock_membership(fd);
    }

    /// This process has no account there, and no thread of it is in there.
    pub fn close(self) {
        let Robust { words, file, semaphore, .. } = self.robust;
        // The program may have closed it by a bare system call, and use the number itself.
        if self.has_its_file() {
            file.release();
        } else {
            file.forget();
        }
        unmap_ledger(words);
        unmap(semaphore);
    }

    fn has_its_file(&self) -> bool {
        let status = os::file::status(self.robust.file.fd());
        status.is_ok_and(|status| os::file::identity(&status) == self.file)
    }
}

/// Whether there is a semaphore with the ledger of this number at the address, which may lead
/// nowhere.
pub fn leads_to(semaphore: *const Semaphore, number: u32) -> bool {
    let word = semaphore.wrapping_byte_add(Semaphore::LEDGER_OFFSET).cast::<u32>();
    user::read(word) == Ok(number)
}

/// The ledger of the semaphore, made if it has none.
fn open_or_create(
    semaphore: &Semaphore,
    place: &Place,
    is_ours: impl Fn(u32) -> bool,
) -> Result<(u32, Mapped)> {
    loop {
        let number = semaphore.ledger.load(Ordering::SeqCst);
        // One of our own is that of another semaphore; to open and close it would give back our
        // locks.
        if !is_ours(number) {
            match file::open(number, place) {
                Err(Errno::ENOENT) => {}
                opened => return opened.map(|mapped| (number, mapped)),
            }
        }
        // It holds 0, or bytes that glibc's sem_init has left as they were.
        file::remove_some_stale(&is_ours);
        let (new, mapped) = file::create(place)?;
        let order = (Ordering::SeqCst, Ordering::SeqCst);
        if semaphore.ledger.compare_exchange(number, new, order.0, order.1).is_ok() {
            return Ok((new, mapped));
        }
        // Another process was faster.
        let _ = std::fs::remove_file(file::path(new));
    }
}

const PAGE: usize = 4096;

/// The semaphore in a second mapping, which stays whatever the program does with its own. EINVAL:
/// the memory is not shared.
fn map_again(semaphore: *const Semaphore) -> Result<*const Semaphore> {
    let start = semaphore.map_addr(|address| address & !(PAGE - 1));
    let within = semaphore.addr() - start.addr();
    let length = (within + size_of::<Semaphore>()).next_multiple_of(PAGE);
    // SAFETY: an old length of 0 leaves the old mapping as it is (mremap(2)).
    let new = unsafe { libc::mremap(start.cast_mut().cast(), 0, length, libc::MREMAP_MAYMOVE) };
    if new == libc::MAP_FAILED {
        return Err(Errno::EINVAL);
    }
    Ok(new.cast::<Semaphore>().wrapping_byte_add(within).cast_const())
}

/// What [`map_again`] has mapped.
fn unmap(semaphore: *const Semaphore) {
    let start = semaphore.map_addr(|address| address & !(PAGE - 1));
    let length = (semaphore.addr() - start.addr() + size_of::<Semaphore>()).next_multiple_of(PAGE);
    // SAFETY: nothing else uses the mapping.
    unsafe { libc::munmap(start.cast_mut().cast(), length) };
}

/// What `Mapped::into_parts` has left.
fn unmap_ledger(words: *const Words) {
    // SAFETY: no thread uses it any more.
    unsafe { libc::munmap(words.cast_mut().cast(), SIZE) };
}
