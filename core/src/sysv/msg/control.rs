//! `msgctl`: looking at queues, and changing them by hand.

use super::count::settled;
use super::layout::Did;
use super::queue::Queue;
use super::quiet::{Looks, Quiet};
use super::records::now;
use super::selector::Selector;
use super::standing::{About, Standing};
use super::store;
use super::tell;
use super::transfer::note;
use super::usage::Amount;
use crate::atomic::Ordering;
use crate::os::clock::realtime_seconds;
use crate::os::{Errno, Result};
use crate::shared::thread::{FrameTag, Operation, Thread};
use crate::sysv::attached::Use;
use crate::sysv::enter::{as_owner, enter};
use crate::sysv::find;
use crate::sysv::indices;
use crate::sysv::object::{Object, admit};
use crate::sysv::permission::{Permission, READ};

/// `struct msqid_ds`, as integers.
#[derive(Clone, Copy, Debug)]
pub struct Description {
    /// Its id.
    pub id: i32,
    /// Its key.
    pub key: i32,
    /// Which user may do what.
    pub permission: Permission,
    /// The messages in it that are for no waiting receiver.
    pub amount: Amount,
    /// Bytes that may be in it.
    pub bound: u64,
    /// Bytes of the longest message.
    pub longest: u64,
    /// The last msgsnd, msgrcv and change, in seconds; 0 = never.
    pub times: [u64; 3],
    /// The processes that sent and received last; 0 = none.
    pub pids: [u32; 2],
}

/// Looks that find the same, while a thread seems to be held up in the middle of an operation. It
/// may be stopped, or dead.
const LOOKS_AT_REST: usize = 8;

/// IPC_STAT; MSG_STAT_ANY with `any`. EINVAL, EACCES.
pub fn describe(thread: &'static Thread, id: i32, any: bool) -> Result<Description> {
    let tag = FrameTag::new();
    let entered = enter::<Queue>(thread, id, &tag)?;
    let queue = entered.object;
    if !any {
        queue.check(READ, realtime_seconds())?;
    }
    description(queue, &entered.operation)
}

/// What msgctl(2) says of a queue. EINVAL: hostile bytes.
///
/// The messages are counted one slot after the other: see `quiet`.
fn description(queue: &Queue, who: &Operation<'static>) -> Result<Description> {
    if let Some(amount) = amount_at_once(queue)? {
        return Ok(facts(queue, amount));
    }
    let words = queue.layout.words();
    let (usage, arrivals) = (&words.usage, &words.sending.arrivals);
    let is_dead = |holder| store::has_ended(queue, who, holder);
    let mut standing = Standing::unknown();
    let mut looks = Looks::default();
    loop {
        let quiet = Quiet::begin(usage, arrivals, || store::is_pending(queue))?;
        standing.look(queue, About::All)?;
        while standing.free_dead(Selector::Any, true, now(), is_dead) {
            standing.look(queue, About::All)?;
        }
        let seen = description_of(queue, &standing)?;
        let is_last = looks.count(store::count(queue), false);
        let is_at_rest = looks.number() >= LOOKS_AT_REST && quiet.is_unchanged(usage, arrivals);
        if is_at_rest || quiet.lasts(usage, arrivals) || is_last && words.deaths.may_matter() {
            return Ok(seen);
        }
        if is_last {
            // Right at any time, but that a thread may be in the middle of adding or taking away.
            let amount = usage.seen().amount().minus(standing.given());
            return Ok(Description { amount, ..seen });
        }
    }
}

/// What is in a queue, if that is known without a look at the messages: it is empty, or none of
/// them can be for a waiting receiver.
fn amount_at_once(queue: &Queue) -> Result<Option<Amount>> {
    let words = queue.layout.words();
    // Never too low.
    if words.usage.seen().amount() == Amount::default() {
        return Ok(Some(Amount::default()));
    }
    if words.receivers.is_set() {
        return Ok(None);
    }
    let amount = settled(queue)?;
    // One may have begun to wait, and a message may have come for it.
    Ok(amount.filter(|_| !words.receivers.is_set()))
}

