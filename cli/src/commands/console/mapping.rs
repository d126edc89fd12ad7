//! A shared memory object, or a System V segment, in the memory of the console.

use std::ffi::c_void;
use std::fs::File;
use std::ptr;

use rsipc_core::os::Errno;

use super::call::{Result, Trouble};

/// Unmapped when the last share in it is gone.
pub struct Mapping {
    start: *mut c_void,
    length: usize,
    pub is_writable: bool,
    back: Back,
}

/// What is mapped.
enum Back {
    /// An object, whose size may change.
    Object(File),
    /// A System V segment, and what detaches it from its address.
    Segment(fn(usize)),
}

// SAFETY: memory that other processes change anyway; all accesses here are copies, or atomic.
unsafe impl Send for Mapping {}
// SAFETY: no reference leads into it, only copies and atomic accesses.
unsafe impl Sync for Mapping {}

const PAGE: usize = 4096;

impl Mapping {
    /// As mmap(2) with MAP_SHARED. `file` is a descriptor of the object for this alone.
    pub fn new(file: File, length: usize, protection: i32) -> std::result::Result<Self, Errno> {
        use std::os::fd::AsRawFd;
        // SAFETY: a new mapping, at an address that the kernel chooses.
        let start = unsafe {
            libc::mmap(ptr::null_mut(), length, protection, libc::MAP_SHARED, file.as_raw_fd(), 0)
        };
        if start == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        Ok(Self {
            start,
            length,
            is_writable: protection & libc::PROT_WRITE != 0,
            back: Back::Object(file),
        })
    }

    /// A segment that has been attached.
    pub fn attached(at: usize, length: usize, is_writable: bool, release: fn(usize)) -> Self {
        let start = ptr::with_exposed_provenance_mut(at);
        Self { start, length, is_writable, back: Back::Segment(release) }
    }

    pub fn len(&self) -> usize {
        self.length
    }

    /// An address in the mapping, of a place that was checked.
    pub fn at(&self, offset: usize) -> *mut c_void {
        debug_assert!(offset <= self.length);
        self.start.wrapping_byte_add(offset)
    }

    /// Refuses what would be the end of a program: an access outside of the mapping, or behind the
    /// end of the object.
    pub fn check(&self, offset: usize, length: usize) -> Result<()> {
        let refuse = |what: String, advice: &str| Err(Trouble::Refused(what, advice.to_owned()));
        let end = offset.saturating_add(length);
        if end > self.length {
            let what =
                format!("byte {end} is outside the mapping of {} bytes: SIGSEGV", self.length);
            return refuse(what, "use a smaller offset, or map more of the object");
        }
        let Back::Object(file) = &self.back else { return Ok(()) };
        let size = file.metadata().map_or(0, |metadata| metadata.len());
        // The last page is there as a whole.
        if end > usize::try_from(size).unwrap_or(usize::MAX).next_multiple_of(PAGE) {
            let what =
                format!("byte {end} is beyond the end of the object of {size} bytes: SIGBUS");
            return refuse(what, "give it a size with `ftruncate` first");
        }
        Ok(())
    }

    pub fn read(&self, offset: usize, length: usize) -> Result<Vec<u8>> {
        self.check(offset, length)?;
        let mut bytes = vec![0; length];
        // SAFETY: checked; the vector has this length.
        unsafe { ptr::copy_nonoverlapping(self.at(offset).cast(), bytes.as_mut_ptr(), length) };
        Ok(bytes)
    }

    pub fn write(&self, offset: usize, bytes: &[u8]) -> Result<()> {
        self.check(offset, bytes.len())?;
        if !self.is_writable {
            let what = "the mapping is read-only: SIGSEGV".to_owned();
            return Err(Trouble::Refused(what, "map it with PROT_READ|PROT_WRITE".to_owned()));
        }
        // SAFETY: checked, and writable.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.at(offset).cast(), bytes.len()) };
        Ok(())
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        match self.back {
            // SAFETY: the mapping is ours, and nobody has a share in it any more.
            Back::Object(_) => drop(unsafe { libc::munmap(self.start, self.length) }),
            Back::Segment(release) => release(self.start.expose_provenance()),
        }
    }
}
