//! Waking waiters, when there may be something for them.
//!
//! What is for whom is found in a list, which takes memory where many wait. A thread that gets none
//! has sent or received all the same, and must not leave the others asleep: it calls all of them,
//! which takes none.

use core::convert::Infallible;

use super::count;
use super::flag::Flag;
use super::queue::Queue;
use super::record::{Record, Wanted, call};
use super::records::{all_records, now};
use super::standing::{About, Standing};
use super::store;
use super::usage::Amount;
use crate::atomic::{Ordering, fence};
use crate::os::Result;
use crate::os::futex::{self, Scope};
use crate::shared::claim;
use crate::shared::thread::Operation;

/// Which waiters to wake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those that sleep, and have not been called.
    Sleepers,
    /// Also those that have been called: the thread that called them may have been killed before
    /// the wake.
    All,
}

/// What has become of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Called {
    /// It is awake, or will be.
    Awake,
    /// It did not sleep, though it said that it was about to.
    Missed,
    /// The same, and that was some time ago: it may be dead.
    Gone,
}

/// How many receivers in a row may be found dead. Only hostile bytes give more.
const ATTEMPTS: usize = 512;
/// The usual time at most, in milliseconds, from a waiter's announcement that it is about to sleep
/// to the sleep. Asking whether it lives costs system calls.
const TO_SLEEP_MS: i32 = 2;

/// Calls a waiter, if it sleeps. A wake for nothing is harmless: it looks, and sleeps again.
fn call_one(record: &Record, which: Which) -> Called {
    let exchange = |from, to| {
        record.call.compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    };
    let is_called = exchange(call::ASLEEP, call::CALLED);
    if is_called || which == Which::All {
        let is_awake = wake(record) > 0;
        if is_called && !is_awake {
            let now = now();
            let is_gone = record.since(now) > TO_SLEEP_MS;
            // Before the exchange: a thread that sees that it was missed sees when.
            record.since.store(now, Ordering::SeqCst);
            exchange(call::CALLED, call::MISSED);
            return if is_gone { Called::Gone } else { Called::Missed };
        }
    }
    Called::Awake
}

fn wake(record: &Record) -> usize {
    futex::wake(record.call.as_ptr(), 1, Scope::Shared)
}

/// A message has come; or what was for one is for another. `about`: which ones may be concerned.
#[cold]
pub fn receivers(queue: &Queue, who: &Operation<'static>, about: About<'_>, which: Which) {
    // With that of `wait`: a waiter sees the message, or this thread sees that it waits.
    fence(Ordering::SeqCst);
    for _ in 0..ATTEMPTS {
        match tell_receivers(queue, who, about, which) {
            Ok(true) => {}
            Ok(false) => return,
            Err(_) => return all(queue),
        }
    }
}

/// True: one of them is dead, and what was for it is for others.
fn tell_receivers(
    queue: &Queue,
    who: &Operation<'static>,
    about: About<'_>,
    which: Which,
) -> Result<bool> {
    let mut standing = Standing::unknown();
    standing.look_and_bind(queue, about)?;
    if which == Which::All {
        all_records(queue, |_, record| {
            if record.is_refused() {
                call_one(record, which);
            }
        })?;
    }
    if standing.is_empty() {
        let find = || {
            let mut standing = Standing::unknown();
            standing.look(queue, About::All)?;
            Ok(!standing.is_empty())
        };
        forget(queue, who, &queue.layout.words().receivers, find);
        return Ok(false);
    }
    let mut one_is_dead = false;
    refuse(queue, who, &standing, which);
    for receiver in standing.receivers() {
        let record = receiver.record;
        let Some(message) = receiver.given else { continue };
        let called = call_one(record, which);
        if called == Called::Awake {
            continue;
        }
        let is_dead = |holder| store::has_ended(queue, who, holder);
        one_is_dead |= called == Called::Gone && claim::free_if(&record.claim, is_dead);
        // Others are to make sure that a waiter comes.
        let others = standing.receivers().filter(|one| one.is_free_for(message.kind));
        others.for_each(|other| {
            call_one(other.record, Which::Sleepers);
        });
    }
    Ok(one_is_dead)
}

/// Ends the wait of each receiver for which a message was too long. A thread that takes that
/// message does so before, as its sender may not have come to it: then no trace of the message
/// would be left.
pub fn refuse(queue: &Queue, who: &Operation<'static>, standing: &Standing<'_>, which: Which) {
    if !standing.receivers().any(|one| one.is_too_long) {
        return;
    }
    // Nothing, where more than this is owed.
    let due = who.thread().announce_wake(&queue.layout.words().death);
    for receiver in standing.receivers().filter(|one| one.is_too_long) {
        receiver.refuse();
        call_one(receiver.record, which);
    }
    drop(due);
}

