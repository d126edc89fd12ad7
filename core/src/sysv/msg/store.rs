//! The slots of messages: claim, commit, release (`docs/design.md`).
//!
//! A sender claims a free slot, writes the message, adds it to the usage, stores the key, releases.
//! A receiver claims the slot of the message that it wants, reads the body, clears the key,
//! subtracts it from the usage, forgets its length, releases. Storing or clearing the key is the
//! commit: one store, before which nothing has happened for other threads, and after which
//! everything has.

use super::blocks::known_slots;
use super::layout::{MESSAGES_MAX, SLOT_BLOCKS, SLOTS, Slots};
use super::message::Message;
use super::owner::Owner;
use super::queue::Queue;
use super::selector::Selector;
use super::under_way::UnderWay;
use super::usage::Amount;
use crate::atomic::{AtomicU32, AtomicU64, Ordering, fence};
use crate::os::restartable::two_words;
use crate::os::{Errno, Result};
use crate::shared::claim::{self, Claimant, Holder};
use crate::shared::pause::Pause;
use crate::shared::thread::Operation;

/// Lost races after which an operation gives up for the moment. Only hostile bytes make it lose so
/// often.
const ATTEMPTS: usize = 512;

/// A claimed slot.
#[derive(Clone, Copy)]
pub struct Claimed<'q> {
    /// The words of its block, and the place there.
    pub slots: Slots<'q>,
    pub index: usize,
    /// Its index among all.
    pub slot: usize,
    /// The sequence number of the message that is in it, or is to be.
    pub arrival: u64,
}

impl<'q> Claimed<'q> {
    /// The claim word.
    #[inline(always)]
    pub fn claim(&self) -> &'q AtomicU32 {
        &self.slots.claims[self.index]
    }

    /// Where the head goes.
    #[inline(always)]
    pub fn head(&self) -> *mut [u8; 16] {
        self.slots.heads[self.index].as_ptr().cast_mut().cast()
    }

    /// A short body.
    #[inline(always)]
    pub fn short_body(&self) -> *mut u8 {
        self.slots.body(self.index)
    }

    /// The message is one whose body does not fit into the slot: what its pieces belong to.
    /// ERESTART: this is the child of a fork.
    pub fn begin_long(&self, who: &impl Claimant) -> Result<Owner> {
        let owner = Owner { slot: self.slot, arrival: self.arrival };
        let nothing = AtomicU64::new(0);
        let is_said = who.commit((&nothing, 0), (&self.slots.longs[self.index], owner.low_half()));
        if is_said { Ok(owner) } else { Err(Errno::ERESTART) }
    }

    /// Commits a message whose head and body have been written, and gives the slot back. False:
    /// this is the child of a fork.
    #[inline(always)]
    pub fn publish(&self, who: &impl Claimant) -> bool {
        let committed = who.commit((&self.slots.keys[self.index], self.arrival), (self.claim(), 0));
        who.withdraw();
        committed
    }

    /// Commits: the message that has been read is gone. Gives the slot back. False as above.
    #[inline(always)]
    pub fn clear(&self, queue: &Queue, length: usize, who: &impl Claimant) -> bool {
        // Relaxed: it is ours.
        let held = self.claim().load(Ordering::Relaxed);
        let committed = who.commit((&self.slots.keys[self.index], 0), (self.claim(), held));
        if committed {
            let words = queue.layout.words();
            words.usage.subtract(Amount::of(length), who);
            words.freed.store(u32::try_from(self.slot).unwrap_or(0), Ordering::Relaxed);
            words.occupied.clear(self.slots.used, self.slot / SLOTS, self.index, who);
            // No length: see `usage`.
            who.commit((&self.slots.heads[self.index][1], 0), (self.claim(), 0));
        }
        who.withdraw();
        committed
    }

    /// Gives the slot back as it was.
    #[inline(always)]
    pub fn put_back(&self, who: &impl Claimant) {
        claim::release(self.claim(), who);
    }

    /// Gives a slot back that has got no message.
    pub fn put_back_empty(&self, who: &impl Claimant) {
        who.commit((&self.slots.heads[self.index][1], 0), (self.claim(), 0));
        who.withdraw();
    }
}

/// The words of a slot, and its index in the block. `None`: there is no such slot. EIDRM, EINVAL.
#[inline(always)]
pub fn slot(queue: &Queue, slot: usize) -> Result<Option<(Slots<'_>, usize)>> {
    if slot >= MESSAGES_MAX {
        return Ok(None);
    }
    let block = known_slots(queue, slot / SLOTS)?;
    let slots = block.and_then(|block| queue.layout.slots(block));
    Ok(slots.map(|slots| (slots, slot % SLOTS)))
}

