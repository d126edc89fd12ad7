//! How many threads the process has.

use super::errno::preserved;
use super::file;
use super::process::{self, Process};
use crate::atomic::Ordering;

/// Threads of the process, those of the library's own among them. `None`: /proc cannot be read.
/// Async-signal-safe.
pub fn count() -> Option<libc::nlink_t> {
    /// Of a directory, `.` and `..`; each thread is a directory in it.
    const OTHER_LINKS: libc::nlink_t = 2;
    let status = preserved(|| file::status_of_c(c"/proc/self/task")).ok()?;
    status.st_nlink.checked_sub(OTHER_LINKS)
}

/// Whether the program has one thread only, beside those of the library that it does not know of.
/// False where that cannot be found out. Async-signal-safe.
///
/// A thread that is about to end counts, so this may be false for a moment longer than necessary.
/// The child of a vfork(2) is not alone with the memory.
pub fn is_program_alone() -> bool {
    let own = libc::nlink_t::from(process::own_threads().load(Ordering::Relaxed));
    Process::owns_memory() && count() == Some(1 + own)
}
