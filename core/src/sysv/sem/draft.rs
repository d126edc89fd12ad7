//! A changed copy of a set's state, which is swapped in whole or not at all.

use super::cells::{Adjustment, Member, Waiter};
use super::state::{
    self, BUFFERS, CHUNKS_MAX, Fact, Kind, MEMBER_CHUNKS_MAX, Memory, NO_EXTENT, ROOTS,
    buffer_number, following, reference, root_of, used_words,
};
use crate::atomic::{AtomicU64, Ordering, fence};
use crate::os::{Errno, Result};
use crate::shared::claim::{self, Claimant};

/// Bits for the chunks that a draft has copied.
const CHUNK_WORDS: usize = (MEMBER_CHUNKS_MAX + 2 * CHUNKS_MAX).div_ceil(64);

/// See the module. The root is given back when it is dropped.
pub struct Draft<'d, M: Memory, C: Claimant> {
    memory: &'d M,
    who: &'d C,
    /// What was current when the copy was made.
    source: u64,
    root: usize,
    /// Chunks that have been copied into buffers of this root.
    copied: [u64; CHUNK_WORDS],
}

impl<'d, M: Memory, C: Claimant> Draft<'d, M, C> {
    /// A copy of what is current. `hint` says where to begin the search for a root, so that threads
    /// keep to roots, and cache lines, of their own. `None`: others have all of them.
    #[inline]
    pub fn of_current(memory: &'d M, who: &'d C, hint: usize) -> Option<Self> {
        (0..ROOTS).find_map(|step| Self::in_root(memory, who, (hint + step) % ROOTS))
    }

    /// `None`: the root is current, or claimed.
    #[inline(always)]
    fn in_root(memory: &'d M, who: &'d C, root: usize) -> Option<Self> {
        // Relaxed: it is looked at again behind the claim.
        if root_of(memory.current().load(Ordering::Relaxed)) == root
            || !claim::claim(memory.claim(root), who)
        {
            return None;
        }
        let mut draft = Self { memory, who, source: 0, root, copied: [0; CHUNK_WORDS] };
        draft.copy().then_some(draft)
    }

    /// Copies what is current into the root. False: the root has become current before the claim.
    #[inline(always)]
    fn copy(&mut self) -> bool {
        loop {
            // Acquire: the root that it names is there.
            self.source = self.memory.current().load(Ordering::Acquire);
            let from = root_of(self.source);
            if from == self.root {
                return false;
            }
            // Before the first store: see `state`.
            fence(Ordering::Release);
            let (old, new) = (self.memory.root(from), self.memory.root(self.root));
            let extents = old[Fact::Extents as usize].load(Ordering::Relaxed);
            for words in used_words(self.memory, extents) {
                self.who.copy(&old[words.clone()], &new[words]);
            }
            // Whatever has become of it meanwhile, these are the words that were copied.
            self.store(&new[Fact::Extents as usize], extents);
            // Nothing of the copy is used as an index before it is known to be whole.
            if self.is_fresh() {
                return true;
            }
        }
    }

    /// Forgets all changes. False: something else has become current meanwhile.
    pub fn forget_changes(&mut self) -> bool {
        let source = self.source;
        self.copied = [0; CHUNK_WORDS];
        self.copy() && self.source == source
    }

    /// Whether what was copied still is current.
    #[inline(always)]
    pub fn is_fresh(&self) -> bool {
        fence(Ordering::Acquire);
        self.memory.current().load(Ordering::Relaxed) == self.source
    }

