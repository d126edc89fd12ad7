//! `shmctl`

use super::memory;
use super::segment::{Segment, enter};
use super::words::{DEST, LOCKED};
use crate::atomic::Ordering;
use crate::os::clock::realtime_seconds;
use crate::os::credentials::{self, Capability};
use crate::os::{Errno, Result};
use crate::shared::thread::{FrameTag, Thread};
use crate::sysv::attached::Use;
use crate::sysv::enter::as_owner;
use crate::sysv::find;
use crate::sysv::header::Life;
use crate::sysv::indices;
use crate::sysv::object::{Object, admit};
use crate::sysv::permission::{Permission, READ};

/// `struct shmid_ds`, as integers.
#[derive(Clone, Copy, Debug)]
pub struct Description {
    /// Its id.
    pub id: i32,
    /// Its key; 0 once it has been removed.
    pub key: i32,
    /// Which user may do what.
    pub permission: Permission,
    /// All bits of the mode: `SHM_LOCKED` and `SHM_DEST` besides the permission bits.
    pub mode: u16,
    /// Bytes.
    pub size: u64,
    /// Attachments.
    pub attached: usize,
    /// Seconds; 0 = never.
    pub atime: u64,
    /// Seconds; 0 = never.
    pub dtime: u64,
    /// Seconds.
    pub ctime: u64,
    /// The PID of its maker.
    pub creator: u32,
    /// The PID of the process that last attached or detached it; 0 = none.
    pub last: u32,
}

/// IPC_STAT; SHM_STAT_ANY with `any`. EINVAL, EACCES.
pub fn describe(thread: &'static Thread, id: i32, any: bool) -> Result<Description> {
    let tag = FrameTag::new();
    let entered = enter(thread, id, &tag)?;
    let segment = entered.object;
    if !any {
        segment.check(READ)?;
    }
    let (owner, mode) = segment.owner_and_mode_of_any();
    let words = segment.words();
    let is_removed = segment.header().life() == Life::Removed;
    let permission = segment.identity().permission(owner, mode);
    let more = mode & LOCKED | if is_removed { DEST } else { 0 };
    Ok(Description {
        id,
        key: if is_removed { libc::IPC_PRIVATE } else { segment.facts().key },
        permission,
        mode: permission.mode | u16::try_from(more).unwrap_or(0),
        size: segment.facts().size,
        attached: segment.attachments(),
        atime: words.atime.load(Ordering::Relaxed),
        dtime: words.dtime.load(Ordering::Relaxed),
        ctime: words.ctime.load(Ordering::Relaxed),
        creator: words.creator.load(Ordering::Relaxed),
        last: words.last.load(Ordering::Relaxed),
    })
}

fn permission(segment: &Segment) -> Permission {
    let (owner, mode) = segment.owner_and_mode_of_any();
    segment.identity().permission(owner, mode)
}

/// IPC_SET: owner, group and mode. EINVAL for -1; EPERM.
pub fn set_permission(
    thread: &'static Thread,
    id: i32,
    user: u32,
    group: u32,
    mode: u16,
) -> Result<()> {
    let tag = FrameTag::new();
    let entered = as_owner(enter(thread, id, &tag))?;
    let segment = entered.object;
    permission(segment).check_owner()?;
    if user == u32::MAX || group == u32::MAX {
        return Err(Errno::EINVAL);
    }
    let owner = u64::from(user) | u64::from(group) << 32;
    let mode = u64::from(mode & 0o777);
    admit(segment, owner, mode);
    memory::admit(id, &segment.identity().permission(owner, mode));
    let words = segment.words();
    words.owner.store(owner, Ordering::Relaxed);
    change_mode(segment, |before| before & !0o777 | mode);
    words.ctime.store(realtime_seconds(), Ordering::Relaxed);
    Ok(())
}

fn change_mode(segment: &Segment, change: impl Fn(u64) -> u64) {
    let mode = &segment.words().mode;
    let _ = mode.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |before| Some(change(before)));
}

/// SHM_LOCK, SHM_UNLOCK: notes it in the mode. The memory can be swapped out all the same. EPERM;
/// ENOMEM: it is more than the caller may lock.
pub fn lock(thread: &'static Thread, id: i32, locked: bool) -> Result<()> {
    let tag = FrameTag::new();
    let entered = as_owner(enter(thread, id, &tag))?;
    let segment = entered.object;
    if !credentials::has(Capability::IpcLock) {
        permission(segment).check_is_owner()?;
        if locked {
            check_limit(segment.size()?)?;
        }
    }
    change_mode(segment, |mode| if locked { mode | LOCKED } else { mode & !LOCKED });
    Ok(())
}

/// Whether RLIMIT_MEMLOCK allows to lock so many bytes. What else the user has locked does not
/// count: the memory is not locked in truth.
fn check_limit(size: usize) -> Result<()> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: valid for writing.
    let known = unsafe { libc::getrlimit(libc::RLIMIT_MEMLOCK, &raw mut limit) == 0 };
    match limit.rlim_cur {
        0 => Err(Errno::EPERM),
        most if known && size as u64 > most => Err(Errno::ENOMEM),
        _ => Ok(()),
    }
}

/// IPC_RMID. A segment that is attached has no key any more, and is gone with the last attachment.
/// EINVAL, EPERM.
pub fn remove(thread: &'static Thread, id: i32) -> Result<()> {
    {
        let tag = FrameTag::new();
        let entered = as_owner(enter(thread, id, &tag))?;
        permission(entered.object).check_owner()?;
        if entered.object.header().life() == Life::Removed {
            return remove_again(entered.object);
        }
    }
    match find::remove::<Segment>(thread, id) {
        // Another process was faster, or has been stopped on its way.
        Err(Errno::EINVAL) => {
            let tag = FrameTag::new();
            remove_again(enter(thread, id, &tag)?.object)
        }
        removed => removed,
    }
}

/// One that another process removes or has removed, perhaps a moment ago: only one that is still
/// attached can be removed again. EINVAL.
fn remove_again(segment: &Segment) -> Result<()> {
    if segment.is_attached() { Ok(()) } else { Err(Errno::EINVAL) }
}

const PAGE: u64 = 4096;

/// What SHM_INFO says of all segments.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// Segments.
    pub segments: usize,
    /// Bytes in them, each rounded up to whole pages.
    pub bytes: u64,
    /// The highest index of a segment; 0 if there is none.
    pub highest: usize,
}

/// See [`Totals`].
pub fn totals(thread: &'static Thread) -> Result<Totals> {
    let bytes = |entered: &Use<Segment>| {
        Ok(entered.object.facts().size.div_ceil(PAGE).saturating_mul(PAGE))
    };
    let all = indices::all(thread, bytes, u64::saturating_add)?;
    Ok(Totals { segments: all.objects, bytes: all.sum, highest: all.highest })
}

/// The highest index of a segment, for IPC_INFO; 0 if there is none.
pub fn highest(thread: &'static Thread) -> Result<usize> {
    indices::highest::<Segment>(thread)
}

/// The id that SHM_STAT means: the index of a segment, or an id. EINVAL.
pub fn id_of_index(thread: &'static Thread, index: i32) -> Result<i32> {
    indices::id_of_index::<Segment>(thread, index)
}
