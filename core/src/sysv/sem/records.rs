//! Records of waiters: claimed by waiters, each for one wait.
//!
//! A waiter in the state whose record is not held is dead, or has been left by siglongjmp(3), and
//! is given nothing any more. So it is taken out of the state before another thread claims the
//! record.

use super::cells::Status;
use super::change::{Step, change};
use super::fate;
use super::layout::Layout;
use super::operate::Operation;
use super::record::{Long, Record, asleep};
use super::serve::{Records, leave};
use super::set::Set;
use super::state::Kind;
use crate::atomic::Ordering;
use crate::os::clock::monotonic_ns;
use crate::os::{Errno, Result};
use crate::shared::claim::{self, Claimant, Holder};
use crate::shared::presence;
use crate::shared::thread::Operation as ThreadOperation;
use crate::sysv::object::within;

/// One of so many calls asks whether the holder of some record is dead.
const SELDOM: usize = 8;

/// A record for a waiter. ENOMEM, ENOSPC: there is no memory for one more; EIDRM.
pub fn claim_record(set: &Set, who: &ThreadOperation<'static>) -> Result<usize> {
    loop {
        // Whether a holder has died takes system calls to find out. So some calls ask about one
        // record, and each about all of them when none is free. Nearly always nobody needs the
        // answer: a waiter that is known to be dead is given nothing, and counts nowhere.
        let used = set.layout.words().records.load(Ordering::Relaxed) as usize;
        let moment = usize::try_from(monotonic_ns() / 1000).unwrap_or(0);
        let asked = moment % (used.max(1) * SELDOM);
        for asks_all in [false, true] {
            for slot in 0..capacity(&set.layout) {
                if is_claimed(set, who, slot, asks_all || slot == asked)? {
                    let used = u32::try_from(slot + 1).unwrap_or(u32::MAX);
                    set.layout.words().records.fetch_max(used, Ordering::SeqCst);
                    return Ok(slot);
                }
            }
        }
        set.add_extent()?;
    }
}

fn capacity(layout: &Layout) -> usize {
    layout.extents() * Kind::Waiter.cells()
}

/// Claims this record, if no thread has it. `asks`: also if the thread that has it is dead.
fn is_claimed(set: &Set, who: &ThreadOperation<'static>, slot: usize, asks: bool) -> Result<bool> {
    let Some(record) = set.layout.record(slot) else { return Ok(false) };
    let has_ended = |held| {
        !fate::is_known_to_live(record, held, |slot| set.layout.process(slot))
            && who.has_ended(held, set.identity.is_at_home(who))
    };
    // Relaxed: the claim decides.
    let is_free = claim::is_free(record.claim.load(Ordering::Relaxed))
        || asks && claim::free_if(&record.claim, has_ended);
    if !is_free {
        return Ok(false);
    }
    if set.status(slot)?.0 == Status::Waiting {
        within(who, set, |who| take_out(set, who, slot, true))?;
    }
    if !claim::claim(&record.claim, who) {
        return Ok(false);
    }
    record.asleep.store(asleep::AWAKE, Ordering::Relaxed);
    record.marked.store(0, Ordering::Relaxed);
    // A thread had it for an instant, and died.
    if set.status(slot)?.0 == Status::Waiting {
        within(who, set, |who| take_out(set, who, slot, false))?;
    }
    Ok(true)
}

/// Takes a waiter out of the state. True: it was there.
pub fn take_out(
    set: &Set,
    who: &ThreadOperation<'static>,
    slot: usize,
    only_if_dead: bool,
) -> Result<bool> {
    change(set, who, |draft| {
        let is_there = draft.waiter(slot)?.status == Status::Waiting;
        if !is_there || only_if_dead && !set.is_dead(slot) {
            return Ok(Step::Leave(false));
        }
        leave(draft, slot, Status::Free)?;
        Ok(Step::Publish(true, None))
    })
}

/// Says in one's own record what is wanted. ENOMEM, ENOSPC, EIDRM.
pub fn write(set: &Set, slot: usize, operations: &[Operation]) -> Result<()> {
    let record = set.layout.record(slot).ok_or(Errno::EINVAL)?;
    if !Record::is_long(operations.len()) {
        record.write(operations, None);
        return Ok(());
    }
    loop {
        for extent in 0..set.layout.extents() {
            if let Some(long) = set.layout.long(extent)
                && is_taken(set, long, slot)
            {
                record.write(operations, Some((extent, long)));
                return Ok(());
            }
        }
        set.add_extent()?;
    }
}

/// Takes the space for a long array, if its last user is done with it.
fn is_taken(set: &Set, long: &Long, slot: usize) -> bool {
    let before = long.owner.load(Ordering::Relaxed);
    let owner = usize::try_from(before).unwrap_or(0).checked_sub(1);
    let holder = owner.and_then(|owner| set.layout.record(owner));
    let is_free = holder.is_none_or(|record| claim::is_free(record.claim.load(Ordering::Acquire)));
    let own = u32::try_from(slot + 1).unwrap_or(0);
    is_free && long.owner.compare_exchange(before, own, Ordering::AcqRel, Ordering::Relaxed).is_ok()
}

/// Gives one's own record back, when the waiter is not in the state any more.
pub fn give_back(set: &Set, who: &ThreadOperation<'static>, slot: usize) {
    let Some(record) = set.layout.record(slot) else { return };
    if who.is_orphan() {
        who.withdraw();
        return;
    }
    let own = u32::try_from(slot + 1).unwrap_or(0);
    for long in (0..set.layout.extents()).filter_map(|extent| set.layout.long(extent)) {
        if long.owner.load(Ordering::Relaxed) == own {
            let _ = long.owner.compare_exchange(own, 0, Ordering::Release, Ordering::Relaxed);
        }
    }
    record.wake();
    claim::release(&record.claim, who);
}

/// The process begins to use its slot in another program: the mark there says no more of the
/// threads of the program before, which have ended.
pub fn end_earlier_program(set: &Set, slot: usize) {
    let marked = u32::try_from(slot + 1).ok();
    let used = set.layout.words().records.load(Ordering::SeqCst) as usize;
    for record in (0..used).map_while(|slot| set.layout.record(slot)) {
        if Some(record.marked.load(Ordering::Acquire)) == marked {
            claim::free_if(
                &record.claim,
                |held| matches!(held, Holder::Presence(number) if presence::has_ended(number)),
            );
        }
    }
}
