//! Which open files are worth a look.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::Path;

/// What an open file must look like to be worth a closer look: asking for the identity of each
/// would touch devices and network file systems that have nothing to do with objects.
pub struct Interest<'a> {
    pub directory: &'a Path,
    pub file_names: HashSet<OsString>,
}

impl Interest<'_> {
    /// By the file's name, since in another mount namespace the directory may have another path.
    pub fn includes(&self, path: &Path) -> bool {
        path.is_absolute()
            && (path.parent() == Some(self.directory)
                || path.file_name().is_some_and(|name| self.file_names.contains(name)))
    }
}
