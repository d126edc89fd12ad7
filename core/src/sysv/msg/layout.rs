//! Where everything of a queue lies in its file.
//!
//! The file is a row of *blocks* of 8 KiB, which grows as they are needed and never shrinks. 512 of
//! them are a *region*, which a process maps as a whole, beyond the end of the file, too.
//!
//! ```text
//! region 0   block 0   the header, the words of the queue, the lists of slot and waiter blocks
//!            block 1   the table: an entry for each block of the region
//!            block 2   the first 63 slots
//! region n   block 0   not used
//!            block 1   the table
//! ```
//!
//! A block is of one kind for as long as the queue lives (`blocks`): 63 slots of messages with
//! space for short bodies, 128 records of waiters, or storage for longer bodies.

#![expect(clippy::cast_ptr_alignment, reason = "all parts are aligned to a line of a page")]

use core::mem::size_of;
use core::slice::from_raw_parts;

use super::arrivals::Arrivals;
use super::deaths::Deaths;
use super::flag::Flag;
use super::floor::Floor;
use super::occupied::{GROUP, Occupied, Used};
pub use super::occupied::{SLOT_BLOCKS, SLOTS};
use super::record::Record;
use super::regions::Regions;
pub use super::regions::{BLOCK, REGION, REGION_SIZE, REGIONS};
use super::usage::Usage;
use crate::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use crate::os::{Errno, Result};
use crate::shared::spin::Hint;
use crate::sysv::header::Header;

/// The table of a region is its block with this index; the first one that can be anything else is
/// the next one.
const TABLE: usize = 1;

/// Messages in a queue at most.
pub const MESSAGES_MAX: usize = SLOTS * SLOT_BLOCKS;
/// Bytes of the longest body that fits in the slot.
pub const INLINE: usize = 96;

/// Groups of blocks of slots, each with a floor.
pub const GROUPS: usize = SLOT_BLOCKS / GROUP;

/// Records of a block.
pub const RECORDS: usize = BLOCK / size_of::<Record>();
/// Blocks of records at most.
pub const RECORD_BLOCKS: usize = 256;

/// In a cache line of its own: a sender and a receiver on two processors take the line of the usage
/// from each other with each message, and a line that only one of them writes less often.
#[repr(C, align(64))]
pub struct Sending {
    /// The sequence number of the last message, or the ticket of the last waiter: see `arrivals`.
    pub arrivals: Arrivals,
    /// The slot that a message was sent to last, while many are there: a hint.
    pub sent: AtomicU32,
}

/// The words of the queue that are no message. Relaxed where nothing else is said: statistics for
/// msgctl(2), each of which is true by itself.
#[repr(C)]
pub struct Words {
    /// Bytes and messages: see `usage`.
    pub usage: Usage,
    /// How often a receiver has begun to wait, or to take what is for it. A thread that finds it
    /// changed has seen records and messages of different times: see `standing`.
    pub version: AtomicU64,
    /// A message that was claimed and not taken for a long time. A receiver that has waited for it
    /// in vain stores its sequence number. A hint.
    pub stalled: AtomicU64,
    /// `msg_qbytes`. Changed by IPC_SET.
    pub bound: AtomicU64,
    /// The slot from which a message was taken last: a hint, that saves a sender a search.
    pub freed: AtomicU32,
    /// Blocks of slots that are listed, or more. Raised by a thread that lists one.
    pub slot_blocks: AtomicU32,
    /// Whether a receiver may be waiting: see `flag`.
    pub receivers: Flag,
    /// The same for senders.
    pub senders: Flag,
    /// Always 0: see `shared::thread::wake`.
    pub death: AtomicU32,
    /// Records that have ever been used. Raised by a thread that uses one.
    pub records: AtomicU32,
    /// 1 = it has been removed. Set by the holder of its removal claim, before all waiters are
    /// called.
    pub removed: AtomicU32,
    /// The low 9 bits of the mode. Changed by IPC_SET.
    pub mode: AtomicU32,
    /// User, and group << 32. Changed by IPC_SET.
    pub owner: AtomicU64,
    /// `msg_stime`, `msg_rtime`, `msg_ctime`, in seconds: stored by threads that send, receive, and
    /// call msgctl.
    pub times: [AtomicU64; 3],
    /// `msg_lspid`, `msg_lrpid`: stored by threads that send and receive.
    pub pids: [AtomicU32; 2],
    /// Where storage for a body was last found, for each size: a hint.
    pub body_hints: [AtomicU32; 3],
    /// Of threads in the middle of an operation: see `deaths`.
    pub deaths: Deaths,
    /// What senders change, and receivers do not.
    pub sending: Sending,
    /// Which blocks of slots may hold messages: see `occupied`.
    pub occupied: Occupied,
    /// Whether it pays to spin before a sleep for a message, and for space.
    pub hints: [Hint; 2],
}

/// Which time, or pid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Did {
    /// Sent.
    Send = 0,
    /// Received.
    Receive = 1,
    /// Changed by msgctl(2).
    Change = 2,
}

