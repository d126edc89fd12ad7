//! What is done for a dead process: what it had begun is ended, and what it had taken is given
//! back. And what is done for an operation that its thread has left for good (siglongjmp(3)): it is
//! ended in the same way, by its own process (`pins`).
//!
//! The caller holds the lock of the dead process's account, so it is the only one. It may die at
//! any instruction, too. Then both locks are free, and the next one begins with the same steps.
//!
//! 1. The lanes of the dead process are settled. If it was about to give back what another process
//!    had taken, that ends here.
//! 2. If another process is about to give back what this one had taken, it has died at that, and
//!    its lane is to be settled first: EAGAIN.
//! 3. What the counts say is given back. That is an operation in a lane of the caller's own.

use super::super::word::Word;
use super::intent::{Intent, Kind};
use super::lanes::{Actor, Counts, Lane, Party, bit_of, plus};
use crate::atomic::{AtomicU32, Ordering};
use crate::os::{Errno, Result};

/// A process that is dead, and what is known of all of them.
pub struct Recovery<'l, F> {
    /// The number of its account.
    pub dead: usize,
    /// The counts of an account.
    pub counts_of: F,
    /// Counts the processes that have died with something taken.
    pub deaths: &'l AtomicU32,
}

impl<'l, F: Fn(usize) -> Option<&'l Counts>> Recovery<'l, F> {
    /// See the module. EAGAIN: that is not possible yet.
    pub fn perform<A: Actor>(&self, by: &Party<'_, A>, word: &Word) -> Result<()> {
        for (index, lane) in by.lanes.iter().enumerate() {
            match Intent::from_word(lane.0.load(Ordering::SeqCst)) {
                Some(intent) if intent.account == self.dead => {
                    settle((index, lane), intent, word, &self.counts_of);
                }
                Some(Intent { kind: Kind::GiveBack, victim, .. }) if victim == self.dead => {
                    return Err(Errno::EAGAIN);
                }
                _ => {}
            }
        }
        let counts = (self.counts_of)(self.dead).ok_or(Errno::EINVAL)?;
        if counts.total() > 0 {
            // Before the value: the next one to take is told.
            self.deaths.fetch_add(1, Ordering::SeqCst);
        }
        by.give_back(word, (self.dead, counts)).map(drop)
    }

    /// Gives nothing back: the semaphore has no more to do with the ledger.
    pub fn forget(&self, lanes: &[Lane]) {
        for lane in lanes {
            let intent = Intent::from_word(lane.0.load(Ordering::SeqCst));
            if intent.is_some_and(|intent| intent.account == self.dead) {
                lane.0.store(0, Ordering::SeqCst);
            }
        }
        (self.counts_of)(self.dead).into_iter().for_each(Counts::clear);
    }
}

/// Ends what the threads of a living process have left for good in lanes of this pin. `word`: that
/// of the semaphore; `None`: it has no more to do with the ledger. Whether the value has been
/// incremented: waiters are to be woken.
///
/// The caller is the only one that does so, and no thread goes on with it: then nobody else changes
/// the lane, its bit, or its count.
pub fn end_left<A: Actor>(party: &Party<'_, A>, pin: usize, word: Option<&Word>) -> bool {
    let mut has_posted = false;
    for (index, lane) in party.lanes.iter().enumerate() {
        let found = Intent::from_word(lane.0.load(Ordering::SeqCst));
        let is_its = |intent: &Intent| intent.account == party.account && intent.pin == pin;
        match (found.filter(is_its), word) {
            (Some(intent), Some(word)) => {
                has_posted |= intent.kind != Kind::Take;
                settle((index, lane), intent, word, |account| {
                    (account == party.account).then_some(party.counts)
                });
            }
            (Some(_), None) => lane.0.store(0, Ordering::SeqCst),
            (None, _) => {}
        }
    }
    has_posted
}

/// Ends what is in this lane, an operation that goes on no more.
fn settle<'l>(
    (index, lane): (usize, &Lane),
    intent: Intent,
    word: &Word,
    counts_of: impl Fn(usize) -> Option<&'l Counts>,
) {
    let (word, bit) = (word.atomic(), bit_of(index));
    if word.load(Ordering::SeqCst) & bit != 0 {
        let posted = match intent.kind {
            Kind::Take => 0,
            Kind::Post => 1,
            Kind::GiveBack => intent.amount,
        };
        match intent.kind {
            Kind::GiveBack => counts_of(intent.victim).into_iter().for_each(Counts::clear),
            Kind::Take | Kind::Post => {
                if let Some(own) = counts_of(intent.account) {
                    own.set(index, intent.amount);
                }
            }
        }
        loop {
            let now = word.load(Ordering::SeqCst);
            let after = plus(now, posted) & !bit;
            let order = (Ordering::SeqCst, Ordering::SeqCst);
            // The bit is clear only if hostile bytes have come in between.
            if now & bit == 0 || word.compare_exchange(now, after, order.0, order.1).is_ok() {
                break;
            }
        }
    }
    lane.0.store(0, Ordering::SeqCst);
}
