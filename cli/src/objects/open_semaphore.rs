//! A semaphore for use, not for a look: by its name, or by the number of its file where it has no
//! name here.

use std::fs::OpenOptions;
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::ptr;

use rsipc_core::posix::sem::track::{self, TRACKED_SIZE};
use rsipc_core::posix::sem::{SIZE, Semaphore};

/// Maps the file of a semaphore, until this process ends.
pub fn map(path: &Path) -> io::Result<&'static Semaphore> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let size = file.metadata()?.len();
    if size < SIZE as u64 {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the file is not a semaphore"));
    }
    let (rights, fd) = (libc::PROT_READ | libc::PROT_WRITE, file.as_raw_fd());
    // SAFETY: a new mapping, wherever there is space.
    let address = unsafe { libc::mmap(ptr::null_mut(), SIZE, rights, libc::MAP_SHARED, fd, 0) };
    if address == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    if size == TRACKED_SIZE as u64 {
        // SAFETY: the file is that long, and mapped for ever, in whole pages.
        unsafe { track::enter(address.expose_provenance()) };
    }
    // SAFETY: mapped for ever, aligned to a page and as long as a semaphore, any bytes of which are
    // one.
    Ok(unsafe { &*address.cast::<Semaphore>() })
}
