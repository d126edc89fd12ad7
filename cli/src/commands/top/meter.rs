//! How much passes through an object, from looks at it one after the other.
//!
//! A queue counts its messages, and a set its changes. Nobody counts the posts of a semaphore,
//! which may be glibc's: how many there are is not known. A System V queue counts the waits in it
//! among the messages that came, and the result is called an estimate.

use std::fs::File;
use std::io;
use std::time::Duration;

use crate::objects::queue::{self, Passage};
use crate::objects::{Object, State, file, messages, set};

/// What a look has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    Messages(Passage),
    /// Of a System V queue, where a wait counts as a message that was sent.
    Arrivals(Passage),
    /// Of a set, ever.
    Changes(u64),
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
    /// Messages sent; changes of a set.
    pub into: Rate,
    /// Messages received. None: of a set, whose changes have no direction.
    pub out: Option<Rate>,
}

impl Flow {
    /// In both directions, each second.
    pub fn total(&self) -> f64 {
        self.into.per_second + self.out.unwrap_or_default().per_second
    }
}

/// See the module.
#[derive(Debug)]
pub struct Meter {
    last: Reading,
    into: u64,
    out: u64,
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
        State::Mq(_) => queue::passage(&open().ok()?).ok().map(Reading::Messages),
        State::Set(_) => set::changes(&open().ok()?).ok().map(Reading::Changes),
        State::Messages(_) => messages::passage(&open().ok()?).ok().map(Reading::Arrivals),
        State::Sem(_) | State::Shm | State::Segment(_) => None,
    }
}

impl Meter {
    pub fn new(first: Reading) -> Self {
        Self { last: first, into: 0, out: 0 }
    }

    pub fn add(&mut self, reading: Reading) {
        let (into, out) = match (&self.last, &reading) {
            (Reading::Messages(before), Reading::Messages(after))
            | (Reading::Arrivals(before), Reading::Arrivals(after)) => passed(*before, *after),
            (Reading::Changes(before), Reading::Changes(after)) => {
                (after.saturating_sub(*before), 0)
            }
            _ => (0, 0),
        };
        self.into = self.into.saturating_add(into);
        self.out = self.out.saturating_add(out);
        self.last = reading;
    }

    /// What has passed since the last time this was asked.
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    pub fn take(&mut self, time: Duration) -> Flow {
        let is_estimate = matches!(self.last, Reading::Arrivals(_));
        let seconds = time.as_secs_f64().max(0.001);
        let rate = |count: &mut u64| Rate {
            per_second: std::mem::take(count) as f64 / seconds,
            is_estimate,
        };
        let has_directions = !matches!(self.last, Reading::Changes(_));
        Flow { into: rate(&mut self.into), out: has_directions.then(|| rate(&mut self.out)) }
    }
}

/// Messages that came, and that went. The bytes may be any: no difference is believed to be
/// negative.
fn passed(before: Passage, after: Passage) -> (u64, u64) {
    let came = after.sent.saturating_sub(before.sent);
    (came, came.saturating_add(before.messages as u64).saturating_sub(after.messages as u64))
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
        let out = flow.out.map_or(-1.0, |out| out.per_second);
        (flow.into.per_second, out, flow.into.is_estimate)
    }

    #[test]
    fn changes_of_a_set_have_no_direction() {
        assert_eq!(flow([5, 9, 25].map(Reading::Changes)), (10.0, -1.0, false));
    }

    #[test]
    fn messages_are_counted() {
        let reading = |sent, messages| Reading::Messages(Passage { sent, messages });
        assert_eq!(flow([reading(100, 7), reading(110, 3), reading(120, 5)]), (10.0, 11.0, false));
        assert_eq!(flow([reading(u64::MAX, 7), reading(0, usize::MAX)]), (0.0, 0.0, false));
    }
}
