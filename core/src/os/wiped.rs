//! Tables in memory that the kernel wipes in the child of a fork, however it was forked
//! (`MADV_WIPEONFORK`).
//!
//! In the child they read as zeros: what was known of the parent's threads does not apply to the
//! child's.

use core::ptr;

use super::errno::{Errno, Result};
use crate::atomic::{AtomicPtr, Ordering};

/// A table of atomics that grows by `SLAB` entries at a time, and never shrinks. Async-signal-safe.
pub struct Table<T: 'static, const SLABS: usize, const SLAB: usize> {
    /// The slabs that are mapped, and then nulls.
    slabs: [AtomicPtr<T>; SLABS],
}

/// What may be all zeros, and be read by all threads.
///
/// # Safety
/// All zeros is a valid value, and all fields are atomics.
pub unsafe trait Wiped {}

impl<T: Wiped, const SLABS: usize, const SLAB: usize> Table<T, SLABS, SLAB> {
    /// An empty table.
    #[expect(clippy::new_without_default, reason = "it stands in a static")]
    pub const fn new() -> Self {
        Self { slabs: [const { AtomicPtr::new(ptr::null_mut()) }; SLABS] }
    }

    /// All entries there are.
    pub fn iter(&self) -> impl Iterator<Item = &'static T> {
        self.mapped().flat_map(|slab| {
            // SAFETY: within a slab, which is never unmapped.
            (0..SLAB).map(move |index| unsafe { &*slab.add(index) })
        })
    }

    /// Adds entries, all zeros. ENOMEM.
    #[cold]
    pub fn grow(&self) -> Result<()> {
        let length = SLAB * size_of::<T>();
        let new = map(length)?;
        for slab in &self.slabs {
            // Release: a thread that finds the slab finds it wiped on fork.
            if slab
                .compare_exchange(ptr::null_mut(), new, Ordering::Release, Ordering::Relaxed)
                .is_ok()
            {
                return Ok(());
            }
        }
        // SAFETY: no other thread knows this mapping.
        unsafe { libc::munmap(new.cast(), length) };
        Err(Errno::ENOMEM)
    }

    /// Does in the child of a fork what kernels before 4.14 do not.
    ///
    /// # Safety
    /// The calling thread is the only one, and uses no entry.
    pub unsafe fn wipe(&self) {
        for slab in self.mapped() {
            // SAFETY: the slab is mapped, and no other thread is there to read it.
            unsafe { ptr::write_bytes(slab, 0, SLAB) };
        }
    }

    fn mapped(&self) -> impl Iterator<Item = *mut T> {
        self.slabs
            .iter()
            .map(|slab| slab.load(Ordering::Acquire))
            .take_while(|slab| !slab.is_null())
    }
}

fn map<T>(length: usize) -> Result<*mut T> {
    // SAFETY: new memory, all zeros, at an address of the kernel's choice.
    unsafe {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let new = libc::mmap(ptr::null_mut(), length, protection, flags, -1, 0);
        if new == libc::MAP_FAILED {
            return Err(Errno::ENOMEM);
        }
        libc::madvise(new, length, libc::MADV_WIPEONFORK);
        Ok(new.cast())
    }
}

#[cfg(test)]
mod tests {
    use crate::atomic::AtomicU64;

    use super::*;

    // SAFETY: zeros are zero.
    unsafe impl Wiped for AtomicU64 {}

    #[test]
    fn it_grows_to_its_end() {
        static TABLE: Table<AtomicU64, 2, 8> = Table::new();
        assert_eq!(TABLE.iter().count(), 0);
        for entries in [8, 16] {
            TABLE.grow().unwrap();
            assert_eq!(TABLE.iter().count(), entries);
        }
        assert_eq!(TABLE.grow(), Err(Errno::ENOMEM));
        assert!(TABLE.iter().all(|entry| entry.load(Ordering::Relaxed) == 0));
    }
}
