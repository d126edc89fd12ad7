//! A set as an observer sees it, without changing it: from the bytes of its file.
//!
//! The file is read and not mapped, which would make the observer a holder. Operations go on
//! meanwhile. While `current` stays the same, so do the root that it names, the buffers that this
//! one refers to, and the records of waiters: so all these are read, and then `current` is checked
//! again. For a set that never rests this does not succeed: then each value was true at some time
//! during the look.

use std::fs::File;

use super::cells;
use super::cells::Status;
use super::fate;
use super::image::Image;
use super::operate::Operation;
use super::record::{Long, Process, Record};
use super::serve::{Wanted, split};
use super::state::{self, Fact, Kind, Memory, REMOVED};
use crate::atomic::{AtomicU64, Ordering};
use crate::os::settings;
use crate::os::{Errno, Result};
use crate::shared::claim;
use crate::shared::presence::{self, ProcessId};
use crate::sysv::header::Life;
use crate::sysv::permission::Permission;

/// A semaphore of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its value.
    pub value: u16,
    /// `sempid`; 0 = none yet.
    pub pid: u32,
    /// GETNCNT: waiters for an increase of this semaphore.
    pub increase: usize,
    /// GETZCNT: waiters for its zero.
    pub zero: usize,
}

/// A thread that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiter {
    /// Its process, as that knows itself.
    pub pid: u32,
    /// `None`: what it has claimed with does not say.
    pub tid: Option<u32>,
    /// The first operation that cannot proceed is on this semaphore.
    pub member: u16,
    /// And it waits for zero.
    pub for_zero: bool,
    /// All that it wants to do.
    pub operations: Vec<Operation>,
    /// Whether the wait ends by itself: it has a timeout.
    pub ends: bool,
    /// Where in the file the word is that it sleeps on.
    pub word: u64,
    /// The order of arrival.
    pub ticket: u64,
}

/// What is to be added to a semaphore when a process has ended: positive for what it has taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adjustment {
    /// The process, as it knows itself. `None`: it is not known any more.
    pub pid: Option<u32>,
    /// Whether it has ended, so that the next thread that looks or operates makes the adjustment.
    pub has_ended: bool,
    /// The semaphore.
    pub member: u16,
    /// `semadj`
    pub amount: i16,
}

/// A set at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Its id.
    pub id: i32,
    /// Its key; 0 = IPC_PRIVATE.
    pub key: i32,
    /// Which user may do what.
    pub permission: Permission,
    /// The last `semop`, in seconds since 1970; 0 = never.
    pub otime: u64,
    /// The last change by `semctl`.
    pub ctime: u64,
    /// How far its life has come.
    pub life: Life,
    /// The process that made it, or began to remove it, died before it was done.
    pub is_half_done: bool,
    /// Whether its PIDs are those of the caller's PID namespace.
    pub is_at_home: bool,
    /// How often it has changed.
    pub changes: u64,
    /// Its semaphores.
    pub members: Vec<Member>,
    /// The waiters, in the order of arrival. The dead are left out.
    pub waiters: Vec<Waiter>,
    /// What is to be undone.
    pub adjustments: Vec<Adjustment>,
}

/// Looks, if the set changes each time meanwhile.
const LOOKS: usize = 32;

impl Snapshot {
    /// Errors: EINVAL if the file is not that of a set; those of pread(2).
    pub fn at(file: &File) -> Result<Self> {
        presence::prepare(&settings::get().dir);
        let mut last = Err(Errno::EINVAL);
        for _ in 0..LOOKS {
            let look = Look { image: Image::of(file)? };
            let seen = look.at_all();
            if seen.is_ok() && look.image.is_settled()? {
                return seen;
            }
            last = seen.or(last);
        }
        last.map_err(|_| Errno::EINVAL)
    }
}

/// How often the set in this file has changed: each operation that is performed is a change, and so
/// is each wait that begins. EINVAL, and the errors of pread(2).
pub fn changes(file: &File) -> Result<u64> {
    let image = Image::of(file)?;
    Ok(count_of(image.current()))
}

fn count_of(current: u64) -> u64 {
    current >> 8
}

/// A look at a set.
struct Look<'f> {
    image: Image<'f>,
}

