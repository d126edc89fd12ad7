//! What stands in a lane while an operation has it.
//!
//! | bits | meaning |
//! |---|---|
//! | 0..8 | the number of the account of the process, plus one |
//! | 8..10 | what it does |
//! | 16..24 | the account that is given back |
//! | 24..32 | the number of the pin that the operation has (`pins`); 0 = none |
//! | 32..64 | the new count, or what is given back |

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Takes one.
    Take,
    /// Posts one.
    Post,
    /// Gives back what a dead process has taken.
    GiveBack,
}

/// See the table above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intent {
    /// Of the process.
    pub account: usize,
    /// What it does.
    pub kind: Kind,
    /// The account that is given back; 0 in other operations.
    pub victim: usize,
    /// The pin of the operation in its process; 0 = none.
    pub pin: usize,
    /// The count that the process has in this lane after the operation, or what is given back.
    pub amount: u32,
}

impl Intent {
    /// Never 0.
    pub fn to_word(self) -> u64 {
        let kind = match self.kind {
            Kind::Take => 0,
            Kind::Post => 1,
            Kind::GiveBack => 2,
        };
        (self.account as u64 + 1) & 0xff
            | kind << 8
            | (self.victim as u64 & 0xff) << 16
            | (self.pin as u64 & 0xff) << 24
            | u64::from(self.amount) << 32
    }

    /// `None`: 0, or no intent.
    pub fn from_word(word: u64) -> Option<Self> {
        let byte = |at: u32| (word >> at & 0xff) as usize;
        let kind = match word >> 8 & 3 {
            0 => Kind::Take,
            1 => Kind::Post,
            2 => Kind::GiveBack,
            _ => return None,
        };
        let account = byte(0).checked_sub(1)?;
        let amount = u32::try_from(word >> 32).unwrap_or(u32::MAX);
        Some(Self { account, kind, victim: byte(16), pin: byte(24), amount })
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_record_fits_in_a_word() {
        for kind in [Kind::Take, Kind::Post, Kind::GiveBack] {
            let intent = Intent { account: 119, kind, victim: 7, pin: 32, amount: 0xffff_fffe };
            assert_eq!(Intent::from_word(intent.to_word()), Some(intent));
        }
        assert_eq!(Intent::from_word(0), None);
    }
}
