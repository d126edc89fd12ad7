//! The semaphores that this process uses with a ledger.
//!
//! The fast paths know nothing of it: they compare the address of a semaphore with a limit, where
//! they would compare it with NULL otherwise. The limit is 0 until a process uses a ledger, and then
//! above all addresses.
//!
//! A semaphore at an address that is known holds the number of its ledger. If it does not, it has
//! been initialised anew, or something else is there, and it is not counted.
//!
//! The child of a fork uses what its parent used, with an account of its own, which it opens at its
//! first call. What its parent has taken remains its parent's.

use core::ffi::CStr;
use core::ptr;
use std::fs::File;
use std::os::fd::IntoRawFd;
use std::os::unix::ffi::OsStrExt;

use super::super::layout::Semaphore;
use super::super::word::{Taken, Then, Word};
use super::file as ledger_file;
use super::file::{Mapped, Place};
use super::keeper::{self, Watched};
use super::lanes::{Actor, Party};
use super::layout::ACCOUNTS;
use super::pattern::any_fits;
use crate::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use crate::os::file;
use crate::os::fork::ForkMutex;
use crate::os::futex::{self, Scope};
use crate::os::lock::{self, Kind, Owner};
use crate::os::process::Process;
use crate::os::reserved::{self, Reserved};
use crate::os::restartable;
use crate::os::settings;
use crate::os::wiped::{self, Wiped};
use crate::os::errno::preserved;
use crate::os::{Errno, Result};
use crate::shared::thread::Thread;

/// Semaphores of a process at most.
const USES: usize = 128;

/// Calls on a semaphore at this address, or below it, are not as short as they can be: NULL, or all
/// when the process has a ledger. Read by `cbits/semaphore.c`. Changed once, from 0.
#[unsafe(no_mangle)]
static rsipc_sem_limit: AtomicUsize = AtomicUsize::new(0);

/// Whether calls on a semaphore at this address are as short as they can be. One comparison with
/// memory, which a load would make two instructions of.
#[inline(always)]
pub fn is_plain(address: usize) -> bool {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: reads one aligned word.
    unsafe {
        core::arch::asm!(
            "cmp {address}, [rip + {limit}]",
            "jbe {other}",
            address = in(reg) address,
            limit = sym rsipc_sem_limit,
            other = label { return false },
            options(nostack, readonly),
        );
        true
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        address > limit()
    }
}

/// See [`rsipc_sem_limit`].
#[inline(always)]
fn limit() -> usize {
    // Relaxed: the thread that has asked for a ledger sees its own store.
    rsipc_sem_limit.load(Ordering::Relaxed)
}

/// A semaphore that is used with its ledger. Never freed.
pub struct Use {
    watched: Watched,
    place: Place,
    number: u32,
    standing: &'static Standing,
}

// SAFETY: all is shared memory of atomics, or never changed.
unsafe impl Send for Use {}
// SAFETY: as above.
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

/// An address at which a semaphore is used with its ledger. 0 = free.
struct Entry {
    address: AtomicUsize,
    of: AtomicPtr<Use>,
}

static ENTRIES: [Entry; USES] = [const {
    Entry { address: AtomicUsize::new(0), of: AtomicPtr::new(ptr::null_mut()) }
}; USES];

/// Those that have been made. Held while one is made.
static ALL: ForkMutex<Vec<&'static Use>> = ForkMutex::new(2, Vec::new());

/// The use of a semaphore. `None`: it is not counted.
#[inline]
pub fn find(semaphore: *const Semaphore) -> Option<&'static Use> {
    if limit() == 0 { None } else { look_up(semaphore) }
}

#[cold]
fn look_up(semaphore: *const Semaphore) -> Option<&'static Use> {
    let is_its = |entry: &&Entry| entry.address.load(Ordering::Acquire) == semaphore.addr();
    let entry = ENTRIES.iter().find(is_its)?;
    // SAFETY: uses are never freed.
    let found = unsafe { entry.of.load(Ordering::Acquire).as_ref() }?;
    // SAFETY: the caller's semaphore.
    let number = unsafe { (*semaphore).ledger.load(Ordering::Relaxed) };
    (number == found.number).then_some(found)
}

