//! A set is a value: how its state lies in memory, and how it is read.
//!
//! There are [`ROOTS`] roots. The word `current` names one of them, and counts its own changes. A
//! root holds the facts of the set and, for each chunk of cells, the index of the buffer in which
//! that chunk is. An operation claims a root that is not current, copies the current one into it,
//! changes the copy, and swaps it in with one exchange on `current` ([`super::draft`]). Chunks that
//! do not change are shared by the old root and the new one.
//!
//! Each root has two buffers of its own for each chunk. The current state refers to at most one of
//! them, so the other one is free for the holder of the root.
//!
//! | word | states | changed by |
//! |---|---|---|
//! | `current` | root (8 bits), number of changes (56 bits) | the holder of the claim of the root that it is to name, by exchange |
//! | claim of a root | see [`claim`](crate::shared::claim) | a thread that finds it free while `current` does not name its root |
//! | words and buffers of a root | plain data | the holder of its claim, while `current` does not name it |
//!
//! Orderings. All words of roots and buffers are read and written Relaxed. A reader looks at
//! `current` again after an acquire fence. A writer has a release fence between the look at
//! `current` that showed its root to be free and its first store. So a reader that has read
//! anything of a root that was taken anew sees that `current` has moved. The exchange on `current`
//! is SeqCst: it is one side of the question whether a waiter sleeps (`super::change`).

use super::cells::{Adjustment, Member, Waiter};
use crate::atomic::{AtomicU32, AtomicU64, Ordering, fence};
use crate::os::{Errno, Result};

/// Roots: operations that can be under way at the same time.
pub const ROOTS: usize = if cfg!(loom) { 3 } else { 16 };
/// Buffers of each chunk.
pub const BUFFERS: usize = 2 * ROOTS;
/// Cells in a chunk, by kind: members, waiters, adjustments.
const CELLS: [usize; 3] = if cfg!(loom) { [1, 2, 2] } else { [64, 32, 32] };
/// Chunks of waiters, and of adjustments, at most.
pub const CHUNKS_MAX: usize = if cfg!(loom) { 1 } else { 128 };
/// Semaphores in a set at most: `SEMMSL`.
pub const MEMBERS_MAX: usize = 32000;
/// Chunks of members at most.
pub const MEMBER_CHUNKS_MAX: usize = MEMBERS_MAX / 64;

/// Indices of buffers in a word.
pub const REFERENCES: usize = 8;

/// A kind of cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// [`Member`]
    Member,
    /// [`Waiter`]
    Waiter,
    /// [`Adjustment`]
    Adjustment,
}

impl Kind {
    /// Cells in a chunk.
    pub const fn cells(self) -> usize {
        CELLS[self as usize]
    }
}

/// A fact of the set: one word of a root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// `sem_otime`, in seconds; 0 = never.
    Otime = 0,
    /// Cells of adjustments that are in use: the others are not looked at.
    Adjusted = 3,
    /// Waiters that wait, in 16 bits; those among them with more than one operation, in 16 bits;
    /// slots that have ever been in use, in the high half.
    Waiting = 4,
    /// The 9 permission bits; [`REMOVED`].
    Mode = 5,
    /// User and group, in the low and the high half.
    Owner = 6,
    /// Parts of waiters and adjustments that have ever been in use, less one: only grows.
    Extents = 7,
    /// The next ticket.
    Ticket = 8,
    /// `sem_ctime`, in seconds.
    Ctime = 9,
}

/// The first word of indices of buffers of members. It stands, as the next one does, among the
/// first [`HEAD`] words.
pub const MEMBER_BUFFERS: usize = 1;
/// The same of adjustments.
pub const ADJUSTMENT_BUFFERS: usize = 2;
/// The same of waiters.
const WAITER_BUFFERS: usize = 10;
/// Where the further words of members begin.
const FURTHER: usize = 11;

/// Words of a root in front, which are all that one operation changes.
pub const HEAD: usize = 4;

/// The error of an access to a cell in memory that this process has not mapped: the file has to
/// grow, or has grown. No call returns it to its caller.
pub const NO_EXTENT: Errno = Errno(libc::ENOBUFS);

/// In [`Fact::Mode`]: the set has been removed.
pub const REMOVED: u64 = 1 << 32;

