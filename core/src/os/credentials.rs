//! Users, groups and capabilities of the calling thread, and whether they have changed.

use core::ptr;

use super::errno::preserved;
use super::signals::Blocked;
use super::threads;
use crate::atomic::{AtomicU32, Ordering};

/// Capabilities of linux/capability.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// The modes of files do not hold.
    OverrideModes = 1,
    /// The modes of files do not hold for reading.
    ReadAll = 2,
    /// To become a member of any group.
    SetGroup = 6,
    /// To become any user.
    SetUser = 7,
    /// To keep memory from being swapped out.
    IpcLock = 14,
    /// The permissions of System V objects do not hold.
    IpcOwner = 15,
    /// Many things, among them to remove the System V objects of any user.
    SysAdmin = 21,
    /// Limits on resources do not hold.
    SysResource = 24,
}

/// The effective user.
#[inline]
pub fn user() -> u32 {
    ask(libc::SYS_geteuid)
}

/// The generation of the process's credentials: a counter, incremented when a function of the C
/// library that changes credentials has returned (`cbits/credentials.c`, the only place that writes
/// it). Which thread has called, and whether the call has succeeded, does not matter.
///
/// *After the call.* A thread that asks the kernel reads the generation first. If it read it before
/// a change was complete, that generation is out of date as soon as the call that made the change
/// returns. So no earlier answer is used after that return. Until then, threads operate at the same
/// time as the change, and either answer is right. Moving the generation before the call would
/// invalidate no answer earlier: a thread could still ask between the move and the change.
///
/// *Not moved* by bare system calls, by the two functions that cannot be interposed (they are named
/// there), by a call that a handler leaves with siglongjmp(3), or that an asynchronous cancellation
/// ends. To cover these, an answer that is kept is used for one second at most.
///
/// The child of a fork has a copy. The child of a vfork moves its parent's, which asks once in
/// vain. It wraps around; 2^32 calls take longer than a second.
///
/// The move is a release: the change is made before. A thread that knows of the return of the call
/// finds the move by coherence.
#[unsafe(no_mangle)]
static rsipc_credentials: AtomicU32 = AtomicU32::new(0);

/// See `rsipc_credentials`. The credentials have changed if this has.
#[inline(always)]
pub fn generation() -> u32 {
    // Acquire: the kernel is asked behind it.
    rsipc_credentials.load(Ordering::Acquire)
}

/// Whether a thread of this process, or of one that it is a fork of, has called setfsuid(3) or
/// setfsgid(3): only then may a thread have another user for files than its effective one. Stored
/// by `cbits/credentials.c` before the call, and 1 from then on. Relaxed: it concerns the calling
/// thread, and those that it starts. Bare system calls do not store it.
#[unsafe(no_mangle)]
static rsipc_file_user: AtomicU32 = AtomicU32::new(0);

fn may_have_file_user() -> bool {
    rsipc_file_user.load(Ordering::Relaxed) != 0
}

/// The user by which the kernel decides about files.
pub fn file_user() -> u32 {
    for_files(libc::SYS_setfsuid).unwrap_or_else(user)
}

/// The group by which the kernel decides about files, and about System V objects.
pub fn file_group() -> u32 {
    for_files(libc::SYS_setfsgid).unwrap_or_else(group)
}

/// `None`: it is the effective one, as far as is known.
fn for_files(call: libc::c_long) -> Option<u32> {
    /// No user, and no group: the kernel says which it is, and changes nothing.
    const NO_CHANGE: u32 = u32::MAX;
    if may_have_file_user() { set(call, NO_CHANGE) } else { None }
}

/// setfsuid(2), setfsgid(2). The one before; `None`: a filter refuses the call.
fn set(call: libc::c_long, id: u32) -> Option<u32> {
    // SAFETY: takes a number.
    u32::try_from(preserved(|| unsafe { libc::syscall(call, id) })).ok()
}

/// Does something with files as the effective user and group, to whom System V objects belong,
/// whichever user counts for files. Only where the thread can become that user again.
pub fn as_effective<T>(work: impl FnOnce() -> T) -> T {
    if !may_have_file_user() {
        return work();
    }
    let (user, group) = (user(), group());
    let (file_user, file_group) = (file_user(), file_group());
    let is_same = user == file_user && group == file_group;
    if is_same || !has(Capability::SetUser) || !has(Capability::SetGroup) {
        return work();
    }
    // A handler must not open files as the wrong user.
    let blocked = Blocked::all_but_faults();
    set(libc::SYS_setfsgid, group);
    set(libc::SYS_setfsuid, user);
    let done = work();
    set(libc::SYS_setfsuid, file_user);
    set(libc::SYS_setfsgid, file_group);
    drop(blocked);
    done
}

