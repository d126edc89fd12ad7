//! Waits until another thread has finished a few instructions, where there is no word to sleep on.

use crate::atomic::{hint, thread};
#[cfg(not(loom))]
use crate::os::{filter::may_yield, futex};

/// Turns that only spin. (The model checker tries out each of them, so it gets few.)
const SPINS: usize = if cfg!(loom) { 1 } else { 60 };
/// Turns up to which the processor is offered to others.
const YIELDS: usize = if cfg!(loom) { 2 } else { 100 };
/// Turns altogether. The last ones sleep, for 20 ms together: longer than the other thread is
/// preempted for, where there are processors enough.
const TURNS: usize = if cfg!(loom) { 3 } else { 300 };
/// Turns up to the end of a [`Moment`], which sleeps for a millisecond together.
const FEW_TURNS: usize = if cfg!(loom) { 3 } else { 105 };

/// A wait that gets slower and comes to an end.
#[derive(Default)]
pub struct Pause {
    turns: usize,
}

impl Pause {
    /// Waits a moment. False, at once: it has been long enough.
    #[cold]
    pub fn turn(&mut self) -> bool {
        if self.turns == SPINS && !may_yield() {
            self.turns = YIELDS;
        }
        match self.turns {
            0..SPINS => hint::spin_loop(),
            SPINS..YIELDS => thread::yield_now(),
            YIELDS..TURNS => sleep(),
            _ => return false,
        }
        self.turns += 1;
        true
    }

    /// It has been long enough.
    pub fn end(&mut self) {
        self.turns = TURNS;
    }

    /// Whether it has been long enough.
    #[inline]
    pub fn is_over(&self) -> bool {
        self.turns >= TURNS
    }
}

/// A short pause between looks that take as long as some spins. Each turn yields the processor, as
/// the other thread may be able to run on this processor only.
pub struct Moment(Pause);

impl Default for Moment {
    fn default() -> Self {
        Self(Pause { turns: SPINS })
    }
}

impl Moment {
    /// As [`Pause::turn`].
    pub fn turn(&mut self) -> bool {
        self.0.turns < FEW_TURNS && self.0.turn()
    }
}

/// The longest turn: 0.1 ms.
#[cfg(loom)]
pub fn sleep() {
    thread::yield_now();
}

/// The longest turn: 0.1 ms.
#[cfg(not(loom))]
pub fn sleep() {
    futex::pause_us(100);
}

/// Where a filter may kill the thread for sched_yield(2) the turns that yield are left out.
#[cfg(loom)]
fn may_yield() -> bool {
    true
}
