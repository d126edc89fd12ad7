//! A mapped set, and how one gets at it.

use std::fs::File;
use std::os::fd::AsRawFd;

use super::cells::{Holder, Status};
use super::layout::{Geometry, Layout};
use super::operate::Actor;
use super::serve::{Records, Wanted};
use super::state::{self, Fact, Memory, NO_PART, REMOVED, View};
use crate::atomic::{AtomicU32, Ordering};
use crate::os::credentials;
use crate::os::file_size::reserve;
use crate::os::membarrier;
use crate::os::settings;
use crate::os::{Errno, Result};
use crate::shared::claim;
use crate::shared::presence::{self, ProcessId, marks};
use crate::shared::thread::{FrameTag, Operation, Thread};
use crate::sysv::attached::{Attached, Use};
use crate::sysv::family::Family;
use crate::sysv::header::{Birth, Facts, Header, Life};
use crate::sysv::permission::Permission;
use crate::sysv::registry::{self, For, Opened};
use crate::sysv::verdict::{Subject, Verdict};

/// The sets that this process has mapped.
pub static SETS: Attached<Set> = Attached::new();

/// A mapped set.
pub struct Set {
    /// What is in it.
    pub layout: Layout,
    /// What does not change.
    pub facts: Facts,
    /// What the caller was last found to be allowed: see [`Set::check`].
    verdict: Verdict,
    /// The slot of this process plus one: see `slots`. 0 = none. A hint.
    pub own: AtomicU32,
    /// What the kernel marks there; 0 = nothing.
    pub mark: AtomicU32,
}

impl Drop for Set {
    fn drop(&mut self) {
        if let Some(mark) = marks::Mark::from_bits(self.mark.load(Ordering::Relaxed)) {
            marks::release(mark);
        }
        let span = self.layout.geometry().span();
        // SAFETY: mapped with this length; nobody uses it any more.
        unsafe { libc::munmap(self.layout.base().cast(), span) };
    }
}

/// Begins an operation on the set with this id. EINVAL: there is none, or none any more; EACCES.
pub fn enter(thread: &'static Thread, id: i32, tag: &FrameTag) -> Result<Use<Set>> {
    let entered = enter_any(thread, id, tag)?;
    if entered.object.layout.header().is_well() || is_usable(entered.object) {
        return Ok(entered);
    }
    drop(entered);
    SETS.detach(id);
    Err(Errno::EINVAL)
}

/// The same if it is mapped already, and nothing is the matter with it.
#[inline(always)]
pub fn enter_at_once(thread: &'static Thread, id: i32, tag: &FrameTag) -> Option<Use<Set>> {
    let mut entered = SETS.enter_attached(thread, id, tag).ok()??;
    if !entered.object.facts.is_at_home {
        entered.operation.unguard();
    }
    entered.object.layout.header().is_well().then_some(entered)
}

/// One that somebody is about to remove, and one whose maker is about to give it its key, or to
/// take it back.
#[cold]
fn is_usable(set: &Set) -> bool {
    let header = set.layout.header();
    match header.life() {
        Life::Unborn => !claim::is_free(header.birth.load(Ordering::Relaxed)),
        life => life == Life::Lives,
    }
}

/// The same for one in any part of its life.
pub fn enter_any(thread: &'static Thread, id: i32, tag: &FrameTag) -> Result<Use<Set>> {
    let mut entered = SETS.enter(thread, id, tag, || attach(id))?;
    if !entered.object.facts.is_at_home {
        entered.operation.unguard();
    }
    Ok(entered)
}

