//! Storage for the bodies of messages.
//!
//! | length in bytes | location |
//! |---|---|
//! | up to 96 | in the slot |
//! | up to 512 | one of 15 pieces of a block |
//! | up to 2048 | one of 3 pieces of a block |
//! | up to 8192 | a block |
//! | more | blocks, whose indices are in one more block: up to 16 MiB |
//!
//! The owner word of a piece says which message it belongs to (`owner`).

use core::slice::{from_raw_parts, from_ref};

use super::blocks;
use super::layout::kind::{MEDIUM, SHORT, WHOLE};
use super::layout::{BLOCK, INLINE, Layout};
use super::owner::{Owner, Slot, is_in_use};
use super::queue::Queue;
use super::store;
use crate::atomic::{AtomicU64, Ordering};
use crate::os::restartable::Head;
use crate::os::{Errno, Result};
use crate::shared::claim::Claimant;
use crate::shared::thread::Operation;

/// Bytes of the longest body.
pub const LONGEST: usize = BLOCK / size_of::<u32>() * BLOCK;

/// Bits of a location below the index of its block.
const PIECE_BITS: u32 = 4;

/// A kind of pieces.
#[derive(Clone, Copy)]
struct Size {
    kind: u64,
    /// Bytes.
    bytes: usize,
    /// Pieces of a block.
    pieces: usize,
    /// Which hint.
    hint: usize,
}

const SIZES: [Size; 3] = [
    Size { kind: SHORT, bytes: 512, pieces: BLOCK / 512 - 1, hint: 0 },
    Size { kind: MEDIUM, bytes: 2048, pieces: BLOCK / 2048 - 1, hint: 1 },
    Size { kind: WHOLE, bytes: BLOCK, pieces: 1, hint: 2 },
];

fn size_for(length: usize) -> Size {
    SIZES.into_iter().find(|size| length <= size.bytes).unwrap_or(SIZES[2])
}

impl Size {
    /// The owner word of a piece.
    fn owner(self, layout: &Layout, block: usize, piece: usize) -> Option<&AtomicU64> {
        if self.kind == WHOLE {
            return Some(&layout.entry(block)?.owner);
        }
        #[expect(clippy::cast_ptr_alignment, reason = "a block is aligned")]
        let words = layout.block(block)?.cast::<AtomicU64>();
        // SAFETY: the first piece of the block is owner words.
        (piece < self.pieces).then(|| unsafe { &*words.add(piece) })
    }

    /// Where a piece is.
    fn place(self, layout: &Layout, block: usize, piece: usize) -> Option<*mut u8> {
        Some(layout.block(block)?.wrapping_add(self.offset(piece)))
    }

    /// Where in its block a piece is.
    fn offset(self, piece: usize) -> usize {
        let first = usize::from(self.kind != WHOLE);
        (piece % self.pieces + first) * self.bytes
    }
}

/// Allocates storage for a body that does not fit into its slot, for a sender that holds the claim
/// of the slot, and gives its location. ENOMEM: the file cannot grow; EIDRM; ERESTART: this is the
/// child of a fork.
#[cold]
#[inline(never)]
pub fn allocate(
    queue: &Queue,
    length: usize,
    owner: Owner,
    who: &Operation<'static>,
) -> Result<u32> {
    if length <= BLOCK {
        return find_piece(queue, size_for(length), owner, 1, who);
    }
    let count = length.div_ceil(BLOCK);
    let list = find_piece(queue, SIZES[2], owner, count + 1, who)?;
    for index in (0..count).step_by(2) {
        let mut pair = 0;
        for index in index..(index + 2).min(count) {
            let location = find_piece(queue, SIZES[2], owner, count - index, who)?;
            pair |= u64::from(location >> PIECE_BITS) << shift_of(index);
        }
        let word = pair_of(&queue.layout, list, index).ok_or(Errno::EINVAL)?;
        // In the child of a fork the list is the parent's, or another message's by now.
        if !Claimant::write(who, &[pair], from_ref(word)) {
            return Err(Errno::ERESTART);
        }
    }
    Ok(list)
}

