//! The semaphores that this process uses with a ledger.
//!
//! The fast paths know nothing of it: they compare the address of a semaphore with a limit, where
//! they would compare it with NULL otherwise. The limit is 0 until a process uses a ledger, or
//! tracks a semaphore ([`track`](super::super::track)), and then above all addresses.
//!
//! The child of a fork uses what its parent used, with an account of its own, which it opens at its
//! first call. What its parent has taken remains its parent's.

use core::ffi::CStr;
use core::ptr;
use std::os::unix::ffi::OsStrExt;

use super::super::layout::Semaphore;
use super::entries;
use super::file::{self, Place};
use super::opened::Opened;
use super::pool::{self, Inside};
use crate::atomic::{AtomicUsize, Ordering};
use crate::object::pattern::any_fits;
use crate::os::errno::preserved;
use crate::os::filter::Found;
use crate::os::fork::ForkMutex;
use crate::os::futex::{self, Scope};
use crate::os::process::Process;
use crate::os::settings;
use crate::os::{Errno, Result};
use crate::shared::thread::{FrameTag, Thread};

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

/// Held while a use begins or ends.
static ALL: ForkMutex<()> = ForkMutex::new(2, ());

/// The use of a semaphore. `None`: it is not counted. `tag`: on the stack of the call, as in all of
/// these.
#[inline]
pub fn find(semaphore: *const Semaphore, tag: &FrameTag) -> Option<Inside<'_>> {
    if limit() == 0 { None } else { look_up(semaphore, entries::COUNTS, tag) }
}

/// The same for a post, which is counted, too, where it gives back what was taken at another
/// address.
#[inline]
pub fn find_for_post(semaphore: *const Semaphore, tag: &FrameTag) -> Option<Inside<'_>> {
    if limit() == 0 {
        return None;
    }
    look_up(semaphore, entries::COUNTS, tag)
        .or_else(|| look_up(semaphore, entries::GIVES_BACK, tag).filter(|known| known.has_taken()))
        .or_else(|| find_debt(semaphore, tag))
}

/// `kind`: [`entries::COUNTS`] or [`entries::GIVES_BACK`].
#[cold]
fn look_up(semaphore: *const Semaphore, kind: usize, tag: &FrameTag) -> Option<Inside<'_>> {
    let place = entries::find(semaphore.addr(), kind)?;
    // SAFETY: the caller's semaphore.
    pool::enter(place, unsafe { (*semaphore).ledger.load(Ordering::Relaxed) }, tag)
}

/// The use of a semaphore from which something was taken at another address, in memory that has
/// been mapped anew since.
#[cold]
fn find_debt(semaphore: *const Semaphore, tag: &FrameTag) -> Option<Inside<'_>> {
    // SAFETY: the caller's semaphore.
    let number = unsafe { (*semaphore).ledger.load(Ordering::Relaxed) };
    // The number may be a copy. In doubt it is not, so that no unit is given twice; behind a filter
    // the look may be a call too many.
    let may_be_its = |known: &Inside<'_>| {
        preserved(|| Found::default().is_confined() || known.opened.may_be_at(semaphore.addr()))
    };
    pool::enter_debt(number, tag).filter(may_be_its)
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
    let _all = ALL.lock();
    if let Some(known) = look_up(semaphore, entries::COUNTS, &FrameTag::new()) {
        return known.account_at_last();
    }
    end_those_that_are_over();
    let mut counted = begin(shared);
    if counted == Err(Errno::EMFILE) {
        preserved(|| entries::forget_what_is_gone(pool::number_of));
        if end_those_that_are_over() > 0 {
            counted = begin(shared);
        }
    }
    if counted.is_err() {
        end_those_that_are_over();
    }
    counted
}

/// The caller holds `ALL`.
fn begin(semaphore: &Semaphore) -> Result<()> {
    let address = ptr::from_ref(semaphore).addr();
    let place = Place::of(address)?;
    let tag = FrameTag::new();
    loop {
        let number = semaphore.ledger.load(Ordering::SeqCst);
        if let Some(known) = pool::known(&place, number, &tag) {
            known.account_at_last()?;
            return enter(address, &known);
        }
        let open = || Opened::new(semaphore, place.clone(), pool::is_ours);
        let new = pool::add(open, &tag)?;
        new.account_at_last()?;
        // Before it had an account, a process may have removed the file: others would not find it.
        if new.opened.has_name()? {
            return enter(address, &new);
        }
        let nameless = new.opened.number();
        drop(new);
        end_those_that_are_over();
        if pool::is_ours(nameless) {
            return Err(Errno::EAGAIN);
        }
    }
}

fn enter(address: usize, of: &Inside<'_>) -> Result<()> {
    entries::enter(address, entries::COUNTS, of.index())?;
    leave_fast_paths();
    Ok(())
}

/// Gives how many.
fn end_those_that_are_over() -> usize {
    preserved(|| pool::end_all_that_are_over(entries::lead_to))
}

/// A named semaphore has been opened that is not counted here. If the process has counted it at
/// another address, and has closed it there with something taken, a post gives that back.
fn give_back_to(semaphore: &Semaphore) {
    let number = semaphore.ledger.load(Ordering::SeqCst);
    let address = ptr::from_ref(semaphore).addr();
    let tag = FrameTag::new();
    if limit() == 0 || number == 0 || look_up(semaphore, entries::COUNTS, &tag).is_some() {
        return;
    }
    let _all = ALL.lock();
    if let Some(known) = pool::enter_debt(number, &tag)
        && Place::of(address).is_ok_and(|place| known.opened.is_of(&place))
    {
        // Without a free entry each post looks for it.
        let _ = entries::enter(address, entries::GIVES_BACK, known.index());
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
/// Whichever process destroys it, and whether or not it counts: its memory may be something else
/// next, and the number would still lead the keepers of the processes that count there.
///
/// # Safety
/// The address is that of a semaphore.
pub unsafe fn destroyed(semaphore: *const Semaphore) {
    // SAFETY: as the caller says.
    let ended = unsafe { &*semaphore };
    // Not stored where there is nothing to change: the memory may have become read-only.
    if ended.is_shared() && ended.ledger() != 0 {
        ended.ledger.store(0, Ordering::SeqCst);
    }
    if limit() == 0 {
        return;
    }
    forget(semaphore.addr());
    tidy_up();
}

/// The semaphore at this address is no longer used there. [`tidy_up`] is to follow.
pub fn forget(address: usize) {
    entries::forget(address);
}

/// Ends what is over. Not in the child of a vfork(2), whose parent does it at its next call; nor
/// behind a filter, which may kill for what it takes.
pub fn tidy_up() {
    if limit() != 0 && Process::owns_memory() && preserved(|| !Found::default().is_confined()) {
        let _all = ALL.lock();
        end_those_that_are_over();
    }
}

/// The program ends: of ledgers that are no longer of use the files go. Not one whose semaphore
/// still has a name, or that another process takes part in.
pub fn leave() {
    if limit() != 0 && Process::owns_memory() {
        let _all = ALL.lock();
        preserved(pool::remove_useless_ledgers);
    }
}

/// Removes the ledger of this number if its semaphore has lost its name, and no process takes part.
pub fn tidy(number: u32) {
    let _all = ALL.lock();
    // Our own: to open and close it would give back our locks.
    if number != 0 && !pool::is_ours(number) {
        let _ = file::remove_if_stale(&file::path(number));
    }
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
