//! Slots that a process keeps beyond a call: loans, and borrowed messages.
//!
//! The claim word of such a slot names the process (`shared::claim::PROCESS`), and no thread. The
//! key is what it was: a loan has no message, a borrowed message has its key, and so its place in
//! the order. So there is nothing to repair when the process dies. As soon as the claim is free, a
//! loan is a free slot, and a borrowed message is the next one again.
//!
//! ```text
//!         claim            key                 claim            key
//! free    0                no message ─ loan ─> the process     no message
//!         TID              no message <─ commit, by adopting
//! there   0                message ── borrow ─> the process     message
//!         TID              message <─ release or return, by adopting
//! ```
//!
//! Who gives back what a dead process holds, and when, follows from its *entry* in the queue:
//!
//! | `owner` | `mark` | meaning | stored by |
//! |---|---|---|---|
//! | 0 | any | free | |
//! | the process | without a TID | it is being taken, and nothing is held yet; a thread that needs a entry finds out whether the process is dead | a thread of the process, by CAS of `owner`, and then 0 to `mark` |
//! | the process | TID, `FUTEX_WAITERS` | the process lives, or has not begun to die | the same |
//! | the process | [`OWNER_DIED`] | it has begun to die, or to run another program | the kernel (`presence::marks`), which wakes one sleeper |
//! | the process | and `NOTICED` | all sleepers have been woken | a thread that sees the mark, after it has woken them |
//!
//! A marked process may still write: one of its threads may run for some more instructions. So what
//! it holds is given back once its presence has gone, too. The claims come first, then the wakes,
//! and `owner` becomes 0 at last, so a thread that is killed in the middle leaves the rest to the
//! next one. The pair of mark and presence is what counts: a presence alone may be lost by a
//! program that closes descriptors which are not its own.
//!
//! Orderings. `pid` is Relaxed; it is stored before `mark`. All other accesses are SeqCst, as none
//! is on a fast path. A thread that sleeps has announced itself before it reads the entries. A
//! process that has taken a entry wakes all sleepers after that. So each sleeper knows all
//! entries.

use crate::atomic::{AtomicU32, Ordering};
use crate::shared::claim::OWNER_DIED;

/// Processes that may have a entry at one time: a sleeper waits for all of them, and for two words
/// more.
pub const HOLDERS: usize = if cfg!(loom) { 2 } else { 30 };

/// In a mark. The kernel removes it, as it does all but `FUTEX_WAITERS`.
const NOTICED: u32 = 1;

/// What is known of a process that may hold slots.
#[repr(C)]
#[derive(Default)]
pub struct Entry {
    /// See the module. Aligned to 8 bytes, for `presence::marks`.
    mark: AtomicU32,
    owner: AtomicU32,
    /// The process, as it knows itself: for tools that show it.
    pid: AtomicU32,
    _unused: AtomicU32,
}

/// The entries of a queue.
#[repr(C, align(8))]
#[derive(Default)]
pub struct Holders {
    /// No entry from this number on has ever been taken. Raised by a thread that takes one.
    used: AtomicU32,
    _unused: AtomicU32,
    entries: [Entry; HOLDERS],
}

impl Entry {
    /// The word that the kernel marks.
    pub fn mark(&self) -> &AtomicU32 {
        &self.mark
    }

    /// What the process holds slots with; 0 = there is none.
    pub fn owner(&self) -> u32 {
        self.owner.load(Ordering::SeqCst)
    }

    /// The process, as it knows itself.
    pub fn pid(&self) -> u32 {
        self.pid.load(Ordering::Relaxed)
    }

    /// What [`Entry::mark`] holds while the process lives.
    pub fn begin(&self, mark: u32, pid: u32) {
        self.pid.store(pid, Ordering::Relaxed);
        self.mark.store(mark, Ordering::SeqCst);
    }

    /// Gives it back, if it still is this one's. The process holds nothing any more.
    pub fn give_back(&self, owner: u32) {
        let _ = self.owner.compare_exchange(owner, 0, Ordering::SeqCst, Ordering::Relaxed);
    }

    /// Whether the kernel has marked it.
    pub fn is_marked(&self) -> bool {
        self.owner() != 0 && self.mark.load(Ordering::SeqCst) & OWNER_DIED != 0
    }

    /// Whether it is being taken, by a process that may have died in the middle: the kernel does
    /// not mark it.
    pub fn is_being_taken(&self) -> bool {
        const TID: u32 = 0x3fff_ffff;
        let mark = self.mark.load(Ordering::SeqCst);
        self.owner() != 0 && mark & (TID | OWNER_DIED) == 0
    }

    /// Has all sleepers woken by `wake`, unless that has been done since the mark.
    pub fn notice(&self, wake: impl FnOnce(&AtomicU32)) {
        let mark = self.mark.load(Ordering::SeqCst);
        if mark & OWNER_DIED != 0 && mark & NOTICED == 0 {
            // First: a thread that is killed in between leaves it to the next one.
            wake(&self.mark);
            let noticed = mark | NOTICED;
            let _ = self.mark.compare_exchange(mark, noticed, Ordering::SeqCst, Ordering::Relaxed);
        }
    }
}

impl Holders {
    /// The entries that have ever been taken.
    pub fn used(&self) -> &[Entry] {
        let used = self.used.load(Ordering::SeqCst) as usize;
        self.entries.get(..used).unwrap_or(&self.entries)
    }

    /// The entry of this number. `None`: hostile bytes.
    pub fn entry(&self, index: usize) -> Option<&Entry> {
        self.entries.get(index)
    }

    /// Asks whether the processes of these entries have ended, frees what those hold that have, and
    /// gives their entries back. True: one has not ended.
    ///
    /// An entry is looked at again after the answer. A process that was seen taking its entry may
    /// have stored the mark, held something, and died, all before the answer: then the kernel's
    /// mark tells of its death.
    pub fn mend(
        &self,
        is_in_question: impl Fn(&Entry) -> bool,
        has_ended: impl Fn(&Entry, u32) -> bool,
        free: impl Fn(u32),
    ) -> bool {
        let mut is_doubtful = false;
        for entry in self.used().iter().filter(|entry| is_in_question(entry)) {
            let held = entry.owner();
            if held != 0 && !has_ended(entry, held) {
                is_doubtful = true;
            } else if held != 0 && is_in_question(entry) {
                free(held);
                entry.give_back(held);
            }
        }
        is_doubtful
    }

    /// Takes a free entry for a process that holds slots with this. `None`: there is none.
    pub fn take(&self, owner: u32) -> Option<usize> {
        let is_taken = |entry: &Entry| {
            entry.owner.compare_exchange(0, owner, Ordering::SeqCst, Ordering::Relaxed).is_ok()
        };
        let index = self.entries.iter().position(is_taken)?;
        // Before others look at it: what stands there is of another process.
        self.entries[index].mark.store(0, Ordering::SeqCst);
        let used = u32::try_from(index + 1).unwrap_or(u32::MAX);
        self.used.fetch_max(used, Ordering::SeqCst);
        Some(index)
    }
}
