//! The wakes of a batch, given once for all of its messages.
//!
//! Until then the wake is announced to the kernel (`shared::thread`), from before the first commit
//! that a sleeper should know of. The kernel wakes one sleeper for a thread that dies, and each
//! sleeper that is served passes the wake on while something is left (`shared::wait_point`).

use crate::atomic::{AtomicU32, Ordering, fence};
use crate::shared::thread::{Announcement, Operation};
use crate::shared::wait_point::{WaitPoint, WakeOrder};

/// The wakes that a batch owes at one wait point.
pub struct Wakes<'q> {
    pub point: &'q WaitPoint,
    pub owed: Option<Announcement<'q>>,
    pub order: WakeOrder,
    /// Commits that a sleeper is to know of. One that has begun to wait since the claim has seen
    /// that, and sleeps for a moment only.
    pub count: i32,
}

impl<'q> Wakes<'q> {
    pub fn new(point: &'q WaitPoint) -> Self {
        Self { point, owed: None, order: WakeOrder::default(), count: 0 }
    }

    /// Before a commit, by which this claim ends, that a sleeper is to know of.
    #[cold]
    pub fn will_wake(&mut self, who: &Operation<'q>, claim: &AtomicU32) {
        self.order = self.order.and(self.point.will_wake());
        if self.owed.is_none() {
            self.owed = who.guard_wake(claim, self.point.death_word());
        }
    }

    /// Wakes as many as there were commits for.
    pub fn give(self) {
        self.point.hint.waking();
        if self.count > 0 {
            // As for a single message: see `transfer`.
            fence(Ordering::SeqCst);
            self.point.wake(self.count, self.order);
        }
        drop(self.owed);
    }
}
