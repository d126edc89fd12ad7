//! Lengths of time as people write them.

use std::time::{Duration, SystemTime};

const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];

/// In the largest unit that it fills: `3h`.
pub fn short(length: Duration) -> String {
    let seconds = length.as_secs();
    let unit = UNITS.iter().find(|(unit, _)| seconds >= *unit);
    unit.map_or_else(|| "0s".to_owned(), |(unit, name)| format!("{}{name}", seconds / unit))
}

/// How long ago that was. Nothing when it lies in the future.
pub fn since(time: SystemTime) -> Duration {
    SystemTime::now().duration_since(time).unwrap_or_default()
}

/// How long ago that was, to be shown: from the beginning of its second. Some times are only known
/// to the second, and the order of two is the same however exactly each of them is known.
pub fn age(time: SystemTime) -> Duration {
    let since_unix = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    self::since_unix(since_unix.as_secs())
}

/// The same of a time in seconds since 1970.
pub fn since_unix(seconds: u64) -> Duration {
    let time = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
    time.map_or(Duration::ZERO, since)
}

/// A time in seconds since 1970, of the user's time zone: `2026-11-26 18:23:09`. 0: `never`.
pub fn date(seconds: u64) -> String {
    if seconds == 0 {
        return "never".to_owned();
    }
    let time = seconds.try_into().unwrap_or(libc::time_t::MAX);
    // SAFETY: all zeros is a value of it.
    let mut parts: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: valid for reading, and for writing.
    if unsafe { libc::localtime_r(&raw const time, &raw mut parts) }.is_null() {
        return format!("@{seconds}");
    }
    let libc::tm { tm_year, tm_mon, tm_mday, tm_hour, tm_min, tm_sec, .. } = parts;
    let (year, month) = (i64::from(tm_year) + 1900, tm_mon + 1);
    format!("{year}-{month:02}-{tm_mday:02} {tm_hour:02}:{tm_min:02}:{tm_sec:02}")
}

/// `90`, `90s`, `500ms`, `1.5h`, `2d`: for options.
pub fn parse(text: &str) -> Result<Duration, String> {
    const EXAMPLES: &str = "write it as 90s, 500ms, 15m, 1h or 2d";
    let split = text.find(|character: char| character.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let number: f64 = number.parse().map_err(|_| format!("not a time; {EXAMPLES}"))?;
    let unit = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        _ => return Err(format!("unknown unit {unit:?}; {EXAMPLES}")),
    };
    Duration::try_from_secs_f64(number * unit).map_err(|_| format!("out of range; {EXAMPLES}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        assert_eq!(date(0), "never");
        let shown = date(1_700_000_000);
        assert!(shown.starts_with("2023-11-1") && shown.ends_with(":20"), "{shown}");
        assert!(!date(u64::MAX).is_empty());
    }

    #[test]
    fn lengths_in_their_largest_unit() {
        let shown =
            [0, 59, 60, 7_199, 86_400 * 3].map(|seconds| short(Duration::from_secs(seconds)));
        assert_eq!(shown, ["0s", "59s", "1m", "1h", "3d"]);
    }

    #[test]
    fn an_exact_time_is_not_shown_as_later_than_its_second() {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        for back in 0..1_000 {
            let then = now.checked_sub(Duration::from_millis(back)).unwrap();
            let of_second = since_unix(then.as_secs()).as_secs();
            assert!(age(SystemTime::UNIX_EPOCH + then).as_secs() >= of_second, "{back} ms");
        }
    }

    #[test]
    fn lengths_from_the_command_line() {
        assert_eq!(parse("90"), Ok(Duration::from_secs(90)));
        assert_eq!(parse("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse("1.5h"), Ok(Duration::from_mins(90)));
        for wrong in ["", "h", "1x", "-1s", "1e400d", "nan"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