/// An operation within another one of this call.
pub fn within<T>(
    outer: &Operation<'static>,
    set: &Set,
    act: impl FnOnce(&Operation<'static>) -> Result<T>,
) -> Result<T> {
    let tag = FrameTag::new();
    let subject = core::ptr::from_ref(set).cast();
    let mut inner = outer.thread().begin_within(outer, subject, &tag)?;
    if !set.facts.is_at_home {
        inner.unguard();
    }
    act(&inner)
}

/// Maps the set with this id.
fn attach(id: i32) -> Result<Set> {
    Set::map(&registry::open(Family::Semaphores, id, For::Use)?)
}

impl Set {
    /// Maps a set. EINVAL: the file cannot be one.
    fn map(Opened { file, facts, length }: &Opened) -> Result<Self> {
        let geometry = Geometry::new(facts.size)?;
        Self::map_file(file, geometry, geometry.parts(*length)?, *facts)
    }

    /// Maps the file of a new set, of one part, and writes what does not change into it.
    pub fn map_new(file: &File, geometry: Geometry, birth: &Birth) -> Result<Self> {
        let header = Header::new(birth);
        // SAFETY: a header.
        let facts = unsafe { Header::facts((&raw const header).cast(), birth.family)? };
        let set = Self::map_file(file, geometry, 1, facts)?;
        #[expect(clippy::cast_ptr_alignment, reason = "a mapping begins with a page")]
        // SAFETY: the header is at the start of the mapping, which nobody else knows.
        unsafe {
            set.layout.base().cast::<Header>().write(header);
        }
        Ok(set)
    }

    fn map_file(file: &File, geometry: Geometry, parts: usize, facts: Facts) -> Result<Self> {
        membarrier::prepare();
        presence::prepare(&settings::get().dir);
        let base = registry::map(file.as_raw_fd(), geometry.span())?;
        // SAFETY: mapped so, and unmapped when this is dropped.
        let layout = unsafe { Layout::new(base, geometry, parts) };
        Ok(Self {
            layout,
            facts,
            verdict: Verdict::default(),
            own: AtomicU32::new(0),
            mark: AtomicU32::new(0),
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
                Err(NO_PART) => self.learn_parts()?,
                seen => return seen,
            }
        }
    }

    /// Whose it is, and what its mode is.
    pub fn permission(&self, owner: u64, mode: u64) -> Permission {
        let half = |word: u64| u32::try_from(word & u64::from(u32::MAX)).unwrap_or(0);
        let (cuid, cgid) = self.facts.creator;
        let mode = u16::try_from(mode & 0o777).unwrap_or(0);
        Permission { uid: half(owner), gid: half(owner >> 32), cuid, cgid, mode }
    }

    /// EACCES unless the caller has this access. `now`: seconds of CLOCK_REALTIME. Makes no system
    /// call while the last answer holds.
    #[inline]
    pub fn check(&self, owner: u64, mode: u64, wanted: u16, now: u64) -> Result<()> {
        if self.is_known_to_permit(owner, mode, wanted, now) {
            return Ok(());
        }
        self.check_anew(owner, mode, wanted, now)
    }

    /// Whether the last answer says so, and holds.
    #[inline(always)]
    pub fn is_known_to_permit(&self, owner: u64, mode: u64, wanted: u16, now: u64) -> bool {
        let subject = Subject { owner, mode, generation: credentials::generation(), now };
        self.verdict.grants(&subject, wanted)
    }

    #[cold]
    #[inline(never)]
    fn check_anew(&self, owner: u64, mode: u64, wanted: u16, now: u64) -> Result<()> {
        // Before the kernel is asked: what changes meanwhile makes the answer an old one.
        let generation = credentials::generation();
        let permission = self.permission(owner, mode);
        let grants = |bit: u16| permission.check(bit).is_ok();
        let granted = [1, 2, 4].into_iter().filter(|bit| grants(*bit)).sum::<u16>();
        if wanted & !granted != 0 {
            return Err(Errno::EACCES);
        }
        let subject = Subject { owner, mode, generation, now };
        self.verdict.keep(&subject, granted, credentials::are_fixed());
        Ok(())
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

    /// Others have reserved memory for more parts. EINVAL: they have not.
    fn learn_parts(&self) -> Result<()> {
        let opened = self.reopen()?;
        let known = self.layout.parts();
        self.layout.has_parts(self.layout.geometry().parts(opened.length)?);
        if self.layout.parts() > known { Ok(()) } else { Err(Errno::EINVAL) }
    }

    /// Reserves memory for one more part. ENOMEM: there can be no more; ENOSPC; EIDRM.
    #[cold]
    pub fn add_part(&self) -> Result<()> {
        let opened = self.reopen()?;
        let geometry = self.layout.geometry();
        let known = self.layout.parts();
        let parts = geometry.parts(opened.length)?;
        if parts > known {
            self.layout.has_parts(parts);
            return Ok(());
        }
        if known >= state::CHUNKS_MAX {
            return Err(Errno::ENOMEM);
        }
        reserve(&opened.file, geometry.file_size(known + 1))?;
        self.layout.has_parts(known + 1);
        Ok(())
    }

    /// The file of the set. EIDRM: it has lost its name.
    pub fn reopen(&self) -> Result<Opened> {
        match registry::open(Family::Semaphores, self.facts.id, For::Use) {
            // Not where it is at home, which the child of a fork may see otherwise.
            Ok(opened) if opened.facts.is_same(&self.facts) => Ok(opened),
            Ok(_) | Err(Errno::EINVAL) => Err(Errno::EIDRM),
            Err(error) => Err(error),
        }
    }

    /// Whether TIDs in its claim words are those of this process's PID namespace.
    pub fn is_at_home(&self, who: &Operation<'_>) -> bool {
        self.facts.is_at_home && who.is_at_home()
    }

    /// The number of semaphores.
    pub fn members(&self) -> usize {
        self.layout.members()
    }
}

impl Records for Set {
    fn wanted(&self, slot: usize, into: &mut Wanted) -> Option<Actor> {
        let record = self.layout.record(slot)?;
        record.wanted(into, |part| self.layout.long(part))?;
        let process = record.process.load(Ordering::Relaxed).checked_sub(1);
        let process = process.and_then(|slot| {
            let owner = self.layout.process(slot as usize)?.owner.load(Ordering::Acquire);
            let number = ProcessId::from_word(owner)?.number();
            Some(Holder { slot: u16::try_from(slot).ok()?, number })
        });
        Some(Actor { pid: record.pid.load(Ordering::Relaxed), process, now: 0 })
    }

    fn is_dead(&self, slot: usize) -> bool {
        let Some(record) = self.layout.record(slot) else { return true };
        // SeqCst: whoever has claimed it did so before its waiter came into the state.
        match claim::holder(record.claim.load(Ordering::SeqCst)) {
            claim::Holder::Nobody => true,
            // The kernel would have said so.
            claim::Holder::Thread(_) => false,
            claim::Holder::Presence(number) => presence::has_ended(number),
        }
    }
}
