//! Slots of processes in a set: whose death others are told of.
//!
//! A process takes one before its first operation with SEM_UNDO, and keeps it. Another process gets
//! the slot only when this one is dead and its operations have been undone (`undo`).
//!
//! A process that sleeps on the marks of others takes one, too: its mark says whether its threads
//! live (`fate`).

use std::os::fd::AsRawFd;

use super::cells::Holder;
use super::change::{wake_all, wake_to_look};
use super::layout::PROCESSES;
use super::record::{Process, UNMARKED, WITHOUT_UNDO};
use super::records;
use super::set::Set;
use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::os::own::ProcessLocal;
use crate::os::process;
use crate::os::{Errno, Result};
use crate::shared::claim::{Claimant, OWNER_DIED};
use crate::shared::presence::{ProcessId, marks};
use crate::shared::thread::Operation;
use crate::sysv::object::reopen;

/// The slot of this process, if it is known to have one for what is to be undone.
#[inline]
pub fn known(set: &Set) -> Option<Holder> {
    hinted(set, &set.own)
}

/// The slot of this process, if it is known that its death will be marked there.
pub fn marked(set: &Set) -> Option<usize> {
    hinted(set, &set.marked).map(|holder| usize::from(holder.slot))
}

#[inline(always)]
fn hinted(set: &Set, hint: &ProcessLocal) -> Option<Holder> {
    let slot = hint.load(Ordering::Relaxed).checked_sub(1)?;
    let own = ProcessId::known()?;
    is_of(set, slot as usize, own).then(|| holder(slot as usize, own))
}

fn holder(slot: usize, process: ProcessId) -> Holder {
    Holder { slot: u16::try_from(slot).unwrap_or(u16::MAX), number: process.number() }
}

#[inline]
fn is_of(set: &Set, slot: usize, process: ProcessId) -> bool {
    // Relaxed: what the process itself has stored.
    let owner = |slot: &Process| slot.owner.load(Ordering::Relaxed);
    set.layout.process(slot).is_some_and(|slot| owner(slot) == process.to_word())
}

/// A slot for this process, for what is to be undone. ENOMEM: there is none, or the process can
/// have no presence; ENOSPC; EIDRM; ERESTART: this is the child of a fork that happened meanwhile.
#[cold]
pub fn take(set: &Set, who: &Operation<'_>) -> Result<Holder> {
    let own = ProcessId::of_this().ok_or(Errno::ENOMEM)?;
    let slot = find(set, own)?;
    let process = set.layout.process(slot).ok_or(Errno::EINVAL)?;
    store(who, &process.pid, process::Process::pid_of_memory())?;
    let_mark(set, who, slot)?;
    set.own.store(u32::try_from(slot + 1).unwrap_or(0), Ordering::Relaxed);
    Ok(holder(slot, own))
}

/// The same for a process that is about to sleep on the marks of others.
#[cold]
pub fn take_to_sleep(set: &Set, who: &Operation<'_>) -> Result<()> {
    let own = ProcessId::of_this().ok_or(Errno::ENOMEM)?;
    let slot = find(set, own)?;
    let process = set.layout.process(slot).ok_or(Errno::EINVAL)?;
    // Only in a new one: another thread may have taken it for what is to be undone.
    let pid = process::Process::pid_of_memory() | WITHOUT_UNDO;
    let _ = process.pid.compare_exchange(0, pid, Ordering::AcqRel, Ordering::Relaxed);
    let_mark(set, who, slot)
}

/// A slot that this process has, or takes now.
fn find(set: &Set, own: ProcessId) -> Result<usize> {
    loop {
        let all = set.layout.extents() * PROCESSES;
        let before = (0..all).find(|&slot| is_of(set, slot, own));
        let Some(slot) = before.or_else(|| (0..all).find(|&slot| is_taken(set, slot, own))) else {
            set.add_extent()?;
            continue;
        };
        // Another thread may have taken one at the same time: the first one counts.
        if let Some(first) = (0..slot).find(|&slot| is_of(set, slot, own)) {
            free(set, slot, own);
            return Ok(first);
        }
        return Ok(slot);
    }
}

