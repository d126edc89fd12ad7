//! Copies to and from memory that an operation has claimed.
//!
//! A handler may fork in the middle of a copy. The child returns into the copy, but the claim is
//! its parent's: it must not write any more (`os::restartable`), and what it has read is discarded.
//! A handler may also lock a robust mutex, which overwrites the announcement of the claim. So long
//! copies are made in parts, and the claim is announced again before each.

use core::ptr;

use super::operation::Operation;
use crate::atomic::Ordering;
use crate::os::restartable::{self, Head};
use crate::shared::claim::Claimant;

/// Bytes of a part.
const PART: usize = 64 << 10;

impl Operation<'_> {
    /// Writes a head to what the operation has claimed, and the body behind it. False: this is the
    /// child of a fork that happened meanwhile.
    ///
    /// # Safety
    /// As `restartable::write_while`.
    #[inline(always)]
    pub unsafe fn write(&self, head: Head, from: *const u8, into: *mut u8, length: usize) -> bool {
        if length > PART {
            // SAFETY: as the caller says.
            return unsafe { self.write_long(head, from, into, length) };
        }
        // SAFETY: the caller vouches for the places.
        unsafe { restartable::write_while(self.watched(), head, from, into, length) }
    }

    /// Copies from what the operation has claimed. False as above, as far as that is known before
    /// the commit.
    ///
    /// # Safety
    /// Both places are valid for so many bytes, and different.
    #[inline(always)]
    pub unsafe fn read(&self, from: *const u8, into: *mut u8, length: usize) -> bool {
        if length > PART {
            // SAFETY: as the caller says.
            return unsafe { self.read_long(from, into, length) };
        }
        // SAFETY: both places are valid, and different, says the caller.
        unsafe { ptr::copy_nonoverlapping(from, into, length) };
        true
    }

    #[cold]
    #[inline(never)]
    unsafe fn write_long(&self, head: Head, from: *const u8, into: *mut u8, length: usize) -> bool {
        self.all_parts(length, |at, part| {
            // SAFETY: a part of what the caller vouches for.
            unsafe {
                let (from, into) = (from.add(at), into.add(at));
                restartable::write_while(self.watched(), head, from, into, part)
            }
        })
    }

    #[cold]
    #[inline(never)]
    unsafe fn read_long(&self, from: *const u8, into: *mut u8, length: usize) -> bool {
        self.all_parts(length, |at, part| {
            // SAFETY: a part of what the caller vouches for.
            unsafe { ptr::copy_nonoverlapping(from.add(at), into.add(at), part) };
            !self.is_orphan()
        })
    }

    /// The last part is never a short one: what is shorter takes up more room.
    fn all_parts(&self, length: usize, copy: impl Fn(usize, usize) -> bool) -> bool {
        let parts = length / PART;
        (0..parts).all(|part| {
            self.watch_again();
            let at = part * PART;
            copy(at, if part + 1 < parts { PART } else { length - at })
        })
    }

    /// A handler that locked a robust mutex has left 0 in the place of the announcement.
    fn watch_again(&self) {
        if self.claims.load(Ordering::Relaxed) == 0 {
            self.claims.store(self.record.entry.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }
}
