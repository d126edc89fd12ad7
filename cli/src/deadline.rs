//! From a length of time to the point in time that a wait ends at.

use std::time::Duration;

use rsipc_core::os::clock::{Clock, Deadline};

/// So long from now; what is longer than a lifetime is a lifetime.
pub fn after(clock: Clock, timeout: Duration) -> Deadline {
    const LIFETIME: i64 = i64::MAX / 2;
    Deadline::after_ns(clock, i64::try_from(timeout.as_nanos()).unwrap_or(LIFETIME).min(LIFETIME))
}