/// The block of slots with this place, if there is one. EINVAL, EIDRM.
#[inline(always)]
pub fn block(queue: &Queue, place: usize) -> Result<Option<Slots<'_>>> {
    Ok(known_slots(queue, place)?.and_then(|block| queue.layout.slots(block)))
}

/// Blocks of slots that there are.
#[inline(always)]
pub fn count(queue: &Queue) -> usize {
    (queue.layout.words().slot_blocks.load(Ordering::SeqCst) as usize).min(SLOT_BLOCKS)
}

/// Whether there are several blocks of slots.
#[inline(always)]
pub fn is_long(queue: &Queue) -> bool {
    // Relaxed: the caller has read the last number with Acquire.
    queue.layout.words().slot_blocks.load(Ordering::Relaxed) > 1
}

/// The blocks that may hold messages, each with the index of its first slot.
#[inline(always)]
pub fn occupied(queue: &Queue) -> impl Iterator<Item = Result<(usize, Slots<'_>)>> {
    queue.layout.words().occupied.blocks(count(queue)).filter_map(|place| {
        block(queue, place).map(|slots| Some((place * SLOTS, slots?))).transpose()
    })
}

/// The same of all blocks.
pub fn all_blocks(queue: &Queue) -> impl Iterator<Item = Result<(usize, Slots<'_>)>> {
    (0..count(queue)).filter_map(|place| {
        block(queue, place).map(|slots| Some((place * SLOTS, slots?))).transpose()
    })
}

/// All messages, in the order of their slots. EINVAL, EIDRM.
#[inline(always)]
pub fn messages(queue: &Queue, mut visit: impl FnMut(Message)) -> Result<()> {
    for block in occupied(queue) {
        let (first, slots) = block?;
        for index in slots.used.slots() {
            let arrival = slots.keys[index].load(Ordering::SeqCst);
            if arrival == 0 {
                continue;
            }
            read_message(&slots, first, index, arrival).into_iter().for_each(&mut visit);
        }
    }
    Ok(())
}

/// The message in a slot that has had this key a moment ago. `None`: it is gone.
#[inline(always)]
pub fn read_message(
    slots: &Slots<'_>,
    first: usize,
    index: usize,
    arrival: u64,
) -> Option<Message> {
    let message = read_head(slots, first, index, arrival);
    // The head may be that of the next message in this slot. Acquire: a thread that writes one has
    // found the key cleared, so we find it, too. Relaxed: the fence is enough.
    fence(Ordering::Acquire);
    (slots.keys[index].load(Ordering::Relaxed) == arrival).then_some(message)
}

/// The type of a message in a slot: of the one whose key has been read, or of a later one. Before
/// the key is read it may be that of an earlier one, too, unless the message was numbered before a
/// look began (`Arrivals::look`).
#[inline(always)]
pub fn kind_of(slots: &Slots<'_>, index: usize) -> i64 {
    // Relaxed: see `read_head`.
    slots.heads[index][0].load(Ordering::Relaxed).cast_signed()
}

/// The same, and it may be in part that of the next message there: see [`read_message`].
#[inline(always)]
pub fn read_head(slots: &Slots<'_>, first: usize, index: usize, arrival: u64) -> Message {
    // Relaxed: the key, which was read before, was stored after it with Release.
    let [kind, rest] = slots.heads[index].each_ref().map(|word| word.load(Ordering::Relaxed));
    let half = |word: u64| u32::try_from(word & u64::from(u32::MAX)).unwrap_or(0);
    let (length, location) = (half(rest) as usize, half(rest >> 32));
    Message { slot: first + index, arrival, kind: kind.cast_signed(), length, location }
}

/// As it lies in the head of a slot.
#[inline(always)]
pub fn head(kind: i64, length: usize, location: u32) -> u128 {
    two_words(kind.cast_unsigned(), length as u64 | u64::from(location) << 32)
}

