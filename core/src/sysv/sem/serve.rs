//! A thread that changes a set performs, in the same draft, what that makes possible for waiters.
//!
//! So a grant and the change that made it possible become true in the same instant: a zero that
//! lasts for an instant is not missed, and no thread that comes later gets in between. The order is
//! Linux's (ipc/sem.c): first the waiters for zeros alone, then the others in the order of their
//! arrival, and from the start again after each grant.

use core::mem::MaybeUninit;

use super::cells::{Status, Waiter};
use super::draft::Draft;
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
            (0..64).filter(move |bit| word >> bit & 1 != 0).map(move |bit| number * 64 + bit)
        })
    }
}

/// Some semaphores.
#[derive(Clone, Copy, PartialEq)]
struct Members {
    few: [u16; Self::FEW],
    count: usize,
    /// So many that it is not worth to look: all of them.
    all: bool,
}

impl Members {
    const FEW: usize = 8;

    fn none() -> Self {
        Self { few: [0; Self::FEW], count: 0, all: false }
    }

    fn add(&mut self, member: u16) {
        if self.has(member) {
            return;
        }
        match self.few.get_mut(self.count) {
            Some(place) => {
                *place = member;
                self.count += 1;
            }
            None => self.all = true,
        }
    }

    fn has(&self, member: u16) -> bool {
        self.all || self.few[..self.count].contains(&member)
    }

    /// Whether one of them is zero.
    fn have_zero<M: Memory, C: Claimant>(&self, draft: &Draft<'_, M, C>) -> Result<bool> {
        let is_zero = |number| Ok(draft.member(number)?.value == 0);
        if self.all {
            return (0..draft.memory().members())
                .try_fold(false, |any, number| if any { Ok(true) } else { is_zero(number) });
        }
        self.few[..self.count].iter().try_fold(false, |any, &member| {
            if any { Ok(true) } else { is_zero(usize::from(member)) }
        })
    }
}

/// Which semaphores have changed.
#[derive(Clone, Copy, PartialEq)]
pub struct Changed {
    changed: Members,
    /// Those that the last array names, be it in a wait for zero.
    named: Members,
}

impl Changed {
    /// All of them.
    pub fn all() -> Self {
        let all = Members { all: true, ..Members::none() };
        Self { changed: all, named: all }
    }

    /// Those that an array has changed.
    pub fn by(operations: &[Operation]) -> Self {
        let mut changed = Self { changed: Members::none(), named: Members::none() };
        changed.add(operations);
        changed
    }

    /// Another array has been performed.
    fn add(&mut self, operations: &[Operation]) {
        self.named = Members::none();
        for operation in operations {
            self.named.add(operation.member);
            if operation.amount != 0 {
                self.changed.add(operation.member);
            }
        }
    }
}

/// Waiters that wait, and slots that have ever been in use.
pub fn waiting<M: Memory, C: Claimant>(draft: &Draft<'_, M, C>) -> (u32, usize) {
    split(draft.fact(Fact::Waiting), state::capacity(draft.memory(), Kind::Waiter))
}

/// The same of a word that was read elsewhere.
pub fn split(word: u64, capacity: usize) -> (u32, usize) {
    let waiting = u32::try_from(word & u64::from(u32::MAX)).unwrap_or(0);
    (waiting, usize::try_from(word >> 32).unwrap_or(0).min(capacity))
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
        // Arrays of waits for zero are looked at when something has become zero: as in Linux.
        let mut wanted = Wanted::none();
        let has_zero = waiting(draft).0 > 0 && self.changed.named.have_zero(draft)?;
        for alters in [false, true].into_iter().filter(|alters| *alters || has_zero) {
            let mut after = None;
            while let Some((slot, waiter)) = self.next(draft, alters, after)? {
                after = Some(waiter.ticket);
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
        Ok(false)
    }

    /// The first waiter after this ticket that may go on.
    fn next<M: Memory, C: Claimant>(
        &self,
        draft: &Draft<'_, M, C>,
        alters: bool,
        after: Option<u64>,
    ) -> Result<Option<(usize, Waiter)>> {
        let (waiting, used) = waiting(draft);
        if waiting == 0 {
            return Ok(None);
        }
        let mut first: Option<(usize, Waiter)> = None;
        for slot in 0..used {
            let waiter = draft.waiter(slot)?;
            let is_concerned = waiter.status == Status::Waiting
                && waiter.alters == alters
                && (waiter.is_complex || self.changed.changed.has(waiter.member))
                && after.is_none_or(|after| waiter.ticket > after);
            if is_concerned
                && first.is_none_or(|(_, known)| waiter.ticket < known.ticket)
                && may_go_on(draft, waiter)?
            {
                first = Some((slot, waiter));
            }
        }
        Ok(first)
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

/// Whether it is worth an attempt. One operation alone that waits and changes a value is a
/// decrement.
fn may_go_on<M: Memory, C: Claimant>(draft: &Draft<'_, M, C>, waiter: Waiter) -> Result<bool> {
    if waiter.is_complex {
        return Ok(true);
    }
    let value = draft.member(usize::from(waiter.member))?.value;
    Ok((value > 0) == waiter.alters)
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
    draft.set_fact(Fact::Waiting, u64::from(waiting + 1) | (used.max(slot + 1) as u64) << 32);
    draft.use_part(slot / Kind::Waiter.cells());
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
    let last_used = (0..used).rev().find(|&other| {
        other != slot && draft.waiter(other).is_ok_and(|other| other.status == Status::Waiting)
    });
    let used = if slot + 1 == used { last_used.map_or(0, |last| last + 1) } else { used };
    draft.set_fact(Fact::Waiting, u64::from(waiting.saturating_sub(1)) | (used as u64) << 32);
    count(draft, waiter.member, false)?;
    draft.set_waiter(slot, Waiter { status, ..waiter })
}