/// Whether no thread of this process can get other credentials than the calling one has. What it
/// answers once holds for the process, and for its children; another program has its own memory.
///
/// That is so if there is no other thread, which might have credentials of its own, and this one
/// can change nothing. Changes by user namespaces move the generation.
pub fn are_fixed() -> bool {
    preserved(|| !may_change()) && threads::count() == Some(1)
}

/// Whether the thread can become another user, or a member of another group.
fn may_change() -> bool {
    let (mut user, mut group) = ([0_u32; 3], [0_u32; 3]);
    // SAFETY: all are valid for writing.
    let known = unsafe {
        let [real, effective, saved] = user.each_mut().map(ptr::from_mut);
        let users = libc::syscall(libc::SYS_getresuid, real, effective, saved);
        let [real, effective, saved] = group.each_mut().map(ptr::from_mut);
        users == 0 && libc::syscall(libc::SYS_getresgid, real, effective, saved) == 0
    };
    let differ = |ids: [u32; 3]| ids.iter().any(|id| *id != ids[0]);
    !known
        || user[0] == 0
        || differ(user)
        || differ(group)
        || has(Capability::SetUser)
        || has(Capability::SetGroup)
}

/// Whether the thread has a capability, which root does not have everywhere.
pub fn has(capability: Capability) -> bool {
    #[repr(C)]
    struct Header {
        version: u32,
        pid: i32,
    }
    #[repr(C)]
    #[derive(Clone, Copy, Default)]
    struct Sets {
        effective: u32,
        _permitted: u32,
        _inheritable: u32,
    }
    /// From linux/capability.h
    const VERSION_3: u32 = 0x2008_0522;
    let mut header = Header { version: VERSION_3, pid: 0 };
    let mut sets = [Sets::default(); 2];
    // SAFETY: a header of this version, and the two sets that it says.
    let failed = preserved(|| unsafe {
        libc::syscall(libc::SYS_capget, &raw mut header, sets.as_mut_ptr()) != 0
    });
    !failed && sets[0].effective & (1 << capability as u32) != 0
}

/// Few are in more groups than these.
const FEW: usize = 1024;

/// The effective group.
pub fn group() -> u32 {
    ask(libc::SYS_getegid)
}

/// Not by the C library: its functions may be interposed, and fakeroot says that all users are
/// root. A filter may refuse the call: that is no error of the program's.
#[inline]
fn ask(call: libc::c_long) -> u32 {
    // SAFETY: takes no arguments.
    let id = preserved(|| unsafe { libc::syscall(call) });
    u32::try_from(id).unwrap_or(u32::MAX)
}

/// Whether the thread is in this group, as the kernel finds for files and System V objects.
/// Allocates nothing.
pub fn is_member(wanted: u32) -> bool {
    file_group() == wanted || is_in_groups(wanted)
}

/// Apart: inlined, it takes its stack from callers that do not ask.
#[inline(never)]
fn is_in_groups(wanted: u32) -> bool {
    let mut groups = [0; FEW];
    groups_in(&mut groups).map_or_else(|| is_in_many_groups(wanted), |few| few.contains(&wanted))
}

/// The supplementary groups. `None`: there are more.
fn groups_in(space: &mut [u32]) -> Option<&[u32]> {
    // SAFETY: there is space for that many.
    let count = preserved(|| unsafe {
        libc::syscall(libc::SYS_getgroups, space.len(), space.as_mut_ptr())
    });
    space.get(..usize::try_from(count).ok()?)
}

#[cold]
fn is_in_many_groups(wanted: u32) -> bool {
    /// `NGROUPS_MAX` of linux/limits.h.
    const MOST: usize = 65_536;
    let (protection, flags) =
        (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: new memory at an address of the kernel's choice, used within this call.
    unsafe {
        let space = preserved(|| {
            libc::mmap(ptr::null_mut(), MOST * size_of::<u32>(), protection, flags, -1, 0)
        });
        if space == libc::MAP_FAILED {
            return false;
        }
        let groups = core::slice::from_raw_parts_mut(space.cast::<u32>(), MOST);
        let is_one = groups_in(groups).is_some_and(|groups| groups.contains(&wanted));
        libc::syscall(libc::SYS_munmap, space, MOST * size_of::<u32>());
        is_one
    }
}
