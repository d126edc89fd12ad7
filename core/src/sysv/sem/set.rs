//! A mapped set.

use std::fs::File;
use std::os::fd::AsRawFd;

use super::cells::{Holder, Status};
use super::fate;
use super::layout::{EXTENT, Geometry, Layout};
use super::operate::Actor;
use super::serve::{Records, Wanted};
use super::state::{self, Fact, Memory, NO_EXTENT, REMOVED, View};
use crate::atomic::Ordering;
use crate::os::file_size::reserve;
use crate::os::membarrier;
use crate::os::own::ProcessLocal;
use crate::os::settings;
use crate::os::{Errno, Result};
use crate::shared::presence::{self, ProcessId, marks};
use crate::sysv::attached::Attached;
use crate::sysv::header::{Birth, Facts, Header};
use crate::sysv::object::{Identity, reopen, steps_mapped};
use crate::sysv::registry::{self, Opened};

/// The sets that this process has mapped.
pub static SETS: Attached<Set> = Attached::new();

/// A mapped set.
pub struct Set {
    /// What is in it.
    pub layout: Layout,
    /// What the process knows of it.
    pub identity: Identity,
    /// The slot of this process plus one, for what is to be undone: see `slots`. 0 = none. A hint.
    pub own: ProcessLocal,
    /// The same once its death will be marked there.
    pub marked: ProcessLocal,
    /// What the kernel marks there; 0 = nothing. In the child of a fork that is none of its marks.
    pub mark: ProcessLocal,
}

impl Drop for Set {
    fn drop(&mut self) {
        if let Some(mark) = marks::Mark::from_bits(self.mark.load(Ordering::Relaxed)) {
            marks::release(mark);
        }
        let span = self.layout.geometry().span();
        // SAFETY: mapped with this length; no thread uses it any more.
        unsafe { libc::munmap(self.layout.base().cast(), span) };
    }
}

impl Set {
    /// Maps a set. EINVAL: the file cannot be one.
    pub fn map_opened(Opened { file, facts, length }: &Opened) -> Result<Self> {
        let geometry = Geometry::new(facts.size)?;
        Self::map_file(file, geometry, geometry.extents(*length)?, *facts)
    }

    /// Maps the file of a new set, of one extent, and writes what does not change into it.
    pub fn map_new(file: &File, geometry: Geometry, birth: &Birth) -> Result<Self> {
        let header = Header::new(birth);
        // SAFETY: a header.
        let facts = unsafe { Header::facts((&raw const header).cast(), birth.family)? };
        let set = Self::map_file(file, geometry, 1, facts)?;
        #[expect(clippy::cast_ptr_alignment, reason = "a mapping begins with a page")]
        // SAFETY: the header is at the start of the mapping, which no other process knows.
        unsafe {
            set.layout.base().cast::<Header>().write(header);
        }
        Ok(set)
    }

    fn map_file(file: &File, geometry: Geometry, extents: usize, facts: Facts) -> Result<Self> {
        membarrier::prepare();
        presence::prepare(&settings::get().dir);
        let base = registry::map(file.as_raw_fd(), geometry.span())?;
        // SAFETY: mapped so, and unmapped when this is dropped.
        let layout = unsafe { Layout::new(base, geometry, extents) };
        Ok(Self {
            layout,
            identity: Identity::new(facts),
            own: ProcessLocal::default(),
            marked: ProcessLocal::default(),
            mark: ProcessLocal::default(),
        })
    }

    /// Reads what is current. EINVAL: the set has been removed.
    pub fn read<T>(&self, look: impl Fn(&View<'_, Layout>) -> Result<T>) -> Result<T> {
        self.read_any(|view| {
            if view.fact(Fact::Mode) & REMOVED != 0 { Err(Errno::EINVAL) } else { look(view) }
        })
    }

    /// The same of one that may have been removed.
    pub fn read_any<T>(&self, look: impl Fn(&View<'_, Layout>) -> Result<T>) -> Result<T> {
        loop {
            match state::read(&self.layout, &look) {
                Err(NO_EXTENT) => self.learn_extents()?,
                seen => return seen,
            }
        }
    }

    /// What has become of a waiter, and whether the waits of others ended with its own. EIDRM: the
    /// set has been removed.
    pub fn status(&self, slot: usize) -> Result<(Status, bool)> {
        self.read_any(|view| {
            let waiter = view.waiter(slot)?;
            let is_removed = view.fact(Fact::Mode) & REMOVED != 0;
            if is_removed && waiter.status == Status::Waiting {
                return Err(Errno::EIDRM);
            }
            Ok((waiter.status, waiter.leads))
        })
    }

    /// Others have reserved memory for more extents. EINVAL: they have not.
    fn learn_extents(&self) -> Result<()> {
        let known = self.layout.extents();
        self.look()?;
        if self.layout.extents() > known { Ok(()) } else { Err(Errno::EINVAL) }
    }

    /// The file, and others may have reserved memory for more extents: that is known now. `None`:
    /// this process cannot open it any more, but there are more extents. EIDRM; ENOMEM; EINVAL.
    fn look(&self) -> Result<Option<Opened>> {
        let (geometry, known) = (self.layout.geometry(), self.layout.extents());
        match reopen(self) {
            Ok(opened) => {
                self.layout.has_extents(geometry.extents(opened.length)?);
                Ok(Some(opened))
            }
            Err(Errno::EIDRM) => Err(Errno::EIDRM),
            Err(error) => {
                let end = self.layout.base().wrapping_add(geometry.file_size(known));
                let more = steps_mapped(end, EXTENT, state::CHUNKS_MAX - known);
                self.layout.has_extents(known + more);
                if more > 0 { Ok(None) } else { Err(error) }
            }
        }
    }

    /// Reserves memory for one more extent. ENOMEM: there can be no more; ENOSPC; EIDRM.
    #[cold]
    pub fn add_extent(&self) -> Result<()> {
        let known = self.layout.extents();
        let Some(opened) = self.look()? else { return Ok(()) };
        if self.layout.extents() > known {
            return Ok(());
        }
        if known >= state::CHUNKS_MAX {
            return Err(Errno::ENOMEM);
        }
        reserve(&opened.file, self.layout.geometry().file_size(known + 1))?;
        self.layout.has_extents(known + 1);
        Ok(())
    }

    /// The number of semaphores.
    pub fn members(&self) -> usize {
        self.layout.members()
    }
}

impl Records for Set {
    fn wanted(&self, slot: usize, into: &mut Wanted) -> Option<Actor> {
        let record = self.layout.record(slot)?;
        record.wanted(into, |extent| self.layout.long(extent))?;
        let process = record.process.load(Ordering::Relaxed).checked_sub(1);
        let process = process.and_then(|slot| {
            let owner = self.layout.process(slot as usize)?.owner.load(Ordering::Acquire);
            let number = ProcessId::from_word(owner)?.number();
            Some(Holder { slot: u16::try_from(slot).ok()?, number })
        });
        Some(Actor { pid: record.pid.load(Ordering::Relaxed), process, now: 0 })
    }

    fn amount(&self, slot: usize) -> Option<i16> {
        self.layout.record(slot)?.amount()
    }

    fn is_dead(&self, slot: usize) -> bool {
        let find = |slot| self.layout.process(slot);
        self.layout.record(slot).is_none_or(|record| fate::is_over(record, find))
    }
}
