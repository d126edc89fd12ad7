//! What is undone when a process has ended.
//!
//! The kernel marks the slot of a process that dies, and wakes one of the threads that sleep on the
//! mark (`presence::marks`). That one wakes the others, as it may itself be about to die. A thread
//! that looks at a set, or changes it, sees the mark, too. The process may still write, or be
//! running another program; so nothing is undone before it has ended (`ProcessId::has_ended`).
//!
//! Undoing is a change like any other. It takes the dead waiters of the process out in the same
//! step, so that nothing is given to them after that. Only then is the slot free.

use super::cells::{Holder, Member, Status, VALUE_MAX};
use super::change::{SetDraft, Step, change, free_roots_of_dead, wake_others};
use super::changed::Changed;
use super::record::{NOTICED, Process};
use super::serve::{self, Records, waiting};
use super::set::{SETS, Set};
use super::slots;
use super::state::{self, Fact, Kind};
use crate::atomic::Ordering;
use crate::os::clock::realtime_seconds;
use crate::os::futex::{self, Scope};
use crate::os::{Errno, Result};
use crate::shared::claim::{Claimant, OWNER_DIED};
use crate::shared::presence::ProcessId;
use crate::shared::thread::{FrameTag, Operation, Thread};
use crate::sysv::object::enter_at_once;

/// What is to be said of the processes of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// They live.
    Well,
    /// Some had ended: what they had is undone.
    Mended,
    /// The kernel marks one of them not.
    Unmarked,
    /// Some may be about to end.
    Doubtful,
}

/// Whether some process may have ended. No system call.
#[inline]
pub fn is_doubtful(set: &Set) -> bool {
    slots::used(set).any(|(_, process)| process.is_doubtful())
}

/// Undoes what is to be undone of processes that have ended.
#[inline]
pub fn mend(set: &Set, who: &Operation<'static>) -> Result<Health> {
    if is_doubtful(set) { mend_doubtful(set, who) } else { Ok(Health::Well) }
}

#[cold]
fn mend_doubtful(set: &Set, who: &Operation<'static>) -> Result<Health> {
    let own = ProcessId::before();
    let mut health = Health::Well;
    for (slot, process) in slots::used(set).filter(|(_, process)| process.is_doubtful()) {
        let Some(owner) = ProcessId::from_word(process.owner.load(Ordering::Acquire)) else {
            continue;
        };
        if Some(owner) == own {
            continue;
        }
        notice(set, process);
        if owner.has_ended() {
            undo_for(set, who, slot, owner)?;
            free_roots_of_dead(set, who);
            health = Health::Mended;
            continue;
        }
        let is_marked = process.mark.load(Ordering::Relaxed) & OWNER_DIED != 0;
        // One that has nothing to undo may go on in another program.
        let doubt = match is_marked {
            true if !process.has_undo() => continue,
            true => Health::Doubtful,
            false => Health::Unmarked,
        };
        if !matches!(health, Health::Mended | Health::Doubtful) {
            health = doubt;
        }
    }
    Ok(health)
}

/// Tells the threads that sleep of each process that has been marked, and may have ended.
pub fn notice_all(set: &Set) {
    slots::used(set)
        .filter(|(_, process)| process.is_doubtful())
        .for_each(|(_, process)| _ = notice(set, process));
}

/// The mark of the process, to sleep on: never one that has not been noticed. If the next process
/// with the slot dies before this thread sleeps, the kernel's mark differs from it, and there is no
/// sleep.
pub fn mark_to_sleep_on(set: &Set, process: &Process) -> u32 {
    // The kernel may mark the next process with the slot meanwhile. More often: hostile bytes.
    const ROUNDS: usize = 3;
    for _ in 0..ROUNDS {
        if !notice(set, process) {
            break;
        }
    }
    process.mark.load(Ordering::Acquire)
}

/// The thread that sees the mark first wakes all that sleep on it. And the process may have been
/// about to wake a thread. False: there was nothing to notice.
fn notice(set: &Set, process: &Process) -> bool {
    let mark = process.mark.load(Ordering::Acquire);
    if mark & OWNER_DIED == 0 || mark & NOTICED != 0 {
        return false;
    }
    let (order, noticed) = (Ordering::SeqCst, mark | NOTICED);
    if process.mark.compare_exchange(mark, noticed, order, Ordering::Relaxed).is_ok() {
        futex::wake(process.mark.as_ptr(), i32::MAX, Scope::Shared);
        wake_others(set);
    }
    true
}

