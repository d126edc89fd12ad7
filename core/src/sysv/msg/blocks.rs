//! What the blocks of a file are used for.
//!
//! | kind | in the block |
//! |---|---|
//! | [`FREE`] | nothing yet |
//! | [`SLOTS`], and its place in the list of such blocks | 63 slots |
//! | [`RECORDS`], and its place in the list | records of waiters |
//! | [`SHORT`], [`MEDIUM`], [`WHOLE`] | storage for bodies (`body`) |
//!
//! A free block gets another kind by an exchange of that word, and keeps it. A block that is to be
//! listed stores its index in the list before it is listed. So a thread that looks for the block of
//! that index finds what a thread that was killed has left, and lists it. If two threads have made
//! a block for one index, the one that is not listed is free again.

use super::layout::kind::{FREE, KIND, PLACE_SHIFT, RECORDS, SLOTS};
use super::layout::{Layout, RECORD_BLOCKS, SLOT_BLOCKS, STEP};
use super::queue::Queue;
use crate::atomic::{AtomicU32, Ordering};
use crate::os::{Errno, Result};
use crate::shared::claim::Claimant;

/// The kind of a block. [`FREE`] also for one that the file is not known to have.
pub fn kind(layout: &Layout, block: usize) -> u64 {
    layout.entry(block).map_or(FREE, |entry| entry.kind.load(Ordering::Acquire) & KIND)
}

/// Makes a free block one of this kind, and gives its index. `ahead`: how many will be needed.
/// `None`: others have made the file longer, and what is wanted may be among that. ENOMEM: the file
/// cannot grow; EIDRM; ERESTART: this is the child of a fork.
#[cold]
pub fn take(queue: &Queue, kind: u64, ahead: usize, who: &impl Claimant) -> Result<Option<usize>> {
    loop {
        if let Some(block) = turn_into(&queue.layout, kind, who)? {
            return Ok(Some(block));
        }
        if !queue.grow(ahead.max(1).next_multiple_of(STEP))? {
            return Ok(None);
        }
    }
}

/// The first free block that the file is known to have becomes one of this kind, which may have a
/// place.
fn turn_into(layout: &Layout, kind: u64, who: &impl Claimant) -> Result<Option<usize>> {
    let mut block = 0;
    loop {
        block = Layout::next_usable(block);
        let Some(entry) = layout.entry(block) else { return Ok(None) };
        let before = entry.kind.load(Ordering::Acquire);
        // Left by a thread that was killed, or is about to list it.
        if before == kind && before >> PLACE_SHIFT != 0 {
            return Ok(Some(block));
        }
        if is_free(layout, block, before) {
            if who.exchange(&entry.kind, before, kind) {
                return Ok(Some(block));
            }
            if who.is_orphan() {
                return Err(Errno::ERESTART);
            }
            continue;
        }
        block += 1;
    }
}

/// Whether a block with this word is of no use: also if another thread's block has been listed
/// before it.
fn is_free(layout: &Layout, block: usize, word: u64) -> bool {
    let place = usize::try_from(word >> PLACE_SHIFT).unwrap_or(0);
    let list: &[AtomicU32] = match word & KIND {
        FREE => return true,
        SLOTS => layout.slot_list(),
        RECORDS => layout.record_list(),
        _ => return false,
    };
    place
        .checked_sub(1)
        .and_then(|place| list.get(place))
        .map(|listed| listed.load(Ordering::Acquire))
        .is_some_and(|listed| listed != 0 && listed as usize != block + 1)
}

/// The block of slots with this place in the list, made if there is none. ENOMEM, EIDRM, ERESTART.
pub fn slots_at(queue: &Queue, place: usize, who: &impl Claimant) -> Result<usize> {
    listed_or_made(queue, SLOTS, place, who)
}

/// The same of records.
pub fn records_at(queue: &Queue, place: usize, who: &impl Claimant) -> Result<usize> {
    listed_or_made(queue, RECORDS, place, who)
}

fn listed_or_made(queue: &Queue, kind: u64, place: usize, who: &impl Claimant) -> Result<usize> {
    let (list, longest): (&[AtomicU32], _) = match kind {
        SLOTS => (queue.layout.slot_list(), SLOT_BLOCKS),
        _ => (queue.layout.record_list(), RECORD_BLOCKS),
    };
    if place >= longest {
        return Err(Errno::ENOMEM);
    }
    while list[place].load(Ordering::Acquire) == 0 {
        let word = kind | (place as u64 + 1) << PLACE_SHIFT;
        let Some(block) = take(queue, word, 1, who)? else { continue };
        if let Some(slots) = queue.layout.slots(block).filter(|_| kind == SLOTS) {
            slots.used.begin();
        }
        let number = u32::try_from(block + 1).map_err(|_| Errno::ENOMEM)?;
        // AcqRel: a thread that reads the index of the block finds its kind set. It makes no
        // difference if another thread lists another block, or the same. In the child of a fork it
        // lists what its parent is about to list.
        let _ = list[place].compare_exchange(0, number, Ordering::AcqRel, Ordering::Acquire);
    }
    listed(queue, &list[place])
}

/// The block that an entry of a list leads to. EINVAL: none, as only hostile bytes can say.
fn listed(queue: &Queue, entry: &AtomicU32) -> Result<usize> {
    let number = entry.load(Ordering::Acquire) as usize;
    let block = number.checked_sub(1).ok_or(Errno::EINVAL)?;
    if queue.layout.entry(block).is_none() {
        queue.learn_blocks()?;
    }
    if queue.layout.entry(block).is_some() { Ok(block) } else { Err(Errno::EINVAL) }
}

/// The block of slots with this place, if it is listed and known. `None`: it is not listed. EINVAL
/// as above; EIDRM.
#[inline(always)]
pub fn known_slots(queue: &Queue, place: usize) -> Result<Option<usize>> {
    known(queue, &queue.layout.slot_list()[place % SLOT_BLOCKS])
}

/// The same of records.
#[inline]
pub fn known_records(queue: &Queue, place: usize) -> Result<Option<usize>> {
    known(queue, &queue.layout.record_list()[place % RECORD_BLOCKS])
}

#[inline(always)]
fn known(queue: &Queue, entry: &AtomicU32) -> Result<Option<usize>> {
    match entry.load(Ordering::Acquire) as usize {
        0 => Ok(None),
        number if number - 1 < queue.layout.blocks() => Ok(Some(number - 1)),
        _ => listed(queue, entry).map(Some),
    }
}
