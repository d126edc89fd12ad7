//! What this process has in a ledger: its account, and its operations.

use std::os::fd::RawFd;

use super::super::word::{Then, Word};
use super::file;
use super::keeper;
use super::keeping::{Memory, Patience};
use super::lanes::{Actor, Party};
use super::layout::{ACCOUNTS, Account};
use super::opened::Opened;
use super::pins::{Caller, Pins};
use super::recovery::end_left;
use crate::atomic::{AtomicU64, Ordering};
use crate::os::errno::preserved;
use crate::os::filter;
use crate::os::filter::may_yield;
use crate::os::futex::{self, Scope};
use crate::os::lock::{self, Kind, Owner};
use crate::os::process::Process;
use crate::os::restartable;
use crate::os::signals::Blocked;
use crate::os::wiped::Wiped;
use crate::os::{Errno, Result};

/// What this process has of its own where it uses a semaphore. All zeros in the child of a fork.
#[repr(C)]
pub struct Own {
    standing: Standing,
    /// Threads that are in an operation.
    pub pins: Pins,
    keeper: Memory,
}

// SAFETY: all fields are atomics, and zeros are nothing.
unsafe impl Wiped for Own {}

/// A use of a semaphore by this process, as long as it is one.
#[derive(Clone, Copy)]
pub struct Membership<'u> {
    /// The ledger.
    pub opened: &'u Opened,
    /// What this process has there.
    pub own: &'static Own,
    /// The calling thread.
    pub caller: Caller,
}

/// What this process has in the ledger.
///
/// | value | meaning |
/// |---|---|
/// | 0 | nothing yet, or the parent's |
/// | [`JOINING`] | a thread of this process opens an account |
/// | [`REFUSED`] | there is no account for it |
/// | [`FIRST`] and more | in the lower half: the account of this number less that; in the upper one the generation of the process, so that a child never finds what its parent had |
struct Standing(AtomicU64);

const JOINING: u64 = 1;
const REFUSED: u64 = 2;
const FIRST: u64 = 16;

