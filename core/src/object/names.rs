//! From the name of an object to its path, with the errors of glibc, and those of POSIX for names
//! that are too long.

use std::ffi::{CStr, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use crate::os::errno::{Errno, Result};
use crate::os::settings;

/// Longest name of a file, `NAME_MAX`.
pub const NAME_MAX: usize = 255;
/// Why a name cannot be the name of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Empty, or with a slash inside.
    Malformed,
    /// Longer than any file name.
    TooLong,
}

impl Refused {
    /// What `sem_open` and `shm_open` say.
    pub fn on_open(self) -> Errno {
        match self {
            Self::Malformed => Errno::EINVAL,
            Self::TooLong => Errno::ENAMETOOLONG,
        }
    }

    /// What `sem_unlink` and `shm_unlink` say: there is no such object.
    pub fn on_unlink(self) -> Errno {
        match self {
            Self::Malformed => Errno::ENOENT,
            Self::TooLong => Errno::ENAMETOOLONG,
        }
    }
}

/// The file of the object `name` of the family with this file name prefix. All leading slashes
/// are dropped.
pub fn path(prefix: &str, name: &CStr) -> core::result::Result<PathBuf, Refused> {
    let file = file_name(prefix, name.to_bytes())?;
    Ok(settings::get().dir.join(OsStr::from_bytes(&file)))
}

fn file_name(prefix: &str, name: &[u8]) -> core::result::Result<Vec<u8>, Refused> {
    let start = name.iter().position(|&byte| byte != b'/').ok_or(Refused::Malformed)?;
    let name = &name[start..];
    if name.len() >= libc::PATH_MAX as usize {
        return Err(Refused::TooLong);
    }
    if name.contains(&b'/') {
        return Err(Refused::Malformed);
    }
    if prefix.len() + name.len() > NAME_MAX {
        return Err(Refused::TooLong);
    }
    Ok([prefix.as_bytes(), name].concat())
}

/// The result of removing an object's file: EPERM (a sticky directory) is EACCES for the caller.
pub fn unlink(path: Result<PathBuf>) -> Result<()> {
    std::fs::remove_file(path?).map_err(|error| match Errno::from(error) {
        Errno::EPERM => Errno::EACCES,
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_slashes_are_dropped() {
        assert_eq!(file_name("sem.", b"///a").unwrap(), b"sem.a");
        assert_eq!(file_name("", b"a").unwrap(), b"a");
    }

    #[test]
    fn malformed_names() {
        for name in [&b""[..], b"/", b"//", b"/a/b", b"a/"] {
            assert_eq!(file_name("sem.", name), Err(Refused::Malformed), "{name:?}");
        }
    }

    #[test]
    fn long_names() {
        assert!(file_name("sem.", &[b'a'; 251]).is_ok());
        assert_eq!(file_name("sem.", &[b'a'; 252]), Err(Refused::TooLong));
        assert!(file_name("", &[b'a'; 255]).is_ok());
        assert_eq!(file_name("", &[b'a'; 256]), Err(Refused::TooLong));
        assert_eq!(file_name("", &b"aaaaaaa/".repeat(512)), Err(Refused::TooLong));
    }
}
