//! The reasons for unsafe code.

use std::fs;
use std::path::Path;

/// How a reason begins that has to be looked for elsewhere, and so is none. What the caller vouches
/// for stands in the documentation of the function.
const ELSEWHERE: [&str; 8] =
    ["above", "as above", "as before", "as in", "ditto", "see", "so is", "the same"];

/// The reasons of this file that are none.
pub fn of_file(root: &Path, file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).expect("a source is text");
    let name = file.strip_prefix(root).unwrap_or(file).display();
    let lines: Vec<&str> = text.lines().collect();
    let reasons = lines.iter().enumerate().filter_map(|(index, line)| {
        let (before, reason) = line.split_once("SAFETY:")?;
        // The words themselves, in a string.
        let is_comment = before.contains("//");
        let next = || lines.get(index + 1).map_or("", |line| line.trim_start_matches([' ', '/']));
        let reason = if reason.trim().is_empty() { next() } else { reason.trim() };
        is_comment.then_some((index + 1, reason.to_lowercase()))
    });
    let points_elsewhere = |reason: &str| {
        ELSEWHERE.iter().any(|words| {
            let rest = reason.strip_prefix(words);
            rest.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
        })
    };
    let found = reasons.filter(|(_, reason)| reason.is_empty() || points_elsewhere(reason));
    found.map(|(number, reason)| format!("{name}:{number}: SAFETY: {reason}")).collect()
}
