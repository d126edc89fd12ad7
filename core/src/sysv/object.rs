//! What the families have in common: an object that this process has mapped, and how it is reached.

use std::fs::File;
use std::os::fd::AsRawFd;

use super::attached::{Attached, Use};
use super::family::Family;
use super::header::{Birth, Facts, Header, Life};
use super::permission::Permission;
use super::registry::{self, For, Opened};
use super::verdict::{Subject, Verdict};
use crate::atomic::Ordering;
use crate::os::credentials::{self, as_effective};
use crate::os::errno::preserved;
use crate::os::file::change_mode;
use crate::os::readable::is_readable;
use crate::os::{Errno, Result};
use crate::shared::claim;
use crate::shared::thread::{FrameTag, Operation, Thread};

/// A mapped object of one of the families.
pub trait Object: Send + Sync + Sized + 'static {
    /// Which family.
    const FAMILY: Family;

    /// Those that this process has mapped.
    fn table() -> &'static Attached<Self>;

    /// Maps an object. EINVAL: the file cannot be one.
    fn map(opened: &Opened) -> Result<Self>;

    /// Writes a new object into a file that has no name yet, and leaves it mapped.
    fn make(file: &File, birth: &Birth) -> Result<Self>;

    /// What the process knows of it.
    fn identity(&self) -> &Identity;

    /// What the file begins with.
    fn header(&self) -> &Header;

    /// Its owner now, as `uid | gid << 32`, and its mode. EINVAL: it has been removed.
    fn owner_and_mode(&self) -> Result<(u64, u64)>;

    /// Marks it as removed, and wakes all waiters. EIDRM: it has been before.
    fn set_removed(&self, who: &Operation<'static>) -> Result<()>;

    /// Gives a new object its key, by `give_key`, and what else it needs before it lives, if its
    /// family has more than one file. A death in the middle is followed by [`Object::discard`].
    fn complete(&self, give_key: impl Fn() -> Result<()>) -> Result<()> {
        give_key()
    }

    /// Removes the names of its other files. Only for the holder of its removal claim.
    fn discard(&self) {}

    /// Whether processes that have it mapped may go on with it after its removal.
    fn outlives_removal(&self) -> bool {
        false
    }

    /// Whether it has been removed, and this process does not use it any more.
    fn is_gone(&self) -> bool {
        self.header().life() == Life::Removed
    }
}

/// What a process knows of an object that it has mapped.
pub struct Identity {
    /// What does not change.
    pub facts: Facts,
    /// What the caller was last found to be allowed: see [`Identity::check`].
    verdict: Verdict,
}

impl Identity {
    /// Nothing has been asked yet.
    pub fn new(facts: Facts) -> Self {
        Self { facts, verdict: Verdict::default() }
    }

