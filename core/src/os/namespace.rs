//! The PID namespace of the calling process (pid_namespaces(7)), in which its TIDs are valid.

use core::ffi::CStr;

use super::errno;
use super::file;
use super::wiped::{Table, Wiped};
use crate::atomic::{AtomicU64, Ordering};

/// The namespace is not known, for want of /proc. No namespace has this inode number.
pub const UNKNOWN: u64 = 0;

const LINK: &CStr = c"/proc/self/ns/pid";

/// The inode number of the namespace plus one; 0 = not looked up yet. Any thread may store it.
struct Known(AtomicU64);

// SAFETY: zeros are a zero.
unsafe impl Wiped for Known {}

/// The child of a fork may be in another namespace than its parent.
static KNOWN: Table<Known, 1, 1> = Table::new();

/// The namespace of the first request in this memory, plus one. A child inherits it.
static FIRST: AtomicU64 = AtomicU64::new(0);

/// The inode number that names the namespace; [`UNKNOWN`]. Async-signal-safe.
pub fn of_pids() -> u64 {
    let known = KNOWN.iter().next();
    // Relaxed: all threads that find it out find the same.
    match known.map_or(0, |known| known.0.load(Ordering::Relaxed)) {
        0 => find_out(),
        found => found - 1,
    }
}

/// Whether this process is in another namespace than the one of its ancestors that asked first.
/// Async-signal-safe.
pub fn is_inherited() -> bool {
    // Relaxed: stored by this process, or before it was forked.
    let first = FIRST.load(Ordering::Relaxed);
    first != 0 && first - 1 != of_pids()
}

#[cold]
fn find_out() -> u64 {
    let number = errno::preserved(|| inode(LINK)).unwrap_or(UNKNOWN);
    if KNOWN.iter().next().is_none() {
        // When there is no memory, each call asks again. One table is enough.
        let _ = errno::preserved(|| KNOWN.grow());
    }
    if let Some(known) = KNOWN.iter().next() {
        known.0.store(number + 1, Ordering::Relaxed);
    }
    let _ = FIRST.compare_exchange(0, number + 1, Ordering::Relaxed, Ordering::Relaxed);
    number
}

fn inode(path: &CStr) -> Option<u64> {
    file::status_behind(path).ok().map(|status| status.st_ino)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_that_of_proc() {
        use std::os::unix::fs::MetadataExt;
        let expected = std::fs::metadata("/proc/self/ns/pid").map_or(UNKNOWN, |found| found.ino());
        assert_eq!((of_pids(), of_pids()), (expected, expected));
        assert!(!is_inherited());
    }
}
