//! A semaphore that this process uses with its ledger, and the account that it has there.

use core::ptr;
use std::fs::File;
use std::os::fd::{IntoRawFd, RawFd};

use super::super::layout::Semaphore;
use super::super::word::{Taken, Then, Word};
use super::file::{self, Mapped, Place};
use super::keeper::{self, Watched};
use super::lanes::{Actor, Party};
use super::layout::{ACCOUNTS, Account};
use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::os;
use crate::os::filter;
use crate::os::futex::{self, Scope};
use crate::os::lock::{self, Kind, Owner};
use crate::os::process::Process;
use crate::os::reserved::{self, Reserved};
use crate::os::restartable;
use crate::os::signals::Blocked;
use crate::os::wiped::{self, Wiped};
use crate::os::{Errno, Result};

/// A semaphore that is used with its ledger. Never freed.
pub struct Use {
    watched: Watched,
    place: Place,
    number: u32,
    standing: &'static Standing,
}

// SAFETY: all is shared memory of atomics, or never changed.
unsafe impl Send for Use {}
// SAFETY: threads share atomics, and what never changes.
unsafe impl Sync for Use {}

/// What this process has in the ledger.
///
/// | value | meaning |
/// |---|---|
/// | 0 | nothing yet, or the parent's |
/// | [`JOINING`] | a thread of this process opens an account |
/// | [`REFUSED`] | there is no account for it |
/// | [`FIRST`] and more | the account of this number less that |
struct Standing(AtomicU64);

// SAFETY: zeros are nothing.
unsafe impl Wiped for Standing {}

const JOINING: u64 = 1;
const REFUSED: u64 = 2;
const FIRST: u64 = 16;

impl Use {
    /// Opens the ledger of a semaphore, or makes one. `is_ours`: whether this process has the
    /// ledger of a number open.
    pub fn open(
        semaphore: &Semaphore,
        place: Place,
        is_ours: impl Fn(u32) -> bool,
    ) -> Result<Self> {
        // First: memory that is not shared is to have no ledger.
        let again = map_again(ptr::from_ref(semaphore))?;
        let (number, mapped) =
            open_or_create(semaphore, &place, is_ours).inspect_err(|_| unmap(again))?;
        let (words, file) = mapped.into_parts();
        let file = reserve(file).inspect_err(|_| unmap(again))?;
        let watched = Watched { words, file, semaphore: again, number };
        // SAFETY: new memory, which is never unmapped.
        let standing = unsafe { &*wiped::map::<Standing>(1)? };
        Ok(Self { watched, place, number, standing })
    }

    /// The number of its ledger.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Whether it is the one in this place, with the ledger of this number.
    pub fn is_of(&self, place: &Place, number: u32) -> bool {
        // Not the path: the file may have lost its name since.
        (self.place.inode, self.place.offset) == (place.inode, place.offset)
            && self.number == number
    }

    /// Whether the file of the ledger has a name.
    pub fn has_name(&self) -> Result<bool> {
        Ok(os::file::status(self.watched.file.fd())?.st_nlink > 0)
    }

    /// The account of this process, if it has one.
    fn own(&self) -> Option<&Account> {
        let number = self.standing.0.load(Ordering::Acquire).checked_sub(FIRST)?;
        self.watched.words.account(usize::try_from(number).ok()?)
    }

    /// Whether this process has taken more than it has posted.
    pub fn has_taken(&self) -> bool {
        self.own().is_some_and(|own| own.counts.total() > 0)
    }

    /// Removes the file if it is of no use to others.
    pub fn leave(&self) {
        let Some(own) = self.own() else { return };
        let (words, fd) = (self.watched.words, self.watched.file.fd());
        if own.counts.total() > 0 || !file::is_nameless(words) || file::enter_gate(fd).is_err() {
            return;
        }
        if file::is_unused_by_others(fd) {
            let _ = std::fs::remove_file(file::path(self.number));
        }
        file::leave_gate(fd);
    }