const WORDS_AT: usize = 256;
const RECORD_LIST_AT: usize = 1024;
const FLOORS_AT: usize = 2048;
const SLOT_LIST_AT: usize = 4096;
const _: () = assert!(WORDS_AT + size_of::<Words>() <= RECORD_LIST_AT);
const _: () = assert!(RECORD_LIST_AT + RECORD_BLOCKS * 4 <= FLOORS_AT);
const _: () = assert!(FLOORS_AT + GROUPS * size_of::<Floor>() <= SLOT_LIST_AT);
const _: () = assert!(SLOT_LIST_AT + SLOT_BLOCKS * 4 <= BLOCK);

/// What a block is used for: see `blocks`.
pub mod kind {
    /// Nothing yet.
    pub const FREE: u64 = 0;
    /// Slots.
    pub const SLOTS: u64 = 1;
    /// Records of waiters.
    pub const RECORDS: u64 = 2;
    /// Pieces of 512 bytes.
    pub const SHORT: u64 = 3;
    /// Pieces of 2048 bytes.
    pub const MEDIUM: u64 = 4;
    /// One piece.
    pub const WHOLE: u64 = 5;
    /// The bits of the kind.
    pub const KIND: u64 = 0xff;
    /// Above them: the place in a list, plus one.
    pub const PLACE_SHIFT: u32 = 8;
}

/// An entry of the table: what a block is.
#[repr(C)]
pub struct Entry {
    /// See `blocks`.
    pub kind: AtomicU64,
    /// The owner of a block that is one piece of storage for a body: see `body`.
    pub owner: AtomicU64,
}
const _: () = assert!(REGION * size_of::<Entry>() <= BLOCK);

/// Bytes of a file at least: the first two blocks, and the first slots.
pub const FIRST_SIZE: usize = (TABLE + 2) * BLOCK;
/// Blocks by which a file grows at least, and that a new one has which are free.
pub const STEP: usize = 4;
/// The block with the first slots.
pub const FIRST_SLOTS: usize = TABLE + 1;

const LINE: usize = 64;
const FLOOR_AT: usize = size_of::<Used>();
const CLAIMS_AT: usize = LINE;
const KEYS_AT: usize = (CLAIMS_AT + SLOTS * 4).next_multiple_of(LINE);
const HEADS_AT: usize = (KEYS_AT + SLOTS * 8).next_multiple_of(LINE);
const LONGS_AT: usize = HEADS_AT + SLOTS * 16;
const BODIES_AT: usize = (LONGS_AT + SLOTS * 4).next_multiple_of(LINE);
const _: () = assert!(HEADS_AT.is_multiple_of(16));
const _: () = assert!(BODIES_AT + SLOTS * INLINE <= BLOCK);

/// The words of the slots of one block.
#[derive(Clone, Copy)]
pub struct Slots<'q> {
    /// Which of them may hold messages: see `occupied`.
    pub used: &'q Used,
    /// How old they can be: see `floor`.
    pub floor: &'q Floor,
    /// See `shared::claim`.
    pub claims: &'q [AtomicU32; SLOTS],
    /// The sequence number of the message, in the order of arrival; 0 = none. Stored by the holder
    /// of the claim: that is the commit.
    pub keys: &'q [AtomicU64; SLOTS],
    /// Type, and length | location << 32. Written by a sender before its commit.
    pub heads: &'q [[AtomicU64; 2]; SLOTS],
    /// The low half of the sequence number of the last message whose body does not fit here: see
    /// `owner`. Stored by its sender, which holds the claim, before it looks for storage.
    pub longs: &'q [AtomicU32; SLOTS],
    bodies: *mut u8,
}

/// Where in the file the key of a slot is.
pub fn key_place(block: usize, index: usize) -> usize {
    block * BLOCK + KEYS_AT + index % SLOTS * size_of::<u64>()
}

/// Where in the file a short body is.
pub fn body_place(block: usize, index: usize) -> usize {
    block * BLOCK + BODIES_AT + index % SLOTS * INLINE
}

impl Slots<'_> {
    /// A short body. The index is below [`SLOTS`].
    #[inline(always)]
    pub fn body(&self, index: usize) -> *mut u8 {
        self.bodies.wrapping_add(index % SLOTS * INLINE)
    }
}

/// A mapped queue.
pub struct Layout {
    regions: Regions,
    /// Blocks that the file is known to have. Only ever grows; stored by a thread that has looked.
    /// Release, and Acquire: their regions are mapped.
    blocks: AtomicUsize,
}

impl Layout {
    /// # Safety
    /// `base` is a shared mapping, for writing, of [`REGION_SIZE`] bytes of the start of a file
    /// that has [`FIRST_SIZE`] of them.
    pub unsafe fn new(base: *mut u8) -> Self {
        Self { regions: Regions::new(base), blocks: AtomicUsize::new(FIRST_SIZE / BLOCK) }
    }

    #[inline(always)]
    fn base(&self) -> *mut u8 {
        self.regions.first()
    }

