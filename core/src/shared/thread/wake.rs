//! Announces to the kernel that a wake is due.
//!
//! A *death word* always reads 0. When a thread dies while `list_op_pending` points to one, the
//! kernel leaves the word unchanged and wakes one sleeper on it (handle_futex_death() of
//! kernel/futex/core.c). So a thread that waits for a wake which another thread may owe to it
//! sleeps on the death word as well.

use core::cell::Cell;

use super::activation::Activation;
use super::block::Thread;
use super::operation::Operation;
use crate::atomic::{AtomicU32, AtomicUsize, Ordering, compiler_fence};
use crate::shared::presence::{self, Surety};

/// Until it is dropped the kernel wakes a sleeper if the thread dies.
#[must_use]
pub struct Announcement<'t> {
    thread: &'t Thread,
    pending: &'t AtomicUsize,
    entry: Cell<usize>,
    /// That of the operation, which says the same.
    activation: Option<&'t Activation>,
}

impl Thread {
    /// Announces that a wake is due, for a thread without a claim: one that posts a semaphore, or
    /// has been woken and has not taken yet. `None`: it cannot be announced, and a death now goes
    /// unnoticed, because another operation is pending (a handler has interrupted it), there is no
    /// robust list, or the word does not read 0.
    ///
    /// Async-signal-safe; it nests. The word is not accessed after this.
    pub fn announce_wake(&self, death_word: &AtomicU32) -> Option<Announcement<'_>> {
        let pending = self.pending();
        (pending.load(Ordering::Relaxed) == 0).then(|| self.lead(pending, death_word, None))?
    }

    /// Whether the kernel gives a wake on this word if the thread dies now.
    #[cold]
    pub fn owes_wake(&self, death_word: &AtomicU32) -> bool {
        self.pending().load(Ordering::Relaxed) == self.entry_of(death_word)
            && death_word.load(Ordering::Relaxed) == 0
    }

    /// Leads `list_op_pending`, which is ours to use, to the death word.
    fn lead<'t>(
        &'t self,
        pending: &'t AtomicUsize,
        death_word: &AtomicU32,
        activation: Option<&'t Activation>,
    ) -> Option<Announcement<'t>> {
        // The kernel would take any other value for a TID.
        if death_word.load(Ordering::Relaxed) != 0 {
            return None;
        }
        let entry = self.entry_of(death_word);
        if let Some(activation) = activation {
            activation.owed.store(entry, Ordering::Relaxed);
            compiler_fence(Ordering::SeqCst);
        }
        pending.store(entry, Ordering::Relaxed);
        compiler_fence(Ordering::SeqCst);
        Some(Announcement { thread: self, pending, entry: Cell::new(entry), activation })
    }
}

impl<'t> Operation<'t> {
    /// The same for an operation that holds this claim, and is about to commit: from now on others
    /// look for themselves whether the holder of the claim lives, and the kernel watches the death
    /// word, also when the claim has been released. `None` as above, and where the process's
    /// presence is not to be had; then the claim is watched as before.
    #[cold]
    pub fn guard_wake(
        &self,
        claim: &AtomicU32,
        death_word: &AtomicU32,
    ) -> Option<Announcement<'t>> {
        let pending = self.thread.pending();
        let before = pending.load(Ordering::Relaxed);
        let is_ours = before == 0 || before == self.thread.entry_of(claim);
        if !is_ours || death_word.load(Ordering::Relaxed) != 0 {
            return None;
        }
        self.mark(claim)?;
        compiler_fence(Ordering::SeqCst);
        self.thread.lead(pending, death_word, Some(self.activation))
    }

    /// Marks the claim as one that the kernel does not watch. `None`: there is no presence.
    #[cold]
    fn mark(&self, claim: &AtomicU32) -> Option<u32> {
        self.activation.by_presence.store(true, Ordering::SeqCst);
        let identity = presence::identity(self.thread, Surety::Likely);
        match identity {
            // Relaxed: the word is ours, and others take it for held before and after.
            Some(identity) if !self.is_orphan() => claim.store(identity, Ordering::Relaxed),
            _ => self.activation.by_presence.store(false, Ordering::Release),
        }
        identity
    }
}

impl Announcement<'_> {
    /// From now on the wake is due on another death word. Not if that does not read 0, or a handler
    /// has left something else pending.
    pub fn redirect(&self, death_word: &AtomicU32) {
        let is_ours = self.pending.load(Ordering::Relaxed) == self.entry.get();
        if is_ours && death_word.load(Ordering::Relaxed) == 0 {
            compiler_fence(Ordering::SeqCst);
            let before = self.entry.replace(self.thread.entry_of(death_word));
            self.note(before, self.entry.get());
            self.pending.store(self.entry.get(), Ordering::Relaxed);
            compiler_fence(Ordering::SeqCst);
        }
    }

    /// Says so in the activation of the operation. In the child of a fork another one may have it.
    fn note(&self, before: usize, now: usize) {
        if let Some(activation) = self.activation
            && activation.owed.load(Ordering::Relaxed) == before
        {
            activation.owed.store(now, Ordering::Relaxed);
        }
    }
}

impl Drop for Announcement<'_> {
    fn drop(&mut self) {
        compiler_fence(Ordering::SeqCst);
        // A handler that locked a robust mutex has left 0 there.
        if self.pending.load(Ordering::Relaxed) == self.entry.get() {
            self.pending.store(0, Ordering::Relaxed);
        }
        compiler_fence(Ordering::SeqCst);
        self.note(self.entry.get(), 0);
    }
}
