//! Where this process has segments attached: what `shmdt` would find in /proc/self/maps, which
//! costs more than the attachment itself.
//!
//! It is a hint. The program can map and unmap memory by itself, and another thread may fork
//! between a mapping and its entry here. So an attachment that is not found here is looked for in
//! /proc, and one that is found is verified with the kernel before it is unmapped.
//!
//! Looked up and changed without a lock, as signal handlers do both; the child of a fork inherits
//! it.
//!
//! | state of a place | meaning | changed by |
//! |---|---|---|
//! | `start` 0 | free | a thread that needs one takes it to 1, by exchange |
//! | `start` 1 | in hand: its taker writes the rest | the taker, to an address |
//! | `start` an address, which is even | a segment is attached there | a thread that detaches it takes it to the odd one, by exchange; one that has mapped something else there, to 0, by exchange |
//! | `start` an address and 1 | a call is unmapping it | that call, to 0 |

use core::ptr;

use crate::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU32, AtomicUsize, Ordering};
use crate::os::{Errno, Result};

/// An attachment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Its first byte.
    pub start: usize,
    /// Bytes, whole pages.
    pub length: usize,
    /// The segment.
    pub id: i32,
}

#[derive(Default)]
struct Place {
    start: AtomicUsize,
    length: AtomicUsize,
    id: AtomicI32,
    /// The program has mapped or unmapped something there since. Relaxed: a program that does that
    /// while another thread attaches or detaches cannot tell which came first.
    is_changed: AtomicBool,
}

const FREE: usize = 0;
const IN_HAND: usize = 1;
/// Beside the address.
const UNMAPPED: usize = 1;

/// Places of a slab. The kernel lets a process have some 65,000 mappings.
const SLAB: usize = 1024;
const SLABS: usize = 64;

type Slab = [Place; SLAB];

static TABLE: [AtomicPtr<Slab>; SLABS] = [const { AtomicPtr::new(ptr::null_mut()) }; SLABS];
/// Places that have ever been taken: all others are free. Only ever grows.
static USED: AtomicU32 = AtomicU32::new(0);

fn place(index: usize) -> Option<&'static Place> {
    // SAFETY: slabs are never unmapped.
    let slab = unsafe { TABLE.get(index / SLAB)?.load(Ordering::Acquire).as_ref() }?;
    Some(&slab[index % SLAB])
}

fn used() -> impl Iterator<Item = &'static Place> {
    (0..USED.load(Ordering::Acquire) as usize).map_while(place)
}

