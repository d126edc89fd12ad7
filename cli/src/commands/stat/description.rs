//! An object in words, a line for each thing.

use std::fmt::Write;

use crate::output::style::{Style, Tone};

/// Lines of a description: a label and what belongs to it.
pub struct Description {
    pub text: String,
    style: Style,
}

impl Description {
    /// With its first line: the name, and what it is.
    pub fn new(name: &str, what: &str, style: Style) -> Self {
        Self { text: format!("{}: {what}\n", style.paint(Tone::Heading, name)), style }
    }

    pub fn line(&mut self, label: &str, what: impl AsRef<str>) {
        let label = self.style.paint(Tone::Faint, &format!("{label:<10}"));
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "  {label} {}", what.as_ref());
    }
}

/// `1 wait`, `3 waits`
pub fn count(number: u64, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

/// A semaphore of a set: its value, how many wait for an increase and for zero, and its last user.
pub fn semaphore(
    number: usize,
    value: u64,
    waiting: [u64; 2],
    last: Option<impl std::fmt::Display>,
) -> String {
    let mut text = format!("{number}: value {value}");
    // Writing to a String cannot fail.
    for (waiting, what) in waiting.into_iter().zip(["an increase", "zero"]) {
        if waiting > 0 {
            let _ = write!(text, ", {} for {what}", count(waiting, "waits", "wait"));
        }
    }
    if let Some(last) = last {
        let _ = write!(text, ", last used by {last}");
    }
    text
}
