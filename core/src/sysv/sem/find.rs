//! `semget`: finding and making sets; removing them.

use std::fs::File;

use super::change::mark_removed;
use super::layout::Geometry;
use super::set::{SETS, Set, enter_any, enter_at_once, within};
use super::state::{Fact, MEMBERS_MAX, Memory};
use crate::atomic::{AtomicU64, Ordering};
use crate::os::clock::realtime_seconds;
use crate::os::credentials;
use crate::os::file::change_mode;
use crate::os::file_size::reserve;
use crate::os::membarrier;
use crate::os::{Errno, Result};
use crate::shared::claim;
use crate::shared::pause::Pause;
use crate::shared::thread::{FrameTag, Thread};
use crate::sysv::family::Family;
use crate::sysv::header::{Birth, Life};
use crate::sysv::permission::{Permission, asked_for};
use crate::sysv::registry;

const FAMILY: Family = Family::Semaphores;

/// What `semget` was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// The key.
    pub key: i32,
    /// Semaphores.
    pub members: i32,
    /// IPC_CREAT, IPC_EXCL, permission bits.
    pub flags: i32,
}

impl Request {
    fn wants_new(self) -> bool {
        let exclusive = libc::IPC_CREAT | libc::IPC_EXCL;
        self.flags & exclusive == exclusive
    }

    /// The permission bits.
    fn permission(self) -> u16 {
        u16::try_from(self.flags & 0o777).unwrap_or(0)
    }
}

/// The id of the set with this key, or of a new one. semget(2).
///
/// Errors: EINVAL for the number; ENOENT, EEXIST, EACCES; ENOSPC, ENOMEM.
pub fn get(thread: &'static Thread, request: Request) -> Result<i32> {
    let members = usize::try_from(request.members).map_err(|_| Errno::EINVAL)?;
    if members > MEMBERS_MAX {
        return Err(Errno::EINVAL);
    }
    // Most programs have no other thread yet. Later the kernel would let the first semop wait for
    // all processors, which takes milliseconds, and seconds on a machine that is busy.
    membarrier::prepare();
    if request.key == libc::IPC_PRIVATE {
        return create(thread, request);
    }
    if let Some(id) = find_known(thread, request)? {
        return Ok(id);
    }
    loop {
        if let Some(id) = find(thread, request)? {
            know(request.key, id);
            return Ok(id);
        }
        if request.flags & libc::IPC_CREAT == 0 {
            return Err(Errno::ENOENT);
        }
        match create(thread, request) {
            // Somebody else was faster.
            Err(Errno::EEXIST) => {}
            created => {
                created.inspect(|id| know(request.key, *id))?;
                return created;
            }
        }
    }
}

/// Keys, and the ids that they were last seen to lead to, each in the place that the key gives: id
/// in the low half. Relaxed: what stands here is looked at before it is believed.
static KNOWN: [AtomicU64; 64] = [const { AtomicU64::new(0) }; 64];

fn known(key: i32) -> &'static AtomicU64 {
    &KNOWN[key.cast_unsigned() as usize % KNOWN.len()]
}

fn know(key: i32, id: i32) {
    let word = u64::from(key.cast_unsigned()) << 32 | u64::from(id.cast_unsigned());
    known(key).store(word, Ordering::Relaxed);
}

/// The same as [`find`] if the set is mapped: as long as one lives, its key leads to it. Makes no
/// system call if the permission has been asked for before.
fn find_known(thread: &'static Thread, request: Request) -> Result<Option<i32>> {
    let word = known(request.key).load(Ordering::Relaxed);
    let half = |word: u64| u32::try_from(word & u64::from(u32::MAX)).unwrap_or(0).cast_signed();
    let (key, id) = (half(word >> 32), half(word));
    if key != request.key {
        return Ok(None);
    }
    let tag = FrameTag::new();
    match enter_at_once(thread, id, &tag) {
        Some(entered) if entered.object.facts.key == request.key => {
            examine_set(entered.object, request)
        }
        _ => Ok(None),
    }
}

