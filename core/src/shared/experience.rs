//! What is known of attempts that may be in vain: after a few of those in a row there is a rest,
//! during which there is none.
//!
//! A hint: any value is harmless.

use crate::atomic::{AtomicU16, Ordering};

/// So many attempts in vain, one after the other, begin a rest.
const GIVE_UP: u16 = 4;
/// Attempts that are left out in a rest.
const REST: u16 = 64;
/// The same after an attempt that took too long: so many that its time does not matter.
const LONG_REST: u16 = 4096;

/// | bits | meaning |
/// |---|---|
/// | 0..3 | attempts in vain in a row |
/// | 3..16 | attempts still to be left out |
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Experience(u16);

impl Experience {
    const ONE_LEFT_OUT: u16 = 8;

    /// One more attempt in vain, and the rest begins anew.
    fn resting(attempts: u16) -> Self {
        Self((attempts * Self::ONE_LEFT_OUT) | (GIVE_UP - 1))
    }

    /// What the word says. Relaxed: nothing is published through it, and a lost update loses a
    /// hint.
    pub fn of(word: &AtomicU16) -> Self {
        Self(word.load(Ordering::Relaxed))
    }

    /// Stores it, if it is new. Mostly it is not.
    pub fn replace(self, before: Self, word: &AtomicU16) {
        if self != before {
            word.store(self.0, Ordering::Relaxed);
        }
    }

    /// Whether this attempt is to be left out.
    pub fn says_rest(self) -> bool {
        self.0 >= Self::ONE_LEFT_OUT
    }

    /// After an attempt that was left out.
    pub fn rested(self) -> Self {
        Self(self.0 - Self::ONE_LEFT_OUT)
    }

    /// After an attempt.
    pub fn tried(self, happened: bool) -> Self {
        match self.0 + 1 {
            _ if happened => Self(0),
            in_vain @ ..GIVE_UP => Self(in_vain),
            _ => Self::resting(REST),
        }
    }

    /// After an attempt that took too long.
    pub fn was_too_slow() -> Self {
        Self::resting(LONG_REST)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn attempts(mut experience: Experience, occasions: usize) -> usize {
        let mut tries = 0;
        for _ in 0..occasions {
            experience = if experience.says_rest() {
                experience.rested()
            } else {
                tries += 1;
                experience.tried(false)
            };
        }
        tries
    }

    #[test]
    fn attempts_in_vain_soon_end_and_seldom_begin_again() {
        assert_eq!(attempts(Experience(0), 4), 4);
        assert_eq!(attempts(Experience(0), 4 + 64), 4);
        assert_eq!(attempts(Experience(0), 4 + 64 + 1 + 64 + 1), 6);
        assert_eq!(attempts(Experience::was_too_slow(), 4096), 0);
    }

    #[test]
    fn one_success_ends_the_restraint() {
        let probing = Experience::resting(0);
        assert!(!probing.says_rest());
        assert_eq!(probing.tried(true), Experience(0));
    }

    #[test]
    fn any_value_is_harmless() {
        for value in [0, 3, 4, 7, 8, u16::MAX] {
            let experience = Experience(value);
            let _ =
                if experience.says_rest() { experience.rested() } else { experience.tried(false) };
        }
    }
}
