//! `semget`, `msgget` and `shmget`: finding and making objects; removing them.

use super::absent::{self, Found};
use super::attached::Use;
use super::enter::finish_removal;
use super::header::{Birth, Life};
use super::object::{Object, enter_any, enter_at_once, is_left_half_done};
use super::permission::{EXECUTE, Permission, asked_for};
use super::registry;
use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::os::clock::realtime_seconds;
use crate::os::credentials;
use crate::os::membarrier;
use crate::os::{Errno, Result};
use crate::shared::claim;
use crate::shared::pause::Pause;
use crate::shared::thread::{FrameTag, Thread};

/// What was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// The key.
    pub key: i32,
    /// Semaphores, or bytes. One that is found has as many at least.
    pub size: u64,
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

/// The id of the object with this key, or of a new one.
///
/// `can_be_made` says whether there can be a new object of this size; the size of an existing one
/// is checked first.
///
/// Errors: ENOENT, EEXIST; EINVAL for the size; EACCES; what `can_be_made` says; ENOSPC, ENOMEM.
pub fn get<O: Object>(
    thread: &'static Thread,
    request: Request,
    can_be_made: impl Fn() -> Result<()>,
) -> Result<i32> {
    // Most programs have no other thread yet. Later, with more threads, the kernel would make the
    // first operation wait for all processors, which takes milliseconds, or seconds on a busy
    // machine.
    membarrier::prepare();
    if request.key == libc::IPC_PRIVATE {
        can_be_made()?;
        loop {
            match create::<O>(thread, request) {
                // A process that lists all objects took it for one that was left half made.
                Err(Errno::EEXIST) => {}
                created => return created,
            }
        }
    }
    if let Some(id) = find_known::<O>(thread, request)? {
        return Ok(id);
    }
    if request.flags & libc::IPC_CREAT == 0 {
        return absent::look(thread, O::FAMILY, request.key, || find::<O>(thread, request));
    }
    loop {
        if let Found::Object(id) = find::<O>(thread, request)? {
            return Ok(id);
        }
        can_be_made()?;
        match create::<O>(thread, request) {
            // Another process was faster.
            Err(Errno::EEXIST) => {}
            created => {
                created.inspect(|id| know::<O>(request.key, *id))?;
                return created;
            }
        }
    }
}

/// Keys, and the ids that they were last seen to lead to, each at an index that follows from the
/// key: the id is in the low half. A row for each family. Relaxed: each entry is verified before it
/// is used.
static KNOWN: [[AtomicU64; 64]; 3] = [const { [const { AtomicU64::new(0) }; 64] }; 3];

fn known<O: Object>(key: i32) -> &'static AtomicU64 {
    let row = &KNOWN[O::FAMILY as usize];
    &row[key.cast_unsigned() as usize % row.len()]
}

fn know<O: Object>(key: i32, id: i32) {
    let word = u64::from(key.cast_unsigned()) << 32 | u64::from(id.cast_unsigned());
    known::<O>(key).store(word, Ordering::Relaxed);
}

/// The same as [`find`] if the object is mapped: as long as one lives, its key leads to it. Makes
/// no system call if the permission has been asked for before.
fn find_known<O: Object>(thread: &'static Thread, request: Request) -> Result<Option<i32>> {
    let word = known::<O>(request.key).load(Ordering::Relaxed);
    let half = |word: u64| u32::try_from(word & u64::from(u32::MAX)).unwrap_or(0);
    let (key, id) = (half(word >> 32).cast_signed(), half(word).cast_signed());
    if key != request.key {
        return Ok(None);
    }
    let tag = FrameTag::new();
    match enter_at_once::<O>(thread, id, &tag) {
        Some(entered) if entered.object.identity().facts.key == request.key => {
            examine_object(entered.object, request)
        }
        _ => Ok(None),
    }
}

/// The object with this key.
fn find<O: Object>(thread: &'static Thread, request: Request) -> Result<Found> {
    let mut has_name = false;
    for (_, id) in registry::names_of(O::FAMILY, request.key) {
        has_name |= id != Err(Errno::ENOENT);
        if let Ok(id) = id
            && settled::<O>(thread, request.key, id) == Settled::Lives
            && let Some(id) = examine::<O>(thread, id, request)?
        {
            know::<O>(request.key, id);
            return Ok(Found::Object(id));
        }
    }
    Ok(if has_name { Found::Nothing } else { Found::NoName })
}

/// What is known of an object once it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Settled {
    /// It lives, or this user has no right to read it.
    Lives,
    /// There is none, or none any more.
    Gone,
}

/// Waits until the object that a key leads to lives, or does not. One whose maker is dead, or has
/// been stopped, will not.
fn settled<O: Object>(thread: &'static Thread, key: i32, id: i32) -> Settled {
    let mut pause = Pause::default();
    loop {
        let tag = FrameTag::new();
        let entered: Use<O> = match enter_any(thread, id, &tag) {
            Ok(entered) if is_of_key(&entered, key) => entered,
            Err(Errno::EACCES) => return Settled::Lives,
            _ => return Settled::Gone,
        };
        let header = entered.object.header();
        match header.life() {
            Life::Lives if is_left_half_done(&entered) => {}
            Life::Lives => return Settled::Lives,
            Life::Unborn => {
                if !is_left_half_done(&entered) && pause.wait()
                    || !header.pass(Life::Unborn, Life::Removed)
                {
                    continue;
                }
            }
            Life::Removed => {}
        }
        drop(entered);
        let _ = finish_removal::<O>(thread, id);
        return Settled::Gone;
    }
}

/// What a death has left of an object half made, or half removed, goes.
pub fn settle<O: Object>(thread: &'static Thread, id: i32) {
    let tag = FrameTag::new();
    if let Ok(entered) = enter_any::<O>(thread, id, &tag) {
        let key = entered.object.identity().facts.key;
        drop(entered);
        settled::<O>(thread, key, id);
    }
}

