//! A thread that changes a set performs, in the same draft, what that makes possible for waiters.
//!
//! So a grant and the change that made it possible become true in the same instant: a zero that
//! lasts for an instant is not missed, and no thread that comes later gets in between. The order is
//! Linux's (ipc/sem.c): first the waiters for zeros alone, then the others in the order of their
//! arrival, and from the start again after each grant.

use core::iter::successors;
use core::mem::MaybeUninit;

use super::cells::{Status, Waiter};
use super::changed::Changed;
use super::draft::Draft;
use super::group::Group;
use super::operate::{Actor, Operation, Outcome, perform};
use super::state::{self, Fact, Kind, Memory};
use crate::os::{Errno, Result};
use crate::shared::claim::Claimant;

/// Operations of an array at most: `SEMOPM`.
pub const OPERATIONS_MAX: usize = 500;

/// What is known of waiters, beside the state.
pub trait Records {
    /// The operations of the waiter in this slot, and for which process. At most
    /// [`OPERATIONS_MAX`], whatever the bytes are. `now` is left to the caller.
    fn wanted(&self, slot: usize, into: &mut Wanted) -> Option<Actor>;
    /// The amount of the only operation of this waiter. `None`: that is not known so quickly.
    fn amount(&self, slot: usize) -> Option<i16>;
    /// Whether the waiter in this slot is dead, and must be given nothing any more.
    fn is_dead(&self, slot: usize) -> bool;
}

/// The operations of a waiter, or of a caller: a copy that no other thread can change.
pub struct Wanted {
    operations: [MaybeUninit<Operation>; OPERATIONS_MAX],
    count: usize,
}

impl Wanted {
    /// None yet. (It is large, so it is filled where it is.)
    #[inline(always)]
    pub fn none() -> Self {
        Self { operations: [MaybeUninit::uninit(); OPERATIONS_MAX], count: 0 }
    }

    /// At most [`OPERATIONS_MAX`]; more are left out.
    #[inline]
    pub fn fill(&mut self, operations: impl Iterator<Item = Operation>) {
        self.count = 0;
        for (place, operation) in self.operations.iter_mut().zip(operations) {
            place.write(operation);
            self.count += 1;
        }
    }

    /// In their order.
    #[inline]
    pub fn operations(&self) -> &[Operation] {
        // SAFETY: the first `count` have been written, each before it was counted.
        unsafe { self.operations[..self.count].assume_init_ref() }
    }
}

/// Slots of waiters, as bits.
pub struct Slots([u64; Self::WORDS]);

impl Slots {
    const WORDS: usize = (state::CHUNKS_MAX * Kind::Waiter.cells()).div_ceil(64);

    /// None.
    pub fn none() -> Self {
        Self([0; Self::WORDS])
    }

    fn add(&mut self, slot: usize) {
        if let Some(word) = self.0.get_mut(slot / 64) {
            *word |= 1 << (slot % 64);
        }
    }

    /// Whether there are several, and the first of them.
    pub fn first(&self) -> Option<(usize, bool)> {
        let mut slots = self.iter();
        slots.next().map(|first| (first, slots.next().is_some()))
    }

    /// The slots.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(number, &word)| {
            // Without the lowest bit, again and again.
            let words = successors(Some(word), |word| Some(word & word.wrapping_sub(1)));
            words.take_while(|word| *word != 0).map(move |word| number * 64 + lowest(word))
        })
    }
}

fn lowest(word: u64) -> usize {
    usize::try_from(word.trailing_zeros()).unwrap_or(0)
}

/// Waiters that wait, and slots that have ever been in use.
pub fn waiting<M: Memory, C: Claimant>(draft: &Draft<'_, M, C>) -> (u32, usize) {
    split(draft.fact(Fact::Waiting), state::capacity(draft.memory(), Kind::Waiter))
}

/// The same of a word that was read elsewhere.
pub fn split(word: u64, capacity: usize) -> (u32, usize) {
    let waiting = u32::try_from(word & 0xffff).unwrap_or(0);
    (waiting, usize::try_from(word >> 32).unwrap_or(0).min(capacity))
}

