//! Whether any thread may wait: one word for threads that wait for a message, one for threads that
//! wait for space.
//!
//! | bits | meaning | changed by |
//! |---|---|---|
//! | 0 | a thread may wait | set by a thread that begins to; cleared by one that finds no waiter |
//! | 1..32 | changes, modulo 2^31 | a thread that clears bit 0, or is about to commit what may be for a waiter |
//!
//! A waiter sets the bit, looks, and sleeps as long as the word is what it was when it set the bit.
//! (There is no wake on this word: it only keeps a sleep from beginning.) So it either sees a
//! commit, or sleeps before the commit changes the word. In the second case the committing thread
//! wakes it. If that thread dies first, the kernel wakes this waiter, or another one, which then
//! checks all waiters.
//!
//! A thread that clears the bit looks again, and sets it again if a thread waits. Meanwhile others
//! may have committed, and seen no waiter: so all waiters are to look again.
//!
//! All accesses are SeqCst: a waiter sets the bit, and looks; a committing thread claims its slot,
//! and looks at the bit. Either the bit is seen, or the claim.

use crate::atomic::{AtomicU32, Ordering};

const WAITS: u32 = 1;
const CHANGE: u32 = 2;

/// The word.
#[repr(transparent)]
#[derive(Default)]
pub struct Flag(AtomicU32);

/// A value of it with which one may sleep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen(pub u32);

impl Flag {
    /// Whether a thread may wait.
    #[inline(always)]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst) & WAITS != 0
    }

    /// A thread waits, and is about to look. Gives what it may sleep on, once it has looked.
    pub fn set(&self) -> Seen {
        Seen(self.0.fetch_or(WAITS, Ordering::SeqCst) | WAITS)
    }

    /// A commit comes: threads that have looked before do not begin to sleep.
    pub fn change(&self) {
        self.0.fetch_add(CHANGE, Ordering::SeqCst);
    }

    /// No thread seems to wait any more. True: one does, and all waiters are to look again. The
    /// caller has announced to the kernel that it owes them a wake.
    pub fn forget<E>(&self, is_any_there: impl FnOnce() -> Result<bool, E>) -> Result<bool, E> {
        let before = self.0.load(Ordering::SeqCst);
        let after = before.wrapping_add(CHANGE) & !WAITS;
        let (success, failure) = (Ordering::SeqCst, Ordering::Relaxed);
        if before & WAITS == 0
            || self.0.compare_exchange(before, after, success, failure).is_err()
            || !is_any_there()?
        {
            return Ok(false);
        }
        self.set();
        Ok(true)
    }

    /// Whether one may still sleep on this.
    #[cfg(loom)]
    pub fn is(&self, seen: Seen) -> bool {
        self.0.load(Ordering::Relaxed) == seen.0
    }

    /// The word, for a sleep.
    #[cfg(not(loom))]
    pub fn as_ptr(&self) -> *const u32 {
        self.0.as_ptr()
    }
}