/// The set with this key. `None`: there is none.
fn find(thread: &'static Thread, request: Request) -> Result<Option<i32>> {
    for (_, id) in registry::ids_of(FAMILY, request.key) {
        if settled(thread, request.key, id) == Settled::Lives
            && let Some(id) = examine(thread, id, request)?
        {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// What is known of an object once it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Settled {
    /// It lives, or may not be looked into.
    Lives,
    /// There is none, or none any more.
    Gone,
}

/// Waits until the object that a key leads to lives, or does not. One whose maker is dead, or has
/// been stopped, will not.
fn settled(thread: &'static Thread, key: i32, id: i32) -> Settled {
    let mut pause = Pause::default();
    loop {
        let tag = FrameTag::new();
        let entered = match enter_any(thread, id, &tag) {
            Ok(entered) if entered.object.facts.key == key => entered,
            Err(Errno::EACCES) => return Settled::Lives,
            _ => return Settled::Gone,
        };
        let header = entered.object.layout.header();
        match header.life() {
            Life::Lives if header.is_half_removed() => {}
            Life::Lives => return Settled::Lives,
            Life::Unborn => {
                let is_made = !claim::is_free(header.birth.load(Ordering::SeqCst));
                if is_made && pause.turn() || !header.pass(Life::Unborn, Life::Removed) {
                    continue;
                }
            }
            Life::Removed => {}
        }
        drop(entered);
        let _ = finish_removal(thread, id);
        return Settled::Gone;
    }
}

/// Whether this is the set that was asked for. `None`: it has been removed meanwhile. EEXIST,
/// EINVAL, EACCES.
fn examine(thread: &'static Thread, id: i32, request: Request) -> Result<Option<i32>> {
    let tag = FrameTag::new();
    let entered = match enter_any(thread, id, &tag) {
        Err(Errno::EACCES) if request.wants_new() => return Err(Errno::EEXIST),
        // Nothing is asked for: everybody may learn an id.
        Err(Errno::EACCES) if request.permission() == 0 => return Ok(Some(id)),
        Err(Errno::EINVAL) => return Ok(None),
        entered => entered?,
    };
    examine_set(entered.object, request)
}

fn examine_set(set: &Set, request: Request) -> Result<Option<i32>> {
    let Ok((owner, mode)) = set.read(|view| Ok((view.fact(Fact::Owner), view.fact(Fact::Mode))))
    else {
        return Ok(None);
    };
    if request.wants_new() {
        return Err(Errno::EEXIST);
    }
    if usize::try_from(request.members).is_ok_and(|members| members > set.members()) {
        return Err(Errno::EINVAL);
    }
    set.check(owner, mode, asked_for(request.permission()), realtime_seconds())?;
    Ok(Some(set.facts.id))
}

fn create(thread: &'static Thread, request: Request) -> Result<i32> {
    let size = u64::try_from(request.members).map_err(|_| Errno::EINVAL)?;
    let geometry = Geometry::new(size)?;
    let mode = request.permission();
    let (user, group) = (credentials::user(), credentials::group());
    let permission = Permission { uid: user, gid: group, cuid: user, cgid: group, mode };
    let (id, set) = registry::create(FAMILY, permission.of_file(), |file, id| {
        fill(file, geometry, &Birth { family: FAMILY, id, key: request.key, size, permission })
    })?;
    // It will be used soon. Where it cannot be kept, it is mapped anew then.
    let _ = SETS.insert(id, set);
    if request.key == libc::IPC_PRIVATE {
        return Ok(id);
    }
    let named = name(thread, request.key, id);
    if named.is_err() {
        let _ = finish_removal(thread, id);
    }
    named.map(|()| id)
}

/// Gives a new object its key. EEXIST: another one has it; ENOSPC and others.
fn name(thread: &'static Thread, key: i32, id: i32) -> Result<()> {
    let tag = FrameTag::new();
    let entered = enter_any(thread, id, &tag)?;
    let header = entered.object.layout.header();
    // From here on a death of ours is seen by whoever looks for the key.
    if !claim::claim(&header.birth, &entered.operation) {
        return Err(Errno::EEXIST);
    }
    let named = link(thread, key, id).and_then(|()| {
        // Somebody may have waited for us in vain.
        if header.pass(Life::Unborn, Life::Lives) { Ok(()) } else { Err(Errno::EEXIST) }
    });
    if named.is_err() {
        header.pass(Life::Unborn, Life::Removed);
    }
    claim::release(&header.birth, &entered.operation);
    named
}

/// Two objects that are about to get the same key see each other, as each looks after it has got
/// its name. The one with the lower number waits for the other one, which gives way: that was
/// linked before the other one looked.
fn link(thread: &'static Thread, key: i32, id: i32) -> Result<()> {
    let own = registry::link_key(FAMILY, key, id)?;
    for (number, other) in registry::ids_of(FAMILY, key).filter(|(number, _)| *number != own) {
        let is_rival = match unborn(thread, key, other) {
            Some(is_unborn) if number < own => is_unborn || is_alive(thread, key, other),
            _ => settled(thread, key, other) == Settled::Lives,
        };
        if is_rival {
            return Err(Errno::EEXIST);
        }
    }
    Ok(())
}

/// Whether an object is being made by somebody who lives. `None`: it cannot be looked into.
fn unborn(thread: &'static Thread, key: i32, id: i32) -> Option<bool> {
    let tag = FrameTag::new();
    let entered = enter_any(thread, id, &tag).ok()?;
    let header = entered.object.layout.header();
    let is_made = !claim::is_free(header.birth.load(Ordering::SeqCst));
    Some(entered.object.facts.key == key && header.life() == Life::Unborn && is_made)
}

fn is_alive(thread: &'static Thread, key: i32, id: i32) -> bool {
    settled(thread, key, id) == Settled::Lives
}

/// Writes a new set into a file that has no name yet, and leaves it mapped.
fn fill(file: &File, geometry: Geometry, birth: &Birth) -> Result<Set> {
    let length = geometry.file_size(1);
    reserve(file, length)?;
    let set = Set::map_new(file, geometry, birth)?;
    let root = set.layout.root(0);
    let owner = u64::from(birth.permission.uid) | u64::from(birth.permission.gid) << 32;
    root[Fact::Owner as usize].store(owner, Ordering::Relaxed);
    root[Fact::Mode as usize].store(birth.permission.mode.into(), Ordering::Relaxed);
    root[Fact::Ctime as usize].store(realtime_seconds(), Ordering::Relaxed);
    Ok(set)
}

/// Lets those map the file to whom this owner and mode give anything. It is the creator's, so
/// nobody else can do that; then they are EACCES when they first use the set.
pub fn admit(set: &Set, owner: u64, mode: u64) {
    if let Ok(opened) = set.reopen() {
        let _ = change_mode(&opened.file, set.permission(owner, mode).of_file());
    }
}

/// Removes a set whose owner the caller is. EINVAL: it is gone already.
pub fn remove(thread: &'static Thread, id: i32) -> Result<()> {
    let is_first = finish_removal(thread, id)?;
    if is_first { Ok(()) } else { Err(Errno::EINVAL) }
}

/// Removes a set, or finishes its removal. False: it was removed already. EINVAL: it is not there,
/// or somebody else removes it.
fn finish_removal(thread: &'static Thread, id: i32) -> Result<bool> {
    let tag = FrameTag::new();
    let entered = enter_any(thread, id, &tag)?;
    let set = entered.object;
    let header = set.layout.header();
    let mut pause = Pause::default();
    while !claim::claim(&header.removal, &entered.operation) {
        let has_ended =
            |holder| entered.operation.has_ended(holder, set.is_at_home(&entered.operation));
        if !claim::free_if(&header.removal, has_ended) && !pause.turn() {
            return Err(Errno::EINVAL);
        }
    }
    if set.facts.key != libc::IPC_PRIVATE {
        registry::unlink_key(FAMILY, set.facts.key, id);
    }
    let marked = within(&entered.operation, set, |who| mark_removed(set, who));
    let is_first = marked.is_ok() && header.life() != Life::Removed;
    header.pass(Life::Unborn, Life::Removed);
    header.pass(Life::Lives, Life::Removed);
    registry::unlink_id(FAMILY, id);
    claim::release(&header.removal, &entered.operation);
    drop(entered);
    SETS.detach(id);
    if marked == Err(Errno::EIDRM) { Ok(false) } else { marked.map(|()| is_first) }
}
