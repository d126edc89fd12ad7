//! An array of operations, which happens whole or not at all.

use super::cells::{Adjustment, Holder, VALUE_MAX};
use super::draft::Draft;
use super::state::{self, Fact, Kind, Memory};
use crate::atomic::Ordering;
use crate::os::{Errno, Result};
use crate::shared::claim::Claimant;

/// `IPC_NOWAIT` and `SEM_UNDO` of sys/ipc.h and sys/sem.h.
const NOWAIT: u16 = 0o4000;
const UNDO: u16 = 0x1000;

/// `struct sembuf`, also in the record of a waiter.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Operation {
    /// Which semaphore.
    pub member: u16,
    /// What is added; 0 waits for zero.
    pub amount: i16,
    /// IPC_NOWAIT, SEM_UNDO.
    pub flags: u16,
}

impl Operation {
    /// Whether it must not sleep.
    pub fn must_not_wait(self) -> bool {
        self.flags & NOWAIT != 0
    }

    /// Whether it is taken back when the process ends.
    #[inline(always)]
    pub fn is_undone(self) -> bool {
        self.flags & UNDO != 0 && self.amount != 0
    }

    /// As a word in shared memory.
    pub fn word(self) -> u64 {
        let amount = u64::from(self.amount.cast_unsigned());
        u64::from(self.member) | amount << 16 | u64::from(self.flags) << 32
    }

    /// The reverse of [`Operation::word`].
    #[expect(clippy::cast_possible_truncation, reason = "the parts are asked for")]
    pub fn read(word: u64) -> Self {
        let amount = ((word >> 16) as u16).cast_signed();
        Self { member: word as u16, amount, flags: (word >> 32) as u16 }
    }
}

/// The operations of a call, one or more.
#[derive(Clone, Copy, Debug)]
pub struct Array<'a> {
    operations: &'a [Operation],
    /// Whether one of them changes a value.
    pub alters: bool,
    /// Whether one of them is taken back when the process ends.
    pub is_undone: bool,
    /// The first and the last semaphore of the set that one of them names.
    pub members: (u16, u16),
}

impl<'a> Array<'a> {
    /// The array of these operations.
    #[inline(always)]
    pub fn new(operations: &'a [Operation]) -> Self {
        let mut array =
            Self { operations, alters: false, is_undone: false, members: (u16::MAX, 0) };
        for operation in operations {
            array.alters |= operation.amount != 0;
            array.is_undone |= operation.is_undone();
            let (first, last) = array.members;
            array.members = (first.min(operation.member), last.max(operation.member));
        }
        array
    }

    /// In their order.
    #[inline(always)]
    pub fn operations(&self) -> &'a [Operation] {
        self.operations
    }
}

/// Whose operations they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actor {
    /// For `sempid`.
    pub pid: u32,
    /// Its process, if that has a slot in the set: operations with SEM_UNDO need it.
    pub process: Option<Holder>,
    /// Seconds of CLOCK_REALTIME.
    pub now: u64,
}

/// What came of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All have been done.
    Done,
    /// None has been done. This one cannot proceed.
    Blocked(Operation),
}

/// Performs all operations in a draft, or none. ERANGE; EFBIG for a semaphore that there is not.
#[inline]
pub fn perform<M: Memory, C: Claimant>(
    draft: &mut Draft<'_, M, C>,
    operations: &[Operation],
    actor: Actor,
) -> Result<Outcome> {
    let mut near = 0;
    for (number, operation) in operations.iter().enumerate() {
        let refused = match step(draft, *operation, actor, &mut near) {
            Ok(true) => continue,
            Ok(false) => Ok(Outcome::Blocked(*operation)),
            Err(error) => Err(error),
        };
        for done in operations[..number].iter().rev() {
            back(draft, *done, actor, &mut near)?;
        }
        return refused;
    }
    for operation in operations {
        let number = usize::from(operation.member);
        let member = draft.member(number)?;
        if member.pid != actor.pid {
            draft.set_member(number, super::cells::Member { pid: actor.pid, ..member })?;
        }
    }
    draft.set_fact(Fact::Otime, actor.now);
    Ok(Outcome::Done)
}

/// One operation. `Ok(false)`: it cannot proceed.
#[inline]
fn step<M: Memory, C: Claimant>(
    draft: &mut Draft<'_, M, C>,
    operation: Operation,
    actor: Actor,
    near: &mut usize,
) -> Result<bool> {
    let number = usize::from(operation.member);
    if number >= draft.memory().members() {
        return Err(Errno::EFBIG);
    }
    let mut member = draft.member(number)?;
    let value = i32::from(member.value) + i32::from(operation.amount);
    if operation.amount == 0 {
        return Ok(value == 0);
    }
    if value < 0 {
        return Ok(false);
    }
    if value > VALUE_MAX {
        return Err(Errno::ERANGE);
    }
    if operation.is_undone() {
        adjust(draft, operation, actor, -i32::from(operation.amount), near)?;
    }
    member.value = u16::try_from(value).map_err(|_| Errno::ERANGE)?;
    draft.set_member(number, member)?;
    Ok(true)
}

