//! A place for the objects of one test.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A directory in memory, which goes away with it.
pub struct Place(PathBuf);

impl Place {
    /// A new one.
    pub fn new() -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let path = PathBuf::from(format!("/dev/shm/rsipc-test.{}.{number}", process::id()));
        fs::create_dir(&path).expect("a directory can be made");
        Self(path)
    }

    /// A new one that any user may write to.
    pub fn for_all_users() -> Self {
        let place = Self::new();
        fs::set_permissions(&place.0, fs::Permissions::from_mode(0o777)).expect("chmod");
        place
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What is left over is small, and goes with the memory.
        let _ = fs::remove_dir_all(&self.0);
    }
}