    /// What the file begins with.
    #[inline(always)]
    pub fn header(&self) -> &Header {
        // SAFETY: at the start of the mapping; all of it is atomic.
        unsafe { &*self.base().cast() }
    }

    /// Where the header is written.
    pub fn header_place(&self) -> *mut Header {
        self.base().cast()
    }

    /// The words of the queue.
    #[inline(always)]
    pub fn words(&self) -> &Words {
        // SAFETY: within the first block; all of it is atomic.
        unsafe { &*self.base().add(WORDS_AT).cast() }
    }

    /// Indices of the blocks of slots plus one, in the order of the slots; 0 = none.
    #[inline(always)]
    pub fn slot_list(&self) -> &[AtomicU32; SLOT_BLOCKS] {
        // SAFETY: within the first block; all of it is atomic.
        unsafe { &*self.base().add(SLOT_LIST_AT).cast() }
    }

    /// How old the messages of each group of blocks of slots can be.
    #[inline(always)]
    pub fn floors(&self) -> &[Floor; GROUPS] {
        // SAFETY: within the first block; all of it is atomic.
        unsafe { &*self.base().add(FLOORS_AT).cast() }
    }

    /// The same as the list of slots, of the blocks of records.
    #[inline(always)]
    pub fn record_list(&self) -> &[AtomicU32; RECORD_BLOCKS] {
        // SAFETY: within the first block; all of it is atomic.
        unsafe { &*self.base().add(RECORD_LIST_AT).cast() }
    }

    /// A block of the file. `None`: the file is not known to have it.
    #[inline(always)]
    pub fn block(&self, index: usize) -> Option<*mut u8> {
        if index >= self.blocks() {
            return None;
        }
        let region = self.regions.at(index / REGION)?;
        Some(region.wrapping_add(index % REGION * BLOCK))
    }

    /// Blocks that the file is known to have.
    #[inline(always)]
    pub fn blocks(&self) -> usize {
        self.blocks.load(Ordering::Acquire)
    }

    /// The file has been seen to have so many blocks. `map` maps the region with this index.
    pub fn has_blocks(&self, count: usize, map: impl Fn(usize) -> Result<*mut u8>) -> Result<()> {
        let count = count.min(REGIONS * REGION);
        for region in 0..count.div_ceil(REGION) {
            self.regions.need(region, || map(region))?;
        }
        self.blocks.fetch_max(count, Ordering::AcqRel);
        Ok(())
    }

    /// What a block is. `None`: the file is not known to have it, or it can be nothing else than it
    /// is.
    #[inline]
    pub fn entry(&self, index: usize) -> Option<&Entry> {
        if index % REGION <= TABLE || index >= self.blocks() {
            return None;
        }
        let table = self.block(index - index % REGION + TABLE)?;
        // SAFETY: a table, within the mapping; all of it is atomic.
        Some(unsafe { &*table.cast::<Entry>().add(index % REGION) })
    }

    /// The first block from this one on that can be of any kind.
    pub fn next_usable(index: usize) -> usize {
        if index % REGION <= TABLE { index - index % REGION + TABLE + 1 } else { index }
    }

    /// The words of the slots in a block.
    #[inline(always)]
    pub fn slots(&self, block: usize) -> Option<Slots<'_>> {
        let at = self.block(block)?;
        // SAFETY: within a block that the file has; all of it is atomic but for the bodies.
        unsafe {
            Some(Slots {
                used: &*at.cast(),
                floor: &*at.add(FLOOR_AT).cast(),
                claims: &*at.add(CLAIMS_AT).cast(),
                keys: &*at.add(KEYS_AT).cast(),
                heads: &*at.add(HEADS_AT).cast(),
                longs: &*at.add(LONGS_AT).cast(),
                bodies: at.add(BODIES_AT),
            })
        }
    }

    /// The records in a block.
    pub fn records(&self, block: usize) -> Option<&[Record]> {
        let at = self.block(block)?;
        // SAFETY: within a block that the file has; all of it is atomic.
        Some(unsafe { from_raw_parts(at.cast(), RECORDS) })
    }

    /// Unmaps all of it.
    ///
    /// # Safety
    /// It is not used any more.
    pub unsafe fn unmap(&self) {
        // SAFETY: as the caller says.
        unsafe { self.regions.unmap() };
    }
}

/// EINVAL: a file of this length is none of a queue.
pub fn check_length(length: usize) -> Result<()> {
    if length < FIRST_SIZE { Err(Errno::EINVAL) } else { Ok(()) }
}

// SAFETY: what it leads to is made for many processes, let alone threads.
unsafe impl Send for Layout {}
// SAFETY: all that changes there is atomic, or guarded by a claim.
unsafe impl Sync for Layout {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_and_the_first_block_are_of_no_kind() {
        assert_eq!(
            [0, 1, 2, 511, 512, 513, 514].map(Layout::next_usable),
            [2, 2, 2, 511, 514, 514, 514]
        );
    }
}
