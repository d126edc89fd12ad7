//! The search for the message that a receiver gets next.

use super::layout::Slots;
use super::long;
use super::message::Message;
use super::oldest::{Effort, Terms};
use super::queue::Queue;
use super::quiet::{Looks, Quiet};
use super::records::now;
use super::selector::Selector;
use super::standing::{About, Standing};
use super::store::{self, kind_of, occupied, read_head};
use super::tell::{self, Which};
use crate::atomic::Ordering;
use crate::os::Result;
use crate::shared::thread::Operation;

/// How many receivers in a row may be found dead. Only hostile bytes give more.
const ATTEMPTS: usize = 512;

/// Blocks of slots in which all messages are looked at for one of a type. To find out how old they
/// can be (`floor`) takes longer there.
const FEW_BLOCKS: usize = 4;

/// The lowest type.
const LOWEST: i64 = 1;

/// The message that a receiver gets next. `is_other`: whether it is for another one.
#[inline(always)]
pub fn find(
    queue: &Queue,
    selector: Selector,
    is_other: impl Fn(&Message) -> bool,
) -> Result<Option<Message>> {
    if !matches!(selector, Selector::Lowest(_)) {
        // As it is, without a copy.
        let found = find_at_once(queue, selector, &is_other);
        if !matches!(found, Ok(None)) {
            return found;
        }
    }
    find_in_quiet(queue, selector, is_other)
}

/// Repeats the search until nothing comes meanwhile: see `quiet`.
#[cold]
#[inline(never)]
fn find_in_quiet(
    queue: &Queue,
    selector: Selector,
    is_other: impl Fn(&Message) -> bool,
) -> Result<Option<Message>> {
    let (usage, arrivals) = (&queue.layout.words().usage, &queue.layout.words().sending.arrivals);
    let is_first = |message: &Message| match selector {
        Selector::Lowest(_) => message.kind <= LOWEST,
        _ => true,
    };
    let mut looks = Looks::default();
    loop {
        let quiet = Quiet::begin(usage, arrivals, || store::is_pending(queue))?;
        let found = find_at_once(queue, selector, &is_other)?;
        let is_last = looks.count(store::count(queue), found.is_some());
        if is_last || found.as_ref().is_some_and(is_first) || quiet.lasts(usage, arrivals) {
            return Ok(found);
        }
    }
}

/// The same as [`find`] by one look, which may miss what comes during it.
#[inline(always)]
pub fn find_at_once(
    queue: &Queue,
    selector: Selector,
    is_other: impl Fn(&Message) -> bool,
) -> Result<Option<Message>> {
    match selector {
        Selector::Any => search(queue, selector, |_| true, is_other),
        Selector::Type(of) => search_among(queue, selector, |kind| kind == of, is_other),
        Selector::Except(of) => search_among(queue, selector, |kind| kind != of, is_other),
        Selector::Lowest(bound) => search_among(queue, selector, |kind| kind <= bound, is_other),
    }
}

#[inline(never)]
fn search_among(
    queue: &Queue,
    selector: Selector,
    admits: impl Fn(i64) -> bool,
    is_other: impl Fn(&Message) -> bool,
) -> Result<Option<Message>> {
    search(queue, selector, admits, is_other)
}

/// `admits` says what the selector says, and is known to the compiler.
#[inline(always)]
fn search(
    queue: &Queue,
    selector: Selector,
    admits: impl Fn(i64) -> bool,
    is_other: impl Fn(&Message) -> bool,
) -> Result<Option<Message>> {
    let arrivals = &queue.layout.words().sending.arrivals;
    let look = |last| {
        // After the last number: the senders of it and of earlier ones have made their blocks.
        if store::is_long(queue) {
            return search_long(queue, selector, last, &admits, &is_other);
        }
        let mut best = Best::of(selector);
        if let Some(slots) = store::block(queue, 0)? {
            best.look_at(&slots, 0, &admits, &is_other);
        }
        Ok(best.found)
    };
    arrivals.look(look, |found| found.map_or(0, |message| message.arrival))
}

#[cold]
#[inline(never)]
fn search_long(
    queue: &Queue,
    selector: Selector,
    last: u64,
    admits: impl Fn(i64) -> bool,
    is_other: &impl Fn(&Message) -> bool,
) -> Result<Option<Message>> {
    let looks_at_all = match selector {
        Selector::Any => false,
        Selector::Lowest(_) => true,
        Selector::Type(_) | Selector::Except(_) => store::count(queue) <= FEW_BLOCKS,
    };
    if !looks_at_all {
        let effort = Effort::of(usize::MAX);
        let terms = Terms { last, up_to: u64::MAX, effort: &effort };
        let wants = |message: &Message| !is_other(message);
        return long::search(queue, &terms, |kind| selector.admits(kind), wants);
    }
    let mut best = Best::of(selector);
    for block in occupied(queue) {
        let (first, slots) = block?;
        best.look_at(&slots, first, &admits, is_other);
    }
    Ok(best.found)
}

/// What the order of two messages depends on: the smaller one is delivered first.
type Rank = (i64, u64);

/// The message that is delivered first, of those that have been looked at.
struct Best {
    /// Whether the type counts before the arrival.
    by_type: bool,
    /// The highest type that may come before what has been found.
    highest: i64,
    rank: Rank,
    found: Option<Message>,
}

impl Best {
    #[inline(always)]
    fn of(selector: Selector) -> Self {
        let by_type = matches!(selector, Selector::Lowest(_));
        Self { by_type, highest: i64::MAX, rank: (i64::MAX, u64::MAX), found: None }
    }

    /// Looks at types first: most do not match. Slots that have become empty keep their type.
    #[inline(always)]
    fn look_at(
        &mut self,
        slots: &Slots<'_>,
        first: usize,
        admits: impl Fn(i64) -> bool,
        is_other: impl Fn(&Message) -> bool,
    ) {
        for index in slots.used.slots() {
            let kind = kind_of(slots, index);
            if !admits(kind) || kind > self.highest {
                continue;
            }
            let arrival = slots.keys[index].load(Ordering::SeqCst);
            // Again: the type of this message.
            let kind = kind_of(slots, index);
            let rank = if self.by_type { (kind, arrival) } else { (0, arrival) };
            if arrival == 0 || rank >= self.rank || !admits(kind) {
                continue;
            }
            let message = read_head(slots, first, index, arrival);
            if !is_other(&message) {
                (self.rank, self.found) = (rank, Some(message));
                if self.by_type {
                    self.highest = kind;
                }
            }
        }
    }
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
        standing.look_and_bind(queue, About::Messages(selector))?;
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
    standing.look(queue, About::All)?;
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