    /// The memory of the set.
    pub fn memory(&self) -> &'d M {
        self.memory
    }

    /// Makes the draft current. False: something else has become current meanwhile. The root stays
    /// claimed until the draft is dropped.
    #[inline(always)]
    pub fn publish(&self) -> bool {
        self.who.exchange(self.memory.current(), self.source, following(self.source, self.root))
    }

    /// The claim of the root, for a holder that guards it.
    pub fn claim(&self) -> &crate::atomic::AtomicU32 {
        self.memory.claim(self.root)
    }

    #[inline(always)]
    fn fact_word(&self, fact: Fact) -> &AtomicU64 {
        &self.memory.root(self.root)[fact as usize]
    }

    /// A fact of the set.
    #[inline(always)]
    pub fn fact(&self, fact: Fact) -> u64 {
        self.fact_word(fact).load(Ordering::Relaxed)
    }

    /// Changes a fact.
    #[inline(always)]
    pub fn set_fact(&mut self, fact: Fact, value: u64) {
        self.store(self.fact_word(fact), value);
    }

    /// Nothing in the child of a fork: the root is its parent's.
    #[inline(always)]
    fn store(&self, into: &AtomicU64, word: u64) {
        self.who.write(&[word], core::slice::from_ref(into));
    }

    /// An extent comes into use. From now on the references of all extents up to it count.
    pub fn use_extent(&mut self, extent: usize) {
        let before = self.fact(Fact::Extents);
        if extent as u64 <= before {
            return;
        }
        let root = self.memory.root(self.root);
        let known = used_words(self.memory, before);
        for (words, known) in used_words(self.memory, extent as u64).into_iter().zip(known) {
            for word in &root[known.end..words.end] {
                self.store(word, 0);
            }
        }
        self.set_fact(Fact::Extents, extent as u64);
    }

    #[inline(always)]
    fn cell(&self, kind: Kind, index: usize) -> Result<u64> {
        state::cell_of(self.memory, self.root, kind, index)
    }

    #[inline(always)]
    fn set_cell(&mut self, kind: Kind, index: usize, word: u64) -> Result<()> {
        let (chunk, cell) = (index / kind.cells(), index % kind.cells());
        self.make_own(kind, chunk)?;
        let words = state::buffer_of(self.memory, self.root, kind, chunk)?;
        self.store(words.get(cell).ok_or(Errno::EINVAL)?, word);
        Ok(())
    }

    /// Makes sure that the chunk is in a buffer of this root, and not in one that is current.
    fn make_own(&mut self, kind: Kind, chunk: usize) -> Result<()> {
        let bit = chunk
            + match kind {
                Kind::Member => 0,
                Kind::Waiter => MEMBER_CHUNKS_MAX,
                Kind::Adjustment => MEMBER_CHUNKS_MAX + CHUNKS_MAX,
            };
        let copied = self.copied.get_mut(bit / 64).ok_or(Errno::EINVAL)?;
        if *copied >> (bit % 64) & 1 != 0 {
            return Ok(());
        }
        let before = buffer_number(self.memory, self.root, kind, chunk);
        let own = state::own_buffer(self.root, before);
        debug_assert!(own < BUFFERS && own != before);
        let from = self.memory.buffer(kind, chunk, before).ok_or(NO_EXTENT)?;
        let into = self.memory.buffer(kind, chunk, own).ok_or(NO_EXTENT)?;
        *copied |= 1 << (bit % 64);
        self.who.copy(from, into);
        let (word, shift) = reference(self.memory, kind, chunk);
        let word = self.memory.root(self.root).get(word).ok_or(Errno::EINVAL)?;
        self.store(word, state::with_buffer(word.load(Ordering::Relaxed), shift, own));
        Ok(())
    }

    /// The words of a chunk of cells, to look at many of them.
    #[inline(always)]
    pub fn cells(&self, kind: Kind, chunk: usize) -> Result<&'d [AtomicU64]> {
        state::buffer_of(self.memory, self.root, kind, chunk)
    }

    /// A semaphore.
    #[inline(always)]
    pub fn member(&self, index: usize) -> Result<Member> {
        self.cell(Kind::Member, index).map(Member::read)
    }

    /// Changes a semaphore.
    #[inline(always)]
    pub fn set_member(&mut self, index: usize, member: Member) -> Result<()> {
        self.set_cell(Kind::Member, index, member.word())
    }

    /// A waiter.
    pub fn waiter(&self, slot: usize) -> Result<Waiter> {
        self.cell(Kind::Waiter, slot).map(Waiter::read)
    }

    /// Changes a waiter.
    pub fn set_waiter(&mut self, slot: usize, waiter: Waiter) -> Result<()> {
        self.set_cell(Kind::Waiter, slot, waiter.word())
    }

    /// An adjustment.
    pub fn adjustment(&self, index: usize) -> Result<Option<Adjustment>> {
        self.cell(Kind::Adjustment, index).map(Adjustment::read)
    }

    /// Changes an adjustment, or frees its cell.
    pub fn set_adjustment(&mut self, index: usize, adjustment: Option<Adjustment>) -> Result<()> {
        self.set_cell(Kind::Adjustment, index, adjustment.map_or(0, Adjustment::word))
    }
}

impl<M: Memory, C: Claimant> Drop for Draft<'_, M, C> {
    /// If it has become current, no thread takes the root anew before another one is current.
    fn drop(&mut self) {
        // One that is killed in the middle gives nothing back.
        #[cfg(loom)]
        if std::thread::panicking() {
            return;
        }
        claim::release(self.memory.claim(self.root), self.who);
    }
}
