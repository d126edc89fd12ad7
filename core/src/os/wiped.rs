//! Tables in memory that the kernel wipes in the child of a fork, however it was forked
//! (`MADV_WIPEONFORK`).
//!
//! In the child they read as zeros: what was known of the parent's threads does not apply to the
//! child's. Where the kernel does not do it (before Linux 4.14, and under emulators that only claim
//! to), a fork handler does. The child of a bare clone(2) then keeps what was its parent's.

use core::ptr;

use super::errno::{Errno, Result};
use crate::atomic::{AtomicPtr, AtomicUsize, Ordering};

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
        // What is mapped stays so: nothing is mapped that has no place.
        if self.mapped().count() == self.slabs.len() {
            return Err(Errno::ENOMEM);
        }
        let new = map::<T>(SLAB)?;
        for slab in &self.slabs {
            // Release: a thread that finds the slab finds it wiped on fork.
            if slab
                .compare_exchange(ptr::null_mut(), new, Ordering::Release, Ordering::Relaxed)
                .is_ok()
            {
                return Ok(());
            }
        }
        // It stays mapped: it is in the list.
        Err(Errno::ENOMEM)
    }

    fn mapped(&self) -> impl Iterator<Item = *mut T> {
        self.slabs
            .iter()
            .map(|slab| slab.load(Ordering::Acquire))
            .take_while(|slab| !slab.is_null())
    }
}

/// In front of what was mapped, and wiped with it. It is as long as a cache line.
#[repr(C, align(64))]
struct Header {
    /// The one that was mapped before. Stored once, before this one is in the list.
    next: AtomicPtr<Header>,
    /// Bytes behind the header; 0 = the kernel has wiped all of them.
    length: AtomicUsize,
}

/// All mappings, the last one first; none is ever taken out.
static MAPPINGS: AtomicPtr<Header> = AtomicPtr::new(ptr::null_mut());

/// Memory for so many, all zeros, in this process and in each child. Never unmapped. ENOMEM.
/// Async-signal-safe.
pub fn map<T: Wiped>(count: usize) -> Result<*mut T> {
    const { assert!(align_of::<T>() <= align_of::<Header>()) };
    let length = count * size_of::<T>();
    // SAFETY: new memory, all zeros, at an address of the kernel's choice; nobody else has it yet.
    unsafe {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let whole = size_of::<Header>() + length;
        let new = libc::mmap(ptr::null_mut(), whole, protection, flags, -1, 0);
        if new == libc::MAP_FAILED {
            return Err(Errno::ENOMEM);
        }
        libc::madvise(new, whole, libc::MADV_WIPEONFORK);
        let header = new.cast::<Header>();
        (*header).length.store(length, Ordering::Relaxed);
        put_in_front(header);
        Ok(header.add(1).cast())
    }
}

/// # Safety
/// The header is in no list.
unsafe fn put_in_front(header: *mut Header) {
    let mut first = MAPPINGS.load(Ordering::Relaxed);
    loop {
        // SAFETY: headers are never unmapped.
        unsafe { (*header).next.store(first, Ordering::Relaxed) };
        // Release, with the Acquire of `wipe`: who finds the header finds it filled in.
        match MAPPINGS.compare_exchange(first, header, Ordering::Release, Ordering::Relaxed) {
            Ok(_) => return,
            Err(now) => first = now,
        }
    }
}

/// In the child of a fork, before anything else: wipes all, unless the kernel has done it. It has
/// wiped the first header then, too, and nothing is written.
pub extern "C" fn wipe() {
    let mut at = MAPPINGS.load(Ordering::Acquire);
    // SAFETY: headers are never unmapped, and the calling thread is the only one.
    while let Some(header) = unsafe { at.as_ref() } {
        let length = header.length.load(Ordering::Relaxed);
        // SAFETY: all types are zeros at first, and so many bytes lie behind the header.
        unsafe { ptr::write_bytes(at.add(1).cast::<u8>(), 0, length) };
        at = header.next.load(Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use core::ffi::c_void;

    use crate::atomic::AtomicU64;

    use super::*;

    // SAFETY: zeros are zero.
    unsafe impl Wiped for AtomicU64 {}

    /// In front of what `map` has given.
    fn header_of(mapped: *mut AtomicU64) -> *mut Header {
        mapped.wrapping_byte_sub(size_of::<Header>()).cast::<c_void>().cast()
    }

    #[test]
    fn all_is_zeros_after_a_wipe() {
        let first = map::<AtomicU64>(100).unwrap();
        let second = map::<AtomicU64>(1).unwrap();
        // SAFETY: a hundred of them, and one.
        let all = || unsafe { (0..100).map(|at| &*first.add(at)).chain([&*second]) };
        all().for_each(|word| word.store(7, Ordering::Relaxed));
        // As in the child, where nothing else is there that would miss what is wiped.
        // SAFETY: the child makes system calls only, and ends.
        unsafe {
            let child = libc::fork();
            if child == 0 {
                all().for_each(|word| word.store(7, Ordering::Relaxed));
                let header = header_of(first);
                MAPPINGS.store(header, Ordering::Relaxed);
                (*header).next.store(header_of(second), Ordering::Relaxed);
                (*header).length.store(100 * size_of::<AtomicU64>(), Ordering::Relaxed);
                (*header_of(second)).length.store(8, Ordering::Relaxed);
                wipe();
                let is_zero = all().all(|word| word.load(Ordering::Relaxed) == 0);
                libc::_exit(i32::from(!is_zero));
            }
            assert!(child > 0, "fork failed");
            let mut status = -1;
            assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
            assert_eq!(status, 0);
        }
        assert!(all().all(|word| word.load(Ordering::Relaxed) == 7));
    }

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
