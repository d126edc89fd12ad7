//! What the straight lines of `one` and `many` share: a root that is claimed, and what is copied to
//! it.

use super::cells::{Adjustment, Holder, Member, VALUE_MAX};
use super::operate::{Actor, Operation, adjusted};
use super::state::{self, Kind, Memory, own_buffer};
use crate::atomic::{AtomicU64, Ordering, fence};
use crate::os::publication::LINE;
use crate::shared::claim::Claimant;

/// Semaphores in a chunk.
pub const MEMBERS: usize = Kind::Member.cells();
const ADJUSTMENTS: usize = Kind::Adjustment.cells();

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// All has been done.
    Done,
    /// Nothing: another thread was faster.
    Beaten,
    /// Nothing: the only operation would have to wait.
    Blocked,
    /// Nothing: it is not as simple as that.
    Other,
}

/// Says whether the caller may do what it wants.
pub trait Permits {
    /// In a set of this owner with this mode. False if more has to be asked.
    fn permits(&self, owner: u64, mode: u64) -> bool;
}

/// The root is claimed.
pub struct Straight<'a, M, C> {
    /// Of the set.
    pub memory: &'a M,
    /// The claimant of the root.
    pub who: &'a C,
    /// What was current before.
    pub source: u64,
    /// The index of the root.
    pub root: usize,
}

impl<M: Memory, C: Claimant> Straight<'_, M, C> {
    /// Whether what was current still is. What was read before is whole then.
    #[inline(always)]
    pub fn is_fresh(&self) -> bool {
        fence(Ordering::Acquire);
        self.memory.current().load(Ordering::Relaxed) == self.source
    }

    /// Changes a copy of the adjustments: so many are in use, in this buffer. Gives both anew. The
    /// cells that are in use are copied alone: the others are not looked at.
    #[inline(always)]
    pub fn adjust(
        &self,
        used: u64,
        buffers: u64,
        operations: &[Operation],
        holder: Holder,
    ) -> Option<(u64, u64)> {
        let mut used = usize::try_from(used).ok()?;
        let (before, own) = self.buffers(buffers, 0);
        let mut cells = [0; ADJUSTMENTS];
        for (cell, before) in
            cells.iter_mut().zip(self.buffer(Kind::Adjustment, 0, before)?.get(..used)?)
        {
            *cell = before.load(Ordering::Relaxed);
        }
        let copied = used;
        for operation in operations.iter().filter(|operation| operation.is_undone()) {
            let change = -i32::from(operation.amount);
            adjust_cells(&mut cells, &mut used, holder, operation.member, change)?;
        }
        let written = copied.max(used).next_multiple_of(LINE).min(ADJUSTMENTS);
        self.who.write(&cells[..written], self.buffer(Kind::Adjustment, 0, own)?).then_some(())?;
        Some((used as u64, state::with_buffer(buffers, 0, own)))
    }

    /// The index of the buffer of a chunk, and that of this root's own which replaces it.
    #[inline(always)]
    pub fn buffers(&self, word: u64, shift: u32) -> (usize, usize) {
        let before = state::buffer_in(word, shift);
        (before, own_buffer(self.root, before))
    }

    /// A buffer of a chunk, by its index.
    #[inline(always)]
    pub fn buffer(&self, kind: Kind, chunk: usize, number: usize) -> Option<&[AtomicU64]> {
        self.memory.buffer(kind, chunk, number)
    }
}

/// The semaphore after the operation. [`Attempt::Blocked`]; [`Attempt::Other`]: the value would be
/// too large.
#[inline(always)]
pub fn changed(cell: u64, operation: Operation, actor: Actor) -> Result<u64, Attempt> {
    let member = Member::read(cell);
    let value = i32::from(member.value) + i32::from(operation.amount);
    if value < 0 || (operation.amount == 0 && value != 0) {
        return Err(Attempt::Blocked);
    }
    if value > VALUE_MAX {
        return Err(Attempt::Other);
    }
    let value = u16::try_from(value).map_err(|_| Attempt::Other)?;
    Ok(Member { value, pid: actor.pid, ..member }.word())
}

/// As `operate::adjust`, in cells of which so many are in use. `None`: it is out of range, or there
/// is no space.
#[inline(always)]
fn adjust_cells(
    cells: &mut [u64; ADJUSTMENTS],
    used: &mut usize,
    holder: Holder,
    member: u16,
    change: i32,
) -> Option<()> {
    let key = Adjustment { holder, member, amount: 1 }.key();
    let known = cells.get(..*used)?.iter().position(|cell| cell & !0xffff == key && *cell != 0);
    let (at, before) = match known {
        Some(at) => (at, Adjustment::read(cells[at])?.amount),
        None => (cells.get(..*used)?.iter().position(|cell| *cell == 0).unwrap_or(*used), 0),
    };
    let amount = adjusted(before, change).ok()?;
    *cells.get_mut(at)? = Adjustment { holder, member, amount }.word();
    if at == *used {
        *used += 1;
    } else if amount == 0 && at + 1 == *used {
        *used = cells[..at].iter().rposition(|cell| *cell != 0).map_or(0, |last| last + 1);
    }
    Some(())
}
