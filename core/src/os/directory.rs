//! Whether entries of a directory have come or gone.

use std::ffi::CStr;

use super::clock::realtime_of_files;
use super::errno::Result;
use super::file::{self, Status};

/// As long as a directory has the same version, no entry has come or gone. One that is not
/// [`Version::is_settled`] says nothing: an entry may still come or go without a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    device: u64,
    inode: u64,
    /// Of tmpfs(5) it says how many entries there are.
    size: i64,
    changed: Instant,
    modified: Instant,
}

/// Seconds and nanoseconds of CLOCK_REALTIME.
type Instant = (i64, i64);

/// Longer than a tick of the clock that the times of files are taken from.
const TICKS_MS: i64 = 100;

impl Version {
    /// The version now. Errors: those of stat(2). Allocates nothing.
    pub fn of(directory: &CStr) -> Result<Self> {
        // The directory, not a symbolic link that leads to it.
        let status = file::status_behind(directory)?;
        Ok(Self::new(&status))
    }

    fn new(status: &Status) -> Self {
        Self {
            device: status.st_dev,
            inode: status.st_ino,
            size: status.st_size,
            changed: (status.st_ctime, status.st_ctime_nsec),
            modified: (status.st_mtime, status.st_mtime_nsec),
        }
    }

    /// Whether any change from now on gives the directory another version: the last one was some
    /// ticks ago. On a file system that counts in whole seconds, none is.
    pub fn is_settled(&self) -> bool {
        let now = realtime_of_files();
        self.is_settled_at((now.tv_sec, now.tv_nsec))
    }

    fn is_settled_at(&self, now: Instant) -> bool {
        let (seconds, nanoseconds) = self.modified.max(self.changed);
        let whole_ms = now.0.saturating_sub(seconds).saturating_mul(1000);
        let age_ms = whole_ms.saturating_add(now.1.saturating_sub(nanoseconds) / 1_000_000);
        nanoseconds != 0 && age_ms > TICKS_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modified(seconds: i64, nanoseconds: i64) -> Version {
        let changed = (seconds, nanoseconds);
        Version { device: 1, inode: 2, size: 40, changed, modified: changed }
    }

    #[test]
    fn it_is_settled_some_ticks_after_the_last_change() {
        let version = modified(7, 900_000_000);
        let at = |milliseconds: i64| (milliseconds / 1000, milliseconds % 1000 * 1_000_000);
        assert!(!version.is_settled_at(at(7_900)));
        assert!(!version.is_settled_at(at(8_000)));
        assert!(version.is_settled_at(at(8_002)));
        // The clock was set back.
        assert!(!version.is_settled_at(at(5_000)));
        assert!(!modified(7, 0).is_settled_at(at(9_000)));
    }

    #[test]
    fn an_entry_that_comes_gives_it_another_version() {
        let directory = std::env::temp_dir().join(format!("version.{}", std::process::id()));
        std::fs::create_dir(&directory).unwrap();
        let path = file::c_path(&directory).unwrap();
        let before = Version::of(&path).unwrap();
        // A file that is made in the same tick as the directory may leave the version as it was.
        while !before.is_settled() {
            std::thread::yield_now();
        }
        assert_eq!(Version::of(&path), Ok(before));
        std::fs::write(directory.join("entry"), b"").unwrap();
        let after = Version::of(&path).unwrap();
        std::fs::remove_dir_all(&directory).unwrap();
        assert_ne!(after, before);
    }
}
