//! What the console tells of its commands.

use std::fmt::Write;

use rsipc_core::os::Errno;

use super::catalogue::all;
use super::command::{Command, Family};
use super::explain;
use crate::failure::{from_errno, reason};

/// Names of commands are set in a column of this width.
const WIDTH: usize = 16;
/// The narrowest terminal that is thought of.
const COLUMNS: usize = 80;

/// All commands, in a line each.
pub fn overview() -> String {
    let mut text = String::new();
    for family in Family::ALL {
        let _ = writeln!(text, "{}", family.title());
        for command in all().filter(|command| command.family == family) {
            let _ = writeln!(text, "  {:<WIDTH$}{}", command.name, command.summary);
        }
    }
    text.push_str("`help COMMAND` explains its arguments and errors. `COMMAND &` makes a call that\nmay sleep in the background.");
    text
}

/// Everything about a command.
pub fn of(command: &Command) -> String {
    let mut text = format!("{}\n{}", synopsis(command), wrapped("  ", command.summary));
    text.push_str(&wrapped("  ", command.more));
    let _ = writeln!(text, "Example: {}", command.example);
    let errors: Vec<_> = explain::of(command.name).collect();
    if !errors.is_empty() {
        text.push_str("Errors:\n");
    }
    for meaning in errors {
        text.push_str(&wrapped(
            &format!("  {:<WIDTH$}", explain::name(meaning.error)),
            meaning.words,
        ));
    }
    text.trim_end().to_owned()
}

/// The text in lines of at most [`COLUMNS`], below each other, with `first` in front of it.
fn wrapped(first: &str, text: &str) -> String {
    let mut lines = String::new();
    let mut line = first.to_owned();
    let indent = first.chars().count();
    for word in text.split_whitespace() {
        let is_fresh = line.trim_end().is_empty() || line == first;
        if !is_fresh && line.chars().count() + 1 + word.chars().count() > COLUMNS {
            let _ = writeln!(lines, "{line}");
            line = " ".repeat(indent);
        } else if !is_fresh {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !text.is_empty() {
        let _ = writeln!(lines, "{line}");
    }
    lines
}

pub fn synopsis(command: &Command) -> String {
    format!("{} {}", command.name, command.arguments).trim_end().to_owned()
}

/// An error, for all calls.
pub fn of_error(error: Errno) -> String {
    let mut text =
        format!("{} ({}): {}\n", explain::name(error), error.0, reason(&from_errno(error)));
    let calls = all().map(|command| command.name);
    for (call, meaning) in calls.filter_map(|call| Some((call, explain::explain(call, error)?))) {
        text.push_str(&wrapped(&format!("  {call:<WIDTH$}"), meaning.words));
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_explained_for_commands_alone() {
        for call in explain::calls() {
            assert!(all().any(|command| command.name == call), "{call}");
        }
    }

    #[test]
    fn every_command_is_told_of() {
        let overview = overview();
        for command in all() {
            assert!(overview.contains(&format!("  {} ", command.name)), "{}", command.name);
            let help = of(command);
            assert!(help.contains(command.arguments) && help.contains(command.example), "{help}");
            assert_eq!(too_wide(&help), [] as [&str; 0]);
        }
        assert_eq!(too_wide(&overview), [] as [&str; 0]);
    }

    fn too_wide(text: &str) -> Vec<&str> {
        text.lines().filter(|line| line.chars().count() > COLUMNS).collect()
    }

    #[test]
    fn words_are_kept_whole() {
        let text = wrapped("- ", &"word ".repeat(20));
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines,
            [format!("- {}", ["word"; 15].join(" ")), format!("  {}", ["word"; 5].join(" "))]
        );
    }

    #[test]
    fn an_error_is_told_for_each_call() {
        let text = of_error(Errno::EAGAIN);
        for call in ["sem_trywait", "mq_send", "mq_receive"] {
            assert!(text.contains(call), "{text}");
        }
    }
}
