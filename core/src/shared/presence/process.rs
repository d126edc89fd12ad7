//! What identifies a process beyond the life of its threads and programs, so that its adjustments
//! can be undone when it has ended.
//!
//! It consists of the number of its presence and a *stamp* of the presence's file: a number may be
//! drawn again later, and then another file has the name. The lock on the file belongs to the
//! process, so it goes when the last thread is gone and can write no more. It stays over an exec
//! (`exec`).

use super::exec;
use super::file::{self, NUMBER_BITS};
use super::number::{self, Surety};
use super::owned;
use crate::atomic::{AtomicU64, Ordering};
use crate::os::errno::preserved;
use crate::os::process::Process;
use crate::os::wiped::{Table, Wiped};

/// A process: the number in the low bits, the stamp above it. Never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessId(u64);

/// That of this process; 0 = it has none yet. Changed by exchange.
struct Known(AtomicU64);

// SAFETY: zeros are a zero.
unsafe impl Wiped for Known {}

static KNOWN: Table<Known, 1, 1> = Table::new();

fn known() -> Option<&'static AtomicU64> {
    if KNOWN.iter().next().is_none() {
        // Another thread may be faster: there is one.
        let _ = preserved(|| KNOWN.grow());
    }
    KNOWN.iter().next().map(|known| &known.0)
}

impl ProcessId {
    /// From the words in shared memory. `None`: no process.
    #[inline]
    pub fn from_word(word: u64) -> Option<Self> {
        (word != 0).then_some(Self(word))
    }

    /// For shared memory.
    #[inline]
    pub fn to_word(self) -> u64 {
        self.0
    }

    /// The number of its presence, below 2^17.
    pub fn number(self) -> u32 {
        u32::try_from(self.0 & ((1 << NUMBER_BITS) - 1)).unwrap_or(0)
    }

    /// This process, if it has had a presence before an exec, or asked for it.
    #[cold]
    pub fn before() -> Option<Self> {
        Self::known().or_else(|| preserved(exec::inherited).and_then(|_| Self::of_this()))
    }

    /// This process, if it has asked before.
    #[inline]
    pub fn known() -> Option<Self> {
        // Relaxed: it publishes nothing.
        let known = KNOWN.iter().next().map_or(0, |known| known.0.load(Ordering::Relaxed));
        Self::from_word(known)
    }

    /// This process. `None`: it can have no presence, or this is the child of a vfork(2), which
    /// would be taken for its parent. Others see it from now on. Async-signal-safe.
    #[cold]
    pub fn of_this() -> Option<Self> {
        preserved(|| {
            let this = Process::this();
            if !Process::owns_memory() {
                return None;
            }
            let word = known()?;
            let before = word.load(Ordering::Acquire);
            if let Some(known) = Self::from_word(before)
                && owned::renew(known.number())
            {
                return Some(known);
            }
            let number = exec::inherited().or_else(|| number::of_process(Surety::Certain))?;
            let kept = owned::present(number)?.kept;
            let new = Self::new(number, file::stamp(kept.fd())?);
            exec::stay(kept);
            match word.compare_exchange(before, new.0, Ordering::AcqRel, Ordering::Acquire) {
                // A handler has forked meanwhile, and this is the child.
                Ok(_) if Process::this() != this => {
                    word.store(0, Ordering::Release);
                    None
                }
                Ok(_) => Some(new),
                Err(theirs) => Self::from_word(theirs),
            }
        })
    }

    fn new(number: u32, stamp: u64) -> Self {
        // The lowest bit of the stamp is 1, so it is not 0.
        Self(u64::from(number) | (stamp | 1) << NUMBER_BITS)
    }

    /// Whether it has ended, so that it can write no more. False in doubt. Async-signal-safe,
    /// leaves `errno` alone.
    #[cold]
    pub fn has_ended(self) -> bool {
        preserved(|| {
            !number::is_own(self.number())
                && file::is_gone(self.number(), |stamp| Self::new(self.number(), stamp) == self)
        })
    }

    /// Removes what is left of one that has ended.
    pub fn tidy(self) {
        preserved(|| file::remove_stale(self.number()));
    }
}
