//! The search for the message that a receiver gets next.

use super::message::Message;
use super::queue::Queue;
use super::records::now;
use super::selector::Selector;
use super::standing::Standing;
use super::store::{self, occupied, read_head};
use super::tell::{self, Which};
use crate::atomic::Ordering;
use crate::os::Result;
use crate::shared::thread::Operation;

/// How many receivers in a row may be found dead. Only hostile bytes give more.
const ATTEMPTS: usize = 512;

/// What the order of two messages depends on: the smaller one is delivered first.
type Rank = (i64, u64);

/// The message that a receiver gets next. `is_other`: whether it is for another one.
#[inline(always)]
pub fn find(
    queue: &Queue,
    selector: Selector,
    is_other: impl Fn(&Message) -> bool,
) -> Result<Option<Message>> {
    match selector {
        Selector::Any => search(queue, |_| true, false, is_other),
        Selector::Type(of) => search_among(queue, |kind| kind == of, false, is_other),
        Selector::Except(of) => search_among(queue, |kind| kind != of, false, is_other),
        Selector::Lowest(bound) => search_among(queue, |kind| kind <= bound, true, is_other),
    }
}

#[inline(never)]
fn search_among(
    queue: &Queue,
    admits: impl Fn(i64) -> bool,
    lowest: bool,
    is_other: impl Fn(&Message) -> bool,
) -> Result<Option<Message>> {
    search(queue, admits, lowest, is_other)
}

#[inline(always)]
fn search(
    queue: &Queue,
    admits: impl Fn(i64) -> bool,
    lowest: bool,
    is_other: impl Fn(&Message) -> bool,
) -> Result<Option<Message>> {
    let arrivals = &queue.layout.words().arrivals;
    let look = || search_once(queue, &admits, lowest, &is_other);
    arrivals.look(look, |found| found.map_or(0, |message| message.arrival))
}

/// Looks at types first: most do not match. Slots that have become empty keep their type.
#[inline(always)]
fn search_once(
    queue: &Queue,
    admits: impl Fn(i64) -> bool,
    lowest: bool,
    is_other: impl Fn(&Message) -> bool,
) -> Result<Option<Message>> {
    let mut best: Rank = (i64::MAX, u64::MAX);
    let mut found = None;
    for block in occupied(queue) {
        let (first, slots) = block?;
        for index in slots.used.slots() {
            // Relaxed: see `read_head`.
            let kind = || slots.heads[index][0].load(Ordering::Relaxed).cast_signed();
            if !admits(kind()) || lowest && kind() > best.0 {
                continue;
            }
            let arrival = slots.keys[index].load(Ordering::SeqCst);
            // Again: the type of this message.
            let kind = kind();
            let rank = if lowest { (kind, arrival) } else { (0, arrival) };
            if arrival == 0 || rank >= best || !admits(kind) {
                continue;
            }
            let message = read_head(&slots, first, index, arrival);
            if !is_other(&message) {
                (best, found) = (rank, Some(message));
            }
        }
    }
    Ok(found)
}

/// The message for a receiver that does not wait, while others do. `is_final`: it will not wait.
#[cold]
pub fn find_among(
    queue: &Queue,
    who: &Operation<'static>,
    selector: Selector,
    (skips, is_final): (bool, bool),
) -> Result<Option<Message>> {
    let mut standing = Standing::unknown();
    let mut attempts = 0..ATTEMPTS;
    loop {
        standing.look_and_bind(queue, None)?;
        tell::refuse(queue, who, &standing, Which::Sleepers);
        let found = find(queue, selector, |message| {
            standing.is_given(message) || skips && store::is_claimed(queue, message)
        })?;
        let is_dead = |holder| store::has_ended(queue, who, holder);
        if found.is_some()
            || attempts.next().is_none()
            || !standing.free_dead(selector, is_final, now(), is_dead)
        {
            return Ok(found);
        }
    }
}

/// The message before which so many have arrived.
pub fn nth(queue: &Queue, place: usize) -> Result<Option<Message>> {
    let mut standing = Standing::unknown();
    standing.look(queue, None)?;
    let mut after = 0;
    for _ in 0..place {
        match find(queue, Selector::Any, |message| {
            message.arrival <= after || standing.is_given(message)
        })? {
            Some(message) => after = message.arrival,
            None => return Ok(None),
        }
    }
    find(queue, Selector::Any, |message| message.arrival <= after || standing.is_given(message))
}
