//! Points in time on the clocks that waits are measured on.

use core::sync::atomic::{AtomicI64, Ordering};

use crate::os::errno::{Errno, Result};

const NS_PER_S: i64 = 1_000_000_000;

/// A full second of `CLOCK_MONOTONIC`, at most one second ahead. May lie in the past. See [`Deadline::next_look`].
static NEXT_LOOK: AtomicI64 = AtomicI64::new(0);

/// A clock that a timed wait may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// `CLOCK_REALTIME`
    Realtime,
    /// `CLOCK_MONOTONIC`
    Monotonic,
}

impl Clock {
    /// EINVAL for any other clock, as `sem_clockwait` of glibc.
    pub fn from_id(id: libc::clockid_t) -> Result<Self> {
        match id {
            libc::CLOCK_REALTIME => Ok(Self::Realtime),
            libc::CLOCK_MONOTONIC => Ok(Self::Monotonic),
            _ => Err(Errno::EINVAL),
        }
    }

    pub(super) fn id(self) -> libc::clockid_t {
        match self {
            Self::Realtime => libc::CLOCK_REALTIME,
            Self::Monotonic => libc::CLOCK_MONOTONIC,
        }
    }

    /// The time now.
    pub fn now(self) -> libc::timespec {
        read(self.id())
    }

    /// The time of the last tick, a few milliseconds ago at most: a fifth of the price.
    fn now_roughly(self) -> libc::timespec {
        read(match self {
            Self::Realtime => libc::CLOCK_REALTIME_COARSE,
            Self::Monotonic => libc::CLOCK_MONOTONIC_COARSE,
        })
    }
}

fn read(clock: libc::clockid_t) -> libc::timespec {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is valid for writing; a clock that exists cannot fail.
    unsafe { libc::clock_gettime(clock, &raw mut now) };
    now
}

/// Nanoseconds of `CLOCK_MONOTONIC`.
pub fn monotonic_ns() -> u64 {
    let now = Clock::Monotonic.now();
    u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0)
}

/// An absolute time on one of the clocks.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    /// The clock that `time` is on.
    pub clock: Clock,
    /// The point in time; `tv_nsec` is below 1,000,000,000.
    pub time: libc::timespec,
}

impl Deadline {
    /// EINVAL when `tv_nsec` is not a number of nanoseconds below one second.
    pub fn new(clock: Clock, time: libc::timespec) -> Result<Self> {
        if (0..NS_PER_S).contains(&time.tv_nsec) { Ok(Self { clock, time }) } else { Err(Errno::EINVAL) }
    }

    /// About `seconds` from now, some milliseconds early.
    pub fn about(clock: Clock, seconds: i64) -> Self {
        let mut time = clock.now_roughly();
        time.tv_sec = time.tv_sec.saturating_add(seconds);
        Self { clock, time }
    }

    /// The end of a sleep that is only to be broken off once a second, for a look. It costs no look at the clock, and
    /// so it may have passed already: who sleeps and finds that out calls [`Deadline::renew_look`] and sleeps again.
    pub fn next_look() -> Self {
        // Relaxed: any value that was ever stored will do.
        let tv_sec = NEXT_LOOK.load(Ordering::Relaxed);
        Self { clock: Clock::Monotonic, time: libc::timespec { tv_sec, tv_nsec: 0 } }
    }

    /// See [`Deadline::next_look`].
    pub fn renew_look() {
        NEXT_LOOK.store(Clock::Monotonic.now_roughly().tv_sec + 1, Ordering::Relaxed);
    }

    /// So many nanoseconds from now, at most a few seconds.
    pub fn after_ns(clock: Clock, nanoseconds: i64) -> Self {
        let mut time = clock.now();
        let sum = time.tv_nsec + nanoseconds;
        time.tv_sec = time.tv_sec.saturating_add(sum / NS_PER_S);
        time.tv_nsec = sum % NS_PER_S;
        Self { clock, time }
    }

    /// This, or so many nanoseconds from now, at most a few seconds: whichever is earlier.
    #[must_use]
    pub fn or_after_ns(self, nanoseconds: i64) -> Self {
        let other = Self::after_ns(self.clock, nanoseconds);
        if self.is_before(&other) { self } else { other }
    }

    /// Whether this comes before `other`, which is on the same clock.
    pub fn is_before(&self, other: &Self) -> bool {
        (self.time.tv_sec, self.time.tv_nsec) < (other.time.tv_sec, other.time.tv_nsec)
    }

    /// Whether the time has come.
    pub fn has_passed(&self) -> bool {
        let now = self.clock.now();
        (self.time.tv_sec, self.time.tv_nsec) <= (now.tv_sec, now.tv_nsec)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nanoseconds_must_be_below_a_second() {
        let at = |tv_nsec| Deadline::new(Clock::Realtime, libc::timespec { tv_sec: 1, tv_nsec });
        assert_eq!(at(-1).err(), Some(Errno::EINVAL));
        assert!(at(999_999_999).is_ok());
        assert_eq!(at(1_000_000_000).err(), Some(Errno::EINVAL));
    }

    #[test]
    fn the_next_look_is_within_a_second() {
        assert!(Deadline::next_look().has_passed());
        Deadline::renew_look();
        let two_seconds = Deadline::about(Clock::Monotonic, 2);
        assert!(Deadline::next_look().is_before(&two_seconds));
        assert_ne!(Deadline::next_look().time.tv_sec, 0);
    }

    #[test]
    fn a_deadline_passes() {
        assert!(Deadline::about(Clock::Monotonic, 0).has_passed());
        assert!(!Deadline::about(Clock::Monotonic, 100).has_passed());
    }
}
