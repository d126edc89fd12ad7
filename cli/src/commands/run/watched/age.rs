//! Whether a number is that of the thread it was: the kernel gives the numbers of those that have
//! ended to others.

use std::fs;

/// Whether the thread of this number was started after that moment, in nanoseconds of
/// CLOCK_MONOTONIC.
pub fn is_younger(tid: i32, moment: u64) -> bool {
    let stat = fs::read_to_string(format!("/proc/{tid}/stat")).unwrap_or_default();
    let Some(ticks) = start(&stat) else { return false };
    let second = procfs::ticks_per_second().max(1);
    let started = u128::from(ticks) * 1_000_000_000 / u128::from(second);
    // The kernel counts the time that the machine was suspended, too, and rounds down.
    let suspended = clock(libc::CLOCK_BOOTTIME).saturating_sub(clock(libc::CLOCK_MONOTONIC));
    started > u128::from(moment.saturating_add(suspended))
}

/// In ticks since the machine was started (proc(5), `starttime`).
fn start(stat: &str) -> Option<u64> {
    // Behind the name, which may have anything, the third field comes first.
    const FIELD: usize = 22 - 3;
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_ascii_whitespace().nth(FIELD)?.parse().ok()
}

fn clock(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is there to be written.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}

/// A zombie does nothing any more.
pub fn is_alive(number: i32) -> bool {
    let text = fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
    let state = text.rsplit_once(')').and_then(|(_, rest)| rest.trim_start().chars().next());
    state.is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_older_than_now() {
        let own = std::process::id().cast_signed();
        assert!(!is_younger(own, clock(libc::CLOCK_MONOTONIC)));
        assert!(is_younger(own, 0));
        assert_eq!(start("1 (a) b) S 4 5 6"), None);
        let line = format!(
            "1 (a) b) S {} 77 1",
            (4..22).map(|n| n.to_string()).collect::<Vec<_>>().join(" ")
        );
        assert_eq!(start(&line), Some(77));
    }
}
