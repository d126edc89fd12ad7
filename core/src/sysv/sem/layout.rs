//! Where everything of a set lies in its file.
//!
//! ```text
//! 0     Header, the words of the set
//! 512   roots         a claim on a line of its own, and the words, each
//!       members       the buffers of each chunk
//!       extents       of waiters and adjustments: the first one is there from the start, the
//!                     others are reserved when they are needed
//! ```
//!
//! An extent has, for 32 waiters and 32 processes: buffers of the cells, records, slots of
//! processes, and space for the operations of one long array. The geometry follows from the number
//! of semaphores alone, which is read once.

#![expect(clippy::cast_ptr_alignment, reason = "all parts are aligned to a line of a page")]

use crate::atomic::AtomicUsize;
use core::mem::{offset_of, size_of};
use core::slice::from_raw_parts;

use super::record::{Long, Process, Record};
use super::state::{BUFFERS, CHUNKS_MAX, Kind, MEMBERS_MAX, Memory, ROOTS, root_words};
use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::os::{Errno, Result};
use crate::shared::spin::Hint;
use crate::sysv::header::Header;
use crate::sysv::object::steps_mapped;

const PAGE: usize = 4096;
const LINE: usize = 64;
/// Bytes of a root before its words: its claim.
const CLAIM: usize = LINE;

/// The words of the set that are no state.
#[repr(C)]
pub struct Words {
    /// See `state`.
    pub current: AtomicU64,
    /// Slots of processes that have ever been taken: all others are free. Only ever grows; raised
    /// by a process that has taken one.
    pub processes: AtomicU32,
    /// The same of records of waiters.
    pub records: AtomicU32,
    /// 1 = a thread has tried in vain for long to make a change: see `change`. Stored by that
    /// thread, and by one that has given way for long enough.
    pub turn: AtomicU32,
    /// Always 0: where a thread that sleeps on the marks of processes owes a wake (`wait`).
    pub death: AtomicU32,
    _line: [u32; 10],
    /// Whether it pays to spin before a sleep: for the semaphores with this index, or this
    /// remainder. Threads that wake each other in turn wait for different ones.
    hints: [Hint; HINTS],
}

const HINTS: usize = 16;
const _: () = assert!(offset_of!(Words, hints) == LINE);

impl Words {
    /// Whether it pays to spin before a sleep for this semaphore.
    #[inline(always)]
    pub fn hint(&self, member: u16) -> &Hint {
        &self.hints[usize::from(member) % HINTS]
    }
}

/// Where the words are: on a line of their own behind the header.
const WORDS_AT: usize = 256;
/// Where the roots are. In the first page: the life of a set with few semaphores costs one fault.
const ROOTS_AT: usize = 512;
const _: () = assert!(WORDS_AT + size_of::<Words>() <= ROOTS_AT);

/// The number of semaphores, from which all offsets follow, and what does not change of them, as
/// each operation needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    members: usize,
    /// Words of a root.
    root_words: usize,
    /// Bytes from a root to the next one.
    root_stride: usize,
    /// Cells of a buffer of members: whole lines, though a small set needs no more than a part of
    /// one.
    member_cells: usize,
    /// Where the buffers of members are.
    members_at: usize,
    /// Where the extents are.
    extents_at: usize,
}

/// Slots of processes in an extent.
pub const PROCESSES: usize = 32;

/// Bytes of one extent.
const EXTENT_BUFFERS: usize = BUFFERS * 32 * size_of::<u64>();
const RECORDS_AT: usize = 2 * EXTENT_BUFFERS;
const PROCESSES_AT: usize = RECORDS_AT + 32 * size_of::<Record>();
const LONG_AT: usize = PROCESSES_AT + PROCESSES * size_of::<Process>();
pub const EXTENT: usize = (LONG_AT + size_of::<Long>()).next_multiple_of(PAGE);
// The slots of processes lie in one page: see `presence::marks`.
const _: () = assert!(PROCESSES_AT.is_multiple_of(PAGE));

