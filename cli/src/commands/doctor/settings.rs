//! The settings in the environment: whether they are spelled right, and have values that do
//! something.

use std::env;
use std::os::unix::ffi::OsStrExt;

use super::finding::Finding;
use super::values;
use crate::output::escape;

const CHECK: &str = "settings";

/// What a setting may be.
enum Value {
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// Several of these words, with commas in between.
    SomeOf(&'static [&'static str]),
    /// A number of bytes.
    Number,
    /// Anything, but not all of it means what it seems to: see `values`.
    Judged(values::Judge),
    /// Another check looks at it, or the library does.
    Any,
}

const KNOWN: [(&str, Value); 17] = [
    ("RSIPC_DIR", Value::Any),
    ("RSIPC_LIB", Value::Any),
    ("RSIPC_SPIN", Value::OneOf(&["0", "1"])),
    ("RSIPC_MQ_POLL", Value::OneOf(&["always"])),
    ("RSIPC_MQ_LIMITS", Value::OneOf(&["kernel"])),
    ("RSIPC_FUTEX", Value::OneOf(&["classic", "waitv"])),
    ("RSIPC_VERBOSE", Value::OneOf(&["0", "1"])),
    ("RSIPC_SYSV", Value::SomeOf(&["sem", "msg", "shm", "none"])),
    ("RSIPC_MSGMAX", Value::Judged(values::message_max)),
    ("RSIPC_MSGMNB", Value::Number),
    ("RSIPC_SEM_GETVALUE", Value::OneOf(&["waiters"])),
    ("RSIPC_SEM_ROBUST", Value::Judged(values::patterns)),
    ("RSIPC_SEM_TRACK", Value::Judged(values::patterns)),
    ("RSIPC_MQ_TRACK", Value::Judged(values::patterns)),
    ("RSIPC_CHECK", Value::Judged(values::check)),
    ("RSIPC_CHAOS", Value::Judged(values::chaos)),
    ("RSIPC_TRACE", Value::Judged(values::trace)),
];

impl Value {
    fn admits(&self, text: &str) -> bool {
        match self {
            Self::OneOf(words) => words.contains(&text),
            Self::SomeOf(words) => text.split(',').all(|word| words.contains(&word)),
            Self::Number => text.parse::<u64>().is_ok(),
            Self::Judged(_) | Self::Any => true,
        }
    }

    fn words(&self) -> &'static [&'static str] {
        match self {
            Self::OneOf(words) | Self::SomeOf(words) => words,
            Self::Number | Self::Judged(_) | Self::Any => &[],
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::OneOf(words) => format!("it can be {}", words.join(" or ")),
            Self::SomeOf(words) => format!("it is a list of {}", words.join(", ")),
            Self::Number | Self::Judged(_) | Self::Any => values::BYTES.to_owned(),
        }
    }
}

pub fn check() -> Vec<Finding> {
    let is_ours = |name: &[u8]| name.starts_with(b"RSIPC_");
    let mut set: Vec<(String, String)> = env::vars_os()
        .filter(|(name, _)| is_ours(name.as_bytes()))
        .map(|(name, value)| (escape::text(name.as_bytes()), escape::word(value.as_bytes())))
        .collect();
    set.sort();
    let mut wrong: Vec<Finding> =
        set.iter().filter_map(|(name, value)| judge(name, value)).collect();
    if set.is_empty() {
        return vec![Finding::good(CHECK, "none are set")];
    }
    if wrong.is_empty() {
        let all: Vec<String> = set.iter().map(|(name, value)| format!("{name}={value}")).collect();
        wrong.push(Finding::good(CHECK, all.join(" ")));
    }
    wrong
}

/// What is wrong with a setting.
fn judge(name: &str, value: &str) -> Option<Finding> {
    let Some((_, admitted)) = KNOWN.iter().find(|(known, _)| *known == name) else {
        let advice = match nearest(name, KNOWN.iter().map(|(known, _)| *known)) {
            Some(known) => format!("{known} is a setting; rsipc(7) lists all of them"),
            None => "rsipc(7) lists all settings".to_owned(),
        };
        return Some(Finding::note(
            CHECK,
            format!("{name} is not a setting: it has no effect"),
            advice,
        ));
    };
    // One that is empty is as good as none.
    if value.trim_matches('\'').is_empty() {
        return None;
    }
    if let Value::Judged(judge) = admitted {
        return judge(value)
            .map(|(said, advice)| Finding::note(CHECK, format!("{name}={value} {said}"), advice));
    }
    if admitted.admits(value) {
        return None;
    }
    let advice = match nearest(value, admitted.words().iter().copied()) {
        Some(word) => format!("{}; did you mean {word}?", admitted.describe()),
        None => admitted.describe(),
    };
    Some(Finding::note(CHECK, format!("{name}={value} has no effect"), advice))
}

/// The known word that a few strokes of the keyboard lead to.
fn nearest<'w>(typed: &str, words: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    const STROKES: usize = 3;
    let typed = typed.to_ascii_lowercase();
    let with_distance = words.map(|word| (distance(&typed, &word.to_ascii_lowercase()), word));
    let near = with_distance.filter(|(strokes, word)| *strokes <= STROKES.min(word.len() / 2));
    near.min_by_key(|(strokes, _)| *strokes).map(|(_, word)| word)
}

/// Characters to insert, to leave out or to change (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (number, character) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], number + 1);
        for place in 0..other.len() {
            let changed = diagonal + usize::from(other[place] != character);
            diagonal = row[place + 1];
            row[place + 1] = changed.min(diagonal + 1).min(row[place] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_in_strokes() {
        let pairs = [("", "abc"), ("dir", "dri"), ("waitv", "waitv"), ("clasic", "classic")];
        assert_eq!(pairs.map(|(one, other)| distance(one, other)), [3, 2, 0, 1]);
    }

    #[test]
    fn what_is_near_is_found() {
        let names = || KNOWN.iter().map(|(name, _)| *name);
        assert_eq!(nearest("RSIPC_DRI", names()), Some("RSIPC_DIR"));
        assert_eq!(nearest("RSIPC_SEMGETVALUE", names()), Some("RSIPC_SEM_GETVALUE"));
        assert_eq!(nearest("RSIPC_SOMETHING_ELSE", names()), None);
    }

    #[test]
    fn values_are_judged() {
        assert!(judge("RSIPC_SYSV", "sem,msg").is_none() && judge("RSIPC_FUTEX", "''").is_none());
        assert!(judge("RSIPC_SYSV", "sem,mgs").is_some() && judge("RSIPC_MSGMNB", "8k").is_some());
    }
}
