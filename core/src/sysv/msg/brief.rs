//! Brief sleeps: those that nobody may end, as what is waited for is about to happen, or a thread
//! may be dead. The first one lasts half a millisecond; each further one is about twice as long.

use super::asleep::LONGEST_SLEEP;
use crate::os::clock::{Clock, Deadline, monotonic_ns};
use crate::os::sleep::Woken;

/// The first one, in nanoseconds.
const SHORTEST: i64 = 503_003;
/// After so many in a row, the thread that is waited for may be dead. They last 7.5 ms together:
/// mostly, it has only lost its processor.
const PATIENT: u32 = 4;
/// How long after a death a dead thread may still seem alive, in nanoseconds.
const DOUBT_NS: u64 = 1_000_000_000;

/// The sleeps of one wait.
pub struct Brief {
    /// In nanoseconds.
    next: i64,
    /// How many in a row.
    count: u32,
    /// Until then a dead thread may still seem alive.
    doubtful_until: u64,
    /// The last sleep began before that.
    was_doubtful: bool,
}

impl Brief {
    /// Before the first sleep.
    pub const NONE: Self =
        Self { next: SHORTEST, count: 0, doubtful_until: 0, was_doubtful: false };

    /// All threads have been looked at after a sleep that ended so: a thread may have died, and may
    /// not be seen to be dead yet. Not so at the end of a sleep that began in such a doubt.
    pub fn doubt(&mut self, woken: Woken) {
        if woken == Woken::TimedOut && self.was_doubtful {
            return;
        }
        if !self.is_doubtful() {
            self.restart();
        }
        self.doubtful_until = monotonic_ns() + DOUBT_NS;
    }

    /// Whether the sleep was a brief one, and only its time has ended it.
    pub fn has_passed(&self, woken: Woken) -> bool {
        woken == Woken::TimedOut && self.count > 0 && !self.was_doubtful
    }

    /// Whether it has taken so long that those that hold the waiter up may be dead.
    pub fn has_waited_long(&self) -> bool {
        self.count >= PATIENT
    }

    /// When a sleep ends that begins now. `is_near`: what is waited for is about to happen. It ends
    /// at the deadline at the latest.
    pub fn end_of_sleep(&mut self, is_near: bool, until: Option<Deadline>) -> Option<Deadline> {
        self.was_doubtful = self.is_doubtful();
        if !is_near && !self.was_doubtful {
            self.restart();
            return until;
        }
        let length = self.next;
        self.next = (length * 2 + 1).min(LONGEST_SLEEP);
        self.count += 1;
        Some(match until {
            Some(until) => until.or_after_ns(length),
            None => Deadline::after_ns(Clock::Monotonic, length),
        })
    }

    fn restart(&mut self) {
        (self.next, self.count) = (SHORTEST, 0);
    }

    fn is_doubtful(&self) -> bool {
        self.doubtful_until != 0 && monotonic_ns() < self.doubtful_until
    }
}
