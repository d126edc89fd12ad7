//! Where the regions of a queue are mapped.
//!
//! Nearly all queues have one region. A process may have attached tens of thousands of queues, so
//! the places of the other regions are in memory that only a long queue has.

use core::ptr;

use crate::atomic::{AtomicPtr, Ordering};
use crate::os::{Errno, Result};

/// Bytes of a block.
pub const BLOCK: usize = 8192;
/// Blocks of a region.
pub const REGION: usize = 512;
/// Regions of a queue at most: a file of 1 GiB.
pub const REGIONS: usize = 256;
/// Bytes of a region.
pub const REGION_SIZE: usize = REGION * BLOCK;
/// Regions whose places are in the queue itself.
const NEAR: usize = 2;

type Far = [AtomicPtr<u8>; REGIONS - NEAR];

/// See the module. Null = not mapped yet. A place is stored by the thread that maps its region
/// first, and stays.
pub struct Regions {
    near: [AtomicPtr<u8>; NEAR],
    far: AtomicPtr<Far>,
}

impl Regions {
    /// The first one is mapped here.
    pub fn new(first: *mut u8) -> Self {
        let near = [const { AtomicPtr::new(ptr::null_mut()) }; NEAR];
        near[0].store(first, Ordering::Relaxed);
        Self { near, far: AtomicPtr::new(ptr::null_mut()) }
    }

    /// Where the first one is mapped.
    #[inline(always)]
    pub fn first(&self) -> *mut u8 {
        // Relaxed: stored before any other thread knew of it.
        self.near[0].load(Ordering::Relaxed)
    }

    /// Where a region is mapped. The caller knows that it is: with Acquire.
    #[inline(always)]
    pub fn at(&self, region: usize) -> Option<*mut u8> {
        let place = match self.near.get(region) {
            Some(place) => place,
            None => self.far(region)?,
        };
        Some(place.load(Ordering::Relaxed))
    }

    #[cold]
    #[inline(never)]
    fn far(&self, region: usize) -> Option<&AtomicPtr<u8>> {
        // SAFETY: it stays for as long as this does.
        unsafe { self.far.load(Ordering::Acquire).as_ref() }?.get(region - NEAR)
    }

    /// A region is mapped by `map`, unless it has been before. ENOMEM.
    pub fn need(&self, region: usize, map: impl FnOnce() -> Result<*mut u8>) -> Result<()> {
        let place = match self.near.get(region) {
            Some(place) => place,
            None => self.far_or_new()?.get(region - NEAR).ok_or(Errno::ENOMEM)?,
        };
        if place.load(Ordering::Relaxed).is_null() {
            store_first(place, map()?, REGION_SIZE);
        }
        Ok(())
    }

    #[cold]
    fn far_or_new(&self) -> Result<&Far> {
        if self.far.load(Ordering::Acquire).is_null() {
            let protection = libc::PROT_READ | libc::PROT_WRITE;
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            let size = size_of::<Far>();
            // SAFETY: new memory, all zeros, which are null pointers.
            let new = unsafe { libc::mmap(ptr::null_mut(), size, protection, flags, -1, 0) };
            if new == libc::MAP_FAILED {
                return Err(Errno::ENOMEM);
            }
            store_first(&self.far, new.cast(), size);
        }
        // SAFETY: it stays for as long as this does.
        unsafe { self.far.load(Ordering::Acquire).as_ref() }.ok_or(Errno::ENOMEM)
    }

    /// Unmaps all of them.
    ///
    /// # Safety
    /// They are not used any more.
    pub unsafe fn unmap(&self) {
        // SAFETY: null, or an array.
        let far = unsafe { self.far.load(Ordering::Acquire).as_ref() };
        for place in self.near.iter().chain(far.into_iter().flatten()) {
            let at = place.load(Ordering::Acquire);
            if !at.is_null() {
                // SAFETY: mapped with this length.
                unsafe { libc::munmap(at.cast(), REGION_SIZE) };
            }
        }
        if let Some(far) = far {
            // SAFETY: mapped with this size by the one that stored it, and this is the last use.
            unsafe { libc::munmap(ptr::from_ref(far).cast_mut().cast(), size_of::<Far>()) };
        }
    }
}

/// Stores where new memory is, unless another thread was faster; then it is unmapped again.
fn store_first<T>(place: &AtomicPtr<T>, new: *mut T, size: usize) {
    let null = ptr::null_mut();
    if place.compare_exchange(null, new, Ordering::AcqRel, Ordering::Relaxed).is_err() {
        // SAFETY: mapped with this length, and no thread has seen it.
        unsafe { libc::munmap(new.cast(), size) };
    }
}
