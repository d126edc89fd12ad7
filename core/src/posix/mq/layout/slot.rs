//! What is in front of the body of a message.

use core::mem::size_of;

use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::posix::mq::notify::registration::Sender;

/// In front of each body.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct SlotHeader {
    pub(super) message: MessageHeader,
    /// Messages ever written to this slot. The thread that has claimed the slot adds one before the
    /// commit.
    pub(super) written: u64,
    /// Messages ever borrowed from this slot, counted before the borrower may write to the body.
    /// Changed by the thread that has just handed the slot to its process; the child of a fork in
    /// that moment may add one more, which does no harm.
    pub(super) borrowed: u64,
}

/// What is known of a message.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct MessageHeader {
    /// The length of the body in bytes, and [`NOTES`]: a receiver reads this word anyway.
    pub length: u32,
    /// With [`NOTES`], the registration whose process the sender must notify.
    number: u32,
    /// The sender, then.
    pub pid: u32,
    /// The sender's real user.
    pub uid: u32,
}

/// In [`MessageHeader::length`], far above any length: the message came into the empty queue, and
/// notes a registration.
pub const NOTES: u32 = 1 << 31;

impl MessageHeader {
    /// A copy of a header that others may change.
    ///
    /// # Safety
    /// `shared` is valid for reading, and aligned.
    pub(super) unsafe fn copy(shared: *mut Self) -> Self {
        // SAFETY: as the caller says.
        unsafe {
            Self {
                length: load(&raw mut (*shared).length),
                number: load(&raw mut (*shared).number),
                pid: load(&raw mut (*shared).pid),
                uid: load(&raw mut (*shared).uid),
            }
        }
    }

    /// The same of [`Self::length`] alone.
    ///
    /// # Safety
    /// As [`Self::copy`].
    #[inline(always)]
    pub(super) unsafe fn length_in(shared: *mut Self) -> u32 {
        // SAFETY: as the caller says.
        unsafe { load(&raw mut (*shared).length) }
    }

    /// As it lies in memory, as one integer.
    pub fn to_bits(self) -> u128 {
        // SAFETY: four integers without padding.
        u128::from_ne_bytes(unsafe { core::mem::transmute::<Self, [u8; size_of::<Self>()]>(self) })
    }

    /// The same as words.
    pub fn to_words(self) -> [u64; 2] {
        // SAFETY: four integers without padding.
        unsafe { core::mem::transmute::<Self, [u64; 2]>(self) }
    }

    /// [`Self::to_bits`] of [`Self::plain`] of so many bytes, at most 16 MiB, made in a register
    /// (see `restartable::two_words`).
    #[inline(always)]
    pub fn only(length: usize) -> u128 {
        let shift = if cfg!(target_endian = "little") { 0 } else { u128::BITS - u32::BITS };
        (length as u128) << shift
    }

    /// Of a message that notes nothing.
    #[inline]
    pub fn plain(length: u32) -> Self {
        Self { length, number: 0, pid: 0, uid: 0 }
    }

    /// Of a message that notes this registration.
    pub fn noting(length: u32, number: u32, Sender { pid, uid }: Sender) -> Self {
        Self { length: length | NOTES, number, pid, uid }
    }

    /// The registration that it notes; 0 = none.
    pub fn noted(self) -> u32 {
        if self.length & NOTES == 0 { 0 } else { self.number }
    }

    /// Bytes, whatever it notes.
    pub fn bytes(self) -> usize {
        (self.length & !NOTES) as usize
    }
}

/// Where a slot lies, within the mapping.
#[derive(Clone, Copy)]
pub struct Place(pub(super) *mut SlotHeader);

impl Place {
    /// Counts one more message in a claimed slot, and gives where its header and its body go. The
    /// body has space for msgsize bytes, and for at least 16.
    ///
    /// # Safety
    /// The caller has claimed the slot.
    #[inline(always)]
    pub unsafe fn next_message(self) -> (*mut MessageHeader, *mut u8) {
        // SAFETY: as the caller says; within the mapping.
        unsafe {
            self.count(1);
            (&raw mut (*self.0).message, self.0.add(1).cast())
        }
    }

    /// Adds to the number of messages ever written.
    ///
    /// # Safety
    /// The caller has claimed the slot.
    #[inline(always)]
    pub(super) unsafe fn count(self, more: u64) {
        // SAFETY: within the mapping, and aligned to a line.
        let written = unsafe { AtomicU64::from_ptr(&raw mut (*self.0).written) };
        // Relaxed: no other thread stores to a claimed slot, except in a hostile process.
        written.store(written.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
    }

    /// Where its body is.
    #[inline(always)]
    pub(super) fn body(self) -> *const u8 {
        self.0.wrapping_add(1).cast()
    }
}

/// Relaxed: the claim of the slot orders it, or the caller looks again.
///
/// # Safety
/// As [`MessageHeader::copy`].
#[inline(always)]
unsafe fn load(word: *mut u32) -> u32 {
    // SAFETY: as the caller says.
    unsafe { AtomicU32::from_ptr(word) }.load(Ordering::Relaxed)
}
