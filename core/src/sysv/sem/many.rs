//! An array of operations that proceeds at once: the new state is built on the caller's stack, and
//! copied to shared memory in one piece.

use super::operate::{Actor, Array, Operation};
use super::state::{
    self, ADJUSTMENT_BUFFERS, Fact, Kind, Memory, REMOVED, USUAL_WORDS, following, reference,
    root_of,
};
use super::straight::{Attempt, MEMBERS, Permits, Straight, changed};
use crate::atomic::{AtomicU64, Ordering, fence};
use crate::os::publication::LINE;
use crate::shared::claim::Claimant;

impl<M: Memory, C: Claimant> Straight<'_, M, C> {
    /// As `at_once`.
    #[inline(always)]
    pub fn perform_many(&self, array: &Array<'_>, actor: Actor, permits: &impl Permits) -> Attempt {
        // After the claim: from now on no other thread makes this root current.
        if !self.is_fresh() {
            return Attempt::Beaten;
        }
        let mut words = copy::<USUAL_WORDS>(self.memory.root(root_of(self.source)));
        // Nothing of the copy is used as an index before it is known to be whole. And after this
        // the only buffer of this root that any state refers to is the one that the copy refers to.
        if !self.is_fresh() {
            return Attempt::Beaten;
        }
        // Before the first store: see `state`.
        fence(Ordering::Release);
        let fact = |fact: Fact| words[fact as usize];
        let is_simple = fact(Fact::Waiting) & u64::from(u32::MAX) == 0
            && fact(Fact::Mode) & REMOVED == 0
            && state::is_usual(self.memory, fact(Fact::Extents))
            && permits.permits(fact(Fact::Owner), fact(Fact::Mode));
        if !is_simple || self.change(&mut words, array, actor).is_none() {
            return Attempt::Other;
        }
        words[Fact::Otime as usize] = actor.now;
        let next = following(self.source, self.root);
        let done = self.who.write(&words, self.memory.root(self.root))
            && self.who.exchange(self.memory.current(), self.source, next);
        if done { Attempt::Done } else { Attempt::Beaten }
    }

    /// Writes the chunks that change to buffers of the root. `None`: the case is not simple.
    #[inline(always)]
    fn change(
        &self,
        words: &mut [u64; USUAL_WORDS],
        array: &Array<'_>,
        actor: Actor,
    ) -> Option<()> {
        let (operations, (first, last)) = (array.operations(), array.members);
        let chunk = usize::from(first) / MEMBERS;
        if chunk != usize::from(last) / MEMBERS {
            return None;
        }
        let (word, shift) = reference(self.memory, Kind::Member, chunk);
        let word = words.get_mut(word)?;
        let (before, own) = self.buffers(*word, shift);
        *word = state::with_buffer(*word, shift, own);
        let (before, own) =
            (self.buffer(Kind::Member, chunk, before)?, self.buffer(Kind::Member, chunk, own)?);
        if before.len() == LINE {
            let mut cells = copy::<LINE>(before);
            change_members(&mut cells, chunk, operations, actor)?;
            self.who.write(&cells, own).then_some(())?;
        } else {
            let mut cells = [0; MEMBERS];
            let cells = cells.get_mut(..before.len())?;
            copy_lines(before, cells);
            change_members(cells, chunk, operations, actor)?;
            self.who.write(cells, own).then_some(())?;
        }
        if array.is_undone {
            let used = words[Fact::Adjusted as usize];
            let buffers = words[ADJUSTMENT_BUFFERS];
            let (used, buffers) = self.adjust(used, buffers, operations, actor.process?)?;
            words[Fact::Adjusted as usize] = used;
            words[ADJUSTMENT_BUFFERS] = buffers;
        }
        Some(())
    }
}

#[inline(always)]
fn copy<const COUNT: usize>(from: &[AtomicU64]) -> [u64; COUNT] {
    let mut words = [0; COUNT];
    if let Some(from) = from.first_chunk::<COUNT>() {
        for (word, from) in words.iter_mut().zip(from) {
            *word = from.load(Ordering::Relaxed);
        }
    }
    words
}

#[inline(always)]
fn copy_lines(from: &[AtomicU64], into: &mut [u64]) {
    for (into, from) in into.chunks_exact_mut(LINE).zip(from.chunks_exact(LINE)) {
        into.copy_from_slice(&copy::<LINE>(from));
    }
}

/// `None`: one of them cannot proceed.
#[inline(always)]
fn change_members(
    cells: &mut [u64],
    chunk: usize,
    operations: &[Operation],
    actor: Actor,
) -> Option<()> {
    for operation in operations {
        let place = usize::from(operation.member).wrapping_sub(chunk * MEMBERS);
        let cell = cells.get_mut(place)?;
        *cell = changed(*cell, *operation, actor).ok()?;
    }
    Some(())
}
