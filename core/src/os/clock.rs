//! Points in time on the clocks that waits are measured on.

use crate::os::bare;
use crate::os::errno::{Errno, Result};

const NS_PER_S: i64 = 1_000_000_000;

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
        let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `now` is valid for writing; a clock that exists cannot fail.
        unsafe { libc::clock_gettime(self.id(), &raw mut now) };
        now
    }
}

/// Seconds of CLOCK_REALTIME at its last tick, a few milliseconds ago at most. By time(2), which is
/// one load and cheaper than `clock_gettime`.
pub fn realtime_seconds() -> u64 {
    // SAFETY: the pointer for a copy may be NULL.
    u64::try_from(unsafe { libc::time(core::ptr::null_mut()) }).unwrap_or(0)
}

/// The clock that the kernel takes the times of files from: it goes on with each tick. By a bare
/// system call, as libraries that tell a program another time change C's functions.
pub fn realtime_of_files() -> libc::timespec {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let into = (&raw mut now).expose_provenance();
    let clock = usize::try_from(libc::CLOCK_REALTIME_COARSE).unwrap_or(0);
    // SAFETY: `now` is valid for writing; the clock exists.
    unsafe { bare::call(libc::SYS_clock_gettime, [clock, into, 0, 0]) };
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
    /// Later than any machine runs: for a sleep that must have a deadline, but should not end by
    /// it.
    pub const NEVER: Self =
        Self { clock: Clock::Monotonic, time: libc::timespec { tv_sec: 1 << 32, tv_nsec: 0 } };

    /// EINVAL when `tv_nsec` is not in 0..10^9.
    pub fn new(clock: Clock, time: libc::timespec) -> Result<Self> {
        if (0..NS_PER_S).contains(&time.tv_nsec) {
            Ok(Self { clock, time })
        } else {
            Err(Errno::EINVAL)
        }
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

    /// A relative time from now on: `semtimedop`.
    pub fn after(clock: Clock, time: libc::timespec) -> Self {
        let mut until = clock.now();
        let sum = until.tv_nsec + time.tv_nsec;
        until.tv_sec = until.tv_sec.saturating_add(time.tv_sec).saturating_add(sum / NS_PER_S);
        until.tv_nsec = sum % NS_PER_S;
        Self { clock, time: until }
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
    fn a_deadline_passes() {
        assert!(Deadline::after_ns(Clock::Monotonic, 0).has_passed());
        assert!(!Deadline::after_ns(Clock::Monotonic, 100 * NS_PER_S).has_passed());
        assert!(!Deadline::NEVER.has_passed());
    }
}
