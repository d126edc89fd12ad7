//! Who took from a named semaphore last, and who posted last, where `RSIPC_SEM_TRACK` asks for it.
//!
//! A `sem_t` has no space for that: the four bytes with which glibc pads it cannot hold two PIDs.
//! So the file of a tracked semaphore is longer than a `sem_t`, by a `Tail`. glibc maps no more of
//! it than the `sem_t`, and does not look at the length. A process on this library that opens a
//! semaphore when it is tracked already notes its calls, too. A process that has opened it before,
//! or is on plain glibc, does not.
//!
//! The fast paths know nothing of it: from the first tracked semaphore of a process on, calls leave
//! them as they do for a ledger ([`uses`]).
//!
//! All of this is a hint for a person, in memory that others may write: any bytes are harmless.

use core::ffi::CStr;
use core::mem::{offset_of, size_of};
use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;

use super::layout::{SIZE, Semaphore};
use super::ledger::uses;
use crate::atomic::{AtomicU64, AtomicUsize, Ordering};
use crate::object::doer::{self, Doer, Last};
use crate::object::pattern::any_fits;
use crate::os::file_size::beyond_limit;
use crate::os::settings;
use crate::os::{Errno, Result};

/// Size of the file of a tracked semaphore, in bytes.
pub const TRACKED_SIZE: usize = SIZE + size_of::<Tail>();

/// The first word of a [`Tail`].
const MAGIC: u64 = u64::from_be_bytes(*b"rsipctrk");
/// Tracked semaphores of a process at most; of further ones nothing is noted.
const MOST: usize = 128;

/// What follows the `sem_t` in the file.
#[repr(C)]
struct Tail {
    magic: AtomicU64,
    taker: Last,
    poster: Last,
}

const _: () = assert!(offset_of!(Tail, taker) == 8 && size_of::<Last>() == 24);

/// Last taker and last poster of a semaphore. `None`: nobody since it has been tracked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Track {
    /// Who decremented the value.
    pub taker: Option<Doer>,
    /// Who incremented it.
    pub poster: Option<Doer>,
}

/// Addresses of tracked semaphores of this process. 0 = free.
static TRACKED: [AtomicUsize; MOST] = [const { AtomicUsize::new(0) }; MOST];

/// No place from this number on has ever been used.
static USED: AtomicUsize = AtomicUsize::new(0);

/// Makes the file that of a tracked semaphore, if `RSIPC_SEM_TRACK` names the semaphore and it is
/// none yet. One that cannot be tracked stays as it is.
pub fn lengthen_if_asked(name: &CStr, file: &File, size: usize) -> bool {
    let patterns = settings::get().tracked.as_deref().unwrap_or(OsStr::new(""));
    size == SIZE && any_fits(patterns.as_bytes(), name.to_bytes()) && lengthen(file).is_ok()
}

/// In one write: a process that opens it meanwhile sees all of the tail or nothing.
fn lengthen(file: &File) -> Result<()> {
    let mut tail = [0_u8; size_of::<Tail>()];
    tail[..size_of::<u64>()].copy_from_slice(&MAGIC.to_ne_bytes());
    let (fd, from, length) = (file.as_raw_fd(), tail.as_ptr(), tail.len());
    beyond_limit(TRACKED_SIZE as u64, || {
        // SAFETY: `tail` is valid for reading.
        let written = unsafe { libc::syscall(libc::SYS_pwrite64, fd, from, length, SIZE) };
        if usize::try_from(written) == Ok(length) { Ok(()) } else { Err(Errno::last()) }
    })
}

