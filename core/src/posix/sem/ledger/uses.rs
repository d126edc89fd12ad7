//! The semaphores that this process uses with a ledger.
//!
//! The fast paths know nothing of it: they compare the address of a semaphore with a limit, where
//! they would compare it with NULL otherwise. The limit is 0 until a process uses a ledger, or
//! tracks a semaphore ([`track`](super::super::track)), and then above all addresses.
//!
//! A semaphore at an address that is known holds the number of its ledger. If it does not, it has
//! been initialised anew, or something else is there, and it is not counted.
//!
//! The child of a fork uses what its parent used, with an account of its own, which it opens at its
//! first call. What its parent has taken remains its parent's.

use core::ffi::CStr;
use core::ptr;
use std::os::unix::ffi::OsStrExt;

use super::super::layout::Semaphore;
use super::account::Use;
use super::file::{self, Place};
use super::pattern::any_fits;
use crate::atomic::{AtomicPtr, AtomicUsize, Ordering};
use crate::os::errno::preserved;
use crate::os::fork::ForkMutex;
use crate::os::futex::{self, Scope};
use crate::os::process::Process;
use crate::os::settings;
use crate::os::{Errno, Result};
use crate::shared::thread::Thread;

/// Semaphores of a process at most.
const USES: usize = 128;

/// Calls on a semaphore at this address, or below it, are not as short as they can be: NULL, or all
/// when the process has a ledger or tracks. Read by `cbits/semaphore.c`. Changed once, from 0.
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

/// An address at which a semaphore is used with its ledger, or [`GIVES_BACK`] with it. 0 = free.
struct Entry {
    address: AtomicUsize,
    of: AtomicPtr<Use>,
}

static ENTRIES: [Entry; USES] =
    [const { Entry { address: AtomicUsize::new(0), of: AtomicPtr::new(ptr::null_mut()) } }; USES];

/// In an address: the semaphore has been closed, and opened again here, and is not counted any
/// more. But what is posted here may be what was taken before. (A semaphore is aligned.)
const GIVES_BACK: usize = 1;

/// No entry from this number on has ever been used. Raised under [`ALL`].
static USED: AtomicUsize = AtomicUsize::new(0);

/// Those that have been made. Held while one is made.
static ALL: ForkMutex<Vec<&'static Use>> = ForkMutex::new(2, Vec::new());

/// The use of a semaphore. `None`: it is not counted.
#[inline]
pub fn find(semaphore: *const Semaphore) -> Option<&'static Use> {
    if limit() == 0 { None } else { look_up(semaphore, 0) }
}

/// The same for a post, which is counted, too, where it gives back what was taken at another
/// address.
#[inline]
pub fn find_for_post(semaphore: *const Semaphore) -> Option<&'static Use> {
    if limit() == 0 {
        return None;
    }
    look_up(semaphore, 0)
        .or_else(|| look_up(semaphore, GIVES_BACK).filter(|known| known.has_taken()))
}

/// `kind`: 0 or [`GIVES_BACK`].
#[cold]
fn look_up(semaphore: *const Semaphore, kind: usize) -> Option<&'static Use> {
    let address = semaphore.addr() | kind;
    let is_its = |entry: &&Entry| entry.address.load(Ordering::Acquire) == address;
    // Relaxed: the thread that asks has seen the store, or the semaphore is not its own to count.
    let entry = ENTRIES.iter().take(USED.load(Ordering::Relaxed)).find(is_its)?;
    // SAFETY: uses are never freed.
    let found = unsafe { entry.of.load(Ordering::Acquire).as_ref() }?;
    // SAFETY: the caller's semaphore.
    let number = unsafe { (*semaphore).ledger.load(Ordering::Relaxed) };
    (number == found.number()).then_some(found)
}