/// The word of the list in a block that has this entry, and the one beside it.
fn pair_of(layout: &Layout, list: u32, index: usize) -> Option<&AtomicU64> {
    let block = layout.block((list >> PIECE_BITS) as usize)?;
    #[expect(clippy::cast_ptr_alignment, reason = "a block is aligned")]
    // SAFETY: a block of such indices.
    let pairs = unsafe { from_raw_parts(block.cast::<AtomicU64>(), BLOCK / size_of::<u64>()) };
    pairs.get(index / 2)
}

/// Where an entry is in its word.
fn shift_of(index: usize) -> u32 {
    if index.is_multiple_of(2) { 0 } else { u32::BITS }
}

fn location_of(block: usize, piece: usize) -> Result<u32> {
    u32::try_from(block << PIECE_BITS | piece).map_err(|_| Errno::ENOMEM)
}

/// A free piece, which becomes the owner's.
fn find_piece(
    queue: &Queue,
    size: Size,
    owner: Owner,
    ahead: usize,
    who: &Operation<'static>,
) -> Result<u32> {
    let layout = &queue.layout;
    let hint = &layout.words().body_hints[size.hint];
    let hinted = hint.load(Ordering::Relaxed) as usize;
    loop {
        let blocks = layout.blocks();
        let begin = if hinted < blocks { hinted } else { 0 };
        for block in (begin..blocks).chain(0..begin) {
            if blocks::kind(layout, block) != size.kind {
                continue;
            }
            if let Some(piece) = take_piece_of(queue, size, block, owner, who)? {
                hint.store(u32::try_from(block).unwrap_or(0), Ordering::Relaxed);
                return location_of(block, piece);
            }
        }
        // A piece may be in use as long as the claim of its slot is held, even by a dead thread.
        if !store::free_claims_of_dead(queue, who)? {
            blocks::take(queue, size.kind, ahead, who)?;
        }
    }
}

fn take_piece_of(
    queue: &Queue,
    size: Size,
    block: usize,
    owner: Owner,
    who: &Operation<'static>,
) -> Result<Option<usize>> {
    for piece in 0..size.pieces {
        let Some(word) = size.owner(&queue.layout, block, piece) else { return Ok(None) };
        let before = word.load(Ordering::Acquire);
        let words = |slot| {
            let found = store::slot(queue, slot)?;
            Ok(found.map(|(slots, index)| Slot {
                claim: &slots.claims[index],
                key: &slots.keys[index],
                long: &slots.longs[index],
            }))
        };
        if is_in_use(before, owner, words)? {
            continue;
        }
        if who.exchange(word, before, owner.word()) {
            return Ok(Some(piece));
        }
        if who.is_orphan() {
            return Err(Errno::ERESTART);
        }
    }
    Ok(None)
}

/// The pieces of a body that lies outside its slot: where each is, and how long. EINVAL: there is
/// no such location, which only hostile bytes can hold; EIDRM.
fn pieces(
    queue: &Queue,
    location: u32,
    length: usize,
) -> impl Iterator<Item = Result<(*mut u8, usize)>> {
    let count = length.div_ceil(BLOCK).max(1);
    let size = size_for(length.min(BLOCK));
    (0..count).map(move |index| {
        let (block, piece) = if count > 1 {
            know(queue, location >> PIECE_BITS)?;
            let pair = pair_of(&queue.layout, location, index).ok_or(Errno::EINVAL)?;
            // Relaxed: stored before the key, which has led here.
            let pair = pair.load(Ordering::Relaxed);
            (u32::try_from(pair >> shift_of(index) & u64::from(u32::MAX)).unwrap_or(0), 0)
        } else {
            (location >> PIECE_BITS, (location & ((1 << PIECE_BITS) - 1)) as usize)
        };
        know(queue, block)?;
        let place = size.place(&queue.layout, block as usize, piece).ok_or(Errno::EINVAL)?;
        Ok((place, (length - index * BLOCK).min(BLOCK)))
    })
}