/// From now on what this process takes from the semaphore is counted. `thread`: the caller, if it
/// may make all system calls.
///
/// Errors: EINVAL: the semaphore is one of a single process, or its memory is not shared; ENOSYS:
/// the kernel, or a filter, does not offer what it takes; EACCES: the ledger is another user's;
/// EAGAIN: too many processes take part; EMFILE, ENOMEM, ENOSPC.
pub fn count(semaphore: *const Semaphore, thread: Option<&'static Thread>) -> Result<()> {
    // SAFETY: the caller's semaphore.
    let shared = unsafe { &*semaphore };
    if shared.scope() == Scope::Private {
        return Err(Errno::EINVAL);
    }
    if !thread.is_some_and(|thread| thread.filter.may_wait_on_vectors())
        || !Process::owns_memory()
        || !futex::knows_vectors()
    {
        return Err(Errno::ENOSYS);
    }
    let mut all = ALL.lock();
    if let Some(known) = look_up(semaphore) {
        return known.account_at_last().map(drop);
    }
    let place = Place::of(semaphore.addr())?;
    loop {
        let number = shared.ledger.load(Ordering::SeqCst);
        if let Some(known) = all.iter().find(|one| one.place == place && one.number == number) {
            known.account_at_last()?;
            return enter(semaphore.addr(), known);
        }
        let new: &'static Use = Box::leak(Box::new(Use::open(shared, place.clone(), &all)?));
        new.account_at_last()?;
        // Before it had an account, a process may have removed the file: others would not find it.
        if file::status(new.watched.file.fd())?.st_nlink > 0 {
            all.push(new);
            return enter(semaphore.addr(), new);
        }
    }
}

/// The same for a named semaphore that has been opened, if `RSIPC_SEM_ROBUST` names it.
pub fn count_if_asked(
    name: &CStr,
    semaphore: *const Semaphore,
    thread: impl FnOnce() -> Option<&'static Thread>,
) -> Result<()> {
    match &settings::get().robust {
        Some(patterns) if any_fits(patterns.as_bytes(), name.to_bytes()) => {
            count(semaphore, thread())
        }
        _ => Ok(()),
    }
}

/// The semaphore at this address is no longer used there.
#[cold]
pub fn forget(address: usize) {
    let its = ENTRIES.iter().filter(|entry| entry.address.load(Ordering::Relaxed) == address);
    its.for_each(|entry| entry.address.store(0, Ordering::Release));
}

/// The program ends: of ledgers that are no longer of use the files go. Not one whose semaphore
/// still has a name, or that another process takes part in.
pub fn leave() {
    if limit() == 0 || !Process::owns_memory() {
        return;
    }
    preserved(|| {
        for known in ALL.lock().iter() {
            let account = known.standing.0.load(Ordering::Acquire).checked_sub(FIRST);
            let Some(account) = account.and_then(|account| usize::try_from(account).ok()) else {
                continue;
            };
            let words = known.watched.words;
            let is_alone = (0..words.used()).all(|at| at == account || words.standing(at) == 0);
            let fd = known.watched.file.fd();
            if is_alone && ledger_file::is_nameless(words) && ledger_file::enter_gate(fd).is_ok() {
                let is_alone =
                    (0..words.used()).all(|at| at == account || words.standing(at) == 0);
                let holds = |account| words.account(account).is_some_and(|own| own.counts.total() > 0);
                if is_alone && !holds(account) {
                    let _ = std::fs::remove_file(ledger_file::path(known.number));
                }
                ledger_file::leave_gate(fd);
            }
        }
    });
}

/// Removes the ledger of this number if its semaphore has lost its name, and no process takes part.
pub fn tidy(number: u32) {
    // Our own: to open and close it would give back our locks.
    if number != 0 && !ALL.lock().iter().any(|known| known.number == number) {
        let _ = ledger_file::remove_if_stale(&ledger_file::path(number));
    }
}

/// The caller holds `ALL`.
fn enter(address: usize, of: &'static Use) -> Result<()> {
    forget(address);
    let is_free = |entry: &&Entry| entry.address.load(Ordering::Relaxed) == 0;
    let entry = ENTRIES.iter().find(is_free).ok_or(Errno::EMFILE)?;
    entry.of.store(ptr::from_ref(of).cast_mut(), Ordering::Release);
    // Release: a thread that finds the address finds the use.
    entry.address.store(address, Ordering::Release);
    rsipc_sem_limit.store(usize::MAX, Ordering::SeqCst);
    Ok(())
}

impl Use {
    /// `all`: those that this process has.
    fn open(semaphore: &Semaphore, place: Place, all: &[&Self]) -> Result<Self> {
        let is_ours = |number| all.iter().any(|known| known.number == number);
        let (number, mapped) = open_or_create(semaphore, &place, is_ours)?;
        let (words, file) = mapped.into_parts();
        let watched = Watched {
            words,
            file: reserve(file)?,
            semaphore: map_again(ptr::from_ref(semaphore))?,
        };
        // SAFETY: new memory, which is never unmapped.
        let standing = unsafe { &*wiped::map::<Standing>(1)? };
        Ok(Self { watched, place, number, standing })
    }

