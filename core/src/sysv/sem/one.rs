//! One operation that proceeds at once. The current state is copied, changed and published in one
//! sequence (`os::restartable`).

use super::operate::{Actor, Operation};
use super::state::{
    self, ADJUSTMENT_BUFFERS, Fact, Kind, MEMBER_BUFFERS, Memory, REMOVED, USUAL_WORDS, following,
    root_of,
};
use super::straight::{Attempt, MEMBERS, Permits, Straight, changed};
use crate::atomic::{AtomicU64, Ordering, fence};
use crate::os::publication::{HEAD, LINE, Publication, ROOT};
use crate::shared::claim::Claimant;

const _: () = assert!(ROOT == USUAL_WORDS && HEAD == state::HEAD);

type Root = [AtomicU64; ROOT];

impl<M: Memory, C: Claimant> Straight<'_, M, C> {
    /// As `at_once`.
    #[inline(always)]
    pub fn perform_one(
        &self,
        operation: Operation,
        actor: Actor,
        permits: &impl Permits,
    ) -> Attempt {
        let roots = (self.memory.root(root_of(self.source)), self.memory.root(self.root));
        let (Some(old), Some(new)) = (roots.0.first_chunk(), roots.1.first_chunk()) else {
            return Attempt::Other;
        };
        let fact = |fact: Fact| old[fact as usize].load(Ordering::Relaxed);
        let (owner, mode) = (fact(Fact::Owner), fact(Fact::Mode));
        let is_simple = fact(Fact::Waiting) & u64::from(u32::MAX) == 0
            && mode & REMOVED == 0
            && state::is_usual(self.memory, fact(Fact::Extents));
        let numbers = [MEMBER_BUFFERS, ADJUSTMENT_BUFFERS, Fact::Adjusted as usize];
        let [members, adjustments, used] = numbers.map(|word| old[word].load(Ordering::Relaxed));
        // After the claim: from now on no other thread makes this root current. Nothing that was
        // read is used as an index before it is known to be whole. And after this the only buffer
        // of this root that any state refers to is the one that was read.
        if !self.is_fresh() {
            return Attempt::Beaten;
        }
        // Before the first store: see `state`.
        fence(Ordering::Release);
        if !is_simple || !permits.permits(owner, mode) {
            return Attempt::Other;
        }
        let head = [0, members, adjustments, used];
        match self.publish((old, new), head, operation, actor) {
            Ok(()) => Attempt::Done,
            Err(Attempt::Blocked) if !self.is_fresh() => Attempt::Beaten,
            Err(attempt) => attempt,
        }
    }

    #[inline(always)]
    fn publish(
        &self,
        root: (&Root, &Root),
        [_, members, mut adjustments, mut used]: [u64; HEAD],
        operation: Operation,
        actor: Actor,
    ) -> Result<(), Attempt> {
        let (chunk, place) =
            (usize::from(operation.member) / MEMBERS, usize::from(operation.member) % MEMBERS);
        // The indices of further ones are in other words.
        if chunk >= state::REFERENCES {
            return Err(Attempt::Other);
        }
        let shift = u32::try_from(chunk).unwrap_or(0) * 8;
        let (before, own) = self.buffers(members, shift);
        let buffers = (self.members(chunk, before)?, self.members(chunk, own)?);
        let line = (line_of(buffers.0, place)?, line_of(buffers.1, place)?);
        let cell = changed(line.0[place % LINE].load(Ordering::Relaxed), operation, actor)?;
        if buffers.0.len() > LINE && !self.who.copy(buffers.0, buffers.1) {
            return Err(Attempt::Beaten);
        }
        if operation.is_undone() {
            let process = actor.process.ok_or(Attempt::Other)?;
            let adjusted = self.adjust(used, adjustments, &[operation], process);
            (used, adjustments) = adjusted.ok_or(Attempt::Other)?;
        }
        let publication = Publication {
            root,
            head: [actor.now, state::with_buffer(members, shift, own), adjustments, used],
            line,
            cell: (place % LINE, cell),
            current: self.memory.current(),
            exchange: (self.source, following(self.source, self.root)),
        };
        if self.who.publish(&publication) { Ok(()) } else { Err(Attempt::Beaten) }
    }

    #[inline(always)]
    fn members(&self, chunk: usize, buffer: usize) -> Result<&[AtomicU64], Attempt> {
        self.buffer(Kind::Member, chunk, buffer).ok_or(Attempt::Other)
    }
}

/// The line of a buffer in which this cell is.
#[inline(always)]
fn line_of(buffer: &[AtomicU64], cell: usize) -> Result<&[AtomicU64; LINE], Attempt> {
    let line = buffer.get(cell & !(LINE - 1)..).and_then(|line| line.first_chunk());
    line.ok_or(Attempt::Other)
}
