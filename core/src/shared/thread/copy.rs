//! Copying to and from what an operation has claimed.
//!
//! A handler may fork in the middle of it. The child comes back into the copy, and what is claimed is its parent's: it
//! must not write any more (`os::restartable`), and what it has read is worth nothing. Nor may the handler lock a robust
//! mutex without our announcing the claim again. So long copies are made in parts.

use core::ptr;
use core::sync::atomic::Ordering;

use super::operation::Operation;
use crate::os::restartable;
use crate::shared::claim::Claimant;

/// Bytes below which a copy takes a few instructions.
const SHORT: usize = restartable::LEAST;
/// Bytes of a part.
const PART: usize = 64 << 10;

impl Operation<'_> {
    /// Copies to what the operation has claimed. False: this is the child of a fork that happened meanwhile, as
    /// far as that is known before the commit.
    ///
    /// # Safety
    /// Both places are valid for so many bytes, and different.
    #[inline(always)]
    pub unsafe fn copy_to(&self, claimed: *mut u8, from: *const u8, length: usize) -> bool {
        if length < SHORT {
            // SAFETY: as the caller says.
            unsafe { ptr::copy_nonoverlapping(from, claimed, length) };
            // The commit looks.
            return true;
        }
        // SAFETY: the same.
        unsafe { self.copy_long_to(claimed, from, length) }
    }

    /// Copies from what the operation has claimed. False as above.
    ///
    /// # Safety
    /// Both places are valid for so many bytes, and different.
    #[inline(always)]
    pub unsafe fn copy_from(&self, claimed: *const u8, into: *mut u8, length: usize) -> bool {
        if length < SHORT {
            // SAFETY: as the caller says.
            unsafe { ptr::copy_nonoverlapping(claimed, into, length) };
            return true;
        }
        // SAFETY: the same.
        unsafe { self.copy_long_from(claimed, into, length) }
    }

    #[inline(never)]
    unsafe fn copy_long_to(&self, claimed: *mut u8, from: *const u8, length: usize) -> bool {
        let incarnation = &self.thread.incarnation;
        self.all_parts(length, |at, part| {
            // SAFETY: a part of what the caller vouches for.
            unsafe {
                let (from, into) = (from.add(at), claimed.add(at));
                restartable::copy_while(incarnation, self.incarnation, from, into, part)
            }
        })
    }

    #[inline(never)]
    unsafe fn copy_long_from(&self, claimed: *const u8, into: *mut u8, length: usize) -> bool {
        self.all_parts(length, |at, part| {
            // SAFETY: a part of what the caller vouches for.
            unsafe { ptr::copy_nonoverlapping(claimed.add(at), into.add(at), part) };
            !self.is_orphan()
        })
    }

    fn all_parts(&self, length: usize, copy: impl Fn(usize, usize) -> bool) -> bool {
        (0..length).step_by(PART).all(|at| {
            self.watch_again();
            copy(at, PART.min(length - at))
        })
    }

    /// A handler that locked a robust mutex has left 0 in the place of the announcement.
    fn watch_again(&self) {
        if self.claims.load(Ordering::Relaxed) == 0 {
            self.claims.store(self.record.entry.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }
}
