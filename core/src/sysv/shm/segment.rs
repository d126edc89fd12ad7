//! A segment that this process knows.

use core::cell::Cell;
use std::fs::File;
use std::os::fd::AsRawFd;

use super::attachments;
use super::memory;
use super::places;
use super::words::{FILE_SIZE, WORDS_AT, Words};
use crate::atomic::{AtomicBool, Ordering};
use crate::os::clock::realtime_seconds;
use crate::os::file_size::reserve;
use crate::os::membarrier;
use crate::os::process::Process;
use crate::os::settings;
use crate::os::{Errno, Result};
use crate::shared::presence;
use crate::shared::thread::{FrameTag, Operation, Thread};
use crate::sysv::attached::{Attached, Use};
use crate::sysv::enter::finish_removal;
use crate::sysv::family::Family;
use crate::sysv::header::{Birth, Facts, Header, Life};
use crate::sysv::object::{self, Identity, Object};
use crate::sysv::registry::{self, Opened};

/// The segments that this process knows. Knowing a segment does not mean that it is attached.
static SEGMENTS: Attached<Segment> = Attached::new();

/// See the module.
pub struct Segment {
    /// The mapping of the first file.
    base: *mut u8,
    identity: Identity,
    /// The memory has been seen to be as long as the header says. Only ever set.
    pub is_sound: AtomicBool,
}

// SAFETY: what it leads to is made for many processes, let alone threads.
unsafe impl Send for Segment {}
// SAFETY: all that changes there is atomic.
unsafe impl Sync for Segment {}

impl Drop for Segment {
    fn drop(&mut self) {
        // SAFETY: mapped with this length; no thread uses it any more.
        unsafe { libc::munmap(self.base.cast(), FILE_SIZE) };
    }
}

/// Begins an operation on the segment with this id. One that has been removed is there for as long
/// as a process has it attached. EINVAL: there is none; EACCES.
pub fn enter(thread: &'static Thread, id: i32, tag: &FrameTag) -> Result<Use<Segment>> {
    let entered = object::enter_any::<Segment>(thread, id, tag)?;
    let header = entered.object.header();
    // Its key may be gone, so no look-up of the key would find it.
    let is_left =
        header.life() == Life::Lives && !header.is_well() && object::is_left_half_done(&entered);
    let is_there = header.is_well()
        || object::is_usable(header)
        || header.life() == Life::Removed && entered.object.is_attached();
    if is_there && !is_left {
        return Ok(entered);
    }
    drop(entered);
    if is_left {
        finish_removal::<Segment>(thread, id)?;
        return enter(thread, id, tag);
    }
    Segment::table().detach(id, thread);
    Err(Errno::EINVAL)
}

impl Segment {
    /// Maps the first file.
    fn map_file(file: &File, facts: Facts) -> Result<Self> {
        membarrier::prepare();
        presence::prepare(&settings::get().dir);
        let base = registry::map(file.as_raw_fd(), FILE_SIZE)?;
        Ok(Self { base, identity: Identity::new(facts), is_sound: AtomicBool::new(false) })
    }

    /// What is in the file beside the header.
    pub fn words(&self) -> &Words {
        // SAFETY: within the mapping, aligned to a line of its page; all of it is atomic.
        unsafe { &*self.base.add(WORDS_AT).cast() }
    }

    /// What does not change.
    pub fn facts(&self) -> &Facts {
        &self.identity.facts
    }

    /// Bytes.
    pub fn size(&self) -> Result<usize> {
        usize::try_from(self.facts().size).map_err(|_| Errno::EINVAL)
    }

    /// Whether any process has it attached.
    pub fn is_attached(&self) -> bool {
        self.words().has_been_attached() && attachments::is_any(self.facts().id, self.inode())
    }

    /// How often processes have it attached.
    pub fn attachments(&self) -> usize {
        // To look at all processes takes milliseconds.
        let may_be = self.words().has_been_attached();
        if may_be { attachments::count(self.facts().id, self.inode()) } else { 0 }
    }