/// Words of a root that nearly all sets need: the facts, and the indices of the buffers of the
/// first [`REFERENCES`] chunks of waiters and of adjustments, and of twice as many of members.
pub const USUAL_WORDS: usize = 12;

const USUAL_MEMBERS: usize = (USUAL_WORDS - FURTHER + 1) * REFERENCES * Kind::Member.cells();

/// Words of a root of a set of so many semaphores.
pub const fn root_words(members: usize) -> usize {
    let (_, adjustments) = further_words(members);
    let words = adjustments + references(CHUNKS_MAX) - 1;
    if words < USUAL_WORDS { USUAL_WORDS } else { words }
}

const fn references(chunks: usize) -> usize {
    chunks.div_ceil(REFERENCES)
}

/// The words of a root that count, in two runs, if so many extents are in use.
#[inline(always)]
pub fn used_words(memory: &impl Memory, extents: u64) -> [core::ops::Range<usize>; 2] {
    let further = usize::try_from(extents).unwrap_or(0).min(CHUNKS_MAX - 1) / REFERENCES;
    let (waiters, adjustments) = further_words(memory.members());
    [0..waiters + further, adjustments..adjustments + further]
}

/// Where the indices of buffers of further chunks of waiters begin, and those of adjustments.
#[inline(always)]
const fn further_words(members: usize) -> (usize, usize) {
    let waiters = FURTHER + references(members.div_ceil(Kind::Member.cells())) - 1;
    (waiters, waiters + references(CHUNKS_MAX) - 1)
}

/// Whether [`USUAL_WORDS`] are all the words of a root that are used, if so many extents are in
/// use.
#[inline(always)]
pub fn is_usual(memory: &impl Memory, extents: u64) -> bool {
    extents < REFERENCES as u64 && memory.members() <= USUAL_MEMBERS
}

/// The memory that a set lies in.
pub trait Memory {
    /// Semaphores in the set, 1..=[`MEMBERS_MAX`].
    fn members(&self) -> usize;
    /// See the module.
    fn current(&self) -> &AtomicU64;
    /// The claim of a root.
    fn claim(&self, root: usize) -> &AtomicU32;
    /// The words of a root: [`root_words`].
    fn root(&self, root: usize) -> &[AtomicU64];
    /// A buffer of a chunk. `None`: there is no memory for this chunk (yet).
    fn buffer(&self, kind: Kind, chunk: usize, buffer: usize) -> Option<&[AtomicU64]>;
}

/// The root that `current` names.
#[inline(always)]
pub fn root_of(current: u64) -> usize {
    usize::try_from(current & 0xff).unwrap_or(0) % ROOTS
}

/// What `current` is when it names this root next.
#[inline(always)]
pub fn following(current: u64, root: usize) -> u64 {
    (current & !0xff).wrapping_add(0x100) | root as u64
}

/// How often `current` has changed from one value to the other. At most [`u32::MAX`].
pub fn changes_between(before: u64, now: u64) -> u32 {
    u32::try_from((now >> 8).wrapping_sub(before >> 8)).unwrap_or(u32::MAX)
}

/// Cells of this kind that there can be.
#[inline(always)]
pub fn capacity(memory: &impl Memory, kind: Kind) -> usize {
    match kind {
        Kind::Member => memory.members(),
        Kind::Waiter | Kind::Adjustment => CHUNKS_MAX * kind.cells(),
    }
}

/// Where in a root the index of a chunk's buffer is: the word, and the shift in it.
///
/// What all sets have is in front: the facts, a word of each kind, and the further ones of members.
#[inline(always)]
pub fn reference(memory: &impl Memory, kind: Kind, chunk: usize) -> (usize, u32) {
    let (group, place) = (chunk / REFERENCES, chunk % REFERENCES);
    let first = match kind {
        Kind::Member => MEMBER_BUFFERS,
        Kind::Waiter => WAITER_BUFFERS,
        Kind::Adjustment => ADJUSTMENT_BUFFERS,
    };
    let further = || {
        let (waiters, adjustments) = further_words(memory.members());
        group - 1
            + match kind {
                Kind::Member => FURTHER,
                Kind::Waiter => waiters,
                Kind::Adjustment => adjustments,
            }
    };
    let word = if group == 0 { first } else { further() };
    (word, u32::try_from(place).unwrap_or(0) * 8)
}

