//! Values of settings that are not what they seem to be.

use std::ffi::CString;
use std::path::Path;

use crate::failure::reason;

/// What is to be said of a value, and what to do.
pub type Judge = fn(&str) -> Option<(String, String)>;

pub const BYTES: &str = "it is a number of bytes";

/// Longer no message can be.
const LONGEST: u64 = 16 << 20;

pub fn message_max(value: &str) -> Option<(String, String)> {
    match value.parse::<u64>() {
        Err(_) => Some(("has no effect".to_owned(), BYTES.to_owned())),
        Ok(bytes) if bytes > LONGEST => {
            Some((format!("counts as {LONGEST}"), "a message has up to 16 MiB".to_owned()))
        }
        Ok(_) => None,
    }
}

/// Of names. A value of 1 is meant as a switch.
pub fn patterns(value: &str) -> Option<(String, String)> {
    const SWITCHES: [&str; 8] = ["0", "1", "yes", "no", "on", "off", "true", "false"];
    let is_switch = SWITCHES.contains(&value.to_ascii_lowercase().as_str());
    is_switch.then(|| {
        let said = format!("is a pattern of names: it means the object /{value} alone");
        (said, "write '*' for all names, or unset it for none".to_owned())
    })
}

/// Anything but 0 turns it on.
pub fn check(value: &str) -> Option<(String, String)> {
    (value != "0" && value != "1").then(|| {
        let advice = "write 1; what `rsipc run --check=fatal` does has no setting".to_owned();
        ("counts as 1".to_owned(), advice)
    })
}

pub fn chaos(value: &str) -> Option<(String, String)> {
    let rest = value.strip_prefix("kill").map_or(value, |rest| match rest {
        "" => "0",
        rest => rest.trim_start_matches(':'),
    });
    rest.parse::<u64>().is_err().then(|| {
        let advice = "it is a number, kill, or kill: and a number".to_owned();
        ("is no seed: each run takes another one".to_owned(), advice)
    })
}

/// A file that is made if it is not there.
pub fn trace(value: &str) -> Option<(String, String)> {
    // With quotation marks if it has odd characters: then nothing is said.
    if value == "0" || value.contains('\'') {
        return None;
    }
    let path = Path::new(value);
    let target = match path.parent() {
        _ if path.exists() => path,
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let target = CString::new(target.as_os_str().as_encoded_bytes()).ok()?;
    // SAFETY: a C string.
    let answer = unsafe { libc::access(target.as_ptr(), libc::W_OK) };
    let error = match answer {
        0 if path.is_dir() => std::io::Error::from_raw_os_error(libc::EISDIR),
        0 => return None,
        _ => std::io::Error::last_os_error(),
    };
    let said = format!("cannot be written, so nothing is recorded: {}", reason(&error));
    Some((said, "name a file in a directory that is there and may be written to".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_are_right_are_not_complained_of() {
        assert_eq!(message_max("16777216"), None);
        assert_eq!(patterns("1*"), None);
        assert_eq!(["0", "1"].map(check), [None, None]);
        assert_eq!(["7", "kill", "kill:7"].map(chaos), [None, None, None]);
        assert_eq!(trace("/tmp/rsipc-of-no-such-name"), None);
    }

    #[test]
    fn values_that_are_not_what_they_seem() {
        let said = |judge: Judge, value| judge(value).expect("it is complained of").0;
        assert_eq!(said(message_max, "99999999999"), "counts as 16777216");
        assert!(said(patterns, "1").contains("the object /1 alone"));
        assert_eq!(said(check, "zzz"), "counts as 1");
        assert!(said(chaos, "abc").starts_with("is no seed"));
        assert!(said(trace, "/nonexistent/a").ends_with(": No such file or directory"));
    }
}
