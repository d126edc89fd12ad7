//! What a keeper and its process tell each other.

use core::ffi::c_int;

use super::layout::ACCOUNTS;
use crate::atomic::{AtomicU32, AtomicUsize, Ordering};
use crate::os::bare;
use crate::os::futex::{self, Scope};
use crate::os::wiped::Wiped;
use crate::os::{Errno, Result};

/// So long the thread may take to begin, in milliseconds.
const LONG_MS: u32 = 60_000;
/// Of one look at what it says, in milliseconds.
const LOOK_MS: u32 = 10;

/// What the thread needs. In the child of a fork all zeros.
#[repr(C)]
pub struct Memory {
    /// `struct robust_list_head` of linux/futex.h
    pub list: AtomicUsize,
    /// From a node to its word.
    pub futex_offset: AtomicUsize,
    _list_op_pending: AtomicUsize,
    /// See [`Phase`].
    phase: AtomicU32,
    /// The number of its account.
    pub account: AtomicU32,
    /// Of the ledger, as bits of a `Reserved`.
    pub file: AtomicU32,
    /// Of the ledger.
    pub number: AtomicU32,
    /// Address of the ledger.
    pub words: AtomicUsize,
    /// Address of the semaphore.
    pub semaphore: AtomicUsize,
    /// One for each mark of the row, at the same distances.
    pub nodes: [AtomicUsize; ACCOUNTS],
}

// SAFETY: all fields are atomics, and zeros are a keeper of nothing.
unsafe impl Wiped for Memory {}

/// How far the thread has come.
///
/// One word, so Acquire and Release are enough: the side that finds a phase has seen what the other
/// side did before it. So a process that finds `NONE` may unmap what the thread has used. What
/// `start` stores before it makes the thread is seen by the thread in any case.
///
/// | phase | meaning | changed by |
/// |---|---|---|
/// | `NONE` | there is no thread; it has ended, and touches this memory no more | the process, to `BEGINS` |
/// | `BEGINS` | it has not said anything yet | the thread, to `KEEPS` or `NONE` |
/// | `KEEPS` | the account has its marks | the process, to `ASKED` |
/// | `ASKED` | it is to leave when nothing is left to do | the process, back to `KEEPS`; the thread, to `LEAVES` |
/// | `LEAVES` | it clears the marks | the thread, to `NONE` |
pub struct Phase;

impl Phase {
    const NONE: u32 = 0;
    const BEGINS: u32 = 1;
    const KEEPS: u32 = 2;
    const ASKED: u32 = 3;
    const LEAVES: u32 = 4;
}

/// Milliseconds that may be waited for keepers that have something to do.
pub struct Patience(u32);

impl Patience {
    /// For a call that is to be short.
    pub fn short() -> Self {
        Self(50)
    }
}

/// The process's side.
impl Memory {
    /// Before the thread is made. EAGAIN: the memory is still another one's.
    pub fn begin(&self) -> Result<()> {
        if self.exchange(Phase::NONE, Phase::BEGINS) { Ok(()) } else { Err(Errno::EAGAIN) }
    }

    /// There is no thread after all.
    pub fn has_not_begun(&self) {
        self.phase.store(Phase::NONE, Ordering::Release);
    }

    /// Waits until the account has its marks. ENOSYS: it will not.
    pub fn await_beginning(&self) -> Result<()> {
        self.await_change(Phase::BEGINS, LONG_MS);
        if self.phase() == Phase::KEEPS { Ok(()) } else { Err(Errno::ENOSYS) }
    }

    /// Whether the thread has left, and the account is free. False: it has something to do, and
    /// stays.
    pub fn leave(&self, patience: &mut Patience) -> bool {
        if self.exchange(Phase::KEEPS, Phase::ASKED) {
            self.wake();
            // What is left is lent to the next one, but the first look is always granted.
            let waited = self.await_change(Phase::ASKED, patience.0.max(LOOK_MS));
            patience.0 = patience.0.saturating_sub(waited);
            if self.exchange(Phase::ASKED, Phase::KEEPS) {
                return false;
            }
            // It waits for nothing any more.
            while self.phase() == Phase::LEAVES {
                self.await_change(Phase::LEAVES, LONG_MS);
            }
        }
        self.phase() == Phase::NONE
    }

    /// So many milliseconds at most. Gives how many it may have been, looks that were cut short
    /// not counted.
    fn await_change(&self, from: u32, at_most: u32) -> u32 {
        let mut waited = 0;
        while self.phase() == from && waited < at_most {
            futex::wait(&self.phase, from, Scope::Private, Some(LOOK_MS));
            waited += LOOK_MS;
        }
        waited.saturating_sub(LOOK_MS)
    }
}

/// The thread's side, bare.
impl Memory {
    /// Whether the account has its marks. If not, the thread ends.
    pub fn has_begun(&self, has_marks: bool) {
        self.say(if has_marks { Phase::KEEPS } else { Phase::NONE });
    }

    /// What it sleeps on, and what that holds.
    pub fn to_sleep_on(&self) -> (*const u32, u32) {
        (self.phase.as_ptr(), self.phase())
    }

    /// Nothing is left to do: whether it is to leave now. The process waits for [`Self::has_left`].
    pub fn is_to_leave(&self) -> bool {
        self.exchange(Phase::ASKED, Phase::LEAVES)
    }

    /// The last access to this memory.
    pub fn has_left(&self) {
        self.say(Phase::NONE);
    }

    fn say(&self, phase: u32) {
        let address = self.phase.as_ptr().expose_provenance();
        self.phase.store(phase, Ordering::Release);
        wake(address);
    }

    fn wake(&self) {
        wake(self.phase.as_ptr().expose_provenance());
    }

    fn phase(&self) -> u32 {
        self.phase.load(Ordering::Acquire)
    }

    fn exchange(&self, from: u32, to: u32) -> bool {
        let order = (Ordering::AcqRel, Ordering::Acquire);
        self.phase.compare_exchange(from, to, order.0, order.1).is_ok()
    }
}

fn wake(address: usize) {
    let operation: c_int = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
    let all = i32::MAX.cast_unsigned() as usize;
    // SAFETY: only an address is given.
    unsafe {
        bare::call(libc::SYS_futex, [address, operation.cast_unsigned() as usize, all, 0]);
    }
}
