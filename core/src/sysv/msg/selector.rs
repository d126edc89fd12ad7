//! Which message a receiver wants: the third and fifth argument of msgrcv(2).

/// The bit in the flags of msgrcv(2), from linux/msg.h.
const EXCEPT: i32 = 0o20_000;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selector {
    /// Type 0: the oldest message.
    Any,
    /// The oldest message of this type.
    Type(i64),
    /// The oldest message of any other type.
    Except(i64),
    /// The message of the lowest type up to this one; of several the oldest.
    Lowest(i64),
}

impl Selector {
    /// From the arguments of msgrcv(2). `MSG_EXCEPT` changes nothing for types up to 0.
    pub fn new(wanted: i64, flags: i32) -> Self {
        match wanted {
            0 => Self::Any,
            1.. if flags & EXCEPT != 0 => Self::Except(wanted),
            1.. => Self::Type(wanted),
            // LONG_MIN has no positive counterpart.
            i64::MIN => Self::Lowest(i64::MAX),
            _ => Self::Lowest(-wanted),
        }
    }

    /// As it lies in the record of a waiter: a kind, and a type.
    pub fn to_words(self) -> [u64; 2] {
        let (kind, of) = match self {
            Self::Any => (0, 0),
            Self::Type(of) => (1, of),
            Self::Except(of) => (2, of),
            Self::Lowest(of) => (3, of),
        };
        [kind, of.cast_unsigned()]
    }

    /// The reverse. Any words are some selector's.
    pub fn from_words([kind, of]: [u64; 2]) -> Self {
        let of = of.cast_signed();
        match kind {
            0 => Self::Any,
            1 => Self::Type(of),
            2 => Self::Except(of),
            _ => Self::Lowest(of),
        }
    }

    /// Whether it admits a message of this type.
    #[inline(always)]
    pub fn admits(self, kind: i64) -> bool {
        match self {
            Self::Any => true,
            Self::Type(of) => kind == of,
            Self::Except(of) => kind != of,
            Self::Lowest(bound) => kind <= bound,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_chosen_as_msgrcv_says() {
        let chosen = |wanted, flags| {
            let selector = Selector::new(wanted, flags);
            [1, 2, 3, 4].map(|kind| selector.admits(kind))
        };
        assert_eq!(chosen(0, EXCEPT), [true; 4]);
        assert_eq!(chosen(2, 0), [false, true, false, false]);
        assert_eq!(chosen(2, EXCEPT), [true, false, true, true]);
        assert_eq!(chosen(-2, EXCEPT), [true, true, false, false]);
        assert_eq!(chosen(i64::MIN, 0), [true; 4]);
        assert!(Selector::new(i64::MIN, 0).admits(i64::MAX));
    }

    #[test]
    fn words_lead_back_to_the_selector() {
        for (wanted, flags) in [(0, 0), (5, 0), (5, EXCEPT), (-5, 0), (i64::MIN, 0)] {
            let selector = Selector::new(wanted, flags);
            assert_eq!(Selector::from_words(selector.to_words()), selector);
        }
    }
}
