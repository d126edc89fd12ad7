//! In which order objects are listed.

use std::cmp::Ordering;

use super::meter::Flow;
use crate::survey::Entry;

/// What one sorts by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Key {
    Kind,
    #[default]
    Name,
    State,
    Into,
    Out,
    Waiters,
    Holders,
}

impl Key {
    const ALL: [Self; 7] =
        [Self::Kind, Self::Name, Self::State, Self::Into, Self::Out, Self::Waiters, Self::Holders];

    pub fn title(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::Name => "name",
            Self::State => "state",
            Self::Into => "in",
            Self::Out => "out",
            Self::Waiters => "waiters",
            Self::Holders => "open by",
        }
    }

    /// The next one in the table, or the one before.
    pub fn beside(self, step: isize) -> Self {
        let count = Self::ALL.len();
        let place = Self::ALL.iter().position(|key| *key == self).unwrap_or(0);
        Self::ALL[place.saturating_add(count).saturating_add_signed(step) % count]
    }

    /// The largest numbers come first, and names from A to Z. Equals stay in the order of their
    /// names.
    pub fn compare(self, (a, flow_a): (&Entry, Flow), (b, flow_b): (&Entry, Flow)) -> Ordering {
        match self {
            Self::Name => Ordering::Equal,
            Self::Kind => a.object.kind().cmp(&b.object.kind()),
            Self::State => b.object.state.level().cmp(&a.object.state.level()),
            Self::Into => flow_b.into.per_second.total_cmp(&flow_a.into.per_second),
            Self::Out => out(flow_b).total_cmp(&out(flow_a)),
            Self::Waiters => b.waiters.len().cmp(&a.waiters.len()),
            Self::Holders => b.holders.len().cmp(&a.holders.len()),
        }
    }
}

/// Below all others where it is not known which direction something passes in.
fn out(flow: Flow) -> f64 {
    flow.out.map_or(-1.0, |rate| rate.per_second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_keys_in_a_circle() {
        let mut key = Key::Name;
        for _ in Key::ALL {
            let next = key.beside(1);
            assert_eq!(next.beside(-1), key);
            key = next;
        }
        assert_eq!(key, Key::Name);
    }
}
