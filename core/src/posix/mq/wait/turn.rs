//! What a waiter knows of its turn: when it leaves what is there to others, and for how long.

use crate::os::clock::{Clock, Deadline, monotonic_ns};
use crate::shared::pause::{self, Moment, Pause};
use crate::shared::wait_point::{STALLED_NS, WaitPoint};

/// How long the turn of others is waited for, in nanoseconds: usually longer than a thread is
/// preempted for.
const TURN_NS: u64 = 10_000_000;
/// How long a thread that backs off is left alone, in nanoseconds, where the other side has only
/// that thread to wait for.
const LEFT_BACKOFF_NS: i64 = 100_003;

/// See the module.
#[derive(Default)]
pub struct Turn {
    /// It has been woken, or has waited for long: now it is its turn, if it is any thread's.
    pub is_its_own: bool,
    /// The time at which it stops giving way to the turn of others, in nanoseconds of
    /// `CLOCK_MONOTONIC`.
    held_up_until: Option<u64>,
    /// It has slept once beside a thread of the other side that backs off.
    has_left_backoff: bool,
}

impl Turn {
    /// Whether it may go ahead.
    pub fn may_go(&self, point: &WaitPoint) -> bool {
        self.is_its_own || !point.is_in_turn()
    }

    /// Whether it has given way to the turn of others.
    pub fn is_held_up(&self) -> bool {
        self.held_up_until.is_some()
    }

    /// Whether it has given way for long enough.
    pub fn is_held_up_enough(&self) -> bool {
        self.held_up_until.is_some_and(|until| monotonic_ns() >= until)
    }

    /// No other thread came for what is there.
    pub fn take(&mut self, point: &WaitPoint) {
        self.is_its_own = true;
        point.end_turns();
    }

    /// Until it has given way for long enough, or the deadline.
    pub fn until_held_up_enough(&mut self, deadline: Option<Deadline>) -> Deadline {
        let now = monotonic_ns();
        let until = *self.held_up_until.get_or_insert(now + TURN_NS);
        earlier(deadline, i64::try_from(until.saturating_sub(now)).unwrap_or(0) + 1)
    }

    /// How long, in nanoseconds, it leaves the next wake to a thread that has been woken. One of
    /// the other side, `other`, may back off although no newcomer is there any more, and there is
    /// something for it, `is_ready`: this thread wakes it at its second sleep. At the first it may
    /// only have been faster than a newcomer.
    pub fn until_stalled(&mut self, other: &WaitPoint, is_ready: impl FnOnce() -> bool) -> i64 {
        if other.backs_off() && is_ready() {
            if !self.has_left_backoff {
                self.has_left_backoff = true;
                return LEFT_BACKOFF_NS;
            }
            other.end_backoff();
        }
        STALLED_NS.cast_signed() + 1
    }

    /// For a thread that cannot sleep: until it is no other thread's turn, or nothing is left, or
    /// it has been long enough.
    pub fn await_own(&mut self, point: &WaitPoint, is_ready: impl Fn() -> bool) {
        let end = monotonic_ns() + TURN_NS;
        while !self.may_go(point) && is_ready() {
            if monotonic_ns() >= end {
                return self.take(point);
            }
            pause::sleep();
        }
    }
}

/// The deadline, or so many nanoseconds from now.
pub fn earlier(deadline: Option<Deadline>, nanoseconds: i64) -> Deadline {
    match deadline {
        None => Deadline::after_ns(Clock::Monotonic, nanoseconds),
        Some(deadline) => deadline.or_after_ns(nanoseconds),
    }
}

/// How long a call that must not sleep waits for threads that may be about to do their part.
#[derive(Default)]
pub struct Refusal {
    moment: Moment,
    pause: Pause,
}

impl Refusal {
    /// Waits a moment. False, at once: there is nothing to wait for, or it has been long enough.
    /// `other`: where sleepers of the other side wait. `is_promised`: another thread has said that
    /// what is missing comes.
    pub fn waits(&mut self, other: &WaitPoint, is_promised: impl FnOnce() -> bool) -> bool {
        if other.expects_one() && !other.is_stalled() {
            // Longer: it is certain that the thread was woken.
            return self.pause.wait();
        }
        (other.is_awaited() || is_promised()) && self.moment.wait()
    }
}
