//! Whether any thread may wait: one word for threads that wait for a message, one for threads that
//! wait for space.
//!
//! | bits | meaning | changed by |
//! |---|---|---|
//! | 0 | a thread may wait | set by a thread that begins to; cleared by one that finds no waiter |
//! | 1..64 | changes | a thread that is about to commit what may be for a waiter: adds one |
//! | 32..64 | how often bit 0 has been cleared, or more | a thread that clears it: adds one |
//!
//! A waiter sets the bit, looks, and sleeps as long as the low half of the word is what it was when
//! it set the bit. (Nobody wakes sleepers on this word: it only keeps a sleep from beginning.) So
//! it either sees a commit, or sleeps before the commit changes the word. In the second case the
//! committing thread wakes it. If that thread dies first, the kernel wakes this waiter, or another
//! one, which then checks all waiters.
//!
//! A thread that clears the bit looks again, and sets it again if a thread waits. Meanwhile others
//! may have committed, and seen no waiter: so all waiters are to look again.
//!
//! All accesses are SeqCst: a waiter sets the bit, and looks; a committing thread claims its slot,
//! and looks at the bit. Either the bit is seen, or the claim. The bit is cleared by an exchange of
//! the claimant, so the child of a fork in a handler clears nothing: if it were killed after that,
//! nobody would be told.

use crate::atomic::{AtomicU64, Ordering};
use crate::shared::claim::Claimant;

const WAITS: u64 = 1;
const CHANGE: u64 = 2;
/// Also a change.
const CLEARED: u64 = 1 << 32;

/// The word.
#[repr(transparent)]
#[derive(Default)]
pub struct Flag(AtomicU64);

/// A value of it with which one may sleep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The half of it that one sleeps on.
    pub word: u32,
    /// As long as this is the same, a thread has been waiting all the time.
    pub cleared: u32,
}

impl Seen {
    #[expect(clippy::cast_possible_truncation, reason = "so it is meant")]
    fn of(word: u64) -> Self {
        Self { word: word as u32, cleared: (word >> 32) as u32 }
    }
}

impl Flag {
    /// Whether a thread may wait.
    #[inline(always)]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst) & WAITS != 0
    }

    /// A thread waits, and is about to look. Gives what it may sleep on, once it has looked.
    pub fn set(&self) -> Seen {
        Seen::of(self.0.fetch_or(WAITS, Ordering::SeqCst) | WAITS)
    }

    /// A commit comes: threads that have looked before do not begin to sleep.
    pub fn change(&self) {
        self.0.fetch_add(CHANGE, Ordering::SeqCst);
    }

    /// No thread seems to wait any more. True: one does, and all waiters are to look again. The
    /// caller has announced to the kernel that it owes them a wake.
    pub fn forget<E>(
        &self,
        is_any_there: impl FnOnce() -> Result<bool, E>,
        who: &impl Claimant,
    ) -> Result<bool, E> {
        let before = self.0.load(Ordering::SeqCst);
        let after = before.wrapping_add(CLEARED + CHANGE) & !WAITS;
        if before & WAITS == 0 || !who.exchange(&self.0, before, after) || !is_any_there()? {
            return Ok(false);
        }
        self.set();
        Ok(true)
    }

    /// Whether one may still sleep on this.
    #[cfg(loom)]
    pub fn is(&self, seen: Seen) -> bool {
        Seen::of(self.0.load(Ordering::Relaxed)).word == seen.word
    }

    /// The low half of the word, for a sleep.
    #[cfg(not(loom))]
    pub fn as_ptr(&self) -> *const u32 {
        self.0.as_ptr().cast::<u32>().wrapping_add(usize::from(cfg!(target_endian = "big")))
    }
}
