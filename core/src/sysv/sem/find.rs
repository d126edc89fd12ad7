//! `semget`: sets as objects that are found and made.

use std::fs::File;

use super::change;
use super::layout::Geometry;
use super::set::{SETS, Set};
use super::state::{Fact, MEMBERS_MAX, Memory};
use crate::atomic::Ordering;
use crate::os::clock::realtime_seconds;
use crate::os::file_size::reserve;
use crate::os::{Errno, Result};
use crate::shared::thread::{Operation, Thread};
use crate::sysv::attached::Attached;
use crate::sysv::family::Family;
use crate::sysv::find::{self, Request};
use crate::sysv::header::{Birth, Header};
use crate::sysv::object::{Identity, Object};
use crate::sysv::registry::Opened;

/// The id of the set with this key, or of a new one. semget(2).
///
/// Errors: EINVAL for the number of semaphores; ENOENT, EEXIST, EACCES; ENOSPC, ENOMEM.
pub fn get(thread: &'static Thread, key: i32, members: i32, flags: i32) -> Result<i32> {
    let size = u64::try_from(members).map_err(|_| Errno::EINVAL)?;
    if size > MEMBERS_MAX as u64 {
        return Err(Errno::EINVAL);
    }
    find::get::<Set>(thread, Request { key, size, flags }, || Geometry::new(size).map(drop))
}

impl Object for Set {
    const FAMILY: Family = Family::Semaphores;

    #[inline(always)]
    fn table() -> &'static Attached<Self> {
        &SETS
    }

    fn map(opened: &Opened) -> Result<Self> {
        Self::map_opened(opened)
    }

    fn make(file: &File, birth: &Birth) -> Result<Self> {
        let geometry = Geometry::new(birth.size)?;
        reserve(file, geometry.file_size(1))?;
        let set = Self::map_new(file, geometry, birth)?;
        let root = set.layout.root(0);
        let owner = u64::from(birth.permission.uid) | u64::from(birth.permission.gid) << 32;
        root[Fact::Owner as usize].store(owner, Ordering::Relaxed);
        root[Fact::Mode as usize].store(birth.permission.mode.into(), Ordering::Relaxed);
        root[Fact::Ctime as usize].store(realtime_seconds(), Ordering::Relaxed);
        Ok(set)
    }

    #[inline(always)]
    fn identity(&self) -> &Identity {
        &self.identity
    }

    #[inline(always)]
    fn header(&self) -> &Header {
        self.layout.header()
    }

    fn owner_and_mode(&self) -> Result<(u64, u64)> {
        self.read(|view| Ok((view.fact(Fact::Owner), view.fact(Fact::Mode))))
    }

    fn set_removed(&self, who: &Operation<'static>) -> Result<()> {
        change::set_removed(self, who)
    }
}
