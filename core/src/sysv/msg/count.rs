//! What is in use, counted from the messages and from what is under way.

use super::queue::Queue;
use super::store::{free_claims_of_dead, occupied, read_head};
use super::usage::Amount;
use crate::atomic::Ordering;
use crate::os::Result;
use crate::shared::claim::{self, Claimant};
use crate::shared::thread::Operation;

/// What a count of the messages has found.
#[derive(Default)]
pub struct Counted {
    /// Operations are under way, and what they have in hand was counted.
    pub is_under_way: bool,
    /// Less is in use than it seemed.
    pub is_less: bool,
}

/// Corrects the usage: only then may it be believed that a queue is full. The messages are counted
/// only where it may be wrong: a queue can hold tens of thousands.
#[cold]
pub fn recount(queue: &Queue, who: &Operation<'static>) -> Result<Counted> {
    if !may_be_wrong(queue)? {
        return Ok(Counted::default());
    }
    let first = recount_once(queue, who)?;
    // Where no thread waits, this alone frees a claim that the kernel does not watch.
    if !first.is_under_way || !free_claims_of_dead(queue, who)? {
        return Ok(first);
    }
    let again = recount_once(queue, who)?;
    Ok(Counted { is_less: first.is_less || again.is_less, ..again })
}

/// What is in the queue, if that is known without a look at the messages: no operation is under
/// way, and no thread has died in the middle of one.
pub fn settled(queue: &Queue) -> Result<Option<Amount>> {
    let usage = &queue.layout.words().usage;
    let seen = usage.seen();
    // What was added before has been committed if no slot is held.
    let is_exact = !may_be_wrong(queue)? && usage.seen() == seen;
    Ok(is_exact.then(|| seen.amount()))
}

fn may_be_wrong(queue: &Queue) -> Result<bool> {
    let deaths = &queue.layout.words().deaths;
    let mut is_any_held = false;
    for block in occupied(queue) {
        let (_, slots) = block?;
        is_any_held |= deaths.are_any_held(slots.claims.iter());
    }
    // After all claims: a thread that has given its slot back has counted before.
    Ok(is_any_held || deaths.may_matter())
}

fn recount_once(queue: &Queue, who: &impl Claimant) -> Result<Counted> {
    let words = queue.layout.words();
    let deaths = words.deaths.counted();
    let mut is_under_way = false;
    let count = || -> Result<Amount> {
        let mut counted = Amount::default();
        for block in occupied(queue) {
            let (first, slots) = block?;
            for index in slots.used.slots() {
                let look = || !claim::is_free(slots.claims[index].load(Ordering::SeqCst));
                let was_held = look();
                let arrival = slots.keys[index].load(Ordering::SeqCst);
                // Again: a receiver may have come, and cleared the key before we looked.
                let is_held = was_held || look();
                is_under_way |= is_held;
                if is_held || arrival != 0 {
                    let message = read_head(&slots, first, index, arrival);
                    counted = counted.plus(Amount::of(message.length));
                }
            }
        }
        Ok(counted)
    };
    let recounted = words.usage.recount(count, who)?;
    if recounted.is_unchanged && !is_under_way {
        words.deaths.are_corrected_up_to(deaths);
    }
    Ok(Counted { is_under_way, is_less: recounted.is_less })
}
