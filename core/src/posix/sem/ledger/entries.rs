//! The addresses at which this process uses semaphores with a ledger, and where the uses are.
//!
//! A semaphore at an address that is known holds the number of its ledger. If it does not, it has
//! been initialised anew, or something else is there, and it is not counted.
//!
//! An address is forgotten when the semaphore is closed or destroyed there, and at the latest when
//! there is no room for another one and the semaphore is not there any more (after munmap(2)). A
//! use that no address leads to may be over (`pool`).

use core::ptr;

use super::opened::leads_to;
use super::pool::USES;
use crate::atomic::{AtomicUsize, Ordering};
use crate::os::{Errno, Result};

/// An address, or [`GIVES_BACK`] with it, and the place of the use. 0 = free.
struct Entry {
    address: AtomicUsize,
    place: AtomicUsize,
}

static ENTRIES: [Entry; USES] =
    [const { Entry { address: AtomicUsize::new(0), place: AtomicUsize::new(0) } }; USES];

/// In an address: the semaphore is counted there.
pub const COUNTS: usize = 0;

/// In an address: the semaphore has been closed, and opened again here, and is not counted any
/// more. But what is posted here may be what was taken before. (A semaphore is aligned.)
pub const GIVES_BACK: usize = 1;

/// No entry from this number on has ever been used.
static USED: AtomicUsize = AtomicUsize::new(0);

fn used() -> impl Iterator<Item = &'static Entry> {
    // Relaxed: the thread that asks has seen the store, or the semaphore is not its own to count.
    ENTRIES.iter().take(USED.load(Ordering::Relaxed))
}

/// The place of the use at this address.
pub fn find(address: usize, kind: usize) -> Option<usize> {
    let is_its = |entry: &&Entry| entry.address.load(Ordering::Acquire) == address | kind;
    used().find(is_its).map(|entry| entry.place.load(Ordering::Acquire))
}

/// EMFILE: there is no room. For the one that has the mutex of all uses.
pub fn enter(address: usize, kind: usize, place: usize) -> Result<()> {
    forget(address);
    let is_free = |entry: &Entry| entry.address.load(Ordering::Relaxed) == 0;
    let number = ENTRIES.iter().position(is_free).ok_or(Errno::EMFILE)?;
    ENTRIES[number].place.store(place, Ordering::Release);
    // Release: a thread that finds the address finds the place.
    ENTRIES[number].address.store(address | kind, Ordering::Release);
    USED.fetch_max(number + 1, Ordering::SeqCst);
    Ok(())
}

/// Nothing is used at this address any more.
pub fn forget(address: usize) {
    let is_its = |of: usize| of & !GIVES_BACK == address;
    let its = used().filter(|entry| is_its(entry.address.load(Ordering::Relaxed)));
    its.for_each(|entry| entry.address.store(0, Ordering::Release));
}

/// Whether a semaphore is counted somewhere whose use is at this place. An address that only gives
/// back is of no use without a debt. For the one that has the mutex of all uses.
pub fn lead_to(place: usize) -> bool {
    used().any(|entry| {
        let address = entry.address.load(Ordering::Acquire);
        address != 0 && address & GIVES_BACK == 0 && entry.place.load(Ordering::Acquire) == place
    })
}

/// Forgets the addresses at which their semaphores are not any more. `number_of`: of the ledger, by
/// the place of a use. For the one that has the mutex of all uses.
pub fn forget_what_is_gone(number_of: impl Fn(usize) -> u32) {
    for entry in used() {
        let address = entry.address.load(Ordering::Acquire) & !GIVES_BACK;
        let number = number_of(entry.place.load(Ordering::Acquire));
        if address != 0 && !leads_to(ptr::with_exposed_provenance(address), number) {
            entry.address.store(0, Ordering::Release);
        }
    }
}
