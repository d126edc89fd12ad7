//! Which user may do what with a System V object: `struct ipc_perm`, and Linux's rules
//! (ipc/util.c).

use std::os::fd::RawFd;

use crate::os::credentials::{self, Capability, is_member};
use crate::os::file::{self, Status};
use crate::os::{Errno, Result};

/// What stands in the object of its permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission {
    /// Owner: may be changed by IPC_SET.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// Creator: never changes.
    pub cuid: u32,
    /// Its group.
    pub cgid: u32,
    /// The 9 permission bits.
    pub mode: u16,
}

/// What a call asks for: 4 to read, 2 to change.
pub const READ: u16 = 4;
/// See [`READ`].
pub const ALTER: u16 = 2;
/// To `shmat`, and to those calls that look for a key.
pub const EXECUTE: u16 = 1;

/// The access that all three triples of flags ask for together.
pub fn asked_for(flags: u16) -> u16 {
    (flags >> 6 | flags >> 3 | flags) & 0o7
}

impl Permission {
    /// What the file of an object says of its permissions, to a process that may not open it: such
    /// a process may execute at most.
    pub fn of(file: &Status) -> Self {
        let (user, group) = (file.st_uid, file.st_gid);
        let mode = u16::try_from(file.st_mode & 0o777).unwrap_or(0);
        Self { uid: user, gid: group, cuid: user, cgid: group, mode }
    }

    /// EACCES unless the caller has this access. The access is what all three permission triples of
    /// the flags ask for together, as `semget` and its like take them.
    pub fn check(&self, wanted: u16) -> Result<()> {
        let wanted = asked_for(wanted);
        let user = credentials::user();
        let granted = if user == self.cuid || user == self.uid {
            self.mode >> 6
        } else if is_member(self.cgid) || is_member(self.gid) {
            self.mode >> 3
        } else {
            self.mode
        };
        let missing = wanted & !granted & 0o7;
        if missing == 0 || credentials::has(Capability::IpcOwner) {
            Ok(())
        } else {
            Err(Errno::EACCES)
        }
    }

    /// EPERM unless the caller may remove the object and change its permissions.
    pub fn check_owner(&self) -> Result<()> {
        let checked = self.check_is_owner();
        if checked.is_err() && credentials::has(Capability::SysAdmin) { Ok(()) } else { checked }
    }

    /// EPERM unless the caller is the owner or the creator.
    pub fn check_is_owner(&self) -> Result<()> {
        let user = credentials::user();
        if user == self.cuid || user == self.uid { Ok(()) } else { Err(Errno::EPERM) }
    }

    /// Whether the file belongs to the owner: root has created the object. Root needs no
    /// permission, but the user does that it has given the object to.
    pub fn is_given(&self) -> bool {
        self.cuid == 0
    }

    /// Makes the group that of a file, and the owner, too, if it is to be; as far as the caller
    /// may: the creator may for the groups that it is in, root for all. A file has one group, and
    /// so the creator's loses access by another one.
    pub fn give(&self, file: RawFd) {
        if file::status(file).is_ok_and(|status| self.has_owner_of(&status)) {
            return;
        }
        let owner = if self.is_given() { self.uid } else { u32::MAX };
        // SAFETY: takes no pointer.
        unsafe { libc::syscall(libc::SYS_fchown, file, owner, self.gid) };
    }

    /// Whether a file has the owner, the group and the mode that it is to have.
    pub fn is_that_of(&self, file: &Status) -> bool {
        self.has_owner_of(file) && file.st_mode & 0o7777 == self.of_file()
    }

    fn has_owner_of(&self, file: &Status) -> bool {
        (!self.is_given() || file.st_uid == self.uid) && file.st_gid == self.gid
    }

    /// The permission bits of the file, which belongs to the creator. All processes that take part
    /// map it for writing, so a class of users to which the mode gives anything gets both. One that
    /// may only execute, which means nothing but to `semget` and its like, gets that: see
    /// [`Permission::of`].
    pub fn of_file(&self) -> u32 {
        let class = |shift: u16| match self.mode >> shift & 0o7 {
            0 => 0,
            EXECUTE => 1 << shift,
            _ => 0o6 << shift,
        };
        0o600 | class(3) | class(0)
    }
}