impl Look<'_> {
    fn at_all(&self) -> Result<Snapshot> {
        let root = state::root_of(self.image.current());
        let words: &[AtomicU64] = self.image.layout.root(root);
        self.image.copy(words.as_ptr(), words.len())?;
        let fact = |fact: Fact| words[fact as usize].load(Ordering::Relaxed);
        let mut members = self.members(root)?;
        let waiters = self.waiters(root, fact(Fact::Waiting))?;
        for waiter in &waiters {
            if let Some(member) = members.get_mut(usize::from(waiter.member)) {
                if waiter.for_zero { member.zero += 1 } else { member.increase += 1 }
            }
        }
        let header = self.image.layout.header();
        let (life, is_removed) = (header.life(), fact(Fact::Mode) & REMOVED != 0);
        Ok(Snapshot {
            id: self.image.facts.id,
            key: self.image.facts.key,
            permission: self.image.facts.permission(fact(Fact::Owner), fact(Fact::Mode)),
            otime: fact(Fact::Otime),
            ctime: fact(Fact::Ctime),
            life: if is_removed { Life::Removed } else { life },
            is_half_done: header.is_half_done(),
            is_at_home: self.image.facts.is_at_home,
            changes: count_of(self.image.current()),
            members,
            waiters,
            adjustments: self.adjustments(root, fact(Fact::Adjusted))?,
        })
    }

    fn members(&self, root: usize) -> Result<Vec<Member>> {
        let words = self.image.cells(root, Kind::Member, self.image.layout.members())?;
        let members = words.into_iter().map(|word| {
            let cells::Member { value, pid, .. } = cells::Member::read(word);
            Member { value, pid, increase: 0, zero: 0 }
        });
        Ok(members.collect())
    }

    fn waiters(&self, root: usize, waiting: u64) -> Result<Vec<Waiter>> {
        let capacity = state::capacity(&self.image.layout, Kind::Waiter);
        let (_, used) = split(waiting, capacity);
        let mut waiters = Vec::new();
        for (slot, word) in self.image.cells(root, Kind::Waiter, used)?.into_iter().enumerate() {
            let waiter = cells::Waiter::read(word);
            if waiter.status == Status::Waiting {
                waiters.extend(self.waiter(slot, waiter)?);
            }
        }
        waiters.sort_by_key(|waiter| waiter.ticket);
        Ok(waiters)
    }

    /// `None`: it is dead.
    fn waiter(&self, slot: usize, waiter: cells::Waiter) -> Result<Option<Waiter>> {
        let record: &Record = self.image.layout.record(slot).ok_or(Errno::EINVAL)?;
        self.image.copy(record, 1)?;
        if fate::is_over(record, |slot| self.process(slot)) {
            return Ok(None);
        }
        let tid = match claim::holder(record.claim.load(Ordering::Relaxed)) {
            claim::Holder::Thread(tid) => Some(tid),
            claim::Holder::None | claim::Holder::Presence(_) => None,
        };
        let long = |extent: usize| -> Option<&Long> {
            let long = self.image.layout.long(extent)?;
            self.image.copy(long, 1).ok().map(|()| long)
        };
        let mut wanted = Box::new(Wanted::none());
        let is_told = record.wanted(&mut wanted, long).is_some();
        Ok(Some(Waiter {
            pid: record.pid.load(Ordering::Relaxed),
            tid,
            member: waiter.member,
            for_zero: waiter.for_zero,
            operations: if is_told { wanted.operations().to_vec() } else { Vec::new() },
            ends: record.until.load(Ordering::Relaxed) != 0,
            word: self.image.layout.geometry().sleep_word(slot) as u64,
            ticket: waiter.ticket,
        }))
    }

    fn adjustments(&self, root: usize, adjusted: u64) -> Result<Vec<Adjustment>> {
        let capacity = state::capacity(&self.image.layout, Kind::Adjustment);
        let used = usize::try_from(adjusted).unwrap_or(capacity).min(capacity);
        let words = self.image.cells(root, Kind::Adjustment, used)?;
        let mut adjustments: Vec<Adjustment> = words
            .into_iter()
            .filter_map(cells::Adjustment::read)
            .map(|adjustment| self.adjustment(adjustment))
            .collect();
        adjustments.sort_by_key(|known| (known.pid, known.member));
        Ok(adjustments)
    }

    fn process(&self, slot: usize) -> Option<&Process> {
        let process: &Process = self.image.layout.process(slot)?;
        self.image.copy(process, 1).ok().map(|()| process)
    }

    fn adjustment(
        &self,
        cells::Adjustment { holder, member, amount }: cells::Adjustment,
    ) -> Adjustment {
        let owner = self.process(usize::from(holder.slot)).and_then(|process| {
            let owner = ProcessId::from_word(process.owner.load(Ordering::Relaxed))?;
            // Another process has the slot by now.
            (owner.number() == holder.number).then_some((owner, process))
        });
        Adjustment {
            pid: owner.map(|(_, process)| process.pid()),
            has_ended: owner.is_none_or(|(owner, _)| owner.has_ended()),
            member,
            amount,
        }
    }
}
