//! Copies to and from memory that an operation has claimed.
//!
//! A handler may fork in the middle of a copy. The child returns into the copy, but the claim is
//! its parent's: it must not write any more (`os::restartable`), and what it has read is discarded.
//! A handler may also lock a robust mutex, which overwrites the announcement of the claim. So long
//! copies are made in chunks, and the claim is announced again before each.

use core::ptr;

use super::operation::Operation;
use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::os::restartable::{self, Body, Commit, Head, two_words};

/// Bytes of a chunk.
const CHUNK: usize = 64 << 10;

impl Operation<'_> {
    /// Writes a head to what the operation has claimed, and the body behind it. False: this is the
    /// child of a fork that happened meanwhile.
    ///
    /// # Safety
    /// As `restartable::write_while`.
    #[inline(always)]
    pub unsafe fn write(&self, head: Head, from: *const u8, into: *mut u8, length: usize) -> bool {
        if length > CHUNK {
            // SAFETY: as the caller says.
            return self.cold(|this| unsafe { this.write_long(head, from, into, length) });
        }
        // SAFETY: the caller vouches for both areas.
        unsafe { restartable::write_while(self.condition(), head, from, into, length) }
    }

    /// [`Self::write`], with the head so many bytes in front of the body, and the commit of this
    /// key; the claim is given back. False: not done, or begun only (see
    /// `restartable::message`).
    ///
    /// # Safety
    /// As for [`Self::write`], and `restartable::is_possible`.
    #[inline(always)]
    pub unsafe fn write_and_commit<const BEFORE: usize>(
        &self,
        head: u128,
        body: Body,
        commit: Commit<'_>,
        key: u64,
    ) -> bool {
        // Word by word: what is passed apart as a whole would be in memory from the beginning.
        let Body { from, into, length } = body;
        // SAFETY: as the caller says.
        unsafe {
            #[cfg(target_arch = "x86_64")]
            if Body::is_short(length) {
                let condition = self.condition();
                return restartable::write_and_commit::<BEFORE>(condition, head, body, commit, key);
            }
            self.cold(move |this| {
                this.write_then_commit::<BEFORE>(head, from, into, length, commit, key)
            })
        }
    }

    /// [`Self::read`] and the commit of the key 0. False as above.
    ///
    /// # Safety
    /// As for [`Self::read`], and `restartable::is_possible`.
    #[inline(always)]
    pub unsafe fn read_and_commit(&self, body: Body, commit: Commit<'_>) -> bool {
        let Body { from, into, length } = body;
        // SAFETY: as the caller says.
        unsafe {
            #[cfg(target_arch = "x86_64")]
            if Body::is_short(length) {
                return restartable::read_and_commit(self.condition(), body, commit);
            }
            self.cold(move |this| this.read_then_commit(from, into, length, commit))
        }
    }

    /// # Safety
    /// As for [`Self::write_and_commit`].
    #[inline(never)]
    unsafe fn write_then_commit<const BEFORE: usize>(
        &self,
        head: u128,
        from: *const u8,
        into: *mut u8,
        length: usize,
        commit: Commit<'_>,
        key: u64,
    ) -> bool {
        // SAFETY: as the caller says.
        let is_whole = unsafe {
            let head = (head, into.sub(BEFORE).cast());
            self.write(head, from, into, length)
        };
        is_whole && self.commit((commit.key, key), (commit.claim, 0))
    }

    /// # Safety
    /// As for [`Self::read_and_commit`].
    #[inline(never)]
    unsafe fn read_then_commit(
        &self,
        from: *const u8,
        into: *mut u8,
        length: usize,
        commit: Commit<'_>,
    ) -> bool {
        // SAFETY: as the caller says.
        let is_whole = unsafe { self.read(from, into, length) };
        is_whole && self.commit((commit.key, 0), (commit.claim, 0))
    }

    /// Writes words to the front of what the operation has claimed. False as above.
    #[inline(always)]
    pub(super) fn write_words(&self, words: &[u64], into: &[AtomicU64]) -> bool {
        match words {
            [first, second, rest @ ..] if rest.len() >= 2 && into.len() >= words.len() => {
                // SAFETY: our own words, and `into` is as long.
                unsafe { self.write_rest((*first, *second), rest, into) }
            }
            _ => into.iter().zip(words).all(|(into, word)| self.write_word(into, *word)),
        }
    }

    /// The same of words that others may change: what is written then is not used.
    #[inline(always)]
    pub(super) fn copy_words(&self, from: &[AtomicU64], into: &[AtomicU64]) -> bool {
        let read = |word: &AtomicU64| word.load(Ordering::Relaxed);
        match from {
            [first, second, rest @ ..] if rest.len() >= 2 && into.len() >= from.len() => {
                // SAFETY: valid for reading; no reference to what is not atomic leads there; `into`
                // is as long.
                unsafe { self.write_rest((read(first), read(second)), rest, into) }
            }
            _ => into.iter().zip(from).all(|(into, from)| self.write_word(into, read(from))),
        }
    }

    fn write_word(&self, into: &AtomicU64, word: u64) -> bool {
        let nothing = AtomicU32::new(0);
        restartable::store_both_while(
            self.condition().0,
            self.condition().1,
            (into, word),
            (&nothing, 0),
        )
    }

    /// # Safety
    /// `rest`, of two words or more, is valid for reading, and `into` as long as it and two words.
    #[inline(always)]
    unsafe fn write_rest<T>(&self, head: (u64, u64), rest: &[T], into: &[AtomicU64]) -> bool {
        const { assert!(size_of::<T>() == size_of::<u64>()) };
        let at = into.as_ptr().cast_mut();
        // SAFETY: as the caller says; the claim says that no other thread writes there; atomics may
        // be written through a shared reference.
        unsafe {
            let length = size_of_val(rest);
            self.write(
                (two_words(head.0, head.1), at.cast()),
                rest.as_ptr().cast(),
                at.add(2).cast(),
                length,
            )
        }
    }

    /// Copies from what the operation has claimed. False as above, if that is noticed before the
    /// commit.
    ///
    /// # Safety
    /// Both areas are valid for so many bytes, and do not overlap.
    #[inline(always)]
    pub unsafe fn read(&self, from: *const u8, into: *mut u8, length: usize) -> bool {
        if length > CHUNK {
            // SAFETY: as the caller says.
            return self.cold(|this| unsafe { this.read_long(from, into, length) });
        }
        // SAFETY: both areas are valid, and do not overlap, says the caller.
        unsafe { ptr::copy_nonoverlapping(from, into, length) };
        true
    }

    /// # Safety
    /// As for [`Self::write`].
    #[cold]
    #[inline(never)]
    unsafe fn write_long(&self, head: Head, from: *const u8, into: *mut u8, length: usize) -> bool {
        self.all_chunks(length, |at, chunk| {
            // SAFETY: a part of what the caller vouches for.
            unsafe {
                let (from, into) = (from.add(at), into.add(at));
                restartable::write_while(self.condition(), head, from, into, chunk)
            }
        })
    }

    /// # Safety
    /// As for [`Self::read`].
    #[cold]
    #[inline(never)]
    unsafe fn read_long(&self, from: *const u8, into: *mut u8, length: usize) -> bool {
        self.all_chunks(length, |at, chunk| {
            // SAFETY: a part of what the caller vouches for.
            unsafe { ptr::copy_nonoverlapping(from.add(at), into.add(at), chunk) };
            !self.is_orphan()
        })
    }

    /// The last chunk is never a short one: what is shorter takes up more space.
    fn all_chunks(&self, length: usize, copy: impl Fn(usize, usize) -> bool) -> bool {
        let chunks = length / CHUNK;
        (0..chunks).all(|chunk| {
            self.watch_again();
            let at = chunk * CHUNK;
            copy(at, if chunk + 1 < chunks { CHUNK } else { length - at })
        })
    }

    /// A handler that locked a robust mutex has overwritten the announcement with 0.
    fn watch_again(&self) {
        if self.claims.load(Ordering::Relaxed) == 0 {
            self.claims.store(self.activation.entry.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }
}
