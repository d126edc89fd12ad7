//! From the name of a queue to that of its data file.

use std::ffi::{CStr, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use crate::object::names::NAME_MAX;
use crate::os::Errno;
use crate::os::Result;
use crate::os::settings;

/// Prefix of the data files.
pub const PREFIX: &str = "rsipc-mq.";
/// Prefix of the data files with hashed names.
pub const HASHED_PREFIX: &str = "rsipc-mqh.";

/// A queue's name, without the slash, that has been looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name<'a>(&'a [u8]);

impl<'a> Name<'a> {
    /// Errors, as those of the kernel's mqueue file system through glibc: EINVAL without a leading
    /// slash, ENOENT for the slash alone, ENAMETOOLONG, EACCES with another slash, for `/.` and
    /// `/..`.
    pub fn new(name: &'a CStr) -> Result<Self> {
        let name = name.to_bytes().strip_prefix(b"/").ok_or(Errno::EINVAL)?;
        match name {
            b"" => Err(Errno::ENOENT),
            _ if name.len() > NAME_MAX && !name.contains(&b'/') => Err(Errno::ENAMETOOLONG),
            _ if name.len() >= libc::PATH_MAX as usize => Err(Errno::ENAMETOOLONG),
            b"." | b".." => Err(Errno::EACCES),
            _ if name.contains(&b'/') => Err(Errno::EACCES),
            _ => Ok(Self(name)),
        }
    }

    /// Without the slash.
    pub fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// The data file.
    pub fn path(self) -> PathBuf {
        path_of(self.0)
    }
}

/// The data file of the queue with this name, without the slash.
pub fn path_of(name: &[u8]) -> PathBuf {
    let file = if PREFIX.len() + name.len() <= NAME_MAX {
        [PREFIX.as_bytes(), name].concat()
    } else {
        format!("{HASHED_PREFIX}{:032x}", hash(name)).into_bytes()
    };
    settings::get().dir.join(OsStr::from_bytes(&file))
}

/// FNV-1a of 128 bits. Two names are not expected to collide by chance; if they do, it is noticed.
fn hash(name: &[u8]) -> u128 {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    name.iter().fold(OFFSET, |hash, &byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CString;

    #[test]
    fn names() {
        let look = |name: &str| Name::new(&CString::new(name).unwrap()).err();
        assert_eq!(look("/a"), None);
        assert_eq!(look("/.a"), None);
        assert_eq!(look("a"), Some(Errno::EINVAL));
        assert_eq!(look(""), Some(Errno::EINVAL));
        assert_eq!(look("/"), Some(Errno::ENOENT));
        assert_eq!(look("//"), Some(Errno::EACCES));
        assert_eq!(look("/a/b"), Some(Errno::EACCES));
        assert_eq!(look("/."), Some(Errno::EACCES));
        assert_eq!(look(&format!("/{}", "a".repeat(255))), None);
        assert_eq!(look(&format!("/{}", "a".repeat(256))), Some(Errno::ENAMETOOLONG));
    }

    #[test]
    fn long_names_have_files_of_their_own() {
        let path = |name: &str| Name::new(&CString::new(name).unwrap()).unwrap().path();
        let (one, other) = (format!("/{}1", "a".repeat(254)), format!("/{}2", "a".repeat(254)));
        assert_ne!(path(&one), path(&other));
        assert!(path(&one).file_name().unwrap().len() <= NAME_MAX);
        assert!(path("/q").ends_with("rsipc-mq.q"));
    }
}
