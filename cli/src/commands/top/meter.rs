//! How much passes through an object, from looks at it one after the other.
//!
//! Nobody counts the tokens of a semaphore, nor the messages of a small queue: to count them would cost each of them.
//! So the differences between two looks are added up. What comes and goes between them is not seen, and the result is
//! called an estimate.

use std::fs::File;
use std::io;
use std::time::Duration;

use crate::objects::queue::{self, Passage, Watched};
use crate::objects::{Object, State, file, semaphore};

/// What a look has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    Tokens(u32),
    Messages(Passage),
}

/// In one direction, each second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rate {
    pub per_second: f64,
    pub is_estimate: bool,
}

/// Of a second or so.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Flow {
    /// Messages sent, tokens posted.
    pub into: Rate,
    /// Messages received, tokens taken.
    pub out: Rate,
}

/// See the module.
#[derive(Debug)]
pub struct Meter {
    last: Reading,
    into: u64,
    out: u64,
}

/// Whether a look more than once a second pays.
pub fn is_worth_watching(object: &Object) -> bool {
    let is_small = |queue: &queue::State| queue.max_messages <= queue::WATCHED;
    !object.unlinked
        && match &object.state {
            State::Sem(state) => state.is_ok(),
            State::Mq(state) => state.as_ref().is_ok_and(is_small),
            State::Shm => false,
        }
}

/// Looks at an object. None for one through which nothing passes, and for one that is gone.
pub fn look(object: &Object) -> Option<Reading> {
    if object.unlinked {
        return None;
    }
    let open = || -> io::Result<File> {
        let file = file::open(&object.path)?;
        let is_same = file::FileId::of(&file.metadata()?) == object.id;
        if is_same { Ok(file) } else { Err(io::ErrorKind::NotFound.into()) }
    };
    match &object.state {
        State::Sem(_) => semaphore::State::read(&open().ok()?).ok().map(|state| Reading::Tokens(state.value)),
        State::Mq(_) => queue::passage(&open().ok()?).ok().map(Reading::Messages),
        State::Shm => None,
    }
}

impl Meter {
    pub fn new(first: Reading) -> Self {
        Self { last: first, into: 0, out: 0 }
    }

    pub fn add(&mut self, reading: Reading) {
        let (into, out) = match (&self.last, &reading) {
            (Reading::Tokens(before), Reading::Tokens(after)) => {
                (after.saturating_sub(*before).into(), before.saturating_sub(*after).into())
            }
            (Reading::Messages(before), Reading::Messages(after)) => passed(before, after),
            _ => (0, 0),
        };
        self.into = self.into.saturating_add(into);
        self.out = self.out.saturating_add(out);
        self.last = reading;
    }

    /// What has passed since the last time this was asked.
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    pub fn take(&mut self, time: Duration) -> Flow {
        let is_estimate = !matches!(self.last, Reading::Messages(Passage::Counted { .. }));
        let seconds = time.as_secs_f64().max(0.001);
        let rate = |count: &mut u64| Rate { per_second: std::mem::take(count) as f64 / seconds, is_estimate };
        Flow { into: rate(&mut self.into), out: rate(&mut self.out) }
    }
}

/// Messages that came, and that went. The bytes may be any: no difference is believed to be negative.
fn passed(before: &Passage, after: &Passage) -> (u64, u64) {
    let (came, there, left) = match (before, after) {
        (
            Passage::Counted { sent: before, messages: there },
            Passage::Counted { sent: after, messages: left },
        ) => (after.saturating_sub(*before), *there, *left),
        (Passage::Watched(before), Passage::Watched(after)) => {
            (came(before, after), before.messages.len(), after.messages.len())
        }
        _ => return (0, 0),
    };
    (came, (came + there as u64).saturating_sub(left as u64))
}

/// Each send adds one to the newest number at most, and is needed for a message that was not there. Wakes tell of
/// those that came and went; but a receiver whose time is over passes a wake on too, so they alone are not believed.
fn came(before: &Watched, after: &Watched) -> u64 {
    let new = after.messages.difference(&before.messages).count() as u64;
    let seen = new.max(after.newest.saturating_sub(before.newest));
    let wakes = after.wakes.wrapping_sub(before.wakes) % Watched::WAKES;
    if seen > 0 || before.trace != after.trace { seen.max(wakes.into()).max(1) } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(readings: impl IntoIterator<Item = Reading>) -> (f64, f64, bool) {
        let mut readings = readings.into_iter();
        let mut meter = Meter::new(readings.next().unwrap());
        readings.for_each(|reading| meter.add(reading));
        let flow = meter.take(Duration::from_secs(2));
        assert!(meter.take(Duration::from_secs(1)).into.per_second <= 0.0, "all of it was taken");
        (flow.into.per_second, flow.out.per_second, flow.into.is_estimate)
    }

    #[test]
    fn tokens_that_come_and_go() {
        assert_eq!(flow([5, 9, 3, 3].map(Reading::Tokens)), (2.0, 3.0, true));
    }

    #[test]
    fn a_large_queue_counts() {
        let reading = |sent, messages| Reading::Messages(Passage::Counted { sent, messages });
        assert_eq!(flow([reading(100, 7), reading(110, 3), reading(120, 5)]), (10.0, 11.0, false));
        assert_eq!(flow([reading(u64::MAX, 7), reading(0, usize::MAX)]), (0.0, 0.0, false));
    }

    fn watched(keys: &[u64], wakes: u32, trace: &str) -> Reading {
        let messages = keys.iter().map(|key| (0, *key)).collect();
        let newest = keys.iter().copied().max().unwrap_or(0);
        Reading::Messages(Passage::Watched(Watched { messages, newest, wakes, trace: trace.into() }))
    }

    #[test]
    fn a_small_queue_is_watched() {
        // Two are new, and the numbers tell of a third.
        assert_eq!(flow([watched(&[1, 2], 0, ""), watched(&[2, 3, 5], 0, "")]), (1.5, 1.0, true));
        // It came into the empty queue and went.
        assert_eq!(flow([watched(&[], 0, "old"), watched(&[], 0, "new")]), (0.5, 0.5, true));
        assert_eq!(flow([watched(&[], Watched::WAKES - 2, "old"), watched(&[], 4, "new")]), (3.0, 3.0, true));
        // Somebody has waited in vain.
        assert_eq!(flow([watched(&[], 1, "old"), watched(&[], 9, "old")]), (0.0, 0.0, true));
    }
}