fn undo_for(set: &Set, who: &Operation<'static>, slot: usize, owner: ProcessId) -> Result<()> {
    let process = set.layout.process(slot).ok_or(Errno::EINVAL)?;
    let (pid, has_undo) = (process.pid(), process.has_undo());
    let holder = Holder { slot: u16::try_from(slot).unwrap_or(u16::MAX), number: owner.number() };
    let undone = change(set, who, |draft| {
        // Another thread has been faster. If the slot gets another owner after this, the set has
        // changed, too.
        if process.owner.load(Ordering::Acquire) != owner.to_word() {
            return Ok(Step::Leave(()));
        }
        take_out(set, draft, slot)?;
        undo(draft, holder, pid)?;
        // Also where its operations have cancelled each other out, as in Linux.
        if has_undo {
            draft.set_fact(Fact::Otime, realtime_seconds());
        }
        Ok(Step::Publish((), Some(Changed::all())))
    });
    // In a set that has been removed nothing is undone.
    undone.or_else(|error| if error == Errno::EIDRM { Ok(()) } else { Err(error) })?;
    slots::free(set, slot, owner);
    owner.tidy();
    Ok(())
}

/// The calling process leaves its list of adjustments, which no other process shares: its
/// adjustments are applied now, as when the process ends. unshare(2), `CLONE_SYSVSEM`.
///
/// Only in the sets that it has mapped. Adjustments in other sets, from an earlier program, are
/// applied when the process ends. Async-signal-safe.
pub fn leave(thread: &'static Thread) -> Result<()> {
    // The child of a vfork(2) has no list: what stands in memory is its parent's.
    if !crate::os::process::Process::owns_memory() {
        return Ok(());
    }
    let Some(own) = ProcessId::before() else { return Ok(()) };
    let mut result = Ok(());
    for id in SETS.ids() {
        let tag = FrameTag::new();
        // One that has been removed meanwhile has nothing to undo.
        let Some(entered) = enter_at_once::<Set>(thread, id, &tag) else { continue };
        let (set, who) = (entered.object, &entered.operation);
        let Some(holder) = slots::known(set) else { continue };
        let process = set.layout.process(usize::from(holder.slot)).ok_or(Errno::EINVAL)?;
        let pid = process.pid();
        let undone = change(set, who, |draft| {
            undo(draft, holder, pid)?;
            draft.set_fact(Fact::Otime, realtime_seconds());
            Ok(Step::Publish((), Some(Changed::all())))
        });
        match undone {
            Ok(()) | Err(Errno::EIDRM) => {}
            // In the child of a fork the adjustments were the parent's.
            Err(_) if who.is_orphan() || ProcessId::known() != Some(own) => return Ok(()),
            // The other sets all the same.
            Err(error) => result = Err(error),
        }
    }
    result
}

/// Takes the waiters of the process out of the state, and all that are dead.
fn take_out(set: &Set, draft: &mut SetDraft<'_>, slot: usize) -> Result<()> {
    let (_, used) = waiting(draft);
    for waiter in 0..used {
        let is_its = set
            .layout
            .record(waiter)
            .is_some_and(|record| record.process.load(Ordering::Relaxed) as usize == slot + 1);
        if draft.waiter(waiter)?.status == Status::Waiting && (is_its || set.is_dead(waiter)) {
            serve::leave(draft, waiter, Status::Free)?;
        }
    }
    Ok(())
}

/// Adds the adjustments of the process, within the range of values.
fn undo(draft: &mut SetDraft<'_>, holder: Holder, pid: u32) -> Result<()> {
    let capacity = state::capacity(draft.memory(), Kind::Adjustment);
    let used = usize::try_from(draft.fact(Fact::Adjusted)).unwrap_or(0).min(capacity);
    let mut last_used = 0;
    for cell in 0..used {
        let Some(adjustment) = draft.adjustment(cell)? else { continue };
        if adjustment.holder != holder {
            last_used = cell + 1;
            continue;
        }
        let number = usize::from(adjustment.member);
        let member = draft.member(number)?;
        let value = i32::from(member.value) + i32::from(adjustment.amount);
        let value = u16::try_from(value.clamp(0, VALUE_MAX)).map_err(|_| Errno::EINVAL)?;
        draft.set_member(number, Member { value, pid, ..member })?;
        draft.set_adjustment(cell, None)?;
    }
    draft.set_fact(Fact::Adjusted, last_used as u64);
    Ok(())
}
