//! Whether the thread of a waiter is alive.
//!
//! While the kernel watches the record of a waiter, it marks the record when the thread dies. A
//! thread that sleeps on the marks of processes owes a wake (`wait`), and the kernel watches one
//! word of a thread. So its record is claimed in the name of its process's presence meanwhile, and
//! names the slot of the process, whose mark says whether the process lives, without a system call.
//! Threads end with their process, or when it begins another program; the kernel marks the slot
//! then, too.

use super::record::{Process, Record};
use crate::atomic::Ordering;
use crate::shared::claim::{Holder, NO_TID, OWNER_DIED, holder};
use crate::shared::presence::{self, ProcessId};

/// What the mark of a process says of a thread that has claimed a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It lives.
    Lives,
    /// It has been killed, or its process has begun another program. It returns from no call any
    /// more, but may not be gone yet.
    Dies,
    /// That is not known from a mark.
    Unknown,
}

/// Whether the thread of a waiter takes nothing any more. `find` finds the slot of a process.
pub fn is_over<'p>(record: &Record, find: impl FnOnce(usize) -> Option<&'p Process>) -> bool {
    // SeqCst: the thread that has claimed it did so before its waiter came into the state.
    match holder(record.claim.load(Ordering::SeqCst)) {
        Holder::None => true,
        // The kernel would have said so.
        Holder::Thread(_) => false,
        Holder::Presence(number) => match fate(record, number, find) {
            Fate::Lives => false,
            Fate::Dies => true,
            Fate::Unknown => presence::has_ended(number),
        },
    }
}

/// Whether the thread that has claimed a record with this is known to live.
pub fn is_known_to_live<'p>(
    record: &Record,
    held: Holder,
    find: impl FnOnce(usize) -> Option<&'p Process>,
) -> bool {
    matches!(held, Holder::Presence(number) if fate(record, number, find) == Fate::Lives)
}

fn fate<'p>(record: &Record, number: u32, find: impl FnOnce(usize) -> Option<&'p Process>) -> Fate {
    // Acquire: the process has stored its mark before.
    let slot = record.marked.load(Ordering::Acquire).checked_sub(1);
    let Some(process) = slot.and_then(|slot| find(slot as usize)) else { return Fate::Unknown };
    let owner = ProcessId::from_word(process.owner.load(Ordering::Acquire));
    if owner.is_none_or(|owner| owner.number() != presence::process_of(number)) {
        return Fate::Unknown;
    }
    match process.mark.load(Ordering::Acquire) {
        mark if mark & OWNER_DIED != 0 => Fate::Dies,
        mark if mark & NO_TID != 0 => Fate::Unknown,
        _ => Fate::Lives,
    }
}
