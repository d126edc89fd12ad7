//! What is known of waiters and of processes, beside the state of the set.

use super::operate::Operation;
use super::serve::{OPERATIONS_MAX, Wanted};
use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::shared::claim::{NO_TID, OWNER_DIED, UNGUARDED};

/// Operations that fit in a record itself.
const FEW: usize = 12;

/// What a waiter sleeps on, beside the marks of processes. A hint: the outcome of the wait is in
/// the state.
pub mod asleep {
    /// The thread that ends its wait has announced the word to the kernel, which wakes the waiter
    /// if that thread dies: so it has to be 0. The waiter looks again soon.
    pub const IN_FLIGHT: u32 = 0;
    /// It sleeps, or is about to.
    pub const ASLEEP: u32 = 1;
    /// It will look by itself.
    pub const AWAKE: u32 = 2;
}

/// A waiter.
///
/// | word | states | changed by |
/// |---|---|---|
/// | `claim` | see [`claim`](crate::shared::claim) | the thread that waits; a waiter in the state whose record is not held is dead |
/// | `marked` | 0; the slot of its process plus one: the mark there says whether the thread lives that has claimed the record in the name of the process's presence (`fate`) | its thread; the process, in its next program |
/// | `asleep` | [`asleep`] | its thread, from awake to asleep, and from in flight to asleep behind a change of its own; the thread that ends its wait, to in flight before that becomes current and to awake after it. All by exchange |
/// | the others | plain data, while the waiter is not in the state | its thread |
#[repr(C)]
#[derive(Default)]
pub struct Record {
    /// Held by the thread that waits.
    pub claim: AtomicU32,
    /// What the thread sleeps on.
    pub asleep: AtomicU32,
    /// For `sempid`.
    pub pid: AtomicU32,
    /// The slot of its process plus one, if it has operations with SEM_UNDO; 0 = none.
    pub process: AtomicU32,
    count: AtomicU32,
    /// The extent in which a long array lies plus one; 0 = here.
    long: AtomicU32,
    few: [AtomicU64; FEW],
    /// When the wait ends by itself, in seconds of CLOCK_MONOTONIC plus one; 0 = never. For
    /// observers.
    pub until: AtomicU32,
    /// See above.
    pub marked: AtomicU32,
}

#[cfg(not(loom))]
const _: () = assert!(size_of::<Record>() == 128);

/// Space for the operations of a long array.
#[repr(C)]
pub struct Long {
    /// The slot of the waiter that uses it, plus one; 0 = none. Taken and given back by the thread
    /// that waits in that slot, which takes it over from a previous user.
    pub owner: AtomicU32,
    _reserved: u32,
    operations: [AtomicU64; OPERATIONS_MAX],
}

/// A process that may have adjustments in the set, or sleeps while others may have some.
///
/// | word | states | changed by |
/// |---|---|---|
/// | `owner` | 0 = free; otherwise its [`ProcessId`](crate::shared::presence::ProcessId) | the process takes a free one; a thread that has made the adjustments of a dead one, and taken its waiters out, frees it. Both by exchange |
/// | `mark` | the TID of a thread of it, which ends with it, and `FUTEX_WAITERS`: it lives; `FUTEX_OWNER_DIED`: it dies, or has begun another program; [`UNMARKED`]: its death will not be marked | the owner; the kernel; a thread that has noticed, to [`NOTICED`] |
/// | `pid` | for `sempid` of what is undone, with [`WITHOUT_UNDO`] or not; 0 = none yet | the owner; a thread that frees the slot, to 0 |
#[repr(C)]
pub struct Process {
    /// See above.
    pub owner: AtomicU64,
    /// What the kernel marks.
    pub mark: AtomicU32,
    /// See above.
    pub pid: AtomicU32,
}

/// The kernel marks the slot of this process not.
pub const UNMARKED: u32 = UNGUARDED | NO_TID;
/// Beside the kernel's mark: all threads that slept on it have been woken.
pub const NOTICED: u32 = NO_TID;

