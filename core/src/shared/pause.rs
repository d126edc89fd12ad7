//! Waits until another thread has finished a few instructions, where there is no word to sleep on.

use crate::atomic::{hint, thread};
#[cfg(not(loom))]
use crate::os::{filter::may_yield, futex};

/// Rounds that only spin. (The model checker tries out each of them, so it gets few.)
const SPINS: usize = if cfg!(loom) { 1 } else { 60 };
/// Rounds up to which the processor is offered to others.
const YIELDS: usize = if cfg!(loom) { 2 } else { 100 };
/// Rounds altogether. The last ones sleep, for 20 ms together: longer than the other thread is
/// preempted for, where there are processors enough.
const ROUNDS: usize = if cfg!(loom) { 3 } else { 300 };
/// Rounds up to the end of a [`Moment`], which sleeps for a millisecond together.
const FEW_ROUNDS: usize = if cfg!(loom) { 3 } else { 105 };

/// A wait that gets slower and comes to an end.
#[derive(Default)]
pub struct Pause {
    rounds: usize,
}

impl Pause {
    /// Waits a moment. False, at once: it has been long enough.
    #[cold]
    pub fn wait(&mut self) -> bool {
        if self.rounds == SPINS && !may_yield() {
            self.rounds = YIELDS;
        }
        match self.rounds {
            0..SPINS => hint::spin_loop(),
            SPINS..YIELDS => thread::yield_now(),
            YIELDS..ROUNDS => sleep(),
            _ => return false,
        }
        self.rounds += 1;
        true
    }

    /// It has been long enough.
    pub fn end(&mut self) {
        self.rounds = ROUNDS;
    }

    /// Whether it has been long enough.
    #[inline]
    pub fn is_over(&self) -> bool {
        self.rounds >= ROUNDS
    }
}

/// A short pause between looks that take as long as some spins. Each round yields the processor, as
/// the other thread may be able to run on this processor only.
pub struct Moment(Pause);

impl Default for Moment {
    fn default() -> Self {
        Self(Pause { rounds: SPINS })
    }
}

impl Moment {
    /// As [`Pause::wait`].
    pub fn wait(&mut self) -> bool {
        self.0.rounds < FEW_ROUNDS && self.0.wait()
    }
}

/// The longest round: 0.1 ms.
#[cfg(loom)]
pub fn sleep() {
    thread::yield_now();
}

/// The longest round: 0.1 ms.
#[cfg(not(loom))]
pub fn sleep() {
    futex::pause_us(100);
}

/// Where a filter may kill the thread for sched_yield(2) the rounds that yield are left out.
#[cfg(loom)]
fn may_yield() -> bool {
    true
}
