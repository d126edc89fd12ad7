//! What a search for the oldest message is told.

use core::cell::Cell;

/// How much may still be looked at.
pub struct Effort(Cell<usize>);

impl Effort {
    /// So much, in comparisons.
    pub fn of(comparisons: usize) -> Self {
        Self(Cell::new(comparisons))
    }

    /// Whether nothing is left.
    pub fn is_spent(&self) -> bool {
        self.0.get() == 0
    }

    /// False: there is not so much left.
    #[inline(always)]
    pub fn spend(&self, comparisons: usize) -> bool {
        let left = self.0.get();
        self.0.set(left.saturating_sub(comparisons));
        left >= comparisons
    }
}

/// See the module.
pub struct Terms<'t> {
    /// The last sequence number that was given out before the search.
    pub last: u64,
    /// No message with a larger number is wanted.
    pub up_to: u64,
    /// Each message that is looked at costs one comparison. Once nothing is left, none is found.
    pub effort: &'t Effort,
}
