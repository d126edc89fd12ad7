//! `semctl`: looking at sets, and changing them by hand.

use super::cells::{Member, Status, VALUE_MAX};
use super::change::{Step, change};
use super::changed::Changed;
use super::serve::split;
use super::set::Set;
use super::state::{self, Fact, Kind, Memory};
use super::undo::{is_doubtful, mend};
use super::wish::gone;
use crate::atomic::Ordering;
use crate::os::clock::realtime_seconds;
use crate::os::process::Process;
use crate::os::scratch::Scratch;
use crate::os::{Errno, Result};
use crate::shared::thread::{FrameTag, Operation, Thread};
use crate::sysv::attached::Use;
use crate::sysv::enter::{self, as_owner};
use crate::sysv::find;
use crate::sysv::indices;
use crate::sysv::object::{Object, admit, enter_at_once};
use crate::sysv::permission::{ALTER, Permission, READ};
use core::cell::Cell;

/// `struct semid_ds`, as integers.
#[derive(Clone, Copy, Debug)]
pub struct Description {
    /// Its id.
    pub id: i32,
    /// Its key.
    pub key: i32,
    /// Which user may do what.
    pub permission: Permission,
    /// The last `semop`, in seconds; 0 = never.
    pub otime: u64,
    /// The last change by `semctl`, in seconds.
    pub ctime: u64,
    /// Semaphores.
    pub members: usize,
}

/// What is asked of one semaphore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// GETVAL
    Value,
    /// GETPID
    Pid,
    /// GETNCNT: waiters for an increase.
    Increase,
    /// GETZCNT: waiters for zero.
    Zero,
}

/// Begins an operation on the set with this id. What is to be undone of processes that have ended
/// is undone. EINVAL, EACCES.
#[inline]
fn enter(thread: &'static Thread, id: i32, tag: &FrameTag) -> Result<Use<Set>> {
    let entered = match enter_at_once(thread, id, tag) {
        Some(entered) => entered,
        None => enter::enter(thread, id, tag)?,
    };
    mend(entered.object, &entered.operation).map_err(gone)?;
    Ok(entered)
}

/// GETVAL, or GETPID, as far as that goes without a system call. `None`: more has to be looked at.
#[inline]
pub fn ask_at_once(
    thread: &'static Thread,
    id: i32,
    member: i32,
    pid: bool,
) -> Option<Result<i32>> {
    let tag = FrameTag::new();
    let entered: Use<Set> = enter_at_once(thread, id, &tag)?;
    let set = entered.object;
    if is_doubtful(set) {
        return None;
    }
    Some(ask_of(set, member, if pid { Question::Pid } else { Question::Value }))
}

/// GETVAL, GETPID, GETNCNT, GETZCNT. EINVAL for the id; EACCES; EINVAL for the semaphore.
pub fn ask(thread: &'static Thread, id: i32, member: i32, question: Question) -> Result<i32> {
    let tag = FrameTag::new();
    ask_of(enter(thread, id, &tag)?.object, member, question)
}

fn ask_of(set: &Set, member: i32, question: Question) -> Result<i32> {
    may_read(set)?;
    let number = usize::try_from(member).ok().filter(|&number| number < set.members());
    let number = number.ok_or(Errno::EINVAL)?;
    match question {
        Question::Value => set.read(|view| Ok(view.member(number)?.value.into())),
        Question::Pid => set.read(|view| Ok(view.member(number)?.pid.cast_signed())),
        Question::Increase => count(set, number, true),
        Question::Zero => count(set, number, false),
    }
}

fn may_read(set: &Set) -> Result<()> {
    let (owner, mode) = set.owner_and_mode()?;
    set.identity.check(owner, mode, READ, realtime_seconds())
}

/// Waiters whose next obstacle is this semaphore. The dead do not count.
fn count(set: &Set, member: usize, increase: bool) -> Result<i32> {
    use super::serve::Records;
    set.read(|view| {
        let capacity = state::capacity(&set.layout, Kind::Waiter);
        let (_, used) = split(view.fact(Fact::Waiting), capacity);
        let mut counted = 0;
        for slot in 0..used {
            let waiter = view.waiter(slot)?;
            let is_one = waiter.status == Status::Waiting
                && usize::from(waiter.member) == member
                && waiter.for_zero != increase
                && !set.is_dead(slot);
            if is_one {
                counted += 1;
            }
        }
        Ok(counted)
    })
}

/// GETALL. EACCES, ENOMEM.
pub fn values(thread: &'static Thread, id: i32) -> Result<Scratch> {
    let tag = FrameTag::new();
    let entered = enter(thread, id, &tag)?;
    let set = entered.object;
    may_read(set)?;
    let mut values = Scratch::new(set.members())?;
    let places = Cell::from_mut(&mut *values).as_slice_of_cells();
    set.read(|view| {
        for (chunk, places) in places.chunks(Kind::Member.cells()).enumerate() {
            for (word, place) in view.cells(Kind::Member, chunk)?.iter().zip(places) {
                place.set(Member::read(word.load(Ordering::Relaxed)).value);
            }
        }
        Ok(())
    })?;
    Ok(values)
}

/// The number of values that SETALL is going to read. EACCES.
pub fn members_to_set(thread: &'static Thread, id: i32) -> Result<usize> {
    let tag = FrameTag::new();
    let entered = enter(thread, id, &tag)?;
    let set = entered.object;
    let (owner, mode) = set.owner_and_mode()?;
    set.identity.check(owner, mode, ALTER, realtime_seconds())?;
    Ok(set.members())
}