/// From now on what this process takes from the semaphore is counted. `thread`: the caller, if it
/// may make all system calls.
///
/// Errors: EINVAL: the semaphore is one of a single process, or its memory is not shared; ENOSYS:
/// the kernel, or a filter, does not offer what it takes; EACCES: the ledger is another user's;
/// EAGAIN: too many processes take part; EMFILE, ENOMEM, ENOSPC.
///
/// # Safety
/// The address is that of a semaphore.
pub unsafe fn count(semaphore: *const Semaphore, thread: Option<&'static Thread>) -> Result<()> {
    // SAFETY: as the caller says.
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
    if let Some(known) = look_up(semaphore, 0) {
        return known.account_at_last().map(drop);
    }
    let place = Place::of(semaphore.addr())?;
    loop {
        let number = shared.ledger.load(Ordering::SeqCst);
        if let Some(known) = all.iter().find(|known| known.is_of(&place, number)) {
            known.account_at_last()?;
            return enter(semaphore.addr(), 0, known);
        }
        let is_ours = |number| all.iter().any(|known| known.number() == number);
        let new: &'static Use = Box::leak(Box::new(Use::open(shared, place.clone(), is_ours)?));
        // If there is no account for it now, there may be one later.
        all.push(new);
        new.account_at_last()?;
        // Before it had an account, a process may have removed the file: others would not find it.
        if new.has_name()? {
            return enter(semaphore.addr(), 0, new);
        }
        all.pop();
    }
}

/// A named semaphore has been opened that is not counted here. If the process has counted it at
/// another address, and has closed it there with something taken, a post gives that back.
fn give_back_to(semaphore: &Semaphore) {
    let number = semaphore.ledger.load(Ordering::SeqCst);
    let address = ptr::from_ref(semaphore).addr();
    if limit() == 0 || number == 0 || look_up(semaphore, 0).is_some() {
        return;
    }
    let all = ALL.lock();
    if let Some(known) = all.iter().find(|known| known.number() == number && known.has_taken())
        && Place::of(address).is_ok_and(|place| known.is_of(&place, number))
    {
        // Without a free entry it is not counted.
        let _ = enter(address, GIVES_BACK, known);
    }
}

/// [`count`] for a named semaphore that has been opened, if `RSIPC_SEM_ROBUST` names it.
///
/// # Safety
/// As for [`count`].
pub unsafe fn count_if_asked(
    name: &CStr,
    semaphore: *const Semaphore,
    thread: impl FnOnce() -> Option<&'static Thread>,
) -> Result<()> {
    match &settings::get().robust {
        Some(patterns) if any_fits(patterns.as_bytes(), name.to_bytes()) => {
            // SAFETY: as the caller says.
            unsafe { count(semaphore, thread()) }
        }
        _ => {
            // SAFETY: as the caller says.
            give_back_to(unsafe { &*semaphore });
            Ok(())
        }
    }
}

/// The semaphore is destroyed: what was taken from it is given back to nobody.
///
/// # Safety
/// The address is that of a semaphore.
pub unsafe fn destroyed(semaphore: *const Semaphore) {
    if let Some(known) = find(semaphore) {
        let order = (Ordering::SeqCst, Ordering::Relaxed);
        // SAFETY: as the caller says.
        let ledger = unsafe { &(*semaphore).ledger };
        let _ = ledger.compare_exchange(known.number(), 0, order.0, order.1);
    }
    forget(semaphore.addr());
}

/// The semaphore at this address is no longer used there.
#[cold]
pub fn forget(address: usize) {
    let is_its = |of: usize| of & !GIVES_BACK == address;
    let its = ENTRIES.iter().filter(|entry| is_its(entry.address.load(Ordering::Relaxed)));
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
            known.leave();
        }
    });
}

/// Removes the ledger of this number if its semaphore has lost its name, and no process takes part.
pub fn tidy(number: u32) {
    // Our own: to open and close it would give back our locks.
    if number != 0 && !ALL.lock().iter().any(|known| known.number() == number) {
        let _ = file::remove_if_stale(&file::path(number));
    }
}

/// The caller holds `ALL`. `kind`: 0 or [`GIVES_BACK`].
fn enter(address: usize, kind: usize, of: &'static Use) -> Result<()> {
    forget(address);
    let is_free = |entry: &&Entry| entry.address.load(Ordering::Relaxed) == 0;
    let number = ENTRIES.iter().position(|entry| is_free(&entry)).ok_or(Errno::EMFILE)?;
    let entry = &ENTRIES[number];
    entry.of.store(ptr::from_ref(of).cast_mut(), Ordering::Release);
    // Release: a thread that finds the address finds the use.
    entry.address.store(address | kind, Ordering::Release);
    USED.fetch_max(number + 1, Ordering::SeqCst);
    leave_fast_paths();
    Ok(())
}

/// From now on no call of this process is as short as it can be.
pub fn leave_fast_paths() {
    rsipc_sem_limit.store(usize::MAX, Ordering::SeqCst);
}

/// Whether this process neither uses a ledger nor tracks a semaphore.
#[inline]
pub fn are_all_plain() -> bool {
    limit() == 0
}