/// Waiters that wait with more than one operation.
fn complex<M: Memory, C: Claimant>(draft: &Draft<'_, M, C>) -> u64 {
    draft.fact(Fact::Waiting) >> 16 & 0xffff
}

fn set_waiting<M: Memory, C: Claimant>(
    draft: &mut Draft<'_, M, C>,
    waiting: u32,
    complex: u64,
    used: usize,
) {
    draft.set_fact(Fact::Waiting, u64::from(waiting) | complex << 16 | (used as u64) << 32);
}

/// Serves the waiters that can go on now. Gives the slots of those whose wait is over: they must be
/// woken once the draft is current.
pub fn serve<M: Memory, C: Claimant>(
    draft: &mut Draft<'_, M, C>,
    records: &impl Records,
    changed: Changed,
    now: u64,
) -> Result<Slots> {
    let mut over = Slots::none();
    let mut service = Service { changed, now };
    // Hostile bytes would have no end.
    for _ in 0..=state::capacity(draft.memory(), Kind::Waiter) {
        if !service.round(draft, records, &mut over)? {
            return Ok(over);
        }
    }
    Err(Errno::EINVAL)
}

struct Service {
    changed: Changed,
    now: u64,
}

impl Service {
    /// Serves the waiters for zeros, and then up to one of the others. False: there is none.
    fn round<M: Memory, C: Claimant>(
        &mut self,
        draft: &mut Draft<'_, M, C>,
        records: &impl Records,
        over: &mut Slots,
    ) -> Result<bool> {
        // One operation alone waits until the semaphore changes that blocks it.
        if complex(draft) == 0 && !self.changed.blocks_any(draft)? {
            return Ok(false);
        }
        // Arrays of waits for zero are looked at when something has become zero: as in Linux.
        let mut wanted = Wanted::none();
        let has_zero = waiting(draft).0 > 0 && self.changed.has_named_zero(draft)?;
        for alters in [false, true].into_iter().filter(|alters| *alters || has_zero) {
            let mut group = Group::first();
            while self.find(draft, records, alters, &mut group)? {
                // None of them changes a value before the end of the round. So those that could
                // not go on when they were looked for still cannot.
                for slot in group.slots() {
                    let waiter = draft.waiter(slot)?;
                    if records.is_dead(slot) {
                        leave(draft, slot, Status::Free)?;
                        continue;
                    }
                    let Some(actor) = records.wanted(slot, &mut wanted) else { continue };
                    let status = self.attempt(draft, slot, waiter, wanted.operations(), actor)?;
                    if status != Status::Waiting {
                        over.add(slot);
                    }
                    if status == Status::Granted && alters {
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }

    /// The next group of waiters that may go on. False: there are no more.
    fn find<M: Memory, C: Claimant>(
        &self,
        draft: &Draft<'_, M, C>,
        records: &impl Records,
        alters: bool,
        group: &mut Group,
    ) -> Result<bool> {
        let (waiting, used) = waiting(draft);
        let used = if waiting == 0 { 0 } else { used };
        group.find_next(draft, used, |slot, waiter| {
            Ok(waiter.alters == alters
                && (waiter.is_complex
                    || self.changed.has(waiter.member) && may_go_on(draft, records, slot, waiter)?))
        })
    }

    fn attempt<M: Memory, C: Claimant>(
        &mut self,
        draft: &mut Draft<'_, M, C>,
        slot: usize,
        waiter: Waiter,
        operations: &[Operation],
        actor: Actor,
    ) -> Result<Status> {
        let status = match perform(draft, operations, Actor { now: self.now, ..actor }) {
            Ok(Outcome::Done) => Status::Granted,
            Ok(Outcome::Blocked(obstacle)) if obstacle.must_not_wait() => Status::WouldBlock,
            Ok(Outcome::Blocked(obstacle)) => {
                block_on(draft, slot, waiter, obstacle)?;
                return Ok(Status::Waiting);
            }
            Err(Errno::ERANGE) => Status::OutOfRange,
            // There are as many adjustments as there can be.
            Err(Errno::ENOMEM) => return Ok(Status::Waiting),
            Err(error) => return Err(error),
        };
        leave(draft, slot, status)?;
        if status == Status::Granted {
            self.changed.add(operations);
        }
        Ok(status)
    }
}

/// Whether the waiter, of one operation alone, can proceed as far as the value goes. If it changes
/// the value, it is a decrement.
fn may_go_on<M: Memory, C: Claimant>(
    draft: &Draft<'_, M, C>,
    records: &impl Records,
    slot: usize,
    waiter: Waiter,
) -> Result<bool> {
    let value = draft.member(usize::from(waiter.member))?.value;
    if !waiter.alters || value == 0 {
        return Ok(value == 0 && !waiter.alters);
    }
    let amount = records.amount(slot);
    Ok(amount.is_none_or(|amount| i32::from(value) + i32::from(amount) >= 0))
}

/// The next obstacle of a waiter is another operation.
fn block_on<M: Memory, C: Claimant>(
    draft: &mut Draft<'_, M, C>,
    slot: usize,
    waiter: Waiter,
    obstacle: Operation,
) -> Result<()> {
    let blocked = Waiter { member: obstacle.member, for_zero: obstacle.amount == 0, ..waiter };
    if blocked == waiter {
        return Ok(());
    }
    count(draft, waiter.member, false)?;
    count(draft, blocked.member, true)?;
    draft.set_waiter(slot, blocked)
}

fn count<M: Memory, C: Claimant>(
    draft: &mut Draft<'_, M, C>,
    member: u16,
    more: bool,
) -> Result<()> {
    let number = usize::from(member);
    let mut counted = draft.member(number)?;
    counted.waiters =
        if more { counted.waiters.saturating_add(1) } else { counted.waiters.saturating_sub(1) };
    draft.set_member(number, counted)
}

/// Lets a waiter wait, as the last one.
pub fn enter<M: Memory, C: Claimant>(
    draft: &mut Draft<'_, M, C>,
    slot: usize,
    operations: &[Operation],
    obstacle: Operation,
) -> Result<()> {
    let (waiting, used) = waiting(draft);
    let ticket = draft.fact(Fact::Ticket) % super::cells::TICKETS;
    draft.set_fact(Fact::Ticket, ticket + 1);
    let complex = complex(draft) + u64::from(operations.len() > 1);
    set_waiting(draft, waiting + 1, complex, used.max(slot + 1));
    draft.use_extent(slot / Kind::Waiter.cells());
    count(draft, obstacle.member, true)?;
    let waiter = Waiter {
        status: Status::Waiting,
        alters: operations.iter().any(|operation| operation.amount != 0),
        is_complex: operations.len() > 1,
        for_zero: obstacle.amount == 0,
        leads: false,
        member: obstacle.member,
        ticket,
    };
    draft.set_waiter(slot, waiter)
}

/// Ends the wait of the waiter in this slot, with this status. Does nothing if it does not wait.
pub fn leave<M: Memory, C: Claimant>(
    draft: &mut Draft<'_, M, C>,
    slot: usize,
    status: Status,
) -> Result<()> {
    let waiter = draft.waiter(slot)?;
    if waiter.status != Status::Waiting {
        return Ok(());
    }
    let (waiting, used) = waiting(draft);
    // Unused slots at the end are not looked at any more.
    let is_used =
        |&other: &usize| draft.waiter(other).is_ok_and(|other| other.status == Status::Waiting);
    let last_used = || (0..slot).rev().find(is_used);
    let used = if slot + 1 == used { last_used().map_or(0, |last| last + 1) } else { used };
    let complex = complex(draft).saturating_sub(waiter.is_complex.into());
    set_waiting(draft, waiting.saturating_sub(1), complex, used);
    count(draft, waiter.member, false)?;
    draft.set_waiter(slot, Waiter { status, ..waiter })
}
