//! Files that others may have put there, opened and changed.

use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::os::Errno;
use crate::os::Result;
use crate::os::file;
use crate::os::file_size;

/// As much of a file as tells whether it is that of a queue, in bytes.
pub const START: usize = 512;

/// For reading and writing. Never blocks, whatever is there.
pub fn open_file(path: &Path) -> Result<File> {
    Ok(OpenOptions::new().read(true).write(true).custom_flags(libc::O_NOFOLLOW).open(path)?)
}

/// For reading alone, and without blocking on what is no data file.
pub fn open_to_look(path: &Path) -> Result<File> {
    Ok(OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)?)
}

/// The first bytes of a file, [`START`] of them or all that there are.
pub fn read_start(open: &File) -> Result<Vec<u8>> {
    let mut start = vec![0; START];
    let mut length = 0;
    while length < start.len() {
        match file::read_at(open.as_raw_fd(), &mut start[length..], length)? {
            0 => break,
            read => length += read,
        }
    }
    start.truncate(length);
    Ok(start)
}

/// Blocks are reserved now, so that a full file system is ENOSPC here and not SIGBUS later.
pub fn reserve(file: &File, size: usize) -> Result<()> {
    let length = libc::off_t::try_from(size).map_err(|_| Errno::EOVERFLOW)?;
    file_size::beyond_limit(size as u64, || {
        // SAFETY: takes no pointer. It is not `posix_fallocate`, which writes where the file system
        // cannot reserve.
        if unsafe { libc::fallocate(file.as_raw_fd(), 0, 0, length) } == 0 {
            return Ok(());
        }
        match Errno::last() {
            // The file system cannot reserve. A hole is what it has to offer.
            Errno::ENOTSUP | Errno::ENOSYS => Ok(file.set_len(length.unsigned_abs())?),
            error => Err(error),
        }
    })
}

/// By the descriptor: a path could lead to another file by now. Not C's `fchmod`, which has ours in
/// front of it.
pub fn change_mode(file: &File, mode: u32) -> Result<()> {
    // SAFETY: no pointer.
    let changed = unsafe { libc::syscall(libc::SYS_fchmod, file.as_raw_fd(), mode) } == 0;
    if changed { Ok(()) } else { Err(Errno::last()) }
}