/// A state as a reader sees it. It may turn out to have been overwritten meanwhile.
pub struct View<'m, M> {
    memory: &'m M,
    current: u64,
}

impl<'m, M: Memory> View<'m, M> {
    fn of_current(memory: &'m M) -> Self {
        // Acquire: the root that it names is there. SeqCst: a waiter has stored to its word before
        // this, and the thread that ends its wait looks at that word behind the exchange on
        // `current`.
        Self { memory, current: memory.current().load(Ordering::SeqCst) }
    }

    fn holds(&self) -> bool {
        // With the writers' release fence: see the module.
        fence(Ordering::Acquire);
        self.memory.current().load(Ordering::Relaxed) == self.current
    }

    /// A fact of the set.
    pub fn fact(&self, fact: Fact) -> u64 {
        self.memory.root(root_of(self.current))[fact as usize].load(Ordering::Relaxed)
    }

    /// A cell. [`NO_EXTENT`].
    pub fn cell(&self, kind: Kind, index: usize) -> Result<u64> {
        cell_of(self.memory, root_of(self.current), kind, index)
    }

    /// The words of a chunk of cells, to look at many of them. [`NO_EXTENT`].
    pub fn cells(&self, kind: Kind, chunk: usize) -> Result<&'m [AtomicU64]> {
        buffer_of(self.memory, root_of(self.current), kind, chunk)
    }

    /// A semaphore.
    pub fn member(&self, index: usize) -> Result<Member> {
        self.cell(Kind::Member, index).map(Member::read)
    }

    /// A waiter.
    pub fn waiter(&self, slot: usize) -> Result<Waiter> {
        self.cell(Kind::Waiter, slot).map(Waiter::read)
    }

    /// An adjustment.
    pub fn adjustment(&self, index: usize) -> Result<Option<Adjustment>> {
        self.cell(Kind::Adjustment, index).map(Adjustment::read)
    }
}

/// Reads what is current, again if it changes meanwhile.
///
/// Each try that fails is a change by another thread, so some thread makes progress.
pub fn read<M: Memory, T>(memory: &M, look: impl Fn(&View<'_, M>) -> Result<T>) -> Result<T> {
    loop {
        let view = View::of_current(memory);
        let seen = look(&view);
        if view.holds() {
            return seen;
        }
    }
}

/// A cell of a root.
#[inline(always)]
pub fn cell_of(memory: &impl Memory, root: usize, kind: Kind, index: usize) -> Result<u64> {
    let (chunk, cell) = (index / kind.cells(), index % kind.cells());
    let words = buffer_of(memory, root, kind, chunk)?;
    words.get(cell).map(|word| word.load(Ordering::Relaxed)).ok_or(Errno::EINVAL)
}

/// The buffer that a root has a chunk in.
#[inline(always)]
pub fn buffer_of(
    memory: &impl Memory,
    root: usize,
    kind: Kind,
    chunk: usize,
) -> Result<&[AtomicU64]> {
    let buffer = buffer_number(memory, root, kind, chunk);
    memory.buffer(kind, chunk, buffer).ok_or(NO_EXTENT)
}

/// Its index, whatever the bytes are below [`BUFFERS`].
#[inline(always)]
pub fn buffer_number(memory: &impl Memory, root: usize, kind: Kind, chunk: usize) -> usize {
    let (word, shift) = reference(memory, kind, chunk);
    let found = memory.root(root).get(word).map_or(0, |word| word.load(Ordering::Relaxed));
    buffer_in(found, shift)
}

/// The index of a buffer in a word of them, whatever the bytes are below [`BUFFERS`].
#[inline(always)]
pub fn buffer_in(word: u64, shift: u32) -> usize {
    usize::try_from(word >> shift & 0xff).unwrap_or(0) % BUFFERS
}

/// The buffer of a root's own that the chunk can be copied into: the current state refers to the
/// other one at most.
#[inline(always)]
pub fn own_buffer(root: usize, before: usize) -> usize {
    2 * root + usize::from(before == 2 * root)
}

/// The same word with another index in it.
#[inline(always)]
pub fn with_buffer(word: u64, shift: u32, buffer: usize) -> u64 {
    word & !(0xff << shift) | (buffer as u64) << shift
}
