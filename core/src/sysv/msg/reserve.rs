//! A free slot for a message: found, and claimed.

use super::blocks;
use super::layout::{SLOTS, Slots};
use super::queue::Queue;
use super::store::{Claimed, all_blocks, block, count, free_claims_of_dead, slot};
use super::usage::Amount;
use crate::atomic::Ordering;
use crate::os::{Errno, Result};
use crate::shared::claim::{self, Claimant};
use crate::shared::thread::Operation;

/// Lost races after which a sender gives up for the moment. Only hostile bytes make it lose so
/// often.
const ATTEMPTS: usize = 512;
/// So many messages are many: they lie in several blocks. See [`hint`].
const MANY: u64 = 2 * SLOTS as u64;

/// What a look for space found.
pub enum Reserved<'q> {
    /// A claimed slot.
    Slot(Claimed<'q>),
    /// There is none.
    Full,
}

/// Claims a free slot, if a message of this length seems to fit. `spared`: what does not count.
/// ENOMEM: the file cannot grow; EIDRM; ERESTART.
#[inline(always)]
pub fn reserve<'q>(
    queue: &'q Queue,
    length: usize,
    spared: Amount,
    who: &Operation<'static>,
) -> Result<Reserved<'q>> {
    let (words, bound, what) = (queue.layout.words(), queue.bound(), Amount::of(length));
    for _ in 0..ATTEMPTS {
        let used = words.usage.seen().amount();
        if !used.plus(what).minus(spared).fits(bound) {
            return Ok(Reserved::Full);
        }
        if let Some(claimed) = claim_free(queue, used.messages >= MANY, who)? {
            return Ok(Reserved::Slot(Claimed {
                arrival: words.sending.arrivals.next(),
                ..claimed
            }));
        }
    }
    Ok(Reserved::Full)
}

/// Where a sender looks for a free slot first. Of few messages each one goes to the slot that was
/// freed last, which is in the cache. Of many it goes behind the one before: so the sender and the
/// receiver work on different blocks, and do not take each other's cache lines.
#[inline(always)]
fn hint(queue: &Queue, are_many: bool) -> usize {
    let words = queue.layout.words();
    let (word, step) = if are_many { (&words.sending.sent, 1) } else { (&words.freed, 0) };
    word.load(Ordering::Relaxed) as usize + step
}

/// `None`: another one was faster.
#[inline(always)]
fn claim_free<'q>(
    queue: &'q Queue,
    are_many: bool,
    who: &Operation<'static>,
) -> Result<Option<Claimed<'q>>> {
    let hinted = hint(queue, are_many);
    // Looks go through the blocks that are counted. One more may be listed, and not counted yet.
    let is_counted = hinted / SLOTS < count(queue);
    let found = if is_counted { slot(queue, hinted)? } else { None };
    let found = found.filter(|(slots, index)| is_free(slots, *index));
    let (slots, index, slot) = match found {
        Some((slots, index)) => (slots, index, hinted),
        None => match search_free(queue, hinted, who)? {
            Some(found) => found,
            None => return Ok(None),
        },
    };
    let words = queue.layout.words();
    let Some(before) = claim::claim_after(&slots.claims[index], who) else {
        return if who.is_orphan() { Err(Errno::ERESTART) } else { Ok(None) };
    };
    words.deaths.note(before);
    let claimed = Claimed { slots, index, slot, arrival: 0 };
    // No Acquire is needed here: the claim has it. A sender may have filled the slot before we
    // claimed it.
    if slots.keys[index].load(Ordering::Relaxed) == 0 {
        // Before any thread is asked whether it waits: see `is_under_way`.
        words.occupied.set(slots.used, slot / SLOTS, index, who);
        if are_many {
            words.sending.sent.store(u32::try_from(slot).unwrap_or(0), Ordering::Relaxed);
        }
        return Ok(Some(claimed));
    }
    claimed.put_back(who);
    Ok(None)
}

#[inline(always)]
fn is_free(slots: &Slots<'_>, index: usize) -> bool {
    slots.keys[index].load(Ordering::Relaxed) == 0
        && claim::is_free(slots.claims[index].load(Ordering::Relaxed))
}

/// A free slot; a block of them is made if there is none. `None`: one has just become free.
///
/// Slots that are not marked as used come first: they cost one look at each block. The search
/// begins at the block that is hinted at.
#[cold]
fn search_free<'q>(
    queue: &'q Queue,
    hinted: usize,
    who: &Operation<'static>,
) -> Result<Option<(Slots<'q>, usize, usize)>> {
    let count = count(queue);
    let first = (hinted / SLOTS).min(count);
    for place in (first..count).chain(0..first) {
        let Some(slots) = block(queue, place)? else { continue };
        if let Some(index) = slots.used.unused().find(|index| is_free(&slots, *index)) {
            return Ok(Some((slots, index, place * SLOTS + index)));
        }
    }
    for block in all_blocks(queue) {
        let (first, slots) = block?;
        if let Some(index) = (0..SLOTS).find(|index| is_free(&slots, *index)) {
            return Ok(Some((slots, index, first + index)));
        }
    }
    // Also of those that the kernel did not watch.
    if free_claims_of_dead(queue, who)? {
        return Ok(None);
    }
    let words = queue.layout.words();
    let place = words.slot_blocks.load(Ordering::SeqCst) as usize;
    let block = blocks::slots_at(queue, place, who)?;
    words.slot_blocks.fetch_max(u32::try_from(place + 1).unwrap_or(0), Ordering::SeqCst);
    let slots = queue.layout.slots(block).ok_or(Errno::EINVAL)?;
    Ok(Some((slots, 0, place * SLOTS)))
}