fn is_of_key<O: Object>(entered: &Use<O>, key: i32) -> bool {
    entered.object.identity().facts.key == key
}

/// Whether this is the object that was asked for. `None`: it has been removed meanwhile. EEXIST,
/// EINVAL, EACCES.
fn examine<O: Object>(thread: &'static Thread, id: i32, request: Request) -> Result<Option<i32>> {
    let tag = FrameTag::new();
    let entered: Use<O> = match enter_any(thread, id, &tag) {
        Err(Errno::EACCES) if request.wants_new() => return Err(Errno::EEXIST),
        // No permission is asked for: any process may learn an id.
        Err(Errno::EACCES) if request.permission() == 0 => return Ok(Some(id)),
        Err(Errno::EACCES) if asked_for(request.permission()) == EXECUTE => {
            let file = registry::status(O::FAMILY, id).map_err(|_| Errno::EACCES)?;
            return Permission::of(&file).check(EXECUTE).map(|()| Some(id));
        }
        Err(Errno::EINVAL) => return Ok(None),
        entered => entered?,
    };
    examine_object(entered.object, request)
}

fn examine_object<O: Object>(object: &O, request: Request) -> Result<Option<i32>> {
    let Ok((owner, mode)) = object.owner_and_mode() else { return Ok(None) };
    if request.wants_new() {
        return Err(Errno::EEXIST);
    }
    let identity = object.identity();
    if request.size > identity.facts.size {
        return Err(Errno::EINVAL);
    }
    identity.check(owner, mode, asked_for(request.permission()), realtime_seconds())?;
    Ok(Some(identity.facts.id))
}

fn create<O: Object>(thread: &'static Thread, request: Request) -> Result<i32> {
    let key = request.key;
    let (id, object) = make::<O>(request)?;
    let lives = object.header().life() == Life::Lives;
    O::table().sweep(thread, O::is_gone);
    // It will be used soon. Where it cannot be kept, it is mapped anew then.
    let _ = O::table().insert(id, object);
    if lives {
        return Ok(id);
    }
    let born = bring_to_life::<O>(thread, key, id);
    if born.is_err() {
        let _ = finish_removal::<O>(thread, id);
    }
    born.map(|()| id)
}

/// A new object, and its id.
///
/// Apart, like the steps that follow: together they would take their stack at the same time.
#[inline(never)]
fn make<O: Object>(request: Request) -> Result<(i32, O)> {
    let Request { key, size, .. } = request;
    let mode = request.permission();
    let (user, group) = (credentials::user(), credentials::group());
    let permission = Permission { uid: user, gid: group, cuid: user, cgid: group, mode };
    registry::create(O::FAMILY, permission.of_file(), |file, id| {
        O::make(file, &Birth { family: O::FAMILY, id, key, size, permission })
    })
}

/// Completes a new object, and gives it its key. EEXIST: another one has the key; ENOSPC and
/// others.
#[inline(never)]
fn bring_to_life<O: Object>(thread: &'static Thread, key: i32, id: i32) -> Result<()> {
    let tag = FrameTag::new();
    let entered = enter_any::<O>(thread, id, &tag)?;
    let header = entered.object.header();
    // From here on a death of this process is noticed by any look-up of the key.
    if !claim::claim(&header.birth, &entered.operation) {
        return Err(Errno::EEXIST);
    }
    let give_key = || {
        if key == libc::IPC_PRIVATE { Ok(()) } else { link::<O>(thread, key, id, &header.names) }
    };
    let named = entered.object.complete(give_key).and_then(|()| {
        // Another process may have waited for this one in vain.
        if header.pass(Life::Unborn, Life::Lives) { Ok(()) } else { Err(Errno::EEXIST) }
    });
    if named.is_err() {
        header.pass(Life::Unborn, Life::Removed);
    }
    claim::release(&header.birth, &entered.operation);
    named
}

/// Two objects that are about to get the same key see each other, as each looks after it has got
/// its name. The one with the lower name number waits for the other one, which gives way: that was
/// linked before the other one looked.
#[inline(never)]
fn link<O: Object>(thread: &'static Thread, key: i32, id: i32, names: &AtomicU32) -> Result<()> {
    let own = registry::link_key(O::FAMILY, key, id, names)?;
    for (number, other) in registry::ids_but(O::FAMILY, key, Some(own)) {
        let is_rival = match unborn::<O>(thread, key, other) {
            Some(is_unborn) if number < own => is_unborn || is_alive::<O>(thread, key, other),
            _ => settled::<O>(thread, key, other) == Settled::Lives,
        };
        if is_rival {
            return Err(Errno::EEXIST);
        }
    }
    Ok(())
}

/// Whether an object is being made by a process that is alive. `None`: it cannot be inspected.
fn unborn<O: Object>(thread: &'static Thread, key: i32, id: i32) -> Option<bool> {
    let tag = FrameTag::new();
    let entered = enter_any::<O>(thread, id, &tag).ok()?;
    let header = entered.object.header();
    let is_made = !claim::is_free(header.birth.load(Ordering::SeqCst));
    Some(is_of_key(&entered, key) && header.life() == Life::Unborn && is_made)
}

fn is_alive<O: Object>(thread: &'static Thread, key: i32, id: i32) -> bool {
    settled::<O>(thread, key, id) == Settled::Lives
}

/// Removes an object whose owner the caller is. EINVAL: it is gone already.
pub fn remove<O: Object>(thread: &'static Thread, id: i32) -> Result<()> {
    let is_first = finish_removal::<O>(thread, id)?;
    if is_first { Ok(()) } else { Err(Errno::EINVAL) }
}
