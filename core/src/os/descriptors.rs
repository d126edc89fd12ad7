//! The descriptors of this process, as /proc shows them.
//!
//! /proc/self shows those of the first thread. When that has ended and others go on, it shows none,
//! and /proc/thread-self shows them. It comes second: security profiles permit it less often.

use core::ffi::CStr;
use std::os::fd::RawFd;

use super::errno::{Errno, Result};
use super::maps::Name;

/// Directories with an entry for each descriptor. The second one is to be read if the first one is
/// empty: there is one descriptor at least, by which it is read.
pub const LISTS: [&CStr; 2] = [c"/proc/self/fd", c"/proc/thread-self/fd"];

/// Calls this with a path that leads to the open file, whether it still has a name or not. ENOENT
/// without /proc. Allocates nothing.
pub fn by_path<R>(fd: RawFd, mut call: impl FnMut(&CStr) -> Result<R>) -> Result<R> {
    let mut called = Err(Errno::ENOENT);
    for list in LISTS {
        let list = list.to_str().unwrap_or_default();
        called = call(Name::new(format_args!("{list}/{fd}")).as_c_str());
        if !matches!(called, Err(Errno::ENOENT)) {
            break;
        }
    }
    called
}

/// All of them. `None`: they cannot be listed.
pub fn all() -> Option<Vec<RawFd>> {
    LISTS.iter().find_map(|list| {
        let entries = std::fs::read_dir(list.to_str().ok()?).ok()?.flatten();
        let all: Vec<RawFd> =
            entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
        (!all.is_empty()).then_some(all)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, File};
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn descriptors_are_listed_and_have_paths() {
        let file = File::open("/proc/self/exe").unwrap();
        let inode = |path: &CStr| {
            let status = fs::metadata(path.to_str().unwrap());
            status.map(|status| status.ino()).map_err(|_| Errno::ENOENT)
        };
        assert!(all().unwrap().contains(&file.as_raw_fd()));
        assert_eq!(by_path(file.as_raw_fd(), inode), Ok(file.metadata().unwrap().ino()));
        assert_eq!(by_path(-1, inode), Err(Errno::ENOENT));
    }
}