    /// Of the memory.
    pub fn inode(&self) -> u64 {
        self.words().inode.load(Ordering::Relaxed)
    }

    /// Owner and mode, of one that has been removed, too.
    pub fn owner_and_mode_of_any(&self) -> (u64, u64) {
        let words = self.words();
        (words.owner.load(Ordering::Relaxed), words.mode.load(Ordering::Relaxed))
    }

    /// EACCES unless the caller has this access.
    pub fn check(&self, wanted: u16) -> Result<()> {
        let (owner, mode) = self.owner_and_mode_of_any();
        self.identity.check(owner, mode & 0o777, wanted, realtime_seconds())
    }
}

impl Object for Segment {
    const FAMILY: Family = Family::Memory;

    #[inline(always)]
    fn table() -> &'static Attached<Self> {
        &SEGMENTS
    }

    fn map(opened: &Opened) -> Result<Self> {
        if opened.length < FILE_SIZE {
            return Err(Errno::EINVAL);
        }
        Self::map_file(&opened.file, opened.facts)
    }

    fn make(file: &File, birth: &Birth) -> Result<Self> {
        reserve(file, FILE_SIZE)?;
        let header = Header::new(birth);
        // SAFETY: a header.
        let facts = unsafe { Header::facts((&raw const header).cast(), birth.family)? };
        let segment = Self::map_file(file, facts)?;
        #[expect(clippy::cast_ptr_alignment, reason = "a mapping begins with a page")]
        // SAFETY: the header is at the start of the mapping, which no other process knows.
        unsafe {
            segment.base.cast::<Header>().write(header);
        }
        let words = segment.words();
        let owner = u64::from(birth.permission.uid) | u64::from(birth.permission.gid) << 32;
        words.owner.store(owner, Ordering::Relaxed);
        words.mode.store(birth.permission.mode.into(), Ordering::Relaxed);
        words.ctime.store(realtime_seconds(), Ordering::Relaxed);
        words.creator.store(Process::pid_of_memory(), Ordering::Relaxed);
        Ok(segment)
    }

    #[inline(always)]
    fn identity(&self) -> &Identity {
        &self.identity
    }

    #[inline(always)]
    fn header(&self) -> &Header {
        // SAFETY: at the start of the mapping, which begins with a page; all of it is atomic.
        unsafe { &*self.base.cast() }
    }

    fn owner_and_mode(&self) -> Result<(u64, u64)> {
        if self.header().life() == Life::Removed {
            return Err(Errno::EINVAL);
        }
        let (owner, mode) = self.owner_and_mode_of_any();
        Ok((owner, mode & 0o777))
    }

    /// No thread waits in a segment: that its life is over is all there is to know.
    fn set_removed(&self, _: &Operation<'static>) -> Result<()> {
        if self.header().life() == Life::Removed { Err(Errno::EIDRM) } else { Ok(()) }
    }

    /// The memory gets its name last: so a maker that is killed leaves no memory behind that cannot
    /// be found by its key.
    fn complete(&self, give_key: impl Fn() -> Result<()>) -> Result<()> {
        let (owner, mode) = self.owner_and_mode_of_any();
        let permission = self.identity.permission(owner, mode);
        let (inode, id) = (&self.words().inode, self.facts().id);
        let has_key = Cell::new(false);
        memory::make(id, self.size()?, &permission, |made| {
            inode.store(made, Ordering::Relaxed);
            // It may be made twice.
            if has_key.replace(true) { Ok(()) } else { give_key() }
        })?;
        self.is_sound.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn discard(&self) {
        memory::unlink(self.facts().id);
    }

    fn outlives_removal(&self) -> bool {
        self.is_attached()
    }

    /// Others may have it attached, but to ask for that means to look at all processes.
    fn is_gone(&self) -> bool {
        let is_removed = self.header().life() == Life::Removed;
        is_removed && places::find(self.facts().id).is_none()
    }
}