impl Place {
    fn exchange(&self, from: usize, to: usize) -> bool {
        self.start.compare_exchange(from, to, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// What is attached here, if it is not being unmapped.
    fn attached(&self) -> Option<Attachment> {
        // Acquire: with the store of `insert`.
        let start = self.start.load(Ordering::Acquire);
        let length = self.length.load(Ordering::Relaxed);
        let id = self.id.load(Ordering::Relaxed);
        (start & UNMAPPED == 0 && start != FREE).then_some(Attachment { start, length, id })
    }
}

/// An attachment that the caller alone may unmap. The place is free when it is dropped.
pub struct Claim {
    /// What is to be unmapped.
    pub attachment: Attachment,
    place: &'static Place,
}

impl Claim {
    /// Whether the program may have mapped something else over it, or over a part of it.
    pub fn may_have_changed(&self) -> bool {
        self.place.is_changed.load(Ordering::Relaxed)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // Release: it has been unmapped when a thread finds the place free.
        self.place.start.store(FREE, Ordering::Release);
    }
}

/// A segment has been attached. What was known of this part of memory is forgotten.
pub fn insert(new: Attachment) {
    forget(new.start, new.length);
    if new.start == FREE {
        // Page 0, which few may map, is left to /proc.
        return;
    }
    for index in 0..SLABS * SLAB {
        let Some(place) = place(index).or_else(|| grow(index)) else { return };
        if place.start.load(Ordering::Relaxed) == FREE && place.exchange(FREE, IN_HAND) {
            place.length.store(new.length, Ordering::Relaxed);
            place.id.store(new.id, Ordering::Relaxed);
            place.is_changed.store(false, Ordering::Relaxed);
            // Release: a thread that finds the address finds the rest.
            place.start.store(new.start, Ordering::Release);
            USED.fetch_max(u32::try_from(index).unwrap_or(0) + 1, Ordering::Release);
            return;
        }
    }
}

/// The attachment that begins here, to be unmapped. `None`: none is known. EINVAL: another call
/// unmaps it.
pub fn claim(start: usize) -> Result<Option<Claim>> {
    if start == FREE {
        return Ok(None);
    }
    let with = |word| used().find(|place| place.start.load(Ordering::Relaxed) == word);
    match with(start).and_then(|place| Some((place.attached()?, place))) {
        Some((attachment, place)) if place.exchange(start, start | UNMAPPED) => {
            Ok(Some(Claim { attachment, place }))
        }
        // Another call was faster.
        Some(_) => Err(Errno::EINVAL),
        // A thread that has unmapped it may have been interrupted before it says so; then what has
        // been attached here since was found above.
        None if with(start | UNMAPPED).is_some() => Err(Errno::EINVAL),
        None => Ok(None),
    }
}

/// Other things are mapped here now, in whole or in part.
fn forget(start: usize, length: usize) {
    for (place, old) in at(start, length) {
        place.exchange(old.start, FREE);
    }
}

/// The program has changed what is mapped here. Async-signal-safe.
pub fn note_change(start: usize, length: usize) {
    for (place, _) in at(start, length) {
        place.is_changed.store(true, Ordering::Relaxed);
    }
}

/// What is attached here, in whole or in part.
fn at(start: usize, length: usize) -> impl Iterator<Item = (&'static Place, Attachment)> {
    let end = start.saturating_add(length);
    used().filter_map(|place| Some((place, place.attached()?))).filter(move |(_, attached)| {
        attached.start < end && start < attached.start.saturating_add(attached.length)
    })
}

/// The number of attachments of a segment.
pub fn count(id: i32) -> usize {
    all(id).count()
}

/// One of the attachments of a segment.
pub fn find(id: i32) -> Option<Attachment> {
    all(id).next()
}

/// The attachments of a segment.
pub fn all(id: i32) -> impl Iterator<Item = Attachment> {
    used().filter_map(Place::attached).filter(move |attachment| attachment.id == id)
}

/// The slab of this place. `None`: there is no memory.
#[cold]
fn grow(index: usize) -> Option<&'static Place> {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: new memory, all zeros, which are free places.
    let new = unsafe { libc::mmap(ptr::null_mut(), size_of::<Slab>(), protection, flags, -1, 0) };
    if new == libc::MAP_FAILED {
        return None;
    }
    let slab = TABLE.get(index / SLAB)?;
    let null = ptr::null_mut();
    if slab.compare_exchange(null, new.cast(), Ordering::AcqRel, Ordering::Relaxed).is_err() {
        // SAFETY: no other thread has seen it.
        unsafe { libc::munmap(new, size_of::<Slab>()) };
    }
    place(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// At addresses where nothing of this process is.
    #[test]
    fn an_attachment_is_claimed_once_and_forgotten_under_another_one() {
        let at = |page: usize, length| Attachment { start: page << 12, length, id: 9 };
        let (first, second) = (at(0x10, 0x3000), at(0x20, 0x1000));
        insert(first);
        insert(second);
        assert_eq!(count(9), 2);
        let claimed = |start| claim(start).map(|found| found.map(|claim| claim.attachment));
        assert_eq!(claimed(first.start + 0x1000), Ok(None));
        {
            let claim = claim(second.start).unwrap().unwrap();
            assert_eq!(claim.attachment, second);
            assert_eq!(claimed(second.start), Err(Errno::EINVAL));
        }
        assert_eq!(claimed(second.start), Ok(None));
        let inside = at(0x12, 0x1000);
        insert(inside);
        assert_eq!(claimed(first.start), Ok(None));
        assert_eq!(claimed(inside.start), Ok(Some(inside)));
        assert_eq!(count(9), 0);
    }
}