/// Takes a free slot.
fn is_taken(set: &Set, slot: usize, process: ProcessId) -> bool {
    let Some(slot) = set.layout.process(slot) else { return false };
    let owner = &slot.owner;
    owner.load(Ordering::Relaxed) == 0
        && owner.compare_exchange(0, process.to_word(), Ordering::AcqRel, Ordering::Relaxed).is_ok()
}

/// The slot is free again.
pub fn free(set: &Set, slot: usize, process: ProcessId) {
    if let Some(slot) = set.layout.process(slot) {
        let (owner, pid) = (process.to_word(), slot.pid.load(Ordering::Acquire));
        if slot.owner.load(Ordering::Acquire) == owner {
            let _ = slot.pid.compare_exchange(pid, 0, Ordering::AcqRel, Ordering::Relaxed);
        }
        let _ = slot.owner.compare_exchange(owner, 0, Ordering::AcqRel, Ordering::Relaxed);
    }
}

/// Nothing in the child of a fork: the slot may be its parent's. Release: a thread that sees the
/// mark sees the pid.
fn store(who: &Operation<'_>, word: &AtomicU32, value: u32) -> Result<()> {
    let nothing = AtomicU64::new(0);
    if who.commit((&nothing, 0), (word, value)) { Ok(()) } else { Err(Errno::ERESTART) }
}

/// From now on the kernel marks the slot when the process dies, and sleeping threads deal with the
/// mark.
fn let_mark(set: &Set, who: &Operation<'_>, slot: usize) -> Result<()> {
    if marked(set) == Some(slot) {
        return Ok(());
    }
    let process = set.layout.process(slot).ok_or(Errno::EINVAL)?;
    let (page, place) = set.layout.mark_at(slot);
    let marked = reopen(set).and_then(|opened| marks::add(opened.file.as_raw_fd(), page, place));
    if process.mark.load(Ordering::Acquire) & OWNER_DIED != 0 {
        records::end_earlier_program(set, slot);
    }
    match marked {
        Ok((mark, value)) => {
            store(who, &process.mark, value).inspect_err(|_| marks::release(mark))?;
            set.mark.store(mark.to_bits(), Ordering::Relaxed);
        }
        Err(Errno::EIDRM) => return Err(Errno::EIDRM),
        Err(_) => store(who, &process.mark, UNMARKED)?,
    }
    // It is to be tried again then.
    let is_final = !matches!(marked, Err(Errno::EAGAIN));
    let used = u32::try_from(slot + 1).unwrap_or(u32::MAX);
    // SeqCst: either a waiter sees the new number of slots before it sleeps, or it is seen to
    // sleep.
    if set.layout.words().processes.fetch_max(used, Ordering::SeqCst) < used {
        wake_all(set);
    } else {
        wake_own(set);
    }
    if is_final {
        set.marked.store(used, Ordering::Relaxed);
    }
    Ok(())
}

/// Threads of this process that sleep on the mark of the slot, which was another's: the kernel's
/// wake for the death of this process is to reach another process.
fn wake_own(set: &Set) {
    let own = process::Process::pid_of_memory();
    let records = set.layout.words().records.load(Ordering::SeqCst) as usize;
    (0..records)
        .map_while(|slot| set.layout.record(slot))
        .filter(|record| record.pid.load(Ordering::Relaxed) == own)
        .for_each(wake_to_look);
}

/// The slots that have ever been taken.
#[inline]
pub fn used(set: &Set) -> impl Iterator<Item = (usize, &Process)> {
    // SeqCst: see `begin`.
    let used = set.layout.words().processes.load(Ordering::SeqCst) as usize;
    (0..used).map_while(|slot| set.layout.process(slot).map(|process| (slot, process)))
}
