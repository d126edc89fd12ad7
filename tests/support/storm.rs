//! How long a storm lasts, and how many it kills.

use std::env;

/// Seconds that a storm lasts, as `RSIPC_STORM_SECONDS` says.
pub fn seconds(unless_set: u64) -> u64 {
    let set = env::var("RSIPC_STORM_SECONDS").ok();
    set.map_or(unless_set, |seconds| seconds.parse().expect("RSIPC_STORM_SECONDS is a number"))
}

/// How many kills are asked of a storm of so many seconds.
pub fn kills(seconds: u64) -> u64 {
    if seconds < 60 { 100 } else { 10_000 }
}

/// Panics if a storm of so many seconds was too calm. `told` is what its program has printed, which
/// begins with the number of kills.
pub fn assert_many_kills(told: &str, seconds: u64) {
    let made = told.split_once(" kills").and_then(|(number, _)| number.parse::<u64>().ok());
    let made = made.unwrap_or_else(|| panic!("no number of kills: {told}"));
    assert!(made >= kills(seconds), "{made} kills in {seconds} s, of {}", kills(seconds));
}
