//! Findings as a person reads them.

use std::fmt::Write;

use super::records::{Finding, Killed};
use crate::output::escape;
use crate::output::say;
use crate::output::style::{Style, Tone};
use crate::symbols::Symbols;

/// Frames that are shown at most.
const FRAMES: usize = 12;

pub fn finding(finding: &Finding, symbols: &mut Symbols) {
    let style = Style::of_stderr();
    let object = match finding.variable.as_ref().and_then(|place| symbols.variable(place)) {
        Some(variable) => format!("{variable} ({})", finding.object),
        None => finding.object.clone(),
    };
    let mut text = style.paint(Tone::Bad, &format!("rsipc check: {}: ", finding.kind));
    if !object.is_empty() {
        let _ = write!(text, "{}: ", shown(&object));
    }
    let _ = write!(text, "{}", shown(&finding.what));
    let thread = if finding.pid == finding.tid {
        String::new()
    } else {
        format!(", thread {}", finding.tid)
    };
    let call = finding.call.as_ref().map(|call| format!(", in {call}")).unwrap_or_default();
    let program = escape::word(finding.program.as_bytes());
    let _ = write!(text, "\n  by: process {} ({program}){thread}{call}", finding.pid);
    let _ = write!(text, "\n  why: {}", finding.why);
    let frames = finding.stack.iter().flat_map(|place| symbols.frames(place));
    for frame in frames.take(FRAMES) {
        let _ = write!(text, "\n  at {}", shown(&frame));
    }
    say(text);
}

pub fn killed(killed: &Killed) {
    say(format!(
        "rsipc chaos: killed process {} ({}) {} {}",
        killed.pid,
        escape::word(killed.program.as_bytes()),
        killed.when,
        killed.call
    ));
}

fn shown(text: &str) -> String {
    escape::text(text.as_bytes())
}