impl Geometry {
    /// EINVAL for a number of semaphores out of range.
    pub fn new(members: u64) -> Result<Self> {
        let members = usize::try_from(members).map_err(|_| Errno::EINVAL)?;
        if !(1..=MEMBERS_MAX).contains(&members) {
            return Err(Errno::EINVAL);
        }
        let root_words = root_words(members);
        let root_stride = CLAIM + (root_words * size_of::<u64>()).next_multiple_of(LINE);
        let cells = members.min(Kind::Member.cells());
        let member_cells = cells.next_multiple_of(LINE / size_of::<u64>());
        let members_at = ROOTS_AT + ROOTS * root_stride;
        let chunks = members.div_ceil(Kind::Member.cells());
        let end = members_at + chunks * BUFFERS * member_cells * size_of::<u64>();
        let extents_at = end.next_multiple_of(PAGE);
        Ok(Self { members, root_words, root_stride, member_cells, members_at, extents_at })
    }

    /// Bytes of a file with so many extents.
    pub fn file_size(self, extents: usize) -> usize {
        self.extents_at + extents * EXTENT
    }

    /// Where in the file the word is that the waiter in this slot sleeps on.
    pub fn sleep_word(self, slot: usize) -> usize {
        let record = RECORDS_AT + slot % 32 * size_of::<Record>();
        self.extents_at + slot / 32 * EXTENT + record + offset_of!(Record, asleep)
    }

    /// Bytes of address space that a mapping takes, whatever the number of extents.
    pub fn span(self) -> usize {
        self.file_size(CHUNKS_MAX)
    }

    /// Extents in a file of this size. EINVAL for a size that is too small for one.
    pub fn extents(self, size: usize) -> Result<usize> {
        match size.checked_sub(self.extents_at).map(|rest| rest / EXTENT) {
            None | Some(0) => Err(Errno::EINVAL),
            Some(extents) => Ok(extents.min(CHUNKS_MAX)),
        }
    }
}

/// A mapped set.
pub struct Layout {
    base: *mut u8,
    geometry: Geometry,
    /// Extents that the file is known to have. Only ever grows; stored by a thread that has looked.
    extents: AtomicUsize,
    /// Whether the file may have become longer: it is mapped as far as it can ever reach.
    grows: bool,
}

// SAFETY: what it leads to is made for many processes, let alone threads.
unsafe impl Send for Layout {}
// SAFETY: all that changes there is atomic.
unsafe impl Sync for Layout {}

impl Layout {
    /// # Safety
    /// `base` is a shared mapping, for writing, of `geometry.span()` bytes at the start of a page,
    /// of a file that has so many extents. It outlives the use of the result.
    pub unsafe fn new(base: *mut u8, geometry: Geometry, extents: usize) -> Self {
        Self { base, geometry, extents: AtomicUsize::new(extents), grows: true }
    }

    /// The same of memory that has so many extents, and will have no more.
    ///
    /// # Safety
    /// `base` is aligned for words, and leads to `geometry.file_size(extents)` bytes, which outlive
    /// the use of the result.
    pub unsafe fn of_copy(base: *mut u8, geometry: Geometry, extents: usize) -> Self {
        Self { base, geometry, extents: AtomicUsize::new(extents), grows: false }
    }

    /// The start of the mapping.
    pub fn base(&self) -> *mut u8 {
        self.base
    }

    /// The sizes.
    pub fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// Extents that the file is known to have.
    pub fn extents(&self) -> usize {
        // Relaxed: it only grows, and is checked against the file before it does.
        self.extents.load(Ordering::Relaxed)
    }

    /// The file has been seen to have so many extents.
    pub fn has_extents(&self, extents: usize) {
        self.extents.fetch_max(extents.min(CHUNKS_MAX), Ordering::Relaxed);
    }

    /// What the file begins with.
    pub fn header(&self) -> &Header {
        // SAFETY: at the start of the mapping; all of it is atomic.
        unsafe { &*self.base.cast() }
    }

    /// The words of the set that are no state.
    pub fn words(&self) -> &Words {
        // SAFETY: within the first page; all of it is atomic.
        unsafe { &*self.base.add(WORDS_AT).cast() }
    }

    /// `None`: the file does not have it.
    #[inline(always)]
    fn extent(&self, index: usize) -> Option<*mut u8> {
        if index >= self.extents() && !self.learns_of(index) {
            return None;
        }
        // SAFETY: within the mapping, and the file reaches there.
        Some(unsafe { self.base.add(self.geometry.extents_at + index * EXTENT) })
    }

    /// Whether others have made the file longer, so that it has this extent. A thread may have to
    /// wake one that waits there, or to serve it, and has had nothing to do with that extent
    /// before.
    #[cold]
    #[inline(never)]
    fn learns_of(&self, index: usize) -> bool {
        if !self.grows || index >= CHUNKS_MAX {
            return false;
        }
        let known = self.extents();
        let end = self.base.wrapping_add(self.geometry.file_size(known));
        let more = steps_mapped(end, EXTENT, (index + 1).saturating_sub(known));
        self.has_extents(known + more);
        index < self.extents()
    }