    /// The account of this process, opened now if it has none. Async-signal-safe.
    fn account(&self) -> Result<usize> {
        /// So often another thread may be seen to open it, a millisecond apart.
        const LOOKS: u32 = 60_000;
        let word = &self.standing.0;
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
                    let joined = self.join();
                    let known = joined.as_ref().map_or(REFUSED, |&account| FIRST + account as u64);
                    word.store(known, Ordering::Release);
                    return joined;
                }
                // The other thread may be the one that this handler has interrupted.
                JOINING if looks == LOOKS => return Err(Errno::EAGAIN),
                JOINING => {
                    pause();
                    looks += 1;
                }
                REFUSED => return Err(Errno::EAGAIN),
                known => return usize::try_from(known - FIRST).map_err(|_| Errno::EINVAL),
            }
        }
    }

    /// The same, once more if it was refused before.
    pub fn account_at_last(&self) -> Result<usize> {
        let order = (Ordering::AcqRel, Ordering::Relaxed);
        let _ = self.standing.0.compare_exchange(REFUSED, 0, order.0, order.1);
        self.account()
    }

    /// EAGAIN, too, behind a filter that may kill the process for what this takes: the child of a
    /// fork may have installed one.
    fn join(&self) -> Result<usize> {
        if filter::Found::default().is_confined() {
            return Err(Errno::EAGAIN);
        }
        let fd = self.watched.file.fd();
        file::enter_gate(fd)?;
        // With the lock on an account the file stays.
        let locked = self.lock_account(fd);
        file::leave_gate(fd);
        let number = locked?;
        self.open_account(number).inspect_err(|_| {
            let _ = lock::unlock(fd, Owner::Process, byte_of(number));
        })
    }

    /// An account that no living process has, and that no dead one has left as it was.
    fn lock_account(&self, fd: RawFd) -> Result<usize> {
        let words = self.watched.words;
        for number in (0..ACCOUNTS).filter(|&number| words.standing(number) == 0) {
            if !lock::try_lock(fd, Owner::Process, Kind::Write, byte_of(number))? {
                continue;
            }
            if words.standing(number) == 0 {
                return Ok(number);
            }
            let _ = lock::unlock(fd, Owner::Process, byte_of(number));
        }
        Err(Errno::EAGAIN)
    }

    /// This process has the lock.
    fn open_account(&self, number: usize) -> Result<usize> {
        let words = self.watched.words;
        let account = words.account(number).ok_or(Errno::EINVAL)?;
        account.counts.clear();
        account.pid.store(Process::pid_of_memory(), Ordering::Relaxed);
        let used = u32::try_from(number + 1).unwrap_or(u32::MAX);
        if words.used.fetch_max(used, Ordering::SeqCst) < used {
            // The other keepers sleep on its marks, too, from now on.
            futex::wake(words.used.as_ptr(), i32::MAX, Scope::Shared);
        }
        keeper::start(&self.watched, number).map(|()| number)
    }

    /// This process in the ledger. `None`: it has no account, and is not counted.
    fn party(&self) -> Option<Party<'_, Watch<'_>>> {
        let account = self.account().ok()?;
        let word = &self.standing.0;
        let words = self.watched.words;
        Some(Party {
            lanes: &words.lanes,
            counts: &words.account(account)?.counts,
            account,
            actor: Watch { word, expected: FIRST + account as u64 },
        })
    }

    /// Decrements the value if it is positive. See [`Party::take`].
    pub fn take(&self, word: &Word, registered: bool) -> Taken {
        loop {
            let Some(party) = self.party() else {
                return match registered {
                    true => word.take_registered(),
                    false if word.try_take() => Taken::One,
                    false => Taken::Nothing,
                };
            };
            if let Ok(taken) = party.take(word, registered) {
                return taken;
            }
        }
    }

    /// Increments the value. EOVERFLOW.
    ///
    /// # Safety
    /// As for [`Party::post`].
    pub unsafe fn post(&self, word: *const Word) -> Result<Then> {
        loop {
            let posted = match self.party() {
                // SAFETY: as the caller says; after ERESTART it has not been incremented.
                Some(party) => unsafe { party.post(word) },
                // SAFETY: as the caller says.
                None => return unsafe { Word::post(word) },
            };
            if posted != Err(Errno::ERESTART) {
                return posted;
            }
        }
    }

    /// Whether a process has died with something taken, which has not been told yet.
    pub fn was_dead(&self) -> bool {
        self.watched.words.deaths.swap(0, Ordering::SeqCst) > 0
    }
}