/// SETVAL. ERANGE; EINVAL; EACCES.
pub fn set_value(thread: &'static Thread, id: i32, member: i32, value: i32) -> Result<()> {
    let value = in_range(value)?;
    let tag = FrameTag::new();
    let entered = enter(thread, id, &tag)?;
    let set = entered.object;
    let number = usize::try_from(member).ok().filter(|&number| number < set.members());
    let number = number.ok_or(Errno::EINVAL)?;
    let changed = Changed::only(u16::try_from(number).map_err(|_| Errno::EINVAL)?);
    set_values(set, &entered.operation, number..number + 1, changed, |_| value)
}

/// SETALL. EACCES, ERANGE.
pub fn set_all(thread: &'static Thread, id: i32, values: &[u16]) -> Result<()> {
    let tag = FrameTag::new();
    let entered = enter(thread, id, &tag)?;
    let set = entered.object;
    for value in values {
        in_range((*value).into())?;
    }
    let value = |number: usize| values.get(number).copied().unwrap_or(0);
    set_values(set, &entered.operation, 0..set.members(), Changed::all(), value)
}

fn in_range(value: i32) -> Result<u16> {
    let value = u16::try_from(value).map_err(|_| Errno::ERANGE)?;
    if i32::from(value) > VALUE_MAX { Err(Errno::ERANGE) } else { Ok(value) }
}

/// Sets some values, and forgets what was to be undone of them.
fn set_values(
    set: &Set,
    who: &Operation<'static>,
    which: core::ops::Range<usize>,
    changed: Changed,
    value: impl Fn(usize) -> u16,
) -> Result<()> {
    let pid = Process::pid_of_memory();
    let result = change(set, who, |draft| {
        let (owner, mode) = (draft.fact(Fact::Owner), draft.fact(Fact::Mode));
        set.identity.check(owner, mode, ALTER, realtime_seconds())?;
        for number in which.clone() {
            let member = draft.member(number)?;
            draft.set_member(number, Member { value: value(number), pid, ..member })?;
        }
        let capacity = state::capacity(draft.memory(), Kind::Adjustment);
        let used = usize::try_from(draft.fact(Fact::Adjusted)).unwrap_or(0).min(capacity);
        let mut changed = changed;
        for cell in 0..used {
            let adjustment = draft.adjustment(cell)?;
            if adjustment.is_some_and(|known| which.contains(&usize::from(known.member))) {
                draft.set_adjustment(cell, None)?;
                // A waiter for another semaphore may have been without a cell.
                changed = Changed::all();
            }
        }
        draft.set_fact(Fact::Ctime, realtime_seconds());
        Ok(Step::Publish((), Some(changed)))
    });
    result.map_err(gone)
}

/// IPC_STAT; SEM_STAT_ANY with `any`. EINVAL, EACCES.
pub fn describe(thread: &'static Thread, id: i32, any: bool) -> Result<Description> {
    let tag = FrameTag::new();
    let entered = enter(thread, id, &tag)?;
    let set = entered.object;
    let (owner, mode, otime, ctime) = set.read(|view| {
        let fact = |fact| view.fact(fact);
        Ok((fact(Fact::Owner), fact(Fact::Mode), fact(Fact::Otime), fact(Fact::Ctime)))
    })?;
    if !any {
        set.identity.check(owner, mode, READ, realtime_seconds())?;
    }
    let permission = set.identity.permission(owner, mode);
    let members = set.layout.members();
    Ok(Description { id, key: set.identity.facts.key, permission, otime, ctime, members })
}

/// What SEM_INFO says of all sets.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// Sets.
    pub sets: usize,
    /// Semaphores in them.
    pub members: u64,
    /// The highest index of a set; 0 if there is none.
    pub highest: usize,
}

/// See [`Totals`].
pub fn totals(thread: &'static Thread) -> Result<Totals> {
    let members = |entered: &Use<Set>| Ok(entered.object.identity().facts.size);
    let all = indices::all(thread, members, u64::saturating_add)?;
    Ok(Totals { sets: all.objects, members: all.sum, highest: all.highest })
}

/// The highest index of a set, for IPC_INFO; 0 if there is none.
pub fn highest(thread: &'static Thread) -> Result<usize> {
    indices::highest::<Set>(thread)
}

/// The id that SEM_STAT means: the index of a set, or an id. EINVAL.
pub fn id_of_index(thread: &'static Thread, index: i32) -> Result<i32> {
    indices::id_of_index::<Set>(thread, index)
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
    let set = entered.object;
    let (owner, bits) = set.owner_and_mode()?;
    set.identity.permission(owner, bits).check_owner()?;
    if user == u32::MAX || group == u32::MAX {
        return Err(Errno::EINVAL);
    }
    let owner = u64::from(user) | u64::from(group) << 32;
    let mode = u64::from(mode & 0o777);
    admit(set, owner, mode);
    let changed = change(set, &entered.operation, |draft| {
        draft.set_fact(Fact::Owner, owner);
        draft.set_fact(Fact::Mode, draft.fact(Fact::Mode) & !0o777 | mode);
        draft.set_fact(Fact::Ctime, realtime_seconds());
        Ok(Step::Publish((), None))
    });
    changed.map_err(gone)
}

/// IPC_RMID. EINVAL, EPERM.
pub fn remove(thread: &'static Thread, id: i32) -> Result<()> {
    {
        let tag = FrameTag::new();
        let entered = as_owner(enter(thread, id, &tag))?;
        let set = entered.object;
        let (owner, mode) = set.owner_and_mode()?;
        set.identity.permission(owner, mode).check_owner()?;
    }
    find::remove::<Set>(thread, id)
}