/// Where in the file the pieces of a body are that lies outside its slot, and how long. `read`
/// gives the integer at an offset of the file. Errors: those of `read`.
pub fn places(
    location: u32,
    length: usize,
    read: impl Fn(usize) -> Result<u32>,
) -> Result<Vec<(usize, usize)>> {
    let (block, count) = ((location >> PIECE_BITS) as usize, length.div_ceil(BLOCK));
    if count <= 1 {
        let piece = (location & ((1 << PIECE_BITS) - 1)) as usize;
        return Ok(vec![(block * BLOCK + size_for(length).offset(piece), length)]);
    }
    let piece = |index: usize| {
        let number = read(block * BLOCK + index * size_of::<u32>())? as usize;
        Ok((number * BLOCK, (length - index * BLOCK).min(BLOCK)))
    };
    (0..count).map(piece).collect()
}

/// Others may have made the file longer.
#[inline]
fn know(queue: &Queue, block: u32) -> Result<()> {
    if (block as usize) < queue.layout.blocks() { Ok(()) } else { queue.learn_blocks() }
}

/// Copies a head, and then the body to its location. False: this is the child of a fork. EINVAL as
/// above.
///
/// # Safety
/// The slot is claimed, and the location belongs to it. `from` is valid for reading.
#[inline(always)]
pub unsafe fn write(
    queue: &Queue,
    who: &Operation<'_>,
    head: Head,
    (short, location): (*mut u8, u32),
    from: *const u8,
    length: usize,
) -> Result<bool> {
    if length <= INLINE {
        // SAFETY: as the caller says.
        return Ok(unsafe { who.write(head, from, short, length) });
    }
    // SAFETY: as the caller says.
    unsafe { write_pieces(queue, who, head, location, from, length) }
}

/// # Safety
/// As for [`write`].
#[cold]
#[inline(never)]
unsafe fn write_pieces(
    queue: &Queue,
    who: &Operation<'_>,
    head: Head,
    location: u32,
    mut from: *const u8,
    length: usize,
) -> Result<bool> {
    for piece in pieces(queue, location, length) {
        let (into, bytes) = piece?;
        // SAFETY: a part of what the caller vouches for.
        unsafe {
            if !who.write(head, from, into, bytes) {
                return Ok(false);
            }
            from = from.add(bytes);
        }
    }
    Ok(true)
}

/// Copies the first `wanted` bytes of a body of this length. False, EINVAL as above.
///
/// # Safety
/// The slot is claimed. `into` is valid for writing.
#[inline(always)]
pub unsafe fn read(
    queue: &Queue,
    who: &Operation<'_>,
    (short, location): (*mut u8, u32),
    length: usize,
    into: *mut u8,
    wanted: usize,
) -> Result<bool> {
    if length <= INLINE {
        // SAFETY: as the caller says.
        return Ok(unsafe { who.read(short, into, wanted) });
    }
    // SAFETY: as the caller says.
    unsafe { read_pieces(queue, who, location, length, into, wanted) }
}

/// # Safety
/// As for [`read`].
#[cold]
#[inline(never)]
unsafe fn read_pieces(
    queue: &Queue,
    who: &Operation<'_>,
    location: u32,
    length: usize,
    mut into: *mut u8,
    mut wanted: usize,
) -> Result<bool> {
    for piece in pieces(queue, location, length) {
        let (from, bytes) = piece?;
        let bytes = bytes.min(wanted);
        // SAFETY: a part of what the caller vouches for.
        unsafe {
            if !who.read(from, into, bytes) {
                return Ok(false);
            }
            into = into.add(bytes);
        }
        wanted -= bytes;
        if wanted == 0 {
            break;
        }
    }
    Ok(true)
}
