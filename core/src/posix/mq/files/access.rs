//! Files that others may have put there, opened and changed.

use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::os::Result;
use crate::os::file;

/// As much of a file as tells whether it is that of a queue, in bytes.
pub const START: usize = 512;

/// For reading and writing. Never blocks, whatever is there.
pub fn open_file(path: &Path) -> Result<File> {
    Ok(OpenOptions::new().read(true).write(true).custom_flags(libc::O_NOFOLLOW).open(path)?)
}

/// Neither for reading nor for writing, so it needs no right to the file itself.
pub fn open_path(path: &Path) -> Result<File> {
    let flags = libc::O_PATH | libc::O_NOFOLLOW;
    Ok(OpenOptions::new().read(true).custom_flags(flags).open(path)?)
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
