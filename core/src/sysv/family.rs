//! The three families of System V objects, and the names of their files.
//!
//! The directory of objects is the registry. An object is a file whose name holds its *id*. Its
//! *key*, if it has one, is a symbolic link that leads to that file; so a process that may not open
//! the object can still learn its id. A link that leads to an object which has been removed, and
//! which its remover was not allowed to unlink, must not block its key for ever: there are up to
//! [`KEY_NAMES`] names for a key, and look-ups read all of them.

use core::fmt::{self, Write};
use std::ffi::{CStr, OsStr};
use std::os::unix::ffi::OsStrExt;

use crate::os::{Errno, Result, settings};

/// A family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// Semaphore sets.
    Semaphores,
    /// Message queues.
    Queues,
    /// Shared memory segments.
    Memory,
}

/// Names that a key may have at a time.
pub const KEY_NAMES: u32 = 8;

/// Ids are from here up to the largest `int`. Smaller integers are indices: see `SEM_STAT`.
pub const LEAST_ID: i32 = 1 << 20;

/// The memory of a segment is a file of its own, whose name is this and the id.
const MEMORY_PREFIX: &str = "rsipc-svshm-memory.";

impl Family {
    /// What the names of files begin with, `rsipc-` left out.
    fn word(self) -> &'static str {
        match self {
            Self::Semaphores => "svsem",
            Self::Queues => "svmsg",
            Self::Memory => "svshm",
        }
    }

    /// In the header of an object.
    pub fn number(self) -> u32 {
        match self {
            Self::Semaphores => 1,
            Self::Queues => 2,
            Self::Memory => 3,
        }
    }

    /// Whether an object is one file. That of a segment is not mapped by processes that may only
    /// read the memory, which is a file of its own.
    pub fn has_one_file(self) -> bool {
        self != Self::Memory
    }

    /// The file of the object with this id.
    pub fn id_path(self, id: i32) -> Result<Path> {
        Path::new(format_args!("rsipc-{}.{id}", self.word()))
    }

    /// One of the names of a key.
    pub fn key_path(self, key: i32, number: u32) -> Result<Path> {
        Path::new(format_args!("rsipc-{}-key.{:08x}.{number}", self.word(), key.cast_unsigned()))
    }

    /// The file of the memory of the segment with this id.
    pub fn memory_path(id: i32) -> Result<Path> {
        Path::new(format_args!("{MEMORY_PREFIX}{id}"))
    }

    /// The id in the name of the file of a segment's memory. `None`: it is no such name.
    pub fn id_of_memory(file: &[u8]) -> Option<i32> {
        let id = core::str::from_utf8(file.strip_prefix(MEMORY_PREFIX.as_bytes())?).ok()?;
        id.parse().ok().filter(|&id| id >= LEAST_ID)
    }

    /// What the link of a key contains.
    pub fn link_to(self, id: i32) -> Result<Path> {
        Path::relative(format_args!("rsipc-{}.{id}", self.word()))
    }

    /// The key in one of its names. `None`: it is no such name.
    pub fn key_in(self, file: &[u8]) -> Option<i32> {
        let mut fields = core::str::from_utf8(file).ok()?.rsplitn(3, '.');
        let number = fields.next()?.parse().ok()?;
        let key = u32::from_str_radix(fields.next()?, 16).ok()?.cast_signed();
        let path = self.key_path(key, number).ok()?;
        (path.as_path().file_name() == Some(OsStr::from_bytes(file))).then_some(key)
    }

    /// The id in the name of an object's file. `None`: it is no such name.
    pub fn id_in(self, file: &[u8]) -> Option<i32> {
        let number = file.strip_prefix(b"rsipc-")?.strip_prefix(self.word().as_bytes())?;
        let digits = core::str::from_utf8(number.strip_prefix(b".")?).ok()?;
        // Not "+1234567" or "01234567": an id has one name.
        let id =
            digits.parse().ok().filter(|_| digits.starts_with(|c| ('1'..='9').contains(&c)))?;
        (id >= LEAST_ID).then_some(id)
    }
}

/// The directory of objects.
pub fn directory() -> Result<Path> {
    Path::new(format_args!("."))
}

/// Bytes of a path, the final NUL included.
const LENGTH: usize = 1024;

/// A path that needs no allocation, for calls in signal handlers.
pub struct Path {
    bytes: [u8; LENGTH],
    length: usize,
}

impl Path {
    /// A file in the directory of objects. ENAMETOOLONG.
    fn new(name: fmt::Arguments<'_>) -> Result<Self> {
        let mut path = Self { bytes: [0; LENGTH], length: 0 };
        path.push(settings::get().dir.as_os_str().as_bytes())?;
        path.push(b"/")?;
        path.write_fmt(name).map_err(|_| Errno::ENAMETOOLONG)?;
        Ok(path)
    }

    fn relative(name: fmt::Arguments<'_>) -> Result<Self> {
        let mut path = Self { bytes: [0; LENGTH], length: 0 };
        path.write_fmt(name).map_err(|_| Errno::ENAMETOOLONG)?;
        Ok(path)
    }

    fn push(&mut self, bytes: &[u8]) -> Result<()> {
        let end = self.length + bytes.len();
        // One byte is left for the NUL.
        let room = self.bytes[..LENGTH - 1].get_mut(self.length..end);
        room.ok_or(Errno::ENAMETOOLONG)?.copy_from_slice(bytes);
        self.length = end;
        Ok(())
    }

    /// For a system call.
    pub fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.bytes).unwrap_or(c"")
    }

    /// For the standard library.
    pub fn as_path(&self) -> &std::path::Path {
        std::path::Path::new(std::ffi::OsStr::from_bytes(&self.bytes[..self.length]))
    }
}

impl Write for Path {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes()).map_err(|_| fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_back_from_names() {
        let path = Family::Semaphores.id_path(1_234_567).unwrap();
        let name = path.as_path().file_name().unwrap().as_bytes().to_vec();
        assert_eq!(Family::Semaphores.id_in(&name), Some(1_234_567));
        assert_eq!(Family::Queues.id_in(&name), None);
        let memory = Family::memory_path(1_234_567).unwrap();
        let name = memory.as_path().file_name().unwrap().as_bytes();
        assert_eq!(Family::id_of_memory(name), Some(1_234_567));
        assert_eq!(Family::Memory.id_in(name), None);
        for other in [
            &b"rsipc-svsem.12"[..],
            b"rsipc-svsem.+1234567",
            b"rsipc-svsem.01234567",
            b"rsipc-svsem.x",
            b"rsipc-svsem-key.1.0",
            b"a",
        ] {
            assert_eq!(Family::Semaphores.id_in(other), None);
        }
    }
}