    /// The record of a waiter. `None`: its extent is not there.
    pub fn record(&self, slot: usize) -> Option<&Record> {
        let extent = self.extent(slot / 32)?;
        // SAFETY: within the extent; all of it is atomic.
        Some(unsafe { &*extent.add(RECORDS_AT).cast::<Record>().add(slot % 32) })
    }

    /// The slot of a process. `None`: its extent is not there.
    #[inline]
    pub fn process(&self, slot: usize) -> Option<&Process> {
        let extent = self.extent(slot / PROCESSES)?;
        // SAFETY: within the extent; all of it is atomic.
        Some(unsafe { &*extent.add(PROCESSES_AT).cast::<Process>().add(slot % PROCESSES) })
    }

    /// Where in the file the word of a process lies that the kernel marks: the page, and the offset
    /// in it.
    pub fn mark_at(&self, slot: usize) -> (usize, usize) {
        let page = self.geometry.extents_at + slot / PROCESSES * EXTENT + PROCESSES_AT;
        (page, slot % PROCESSES * size_of::<Process>() + offset_of!(Process, mark))
    }

    /// Space for the operations of a long array.
    pub fn long(&self, extent: usize) -> Option<&Long> {
        let extent = self.extent(extent)?;
        // SAFETY: within the extent; all of it is atomic.
        Some(unsafe { &*extent.add(LONG_AT).cast() })
    }

    #[inline(always)]
    fn root_at(&self, root: usize) -> *mut u8 {
        debug_assert!(root < ROOTS);
        // SAFETY: within the mapping.
        unsafe { self.base.add(ROOTS_AT + root * self.geometry.root_stride) }
    }
}

impl Memory for Layout {
    #[inline(always)]
    fn members(&self) -> usize {
        self.geometry.members
    }

    #[inline(always)]
    fn current(&self) -> &AtomicU64 {
        &self.words().current
    }

    #[inline(always)]
    fn claim(&self, root: usize) -> &AtomicU32 {
        // SAFETY: within the mapping, and atomic.
        unsafe { &*self.root_at(root).cast() }
    }

    #[inline(always)]
    fn root(&self, root: usize) -> &[AtomicU64] {
        let words = self.root_at(root).wrapping_add(CLAIM).cast();
        // SAFETY: within the mapping, and atomic.
        unsafe { from_raw_parts(words, self.geometry.root_words) }
    }

    #[inline(always)]
    fn buffer(&self, kind: Kind, chunk: usize, buffer: usize) -> Option<&[AtomicU64]> {
        if buffer >= BUFFERS {
            return None;
        }
        let (start, cells) = match kind {
            Kind::Member => {
                let Geometry { members, member_cells, members_at, .. } = self.geometry;
                let at = (chunk * BUFFERS + buffer) * member_cells * size_of::<u64>();
                let is_there = chunk * kind.cells() < members;
                (is_there.then(|| self.base.wrapping_add(members_at + at))?, member_cells)
            }
            Kind::Waiter | Kind::Adjustment => {
                let first = if kind == Kind::Waiter { 0 } else { EXTENT_BUFFERS };
                let at = first + buffer * kind.cells() * size_of::<u64>();
                (self.extent(chunk)?.wrapping_add(at), kind.cells())
            }
        };
        // SAFETY: within the mapping, where the file reaches; atomic.
        Some(unsafe { from_raw_parts(start.cast(), cells) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_do_not_overlap() {
        for members in [1, 2, 63, 64, 65, 1000, 32000] {
            let geometry = Geometry::new(members).unwrap();
            assert!(geometry.root_stride >= CLAIM + geometry.root_words * 8);
            assert_eq!(geometry.extents(geometry.file_size(1)), Ok(1));
            assert_eq!(geometry.extents(geometry.file_size(1) - 1), Err(Errno::EINVAL));
            assert_eq!(geometry.extents(geometry.span()), Ok(CHUNKS_MAX));
        }
        assert!(Geometry::new(0).is_err() && Geometry::new(32001).is_err());
    }

    #[test]
    fn a_small_set_is_small() {
        assert!(Geometry::new(1).unwrap().file_size(1) <= 48 << 10);
    }
}
