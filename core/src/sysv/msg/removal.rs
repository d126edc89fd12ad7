//! A message that is on its way when its queue is removed.
//!
//! msgsnd(2) succeeds if a receiver gets the message, and fails otherwise: a thread that sleeps in
//! msgrcv(2) never gets EIDRM in the place of a message that was sent.
//!
//! A receiver reads that the queue is removed, and then looks for a message. It does not wait for a
//! sender for long, which may be stopped. A sender commits, and then reads whether the queue is
//! removed. If not, the message was there before the removal, so the receiver finds it. If it is,
//! the receiver may have looked before, and the sender takes its message back. The first to
//! claim the slot has the message.

use super::queue::Queue;
use super::store::{self, Claimed};
use crate::atomic::{Ordering, fence};
use crate::shared::claim::Claimant;
use crate::shared::thread::Operation;

/// Whether a queue has been removed. For a thread that has committed a message.
pub fn came_before(queue: &Queue) -> bool {
    // The commit is a release only: it comes before the load of the mark.
    fence(Ordering::SeqCst);
    queue.check_life().is_err()
}

/// Takes back what was committed in this slot. False: a receiver has it. For the child of a fork in
/// a handler it is back: its parent has sent it.
pub fn take_back(queue: &Queue, claimed: &Claimed<'_>, who: &Operation<'static>) -> bool {
    let find = |skips: bool| {
        let (slots, index, slot) = (&claimed.slots, claimed.index, claimed.slot);
        let message = store::read_message(slots, slot - index, index, claimed.arrival);
        Ok(message.filter(|_| !skips))
    };
    match store::take(queue, who, find) {
        Ok(Some((again, message))) => again.clear(queue, message.length, who) || who.is_orphan(),
        // A receiver reads it.
        Ok(None) | Err(_) => who.is_orphan(),
    }
}