/// Of the file: the one that is locked for the account.
fn byte_of(account: usize) -> i64 {
    i64::try_from(account).unwrap_or(i64::MAX - 1)
}

/// The ledger of the semaphore, made if it has none.
fn open_or_create(
    semaphore: &Semaphore,
    place: &Place,
    is_ours: impl Fn(u32) -> bool,
) -> Result<(u32, Mapped)> {
    loop {
        let number = semaphore.ledger.load(Ordering::SeqCst);
        // One of our own is that of another semaphore; to open and close it would give back our
        // locks.
        if !is_ours(number) {
            match file::open(number, place) {
                Err(Errno::ENOENT) => {}
                opened => return opened.map(|mapped| (number, mapped)),
            }
        }
        // It holds 0, or bytes that glibc's sem_init has left as they were.
        file::remove_some_stale(&is_ours);
        let (new, mapped) = file::create(place)?;
        let order = (Ordering::SeqCst, Ordering::SeqCst);
        if semaphore.ledger.compare_exchange(number, new, order.0, order.1).is_ok() {
            return Ok((new, mapped));
        }
        // Another process was faster.
        let _ = std::fs::remove_file(file::path(new));
    }
}

/// A descriptor that the program does not see.
fn reserve(file: File) -> Result<Reserved> {
    reserved::keep(file.into_raw_fd())
}

const PAGE: usize = 4096;

/// The semaphore in a second mapping, which stays whatever the program does with its own. EINVAL:
/// the memory is not shared.
fn map_again(semaphore: *const Semaphore) -> Result<*const Semaphore> {
    let start = semaphore.map_addr(|address| address & !(PAGE - 1));
    let within = semaphore.addr() - start.addr();
    let length = (within + size_of::<Semaphore>()).next_multiple_of(PAGE);
    // SAFETY: an old length of 0 leaves the old mapping as it is (mremap(2)).
    let new = unsafe { libc::mremap(start.cast_mut().cast(), 0, length, libc::MREMAP_MAYMOVE) };
    if new == libc::MAP_FAILED {
        return Err(Errno::EINVAL);
    }
    Ok(new.cast::<Semaphore>().wrapping_byte_add(within).cast_const())
}

/// What [`map_again`] has mapped.
fn unmap(semaphore: *const Semaphore) {
    let start = semaphore.map_addr(|address| address & !(PAGE - 1));
    let length = (semaphore.addr() - start.addr() + size_of::<Semaphore>()).next_multiple_of(PAGE);
    // SAFETY: nothing else knows of the mapping.
    unsafe { libc::munmap(start.cast_mut().cast(), length) };
}

/// For a millisecond.
fn pause() {
    futex::wait(&AtomicU32::new(0), 0, Scope::Private, Some(1));
}

/// A process, as long as it is this one.
struct Watch<'s> {
    word: &'s AtomicU64,
    expected: u64,
}

impl Actor for Watch<'_> {
    #[inline]
    fn exchange(&self, place: &AtomicU64, before: u64, after: u64) -> Result<bool> {
        let watched = (self.word, self.expected);
        if restartable::exchange_while(watched, place, (before, after)) {
            return Ok(true);
        }
        let is_same = self.word.load(Ordering::Relaxed) == self.expected;
        if is_same { Ok(false) } else { Err(Errno::ERESTART) }
    }

    fn may_wait(&self, times: u32) -> bool {
        /// A thread that may be preempted is back by then, in milliseconds.
        const LONG_MS: u32 = 1000;
        if times < 100 {
            std::thread::yield_now();
        } else {
            pause();
        }
        times < 100 + LONG_MS
    }
}