/// Claims the message that `find` gives, whose argument says whether those that others have claimed
/// do not count any more. `None`: there is none.
///
/// A message that another receiver has claimed may still come back, if that one dies, or cannot
/// take it. Passing it over at once would break the order, so it is waited for. But its holder may
/// be stopped, or be what our signal handler has interrupted: then it is passed over.
#[inline(always)]
pub fn take<'q>(
    queue: &'q Queue,
    who: &Operation<'static>,
    find: impl Fn(bool) -> Result<Option<Message>>,
) -> Result<Option<(Claimed<'q>, Message)>> {
    let mut pause = Pause::default();
    for _ in 0..ATTEMPTS {
        let Some(message) = find(pause.is_over())? else { return Ok(None) };
        let Some((slots, index)) = slot(queue, message.slot)? else { return Ok(None) };
        let Some(before) = claim::claim_after(&slots.claims[index], who) else {
            if who.is_orphan() {
                return Err(Errno::ERESTART);
            }
            wait_for_holder(queue, &slots.claims[index], message.arrival, who, &mut pause);
            continue;
        };
        queue.layout.words().deaths.note(before);
        let claimed = Claimed { slots, index, slot: message.slot, arrival: message.arrival };
        // No Acquire is needed here: the claim has it. A sequence number is given out once, so it
        // is the same message.
        if slots.keys[index].load(Ordering::Relaxed) == message.arrival {
            return Ok(Some((claimed, message)));
        }
        claimed.put_back(who);
    }
    Ok(None)
}

#[cold]
fn wait_for_holder(
    queue: &Queue,
    claim: &AtomicU32,
    arrival: u64,
    who: &Operation<'static>,
    pause: &mut Pause,
) {
    let stalled = &queue.layout.words().stalled;
    let held = claim.load(Ordering::Relaxed);
    let is_ours = who.is_own(held);
    if is_ours && who.is_stray() {
        claim::free_if(claim, |holder| holder == claim::holder(held));
        return;
    }
    if is_ours || stalled.load(Ordering::Relaxed) == arrival {
        pause.end();
        return;
    }
    pause.wait();
    if pause.is_over() && !claim::free_if(claim, |holder| has_ended(queue, who, holder)) {
        stalled.store(arrival, Ordering::Relaxed);
    }
}

/// Whether a thread holds the claim of this message.
pub fn is_claimed(queue: &Queue, message: &Message) -> bool {
    let Ok(Some((slots, index))) = slot(queue, message.slot) else { return false };
    !claim::is_free(slots.claims[index].load(Ordering::Relaxed))
}

/// The operations that are under way and may leave a message that this selector admits: a thread
/// holds a slot that has such a message, or gets one.
pub fn under_way(queue: &Queue, selector: Selector) -> Result<UnderWay> {
    let mut found = UnderWay::default();
    for block in occupied(queue) {
        let (first, slots) = block?;
        for index in slots.used.slots() {
            // In this order: a sender that has stored the key since has done so in time.
            let held = slots.claims[index].load(Ordering::SeqCst);
            if claim::is_free(held) {
                continue;
            }
            let is_empty = slots.keys[index].load(Ordering::SeqCst) == 0;
            // Relaxed: see `read_head`. That of a later message belongs to a later operation.
            let kind = slots.heads[index][0].load(Ordering::Relaxed).cast_signed();
            if is_empty || selector.admits(kind) {
                found.add(u32::try_from(first + index).unwrap_or(u32::MAX), held);
            }
        }
    }
    Ok(found)
}

/// The claim word of a slot.
pub fn claim_of(queue: &Queue, place: usize) -> Option<&AtomicU32> {
    let (slots, index) = slot(queue, place).ok()??;
    Some(&slots.claims[index])
}

/// Whether a slot is claimed and empty: its holder may be about to commit a message.
pub fn is_pending(queue: &Queue) -> Result<bool> {
    for block in occupied(queue) {
        let (_, slots) = block?;
        // In this order: see `quiet`.
        let is_pending = |index: usize| {
            !claim::is_free(slots.claims[index].load(Ordering::SeqCst))
                && slots.keys[index].load(Ordering::SeqCst) == 0
        };
        if slots.used.slots().any(is_pending) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the holder of a claim is dead, as far as that can be found out.
pub fn has_ended(queue: &Queue, who: &Operation<'static>, holder: Holder) -> bool {
    who.has_ended(holder, queue.identity.is_at_home(who))
}

/// Frees the claims of those that have ended and that the kernel did not watch. True if there was
/// one.
#[cold]
pub fn free_claims_of_dead(queue: &Queue, who: &Operation<'static>) -> Result<bool> {
    let mut freed = false;
    for block in all_blocks(queue) {
        let (_, slots) = block?;
        let held = slots.claims.iter().filter(|claim| {
            // Relaxed: the thread that frees it looks again.
            !claim::is_free(claim.load(Ordering::Relaxed))
        });
        for claim in held {
            freed |= claim::free_if(claim, |holder| has_ended(queue, who, holder));
        }
    }
    Ok(freed)
}