impl Membership<'_> {
    /// The account of this process, if it has one.
    fn own(&self) -> Option<&Account> {
        self.opened.words().account(account_in(self.standing()?))
    }

    /// Of this process, if it has an account.
    fn standing(&self) -> Option<u64> {
        Some(self.own.standing.0.load(Ordering::Acquire)).filter(|&standing| standing >= FIRST)
    }

    /// Whether this process has an account.
    pub fn has_account(&self) -> bool {
        self.own().is_some()
    }

    /// Whether this process has taken more than it has posted.
    pub fn has_taken(&self) -> bool {
        self.own().is_some_and(|own| own.counts.total() > 0)
    }

    /// Whether this process has no account any more, and may have one again. The caller has seen
    /// that it owes nothing, and that no thread is in an operation. False: its keeper has something
    /// to do.
    pub fn leave(&self, patience: &mut Patience) -> bool {
        let standing = &self.own.standing.0;
        if standing.load(Ordering::Acquire) >= FIRST && !self.own.keeper.leave(patience) {
            return false;
        }
        standing.store(0, Ordering::Release);
        true
    }

    /// The standing of this process, which has an account, opened now if it had none.
    /// Async-signal-safe.
    fn account(&self) -> Result<u64> {
        self.account_after(file::BRIEFLY)
    }

    /// `tries`: to get the membership lock.
    fn account_after(&self, tries: u32) -> Result<u64> {
        /// So often another thread may be seen to open it, a millisecond apart.
        const LOOKS: u32 = 60_000;
        let word = &self.own.standing.0;
        let mut looks = 0;
        loop {
            let before = word.load(Ordering::Acquire);
            let order = (Ordering::AcqRel, Ordering::Relaxed);
            match before {
                // The child of a vfork(2): lock and keeper would be its own, and end with it,
                // and the account would stay its parent's.
                0 if !Process::owns_memory() => return Err(Errno::EAGAIN),
                0 => {
                    // A handler in the middle of it would wait for its own thread.
                    let _blocked = Blocked::all();
                    if word.compare_exchange(0, JOINING, order.0, order.1).is_err() {
                        continue;
                    }
                    let joined = self.join(tries).map(standing_of);
                    let known = match joined {
                        Ok(standing) => standing,
                        // The next call tries again.
                        Err(Errno::EBUSY) => 0,
                        Err(_) => REFUSED,
                    };
                    word.store(known, Ordering::Release);
                    return joined;
                }
                // The other thread may be the one that this handler has interrupted.
                JOINING if looks == LOOKS => return Err(Errno::EAGAIN),
                JOINING => {
                    futex::pause_us(1000);
                    looks += 1;
                }
                REFUSED => return Err(Errno::EAGAIN),
                known => return Ok(known),
            }
        }
    }

    /// The same, once more if it was refused before.
    pub fn account_at_last(&self) -> Result<()> {
        let order = (Ordering::AcqRel, Ordering::Relaxed);
        let _ = self.own.standing.0.compare_exchange(REFUSED, 0, order.0, order.1);
        let joined = self.account_after(file::PATIENTLY);
        joined.map(drop).map_err(|error| if error == Errno::EBUSY { Errno::EAGAIN } else { error })
    }

    /// EBUSY: another process keeps the membership lock. EAGAIN, too, behind a filter that may kill
    /// the process for what this takes: the child of a fork may have installed one.
    fn join(&self, tries: u32) -> Result<usize> {
        if filter::Found::default().is_confined() {
            return Err(Errno::EAGAIN);
        }
        let fd = self.opened.robust.file.fd();
        file::lock_to_join(fd, tries)?;
        // With the lock on an account the file stays.
        let locked = self.lock_account(fd);
        file::unlock_membership(fd);
        let index = locked?;
        self.open_account(index).inspect_err(|_| {
            let _ = lock::unlock(fd, Owner::Process, byte_of(index));
        })
    }

    /// An account that no living process has, and that no dead one has left as it was.
    fn lock_account(&self, fd: RawFd) -> Result<usize> {
        let words = self.opened.words();
        for index in (0..ACCOUNTS).filter(|&index| words.standing(index) == 0) {
            if !lock::try_lock(fd, Owner::Process, Kind::Write, byte_of(index))? {
                continue;
            }
            if words.standing(index) == 0 {
                return Ok(index);
            }
            let _ = lock::unlock(fd, Owner::Process, byte_of(index));
        }
        Err(Errno::EAGAIN)
    }

    /// This process has the lock.
    fn open_account(&self, index: usize) -> Result<usize> {
        let words = self.opened.words();
        let account = words.account(index).ok_or(Errno::EINVAL)?;
        account.counts.clear();
        account.pid.store(Process::pid_of_memory(), Ordering::Relaxed);
        let used = u32::try_from(index + 1).unwrap_or(u32::MAX);
        if words.used.fetch_max(used, Ordering::SeqCst) < used {
            // The other keepers sleep on its marks, too, from now on.
            futex::wake(words.used.as_ptr(), i32::MAX, Scope::Shared);
        }
        keeper::start(&self.own.keeper, &self.opened.robust, index).map(|()| index)
    }

    /// This process in the ledger. `None`: it has no account, and is not counted.
    pub fn party(&self) -> Option<Party<'_, SameProcess<'_>>> {
        self.party_of(self.account().ok()?)
    }

    /// The same, without an attempt to open an account.
    fn party_if_any(&self) -> Option<Party<'_, SameProcess<'_>>> {
        self.party_of(self.standing()?)
    }

    fn party_of(&self, standing: u64) -> Option<Party<'_, SameProcess<'_>>> {
        let account = account_in(standing);
        let words = self.opened.words();
        Some(Party {
            lanes: &words.lanes,
            counts: &words.account(account)?.counts,
            account,
            pin: self.caller.pin,
            actor: SameProcess { membership: *self, expected: standing },
        })
    }

    /// Ends the operations that were left for good (siglongjmp(3)): their lanes are free again.
    /// Async-signal-safe.
    #[cold]
    pub fn end_what_was_left(&self) {
        // In the child of a vfork(2) a kill would leave the lock to its parent.
        if !self.own.pins.is_one_left(self.caller) || !preserved(Process::owns_memory) {
            return;
        }
        // To find out whether the semaphore is there takes calls that a filter may kill for.
        if preserved(filter::is_confined) {
            return;
        }
        let blocked = preserved(Blocked::all_but_faults);
        self.own.pins.clear_those_left(self.caller, |pin| {
            if let Some(party) = self.party_if_any() {
                let word = self.opened.word();
                if end_left(&party, pin, word) {
                    self.opened.wake_waiters();
                }
            }
        });
        preserved(|| drop(blocked));
    }

    /// Increments the value. EOVERFLOW, ERESTART.
    ///
    /// # Safety
    /// As for [`Party::post`].
    pub unsafe fn post(&self, word: *const Word) -> Result<Then> {
        match self.party() {
            // SAFETY: as the caller says.
            Some(party) => unsafe { party.post(word) },
            // SAFETY: as the caller says.
            None => unsafe { Word::post(word) },
        }
    }

    /// Whether a process has died with something taken, which has not been told yet.
    pub fn was_dead(&self) -> bool {
        self.opened.words().deaths.swap(0, Ordering::SeqCst) > 0
    }
}

/// Of this process with this account.
fn standing_of(account: usize) -> u64 {
    u64::from(Process::generation_of_memory()) << 32 | (FIRST + account as u64)
}

fn account_in(standing: u64) -> usize {
    let low = standing & u64::from(u32::MAX);
    usize::try_from(low.wrapping_sub(FIRST)).unwrap_or(usize::MAX)
}

/// Of the file: the one that is locked for the account.
fn byte_of(account: usize) -> i64 {
    i64::try_from(account).unwrap_or(i64::MAX - 1)
}

/// A process, as long as it is this one.
pub struct SameProcess<'u> {
    membership: Membership<'u>,
    expected: u64,
}

impl SameProcess<'_> {
    fn word(&self) -> &AtomicU64 {
        &self.membership.own.standing.0
    }
}

impl Actor for SameProcess<'_> {
    #[inline]
    fn exchange(&self, place: &AtomicU64, before: u64, after: u64) -> Result<bool> {
        let condition = (self.word(), self.expected);
        if restartable::exchange_while(condition, place, (before, after)) {
            return Ok(true);
        }
        let is_same = self.word().load(Ordering::Relaxed) == self.expected;
        if is_same { Ok(false) } else { Err(Errno::ERESTART) }
    }

    fn may_wait(&self, times: u32) -> bool {
        /// A thread that may be preempted is back by then, in milliseconds.
        const LONG_MS: u32 = 1000;
        if times == 0 {
            self.membership.end_what_was_left();
        }
        if times < 100 && may_yield() {
            std::thread::yield_now();
        } else {
            futex::pause_us(1000);
        }
        times < 100 + LONG_MS
    }
}