/// What msgctl(2) says of a queue, where it is known which receiver each message is for.
pub fn description_of(queue: &Queue, standing: &Standing<'_>) -> Result<Description> {
    let mut amount = Amount::default();
    store::messages(queue, |message| {
        if !standing.is_given(&message) {
            amount = amount.plus(Amount::of(message.length));
        }
    })?;
    let mut facts = facts(queue, amount);
    // A message for a waiting receiver counts as received.
    if let Some(last) = standing.receivers().filter(|one| one.given.is_some()).last() {
        facts.pids[Did::Receive as usize] = last.record.pid.load(Ordering::Relaxed);
        let sent = facts.times[Did::Send as usize];
        facts.times[Did::Receive as usize] = facts.times[Did::Receive as usize].max(sent);
    }
    Ok(facts)
}

/// What msgctl(2) says of a queue with so much in it, if no message is for a waiting receiver.
fn facts(queue: &Queue, amount: Amount) -> Description {
    let words = queue.layout.words();
    Description {
        id: queue.identity().facts.id,
        key: queue.identity().facts.key,
        permission: queue.permission(),
        amount,
        bound: words.bound.load(Ordering::Relaxed),
        longest: queue.identity().facts.size,
        times: words.times.each_ref().map(|time| time.load(Ordering::Relaxed)),
        pids: words.pids.each_ref().map(|pid| pid.load(Ordering::Relaxed)),
    }
}

/// What IPC_SET changes.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// 9 bits.
    pub mode: u16,
    /// Bytes that may be in it.
    pub bound: u64,
}

/// IPC_SET. EINVAL for -1; EPERM. Raising the bound needs no privilege.
pub fn set(thread: &'static Thread, id: i32, change: Change) -> Result<()> {
    let tag = FrameTag::new();
    let entered = as_owner(enter::<Queue>(thread, id, &tag))?;
    let queue = entered.object;
    queue.permission().check_owner()?;
    if change.uid == u32::MAX || change.gid == u32::MAX {
        return Err(Errno::EINVAL);
    }
    let words = queue.layout.words();
    let owner = u64::from(change.uid) | u64::from(change.gid) << 32;
    let mode = u32::from(change.mode & 0o777);
    admit(queue, owner, mode.into());
    words.owner.store(owner, Ordering::SeqCst);
    words.mode.store(mode, Ordering::SeqCst);
    words.bound.store(change.bound, Ordering::SeqCst);
    note(queue, Did::Change);
    tell::all(queue);
    Ok(())
}

/// IPC_RMID. EINVAL, EPERM.
pub fn remove(thread: &'static Thread, id: i32) -> Result<()> {
    {
        let tag = FrameTag::new();
        let entered = as_owner(enter::<Queue>(thread, id, &tag))?;
        entered.object.permission().check_owner()?;
    }
    find::remove::<Queue>(thread, id)
}

/// What MSG_INFO says of all queues.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// Queues.
    pub queues: usize,
    /// What is in them, as far as they can be inspected.
    pub amount: Amount,
    /// The highest index of a queue; 0 if there is none.
    pub highest: usize,
}

/// See [`Totals`].
pub fn totals(thread: &'static Thread) -> Result<Totals> {
    let amount = |entered: &Use<Queue>| match amount_at_once(entered.object)? {
        Some(amount) => Ok(amount),
        None => Ok(description(entered.object, &entered.operation)?.amount),
    };
    let all = indices::all(thread, amount, Amount::plus)?;
    Ok(Totals { queues: all.objects, amount: all.sum, highest: all.highest })
}

/// The highest index of a queue, for IPC_INFO; 0 if there is none.
pub fn highest(thread: &'static Thread) -> Result<usize> {
    indices::highest::<Queue>(thread)
}

/// The id that MSG_STAT means. EINVAL.
pub fn id_of_index(thread: &'static Thread, index: i32) -> Result<i32> {
    indices::id_of_index::<Queue>(thread, index)
}