    /// The account of this process, opened now if it has none. Async-signal-safe.
    fn account(&self) -> Result<usize> {
        /// So often another thread may be seen to open it, a millisecond apart.
        const LOOKS: u32 = 2000;
        let word = &self.standing.0;
        let mut looks = 0;
        loop {
            let before = word.load(Ordering::Acquire);
            let order = (Ordering::AcqRel, Ordering::Relaxed);
            match before {
                0 if word.compare_exchange(0, JOINING, order.0, order.1).is_ok() => {
                    let joined = self.join();
                    let known = joined.as_ref().map_or(REFUSED, |&account| FIRST + account as u64);
                    // In the child of a fork that a handler has made meanwhile it is 0 again.
                    if word.compare_exchange(JOINING, known, order.0, order.1).is_ok() {
                        return joined;
                    }
                }
                0 => {}
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
    fn account_at_last(&self) -> Result<usize> {
        let order = (Ordering::AcqRel, Ordering::Relaxed);
        let _ = self.standing.0.compare_exchange(REFUSED, 0, order.0, order.1);
        self.account()
    }

    fn join(&self) -> Result<usize> {
        let fd = self.watched.file.fd();
        ledger_file::enter_gate(fd)?;
        let joined = self.take_account(fd);
        ledger_file::leave_gate(fd);
        joined
    }

    /// An account that no living process has, and that no dead one has left as it was.
    fn take_account(&self, fd: i32) -> Result<usize> {
        let words = self.watched.words;
        for number in 0..ACCOUNTS {
            let byte = i64::try_from(number).map_err(|_| Errno::EINVAL)?;
            if words.standing(number) != 0
                || !lock::try_lock(fd, Owner::Process, Kind::Write, byte)?
            {
                continue;
            }
            let account = words.account(number).filter(|_| words.standing(number) == 0);
            let Some(account) = account else {
                let _ = lock::unlock(fd, Owner::Process, byte);
                continue;
            };
            account.counts.clear();
            account.pid.store(Process::pid_of_memory(), Ordering::Relaxed);
            if let Err(error) = keeper::start(&self.watched, number) {
                let _ = lock::unlock(fd, Owner::Process, byte);
                return Err(error);
            }
            let used = u32::try_from(number + 1).unwrap_or(u32::MAX);
            if words.used.fetch_max(used, Ordering::SeqCst) < used {
                // The other keepers sleep on its marks, too, from now on.
                futex::wake(words.used.as_ptr(), i32::MAX, Scope::Shared);
            }
            return Ok(number);
        }
        Err(Errno::EAGAIN)
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
            // SAFETY: as the caller says; after ERESTART it has not been incremented.
            let posted = match self.party() {
                Some(party) => unsafe { party.post(word) },
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

/// The ledger of the semaphore, made if it has none.
fn open_or_create(
    semaphore: &Semaphore,
    place: &Place,
    is_ours: impl Fn(u32) -> bool,
) -> Result<(u32, Mapped)> {
    loop {
        let number = semaphore.ledger.load(Ordering::SeqCst);
        match ledger_file::open(number, place) {
            Err(Errno::ENOENT) => {}
            opened => return opened.map(|mapped| (number, mapped)),
        }
        // It holds 0, or bytes that glibc's sem_init has left as they were.
        ledger_file::remove_some_stale(&is_ours);
        let (new, mapped) = ledger_file::create(place)?;
        let order = (Ordering::SeqCst, Ordering::SeqCst);
        if semaphore.ledger.compare_exchange(number, new, order.0, order.1).is_ok() {
            return Ok((new, mapped));
        }
        // Another process was faster.
        let _ = std::fs::remove_file(ledger_file::path(new));
    }
}

/// A descriptor that the program does not see.
fn reserve(file: File) -> Result<Reserved> {
    reserved::keep(file.into_raw_fd())
}

/// The semaphore in a second mapping, which stays whatever the program does with its own. EINVAL:
/// the memory is not shared.
fn map_again(semaphore: *const Semaphore) -> Result<*const Semaphore> {
    const PAGE: usize = 4096;
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
        const LONG_MS: u32 = 200;
        if times < 100 {
            std::thread::yield_now();
        } else {
            pause();
        }
        times < 100 + LONG_MS
    }
}
