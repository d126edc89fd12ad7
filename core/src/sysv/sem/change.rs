//! One change of a set, from the first copy to the last wake.
//!
//! A thread that makes a change wakes the waiters whose wait it has ended ([`asleep`]). It looks at
//! their words after the exchange on `current`; they look at the state after the store to their
//! word. Both are SeqCst, so either the waiter sees that its wait is over, or it is seen to sleep.
//!
//! *A death in between.* The first of the waiters whose wait is to end, their leader, has its word
//! set to 0, in flight, before the exchange, and announced to the kernel, which wakes the leader if
//! the thread dies (`shared::thread`). It is woken last; until then it has to wake the others, too
//! ([`wake_others`]). A leader that finds its word in flight, and its wait not over, sleeps for a
//! moment only: the kernel's wake may have come before its sleep. After that it makes a change of
//! its own, of nothing: any later exchange comes from a copy that was made after it, and so its
//! maker will have set the word anew.

use super::cells::{Status, Waiter};
use super::changed::Changed;
use super::draft::Draft;
use super::layout::Layout;
use super::record::{Record, asleep};
use super::serve::{Slots, serve, waiting};
use super::set::Set;
use super::state::{Fact, Memory, NO_EXTENT, REMOVED, ROOTS};
use crate::atomic::Ordering;
use crate::os::clock::realtime_seconds;
use crate::os::futex::{self, Scope};
use crate::os::{Errno, Result};
use crate::shared::claim::{self, Claimant};
use crate::shared::pause::Pause;
use crate::shared::thread::{Announcement, Operation};

/// What a change comes to.
pub enum Step<T> {
    /// It is to become current. The waiters that can go on because of that are served; `None`:
    /// none, as nothing has changed that a thread could wait for.
    Publish(T, Option<Changed>),
    /// Nothing is to change.
    Leave(T),
}

/// A draft of a mapped set.
pub type SetDraft<'d> = Draft<'d, Layout, Operation<'static>>;

/// Failed tries after which others give way: this one makes a large change, and they make many
/// small ones.
const PATIENCE: usize = 64;
/// Exchanges that others may make meanwhile. (With hostile bytes they would never end.)
const TRIES: usize = 1 << 20;

/// Changes a set: `step` is tried on a copy of what is current, until no other thread was faster.
///
/// EIDRM: the set has been removed; ENOMEM, ENOSPC; EINVAL; what `step` says. ERESTART: a handler
/// has forked, and this is the child.
#[inline]
pub fn change<T>(
    set: &Set,
    who: &Operation<'static>,
    mut step: impl FnMut(&mut SetDraft<'_>) -> Result<Step<T>>,
) -> Result<T> {
    let turn = &set.layout.words().turn;
    if turn.load(Ordering::Relaxed) != 0 {
        give_way(set);
    }
    for tries in 0..TRIES {
        if tries == PATIENCE {
            turn.store(1, Ordering::Relaxed);
        }
        if let Some(result) = try_change(set, who, &mut step) {
            if tries >= PATIENCE {
                turn.store(0, Ordering::Relaxed);
            }
            return result;
        }
        // Nothing of it has been written, and nothing can be.
        if who.is_orphan() {
            return Err(Errno::ERESTART);
        }
    }
    Err(Errno::EINVAL)
}

/// Another thread has tried in vain for long.
#[cold]
fn give_way(set: &Set) {
    let turn = &set.layout.words().turn;
    let mut pause = Pause::default();
    while turn.load(Ordering::Relaxed) != 0 {
        if !pause.wait() {
            // It is stopped, or dead.
            turn.store(0, Ordering::Relaxed);
        }
    }
}

/// `None`: something else has become current meanwhile, or the file has grown.
#[inline]
fn try_change<T>(
    set: &Set,
    who: &Operation<'static>,
    step: &mut impl FnMut(&mut SetDraft<'_>) -> Result<Step<T>>,
) -> Option<Result<T>> {
    let draft = Draft::of_current(&set.layout, who, root_hint());
    let Some(mut draft) = draft.or_else(|| wait_for_root(set, who)) else {
        return Some(Err(if who.is_orphan() { Errno::ERESTART } else { Errno::ENOMEM }));
    };
    let is_removed = draft.fact(Fact::Mode) & REMOVED != 0;
    let stepped = if is_removed { Err(Errno::EIDRM) } else { step(&mut draft) };
    let result = match stepped {
        Ok(Step::Publish(value, Some(changed))) => {
            let published = if waiting(&draft).0 > 0 {
                publish_and_serve(set, who, &mut draft, changed)
            } else {
                draft.publish().then_some(Ok(()))
            };
            match published? {
                Ok(()) => return Some(Ok(value)),
                Err(error) => Err(error),
            }
        }
        Ok(Step::Publish(value, None)) => return draft.publish().then_some(Ok(value)),
        Ok(Step::Leave(value)) => Ok(value),
        Err(error) => Err(error),
    };
    // What was read of chunks that another thread has taken anew since is not used.
    if !draft.is_fresh() {
        return None;
    }
    if matches!(result, Err(NO_EXTENT)) {
        drop(draft);
        return set.add_extent().err().map(Err);
    }
    Some(result)
}

/// Publishes a draft in which waiters have been served. `None`: something else has become current.
#[cold]
#[inline(never)]
fn publish_and_serve(
    set: &Set,
    who: &Operation<'static>,
    draft: &mut SetDraft<'_>,
    changed: Changed,
) -> Option<Result<()>> {
    let over = match serve_all(set, draft, changed) {
        Ok(over) => over,
        Err(error) => return Some(Err(error)),
    };
    let Some((leader, _)) = over.first() else { return draft.publish().then_some(Ok(())) };
    // A draft that is not fresh would announce nonsense.
    if !draft.is_fresh() {
        return None;
    }
    let announced = announce(set, who, draft, leader);
    let published = draft.publish();
    if published {
        wake(set, &over, leader);
    }
    drop(announced);
    published.then_some(Ok(()))
}

fn serve_all(set: &Set, draft: &mut SetDraft<'_>, changed: Changed) -> Result<Slots> {
    let over = serve(draft, set, changed, realtime_seconds())?;
    if let Some((leader, true)) = over.first() {
        let waiter = draft.waiter(leader)?;
        draft.set_waiter(leader, Waiter { leads: true, ..waiter })?;
    }
    Ok(over)
}

/// `None`: all roots were held by stopped threads for the whole time that a thread may wait for
/// them.
#[cold]
fn wait_for_root<'d>(set: &'d Set, who: &'d Operation<'static>) -> Option<SetDraft<'d>> {
    let mut pause = Pause::default();
    loop {
        free_roots_of_dead(set, who);
        let draft = Draft::of_current(&set.layout, who, root_hint());
        if draft.is_some() || who.is_orphan() || !pause.wait() {
            return draft;
        }
    }
}