/// Takes an operation back that has been done in this draft.
#[cold]
fn back<M: Memory, C: Claimant>(
    draft: &mut Draft<'_, M, C>,
    operation: Operation,
    actor: Actor,
    near: &mut usize,
) -> Result<()> {
    if operation.amount == 0 {
        return Ok(());
    }
    let number = usize::from(operation.member);
    let mut member = draft.member(number)?;
    let value = i32::from(member.value) - i32::from(operation.amount);
    member.value = u16::try_from(value).map_err(|_| Errno::EINVAL)?;
    draft.set_member(number, member)?;
    if operation.is_undone() {
        adjust(draft, operation, actor, i32::from(operation.amount), near)?;
    }
    Ok(())
}

/// Changes the adjustment that is added to the semaphore when the process has ended. ERANGE;
/// ENOMEM: there is no space for one more adjustment.
#[inline(never)]
fn adjust<M: Memory, C: Claimant>(
    draft: &mut Draft<'_, M, C>,
    operation: Operation,
    actor: Actor,
    change: i32,
    near: &mut usize,
) -> Result<()> {
    let holder = actor.process.ok_or(Errno::ENOMEM)?;
    let (found, free) = find_adjustment(draft, holder, operation.member, near)?;
    let amount = adjusted(found.map_or(0, |(_, amount)| amount), change)?;
    let cell = found.map(|(cell, _)| cell).or(free).ok_or(Errno::ENOMEM)?;
    let used = usize::try_from(draft.fact(Fact::Adjusted)).unwrap_or(0);
    draft.use_extent(cell / Kind::Adjustment.cells());
    match (cell + 1).cmp(&used) {
        core::cmp::Ordering::Greater => draft.set_fact(Fact::Adjusted, cell as u64 + 1),
        // The last one goes: mostly a lock is given back, and then there is none.
        core::cmp::Ordering::Equal if amount == 0 => {
            let used = used_before(draft, cell)?;
            draft.set_fact(Fact::Adjusted, used as u64);
        }
        _ => {}
    }
    let adjustment = Adjustment { holder, member: operation.member, amount };
    draft.set_adjustment(cell, Some(adjustment))
}

/// An adjustment after a change. ERANGE: it is not within -32768..=32767 (`SEMAEM`).
#[inline(always)]
pub fn adjusted(before: i16, change: i32) -> Result<i16> {
    i16::try_from(i32::from(before) + change).map_err(|_| Errno::ERANGE)
}

/// A cell and what it adds.
type Found = Option<(usize, i16)>;

/// The adjustment of a process to a semaphore, or else the first cell that is free. `near` is
/// behind the one for the operation before, and is looked at first: arrays name the same semaphores
/// in the same order again and again.
fn find_adjustment<M: Memory, C: Claimant>(
    draft: &Draft<'_, M, C>,
    holder: Holder,
    member: u16,
    near: &mut usize,
) -> Result<(Found, Option<usize>)> {
    let capacity = state::capacity(draft.memory(), Kind::Adjustment);
    let used = usize::try_from(draft.fact(Fact::Adjusted)).unwrap_or(0).min(capacity);
    let key = Adjustment { holder, member, amount: 1 }.key();
    if *near < used
        && let Some(known) = draft.adjustment(*near)?
        && known.key() == key
    {
        *near += 1;
        return Ok((Some((*near - 1, known.amount)), None));
    }
    let mut free = (used < capacity).then_some(used);
    // From the end: mostly what was added last goes first.
    for chunk in (0..used.div_ceil(Kind::Adjustment.cells())).rev() {
        let first = chunk * Kind::Adjustment.cells();
        let words = draft.cells(Kind::Adjustment, chunk)?;
        for (word, cell) in words.iter().zip(first..used).rev() {
            match Adjustment::parts(word.load(Ordering::Relaxed)) {
                (_, 0) => free = Some(cell),
                (known, amount) if known == key => {
                    *near = cell + 1;
                    return Ok((Some((cell, amount)), free));
                }
                _ => {}
            }
        }
    }
    Ok((None, free))
}

/// Cells of adjustments that are in use when those behind this one are free, and it is, too.
fn used_before<M: Memory, C: Claimant>(draft: &Draft<'_, M, C>, cell: usize) -> Result<usize> {
    for before in (0..cell).rev() {
        if draft.adjustment(before)?.is_some() {
            return Ok(before + 1);
        }
    }
    Ok(0)
}
