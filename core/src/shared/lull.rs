//! A short pause that lets another thread get on, only where it pays.
//!
//! Two threads on two processors that pass many small things to each other are slow if each waits
//! for the other's every step: the cache lines go to and fro for each of them. A thread that finds
//! only a few therefore leaves the lines to the other one for a moment, and finds many. Where the
//! other one does not use the moment, the pause is in vain, and soon there is none.

use super::experience::Experience;
use crate::atomic::{AtomicU16, hint};
use crate::os::{clock, settings};

/// How long it is, in nanoseconds: many steps, and little beside a sleep.
const LENGTH_NS: u64 = 1_000;
/// Looks at the clock at most: a library beside us may have stopped it.
const ROUNDS: usize = 1_000;

/// What a process has learnt of such pauses.
#[derive(Default)]
pub struct Lull(AtomicU16);

impl Lull {
    /// Pauses, and gives what `look` finds after that, with the judgement whether it was worth it.
    /// `None`, at once: lately it was not.
    pub fn pause_for<T>(&self, look: impl FnOnce() -> (T, bool)) -> Option<T> {
        if !settings::get().spin {
            return None;
        }
        let before = Experience::of(&self.0);
        if before.says_rest() {
            before.rested().replace(before, &self.0);
            return None;
        }
        let end = clock::monotonic_ns() + LENGTH_NS;
        (0..ROUNDS).take_while(|_| clock::monotonic_ns() < end).for_each(|_| hint::spin_loop());
        let (found, was_worth_it) = look();
        before.tried(was_worth_it).replace(before, &self.0);
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_in_vain_soon_end() {
        let lull = Lull::default();
        let pauses = (0..50).filter_map(|_| lull.pause_for(|| ((), false))).count();
        assert_eq!(pauses, 4);
        let lull = Lull::default();
        assert!((0..50).all(|_| lull.pause_for(|| ((), true)).is_some()));
    }
}
