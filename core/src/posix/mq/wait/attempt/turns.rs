//! When a waiter leaves what is there, or is to come, to others, and for how long.

use super::{Transfer, earlier, seems_ready};
use crate::os::clock::{Deadline, monotonic_ns};
use crate::shared::pause;
use crate::shared::wait_point::OVERDUE_NS;

/// How long the turn of others is waited for, in nanoseconds: usually longer than a thread is
/// preempted for.
const TURN_NS: u64 = 10_000_000;
/// How long a thread that backs off is left alone, in nanoseconds, where the other side has nothing
/// to do but what that thread brings.
const LEFT_BACKOFF_NS: i64 = 100_003;

/// What a waiter knows of its turn.
#[derive(Default)]
pub(super) struct Turn {
    /// It has been woken, or has waited for long: now it is its turn, if it is any thread's.
    pub(super) is_its_own: bool,
    /// The time at which it stops giving way to the turn of others, in nanoseconds of
    /// `CLOCK_MONOTONIC`.
    pub(super) held_up_until: Option<u64>,
    /// It has slept once beside a thread of the other side that may back off.
    has_left_backoff: bool,
}

impl Transfer {
    /// Newcomers have been faster than this thread, which was woken. The next wake would be in vain,
    /// too, until it has waited for long and they give way: it keeps the baton, and sleeps for so
    /// many nanoseconds. `None`: it does not.
    pub(super) fn back_off(&mut self) -> Option<i64> {
        let point = self.point();
        if !self.called.is_on_its_way() || !point.expects_one() || point.is_in_turn() {
            return None;
        }
        let patience = point.patience_left(self.arrival);
        if patience.is_some() {
            self.called.back_off();
            point.back_off();
        }
        patience
    }

    /// How long, in nanoseconds, it leaves the next wake to a thread that has been woken. One of
    /// the other side may back off although no newcomer is there any more: then this thread wakes
    /// it at its second sleep, as at the first it may have been too fast for a newcomer.
    pub(super) fn until_overdue(&mut self) -> i64 {
        let other = self.other_point();
        if other.backs_off() && seems_ready(&self.queue, self.task.other()) {
            if !self.turn.has_left_backoff {
                self.turn.has_left_backoff = true;
                return LEFT_BACKOFF_NS;
            }
            other.end_backoff();
        }
        OVERDUE_NS.cast_signed() + 1
    }

    /// No other thread came for it.
    pub(super) fn take_its_turn(&mut self) {
        self.turn.is_its_own = true;
        self.point().end_turns();
    }

    /// Until it has given way to the turn of others for long enough, or the deadline.
    pub(super) fn until_held_up_enough(&mut self, deadline: Option<Deadline>) -> Deadline {
        let now = monotonic_ns();
        let until = *self.turn.held_up_until.get_or_insert(now + TURN_NS);
        earlier(deadline, i64::try_from(until.saturating_sub(now)).unwrap_or(0) + 1)
    }

    /// For a thread that cannot sleep: until it is no other thread's turn, or nothing is left, or
    /// it has been long enough.
    pub(super) fn await_its_turn(&mut self) {
        let end = monotonic_ns() + TURN_NS;
        while !self.turn.is_its_own
            && self.point().is_in_turn()
            && seems_ready(&self.queue, self.task.wanted())
        {
            if monotonic_ns() >= end {
                return self.take_its_turn();
            }
            pause::sleep();
        }
    }
}