    /// Which user may do what.
    pub fn permission(&self, owner: u64, mode: u64) -> Permission {
        self.facts.permission(owner, mode)
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
        // Before the kernel is asked: a change meanwhile makes the answer out of date.
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

    /// Whether TIDs in its claim words are those of this process's PID namespace.
    pub fn is_at_home(&self, who: &Operation<'_>) -> bool {
        self.facts.is_at_home && who.is_at_home()
    }
}

/// Begins an operation on the object with this id, if it is mapped already, and nothing is the
/// matter with it.
#[inline(always)]
pub fn enter_at_once<O: Object>(
    thread: &'static Thread,
    id: i32,
    tag: &FrameTag,
) -> Option<Use<O>> {
    let mut entered = O::table().enter_attached(thread, id, tag).ok()??;
    if !entered.object.identity().facts.is_at_home {
        entered.operation.unguard();
    }
    entered.object.header().is_well().then_some(entered)
}

/// An object that a process is about to remove, and one whose maker is about to give it its key, or
/// to take it back.
#[cold]
pub fn is_usable(header: &Header) -> bool {
    match header.life() {
        Life::Unborn => !claim::is_free(header.birth.load(Ordering::Relaxed)),
        life => life == Life::Lives,
    }
}

/// The same for one in any part of its life.
pub fn enter_any<O: Object>(thread: &'static Thread, id: i32, tag: &FrameTag) -> Result<Use<O>> {
    let map = || {
        let object = O::map(&registry::open(O::FAMILY, id, For::Use)?)?;
        O::table().sweep(thread, O::is_gone);
        Ok(object)
    };
    let mut entered = O::table().enter(thread, id, tag, map)?;
    if !entered.object.identity().facts.is_at_home {
        entered.operation.unguard();
    }
    Ok(entered)
}

/// Whether a thread that had begun to make it, or to remove it, is dead: the kernel has said so, or
/// the process of its presence has ended.
pub fn is_left_half_done<O: Object>(entered: &Use<O>) -> bool {
    let (header, who) = (entered.object.header(), &entered.operation);
    if header.removal.load(Ordering::Relaxed) == 0 && header.life() != Life::Unborn {
        return false;
    }
    let is_at_home = entered.object.identity().is_at_home(who);
    for claim in [&header.birth, &header.removal] {
        claim::free_if(claim, |holder| who.has_ended(holder, is_at_home));
    }
    header.is_half_done()
}

/// An operation within another one of this call.
pub fn within<O: Object, T>(
    outer: &Operation<'static>,
    object: &O,
    act: impl FnOnce(&Operation<'static>) -> Result<T>,
) -> Result<T> {
    let tag = FrameTag::new();
    let subject = core::ptr::from_ref(object).cast();
    let mut inner = outer.thread().begin_within(outer, subject, &tag)?;
    if !object.identity().facts.is_at_home {
        inner.unguard();
    }
    act(&inner)
}

/// The file of an object. EIDRM: it has lost its name; ENOMEM: it is out of this process's reach.
/// The call may still succeed without it, so errno stays as it is.
pub fn reopen<O: Object>(object: &O) -> Result<Opened> {
    let facts = &object.identity().facts;
    match preserved(|| registry::open(O::FAMILY, facts.id, For::Use)) {
        // Not where it is at home, which the child of a fork may see otherwise.
        Ok(opened) if opened.facts.is_same(facts) => Ok(opened),
        // It lives, but not where this process looks, after a chroot(2) for example. A name goes
        // only after the object has been marked.
        Ok(_) | Err(Errno::EINVAL) if object.header().life() == Life::Lives => Err(Errno::ENOMEM),
        Ok(_) | Err(Errno::EINVAL) => Err(Errno::EIDRM),
        // A filter or Landlock, a directory that has become read-only, no free descriptor. The
        // kernel's calls on an object that is in use fail with none of these.
        Err(_) => Err(Errno::ENOMEM),
    }
}

/// How often a file has become longer by `step` bytes, as far as it is mapped: for a process that
/// cannot open it again. `end` is where it was known to end, and the mapping goes on for `limit`
/// steps.
pub fn steps_mapped(end: *const u8, step: usize, limit: usize) -> usize {
    // What lies beyond the end of the file cannot be read. Each step has been reserved whole.
    let last = |count: usize| end.addr() + (count + 1) * step - 1;
    preserved(|| (0..limit).take_while(|count| is_readable(last(*count), 0)).count())
}

/// Lets the users map the file to which this owner and mode give any access. The file is the
/// creator's, so no other user can do that; without it those users get EACCES when they first use
/// the object.
pub fn admit<O: Object>(object: &O, owner: u64, mode: u64) {
    let permission = object.identity().permission(owner, mode);
    let Facts { key, id, .. } = object.identity().facts;
    // Most calls change neither.
    if registry::status(O::FAMILY, id).is_ok_and(|file| permission.is_that_of(&file)) {
        return;
    }
    if let Ok(opened) = reopen(object) {
        as_effective(|| {
            // In a sticky directory only the owner of a name can take it away. Before the file, by
            // which a later call sees whether anything is left to do.
            if permission.is_given() && key != libc::IPC_PRIVATE {
                let names = object.header().names.load(Ordering::SeqCst);
                registry::give_key(O::FAMILY, key, id, names, permission.uid);
            }
            permission.give(opened.file.as_raw_fd());
            let _ = change_mode(&opened.file, permission.of_file());
        });
    }
}
