//! What became of all objects together.

use std::time::Duration;

use crate::output::{amount, time};

/// See the module.
#[derive(Default)]
pub struct Tally {
    /// Removed, or to be removed.
    pub gone: u64,
    /// Bytes of memory that those take.
    pub bytes: u64,
    pub kept: u64,
    /// Used not long enough ago.
    pub young: u64,
    pub failures: u64,
}

impl Tally {
    /// In a line.
    pub fn shown(&self, is_dry_run: bool, older_than: Duration) -> String {
        let verb = if is_dry_run { "would remove" } else { "removed" };
        let mut parts = vec![match self.gone {
            0 => "nothing to remove".to_owned(),
            gone => format!("{verb} {}, {} of memory", objects(gone), amount::in_words(self.bytes)),
        }];
        if self.kept > 0 {
            parts.push(format!("kept {}", objects(self.kept)));
        }
        if self.young > 0 {
            let (verb, age) =
                (if self.young == 1 { "was" } else { "were" }, time::short(older_than));
            parts.push(format!(
                "{} {verb} used within {age} (--older-than 0s includes them)",
                objects(self.young)
            ));
        }
        parts.join("; ")
    }
}

/// `1 object`, `3 objects`
pub fn objects(count: u64) -> String {
    if count == 1 { "1 object".to_owned() } else { format!("{count} objects") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_for_all() {
        let hour = Duration::from_hours(1);
        let tally = Tally { gone: 2, bytes: 8192, kept: 1, young: 3, failures: 0 };
        assert_eq!(
            tally.shown(false, hour),
            "removed 2 objects, 8192 bytes of memory; kept 1 object; \
             3 objects were used within 1h (--older-than 0s includes them)"
        );
        assert_eq!(Tally::default().shown(true, hour), "nothing to remove");
    }
}