/// There is space, perhaps for waiters: as many as fit are called, in the order of their arrival,
/// and one more, as one of them may be stopped. A waiter that has been called before, and has not
/// come, does not count.
#[cold]
pub fn senders(queue: &Queue, who: &Operation<'static>, which: Which) {
    fence(Ordering::SeqCst);
    if tell_senders(queue, who, which).is_err() {
        all(queue);
    }
}

fn tell_senders(queue: &Queue, who: &Operation<'static>, which: Which) -> Result<()> {
    let words = queue.layout.words();
    if next_sender(queue, 0)?.is_none() {
        forget(queue, who, &words.senders, || Ok(next_sender(queue, 0)?.is_some()));
        return Ok(());
    }
    let mut used = in_use(queue)?;
    let (before, mut after) = (used, 0);
    // Each is looked for behind the one before: there may be any number.
    while let Some((ticket, bytes, record)) = next_sender(queue, after)? {
        if used.messages >= queue.bound().messages {
            break;
        }
        let what = Amount { bytes, messages: 1 };
        if what.plus(before).fits(queue.bound()) {
            let is_asleep = record.call.load(Ordering::SeqCst) == call::ASLEEP;
            let called = call_one(record, which);
            if called == Called::Gone {
                claim::free_if(&record.claim, |holder| store::has_ended(queue, who, holder));
            }
            // One that may be dead is not counted on.
            if is_asleep && called == Called::Awake && which != Which::All {
                // The one more.
                if !used.plus(what).fits(queue.bound()) {
                    break;
                }
                used = used.plus(what);
            }
        }
        after = ticket;
    }
    Ok(())
}

/// What takes space: all but what is for waiting receivers.
pub fn in_use(queue: &Queue) -> Result<Amount> {
    let words = queue.layout.words();
    let used = words.usage.seen().amount();
    if !words.receivers.is_set() {
        return Ok(used);
    }
    let mut standing = Standing::unknown();
    standing.look(queue, About::All)?;
    Ok(used.minus(standing.given()))
}

/// Corrects the usage. If less is in use than it seemed, there is space, perhaps for waiters. True:
/// operations are under way, and what they have in hand was counted.
#[cold]
pub fn recount(queue: &Queue, who: &Operation<'static>) -> Result<bool> {
    let counted = count::recount(queue, who)?;
    if counted.is_less && queue.layout.words().senders.is_set() {
        senders(queue, who, Which::Sleepers);
    }
    Ok(counted.is_under_way)
}

/// The waiter for space that came next after this ticket: its ticket, the bytes that it wants, its
/// record.
fn next_sender(queue: &Queue, after: u64) -> Result<Option<(u64, u64, &Record)>> {
    let mut next: Option<(u64, u64, &Record)> = None;
    all_records(queue, |_, record| {
        let is_held = !claim::is_free(record.claim.load(Ordering::SeqCst));
        let ticket = record.ticket.load(Ordering::SeqCst);
        let is_next = ticket > after && next.is_none_or(|(other, ..)| ticket < other);
        if let Wanted::Space(bytes) = record.wanted()
            && is_held
            && is_next
        {
            next = Some((ticket, bytes, record));
        }
    })?;
    Ok(next)
}

/// No thread seems to wait any more. Where the kernel would not notice a death in the middle, this
/// is left to another thread. Of a removed queue the flag stays: a sender that is late has to see
/// that a receiver may have given up (`removal`).
fn forget(
    queue: &Queue,
    who: &Operation<'static>,
    flag: &Flag,
    is_any_there: impl Fn() -> Result<bool>,
) {
    let death = &queue.layout.words().death;
    let due = who.thread().announce_wake(death);
    if !who.thread().owes_wake(death) || queue.check_life().is_err() {
        return;
    }
    // One may be there if that cannot be found out.
    let may_be_there = || Ok::<_, Infallible>(is_any_there().unwrap_or(true));
    if flag.forget(may_be_there, who).unwrap_or(true) {
        all(queue);
    }
    // It may have been removed meanwhile.
    if queue.check_life().is_err() {
        flag.set();
    }
    drop(due);
}

/// All of them look again: the queue has been changed, or removed, or they may have been
/// overlooked.
#[cold]
pub fn all(queue: &Queue) {
    fence(Ordering::SeqCst);
    // Only hostile bytes hide records, or memory that a process never had.
    let _ = all_records(queue, |_, record| {
        call_one(record, Which::All);
    });
}

/// A thread may have died that owed a wake: takes back what the dead had, and calls all others.
#[cold]
pub fn after_a_death(queue: &Queue, who: &Operation<'static>) -> Result<()> {
    all_records(queue, |_, record| {
        if !claim::is_free(record.claim.load(Ordering::Relaxed)) {
            claim::free_if(&record.claim, |holder| store::has_ended(queue, who, holder));
        }
    })?;
    store::free_claims_of_dead(queue, who)?;
    // It may have been about to set them again.
    queue.layout.words().receivers.set();
    queue.layout.words().senders.set();
    receivers(queue, who, About::All, Which::All);
    recount(queue, who)?;
    senders(queue, who, Which::All);
    Ok(())
}