/// From now on what this process does with the semaphore at this address is noted.
///
/// # Safety
/// The file of a tracked semaphore is mapped there until [`forget`].
pub unsafe fn enter(address: usize) {
    let tail = core::ptr::with_exposed_provenance::<Tail>(address + SIZE);
    // SAFETY: as the caller says.
    if unsafe { (*tail).magic.load(Ordering::Relaxed) } != MAGIC || place_of(address).is_some() {
        return;
    }
    let order = (Ordering::SeqCst, Ordering::Relaxed);
    let take = |place: &AtomicUsize| place.compare_exchange(0, address, order.0, order.1).is_ok();
    if let Some(number) = TRACKED.iter().position(take) {
        USED.fetch_max(number + 1, Ordering::SeqCst);
        doer::prepare();
        uses::leave_fast_paths();
    }
}

/// The semaphore at this address is no longer used there.
pub fn forget(address: usize) {
    if let Some(place) = place_of(address) {
        place.store(0, Ordering::SeqCst);
    }
}

fn place_of(address: usize) -> Option<&'static AtomicUsize> {
    // Relaxed: the thread that asks has opened the semaphore, or was told of it.
    let mut used = TRACKED.iter().take(USED.load(Ordering::Relaxed));
    used.find(|place| place.load(Ordering::Relaxed) == address)
}

/// The caller has decremented the value. Async-signal-safe.
#[cold]
pub(super) fn has_taken(semaphore: *const Semaphore) {
    if let Some(tail) = tail_of(semaphore) {
        tail.taker.is_this_process();
    }
}

/// The caller is about to increment it: afterwards its memory may be gone. Async-signal-safe.
#[cold]
pub(super) fn posts(semaphore: *const Semaphore) {
    if let Some(tail) = tail_of(semaphore) {
        tail.poster.is_this_process();
    }
}

fn tail_of<'a>(semaphore: *const Semaphore) -> Option<&'a Tail> {
    place_of(semaphore.addr())?;
    // SAFETY: in the table, so the whole file is mapped there, says the caller of `enter`; a thread
    // that uses a semaphore does not let others close it.
    Some(unsafe { &*core::ptr::with_exposed_provenance::<Tail>(semaphore.addr() + SIZE) })
}

impl Track {
    /// From the bytes of the file. `None`: it is not tracked.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let tail = bytes.get(SIZE..TRACKED_SIZE)?;
        let (words, _) = tail.as_chunks::<8>();
        let [magic, taker @ .., p0, p1, p2] = words else { return None };
        let doer = |words: &[[u8; 8]]| Doer::from_words(words);
        (*magic == MAGIC.to_ne_bytes())
            .then(|| Self { taker: doer(taker), poster: doer(&[*p0, *p1, *p2]) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::doer::{NAME, signed};

    fn bytes(who: u64, name: [u8; NAME + 1]) -> Vec<u8> {
        let mut bytes = vec![0; TRACKED_SIZE];
        bytes[SIZE..SIZE + 8].copy_from_slice(&MAGIC.to_ne_bytes());
        bytes[SIZE + 8..SIZE + 16].copy_from_slice(&who.to_ne_bytes());
        bytes[SIZE + 16..SIZE + 32].copy_from_slice(&name);
        bytes
    }

    #[test]
    fn a_taker_is_read_as_it_was_noted() {
        let mut name = [0; NAME];
        name[..6].copy_from_slice(b"writer");
        // Its namespace is not known.
        let doer = |program| Doer { pid: 4711, is_at_home: false, when: 9, program };
        let track = |program| Some(Track { taker: Some(doer(program)), poster: None });
        let noted = bytes(4711 << 32 | 9, signed(name, 4711));
        assert_eq!(Track::from_bytes(&noted), track(Some("writer".into())));
        // The name is another process's.
        let mixed = bytes(4711 << 32 | 9, signed(name, 4712));
        assert_eq!(Track::from_bytes(&mixed), track(None));
    }

    #[test]
    fn what_is_not_tracked_tells_nothing() {
        assert_eq!(Track::from_bytes(&[0; SIZE]), None);
        assert_eq!(Track::from_bytes(&[0; TRACKED_SIZE]), None);
        assert_eq!(Track::from_bytes(&bytes(0, [0; NAME + 1])), Some(Track::default()));
    }
}