/// Frees roots that the dead hold without the kernel's knowing.
#[cold]
pub fn free_roots_of_dead(set: &Set, who: &Operation<'static>) {
    for root in 0..ROOTS {
        let has_ended = |holder| who.has_ended(holder, set.identity.is_at_home(who));
        claim::free_if(set.layout.claim(root), has_ended);
    }
}

/// Before the exchange: see the module.
#[cold]
fn announce<'t>(
    set: &Set,
    who: &Operation<'t>,
    draft: &SetDraft<'_>,
    leader: usize,
) -> Option<Announcement<'t>> {
    let record = set.layout.record(leader)?;
    // SeqCst: before the exchange on `current`.
    record.asleep.swap(asleep::IN_FLIGHT, Ordering::SeqCst);
    who.guard_wake(draft.claim(), &record.asleep)
}

#[cold]
fn wake(set: &Set, over: &Slots, leader: usize) {
    let others = over.iter().filter(|&slot| slot != leader);
    for slot in others.chain([leader]) {
        if let Some(record) = set.layout.record(slot) {
            wake_waiter(record);
        }
    }
}

/// Wakes the waiter of this record, if it sleeps.
pub fn wake_waiter(record: &Record) {
    if record.wake() != asleep::AWAKE {
        futex::wake(record.asleep.as_ptr(), 1, Scope::Shared);
    }
}

/// Has the waiter of this record look at everything anew.
pub fn wake_to_look(record: &Record) {
    if record.wake_to_look() {
        futex::wake(record.asleep.as_ptr(), 1, Scope::Shared);
    }
}

/// Wakes all waiters that sleep, so that they look at everything anew.
#[cold]
pub fn wake_all(set: &Set) {
    let used = set.layout.words().records.load(Ordering::SeqCst) as usize;
    for record in (0..used).map_while(|slot| set.layout.record(slot)) {
        wake_to_look(record);
    }
}

/// The same for a process that finishes what another one had begun: that one may have died between
/// the word of a waiter and its wake.
#[cold]
fn wake_all_anew(set: &Set) {
    let used = set.layout.words().records.load(Ordering::SeqCst) as usize;
    for record in (0..used).map_while(|slot| set.layout.record(slot)) {
        record.wake_to_look();
        futex::wake(record.asleep.as_ptr(), 1, Scope::Shared);
    }
}

/// Wakes the threads whose wait is over and that sleep all the same: a thread has died before it
/// could wake them.
#[cold]
pub fn wake_others(set: &Set) {
    let used = set.layout.words().records.load(Ordering::SeqCst) as usize;
    for slot in 0..used {
        let Some(record) = set.layout.record(slot) else { return };
        let is_over = |status| !matches!(status, Ok((Status::Waiting | Status::Free, _)));
        if record.asleep.load(Ordering::SeqCst) != asleep::AWAKE && is_over(set.status(slot)) {
            wake_waiter(record);
        }
    }
}

/// Where a thread begins its search for a root: threads on different processors seldom meet.
pub fn root_hint() -> usize {
    crate::os::cpu::current() as usize * 2
}

/// Marks the set as removed, and wakes all waiters. EIDRM: it has been before.
pub fn set_removed(set: &Set, who: &Operation<'static>) -> Result<()> {
    let marked = change(set, who, |draft| {
        draft.set_fact(Fact::Mode, draft.fact(Fact::Mode) | REMOVED);
        Ok(Step::Publish((), None))
    });
    if marked == Err(Errno::EIDRM) {
        wake_all_anew(set);
    } else {
        wake_all(set);
    }
    debug_assert!(set.layout.members() > 0);
    marked
}
