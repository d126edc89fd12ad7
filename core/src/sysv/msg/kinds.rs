//! Sets of types that have nothing to do with the others: each receiver that accepts a message of
//! one of them accepts no message of another type.

use super::selector::Selector;

/// See the module. Types are positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kinds {
    /// This one.
    One(i64),
    /// All up to this one.
    UpTo(i64),
    /// All.
    All,
}

impl Kinds {
    /// The types that a selector admits, or more.
    pub fn of(selector: Selector) -> Self {
        match selector {
            Selector::Type(of) => Self::One(of),
            Selector::Lowest(bound) => Self::UpTo(bound),
            Selector::Any | Selector::Except(_) => Self::All,
        }
    }

    /// Whether one of them is among the types of these.
    pub fn meet(self, others: Self) -> bool {
        match (self, others) {
            (Self::One(one), Self::One(other)) => one == other,
            (Self::One(one), Self::UpTo(bound)) | (Self::UpTo(bound), Self::One(one)) => {
                one <= bound
            }
            _ => true,
        }
    }

    /// The smallest set with all of both, which meet.
    pub fn with(self, others: Self) -> Self {
        match (self, others) {
            (Self::All, _) | (_, Self::All) => Self::All,
            (Self::UpTo(one), Self::UpTo(other)) => Self::UpTo(one.max(other)),
            (Self::UpTo(bound), Self::One(_)) | (_, Self::UpTo(bound)) => Self::UpTo(bound),
            (Self::One(_), Self::One(_)) => self,
        }
    }
}
