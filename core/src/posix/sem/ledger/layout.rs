//! The memory of a ledger: who has taken what from a semaphore.
//!
//! | bytes | what |
//! |---|---|
//! | 0.. | what it belongs to, and two counters |
//! | 512.. | the lanes |
//! | 4096.. | an account for each process that takes part |
//! | behind them | the marks: for each account a row of as many words |
//!
//! An account belongs to the process that has a lock on the byte of its number in the file
//! (fcntl(2)), of the kind that goes with the process, at its exec, too.
//!
//! A **mark** says that the process of the row lives. It stands on the robust list of a thread of
//! the process's own (`keeper`), so the kernel changes it when the process dies, and wakes a thread
//! that sleeps on it. Each of the others has a word of its own in the row, so each is woken.
//!
//! | mark | meaning | changed by |
//! |---|---|---|
//! | 0 | the account is free, or its process has no mark for this column yet | the joining process, to alive |
//! | TID and [`UNGUARDED`] | alive | the kernel, to dead |
//! | [`OWNER_DIED`] | the process is dying, or dead | the one that has given back what it had taken, to 0 |
//!
//! The word in the process's own column stands for the account: it is stored last, and cleared
//! last.

use super::lanes::{Counts, LANES, Lane};
use crate::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use crate::shared::claim::{OWNER_DIED, UNGUARDED};

/// Processes that take part at the same time. A keeper sleeps on a word of each.
pub const ACCOUNTS: usize = 120;

/// The byte of the membership lock: a process that joins has a read lock on it, and one that
/// removes the file a write lock.
pub const MEMBERSHIP: i64 = 4096;

/// Bytes of a path.
pub const PATH: usize = 472;

/// First bytes of a ledger.
pub const MAGIC: u64 = u64::from_le_bytes(*b"rsipcRS1");

/// What is counted for a process.
#[repr(C)]
pub struct Account {
    /// What it has taken.
    pub counts: Counts,
    /// In its own PID namespace.
    pub pid: AtomicU32,
}

/// See the table above.
#[repr(C)]
pub struct Mark {
    /// The word.
    pub word: AtomicU32,
    /// Distances are those of the nodes of a robust list.
    _unused: u32,
}

/// What the memory consists of.
#[repr(C)]
pub struct Words {
    /// [`MAGIC`]; as the two below, written before the file has a name.
    pub magic: AtomicU64,
    /// The inode of the semaphore's memory.
    pub inode: AtomicU64,
    /// Where in that the semaphore is.
    pub offset: AtomicU64,
    /// Accounts that have ever been in use; only grows. Keepers sleep on it.
    pub used: AtomicU32,
    /// Processes that have died with something taken, since `rsipc_sem_wasdead` last told it.
    /// Stored before what they had taken is given back.
    pub deaths: AtomicU32,
    /// Of the file that the semaphore's memory is in, when it was mapped; cut to this length.
    pub path: [AtomicU8; PATH],
    /// What goes on.
    pub lanes: [Lane; LANES],
    _unused_too: [u64; 384],
    accounts: [Account; ACCOUNTS],
    marks: [[Mark; ACCOUNTS]; ACCOUNTS],
}

/// Bytes of a ledger.
pub const SIZE: usize = size_of::<Words>();

const _: () = {
    assert!(core::mem::offset_of!(Words, lanes) == 512);
    assert!(core::mem::offset_of!(Words, accounts) == 4096);
    assert!(size_of::<Mark>() == size_of::<usize>());
};

impl Words {
    /// A mapping of a ledger, from its first byte.
    ///
    /// # Safety
    /// [`SIZE`] bytes are mapped there, from the edge of a page on, as long as the result is used.
    pub unsafe fn at<'m>(mapping: *const u8) -> &'m Self {
        // SAFETY: as the caller says; a page has any alignment, and all fields that are read are
        // atomics.
        unsafe { &*mapping.cast::<core::ffi::c_void>().cast() }
    }

    /// The account of this number, if there can be one.
    pub fn account(&self, index: usize) -> Option<&Account> {
        self.accounts.get(index)
    }

    /// The mark of this account that another one sleeps on. Both numbers are below [`ACCOUNTS`].
    pub fn mark(&self, account: usize, sleeper: usize) -> &AtomicU32 {
        &self.marks[account % ACCOUNTS][sleeper % ACCOUNTS].word
    }

    /// The mark that stands for this account.
    pub fn standing(&self, account: usize) -> u32 {
        self.mark(account, account).load(Ordering::SeqCst)
    }

    /// Stores all marks of an account, the one that stands for it last.
    pub fn mark_all(&self, account: usize, as_what: u32) {
        let others = (0..ACCOUNTS).filter(|&sleeper| sleeper != account);
        for sleeper in others.chain([account]) {
            self.mark(account, sleeper).store(as_what, Ordering::SeqCst);
        }
    }

    /// Accounts that may be in use: those below this number.
    pub fn used(&self) -> usize {
        (self.used.load(Ordering::SeqCst) as usize).min(ACCOUNTS)
    }
}

/// Whether the process of such a mark is dying, or dead.
pub fn is_dead(mark: u32) -> bool {
    mark & OWNER_DIED != 0
}

/// The mark of a living process whose keeper has this TID.
pub fn alive(tid: u32) -> u32 {
    tid | UNGUARDED
}