/// Beside the pid: it has no adjustments here, and has the slot only because it sleeps.
pub const WITHOUT_UNDO: u32 = 1 << 31;

impl Process {
    /// See `pid`.
    pub fn pid(&self) -> u32 {
        self.pid.load(Ordering::Acquire) & !WITHOUT_UNDO
    }

    /// Whether it may have adjustments.
    pub fn has_undo(&self) -> bool {
        self.pid.load(Ordering::Acquire) & WITHOUT_UNDO == 0
    }

    /// Whether it may be dead: the kernel says so, or will not say.
    #[inline]
    pub fn is_doubtful(&self) -> bool {
        let mark = self.mark.load(Ordering::Acquire);
        mark & (OWNER_DIED | NO_TID) != 0 && self.owner.load(Ordering::Relaxed) != 0
    }
}

impl Record {
    /// Its thread is about to look, and then to sleep. Gives the value to sleep on: asleep, or in
    /// flight.
    pub fn lie_down(&self) -> u32 {
        // SeqCst: before the look at the state. See `change`.
        let order = Ordering::SeqCst;
        match self.asleep.compare_exchange(asleep::AWAKE, asleep::ASLEEP, order, order) {
            Ok(_) => asleep::ASLEEP,
            Err(other) => other,
        }
    }

    /// Its thread will look by itself. Gives what it was before.
    pub fn wake(&self) -> u32 {
        // SeqCst: behind the exchange on `current`. See `change`.
        self.asleep.swap(asleep::AWAKE, Ordering::SeqCst)
    }

    /// Whether its thread is to look before it sleeps.
    pub fn is_awake(&self) -> bool {
        self.asleep.load(Ordering::SeqCst) == asleep::AWAKE
    }

    /// Its thread is to look at everything anew. False: it does so by itself. A word in flight
    /// stays so: it is what the kernel compares if the thread that is to wake this one dies.
    pub fn wake_to_look(&self) -> bool {
        let (from, to) = (asleep::ASLEEP, asleep::AWAKE);
        self.asleep.compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst)
            != Err(asleep::AWAKE)
    }

    /// The thread that has claimed the record says what it wants. `long`: where there is space, if
    /// the operations are more than a few.
    pub fn write(&self, operations: &[Operation], long: Option<(usize, &Long)>) {
        let place = match long {
            Some((_, long)) => &long.operations[..],
            None => &self.few[..],
        };
        for (place, operation) in place.iter().zip(operations) {
            place.store(operation.word(), Ordering::Relaxed);
        }
        let number = long.map_or(0, |(extent, _)| u32::try_from(extent + 1).unwrap_or(0));
        self.long.store(number, Ordering::Relaxed);
        self.count.store(u32::try_from(operations.len()).unwrap_or(0), Ordering::Relaxed);
    }

    /// Whether so many operations need space elsewhere.
    pub fn is_long(operations: usize) -> bool {
        operations > FEW
    }

    /// The amount of its only operation. `None`: a long array.
    pub fn amount(&self) -> Option<i16> {
        let is_here = self.long.load(Ordering::Relaxed) == 0;
        is_here.then(|| Operation::read(self.few[0].load(Ordering::Relaxed)).amount)
    }

    /// What the waiter wants. `long` finds the space of an extent.
    pub fn wanted<'l>(
        &'l self,
        into: &mut Wanted,
        long: impl Fn(usize) -> Option<&'l Long>,
    ) -> Option<()> {
        let extent = usize::try_from(self.long.load(Ordering::Relaxed)).ok()?;
        let place = match extent.checked_sub(1) {
            None => &self.few[..],
            Some(extent) => &long(extent)?.operations[..],
        };
        let count = usize::try_from(self.count.load(Ordering::Relaxed)).ok()?.min(place.len());
        let words = place[..count].iter().map(|word| word.load(Ordering::Relaxed));
        into.fill(words.map(Operation::read));
        (count > 0).then_some(())
    }
}
