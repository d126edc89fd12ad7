//! What a program wants to do with the memory of a segment.

use core::ffi::c_int;

use crate::sysv::permission::{ALTER, EXECUTE, READ};

/// `SHM_RDONLY`, `SHM_EXEC`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// It is not only to be read.
    pub writes: bool,
    /// It is to be executed.
    pub executes: bool,
}

impl Access {
    /// As `shmat` is told.
    pub fn of_flags(flags: c_int) -> Self {
        Self { writes: flags & libc::SHM_RDONLY == 0, executes: flags & libc::SHM_EXEC != 0 }
    }

    /// Of the permission bits.
    pub fn wanted(self) -> u16 {
        let alter = if self.writes { ALTER } else { 0 };
        let execute = if self.executes { EXECUTE } else { 0 };
        READ | alter | execute
    }

    /// For open(2). A mapping of a descriptor that is not open for writing can never be made
    /// writable.
    pub fn of_open(self) -> c_int {
        if self.writes { libc::O_RDWR } else { libc::O_RDONLY }
    }

    /// For mmap(2).
    pub fn protection(self) -> c_int {
        let write = if self.writes { libc::PROT_WRITE } else { 0 };
        let execute = if self.executes { libc::PROT_EXEC } else { 0 };
        libc::PROT_READ | write | execute
    }
}
