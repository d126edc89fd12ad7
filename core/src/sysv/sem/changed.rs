//! Which semaphores a change, and what it makes possible, have changed.

use super::draft::Draft;
use super::operate::Operation;
use super::state::Memory;
use crate::os::Result;
use crate::shared::claim::Claimant;

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

    /// Whether one of them blocks a waiter; true if all would have to be looked at.
    fn blocks_any<M: Memory, C: Claimant>(&self, draft: &Draft<'_, M, C>) -> Result<bool> {
        self.few[..self.count].iter().try_fold(self.all, |any, &member| {
            Ok(any || draft.member(usize::from(member))?.waiters > 0)
        })
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

    /// Whether this one has changed.
    #[inline(always)]
    pub fn has(&self, member: u16) -> bool {
        self.changed.has(member)
    }

    /// Whether one of those that the last array names is zero.
    pub fn has_named_zero<M: Memory, C: Claimant>(&self, draft: &Draft<'_, M, C>) -> Result<bool> {
        self.named.have_zero(draft)
    }

    /// This one. Any may be zero.
    pub fn only(member: u16) -> Self {
        let mut changed = Self { changed: Members::none(), ..Self::all() };
        changed.changed.add(member);
        changed
    }

    /// Whether one of those that have changed blocks a waiter.
    pub fn blocks_any<M: Memory, C: Claimant>(&self, draft: &Draft<'_, M, C>) -> Result<bool> {
        self.changed.blocks_any(draft)
    }

    /// Those that an array has changed.
    pub fn by(operations: &[Operation]) -> Self {
        let mut changed = Self { changed: Members::none(), named: Members::none() };
        changed.add(operations);
        changed
    }

    /// Another array has been performed.
    pub fn add(&mut self, operations: &[Operation]) {
        self.named = Members::none();
        for operation in operations {
            self.named.add(operation.member);
            if operation.amount != 0 {
                self.changed.add(operation.member);
            }
        }
    }
}
