//! `rsipc doctor`: checks the place it runs in, and says in plain words what will work and what to change.

mod calls;
mod kernel;
mod place;
mod preload;

use clap::Args;
use serde::Serialize;

use crate::failure::{Failure, Result};
use crate::output::style::{Style, Tone};
use crate::output::{json, print};

/// Check this machine: what will work, and what to change
#[derive(Args)]
pub struct Options {
    /// Print JSON for programs
    #[arg(long)]
    json: bool,
}

/// What was found, and what to do about it.
#[derive(Serialize)]
pub struct Finding {
    check: &'static str,
    verdict: Verdict,
    said: String,
    advice: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It works.
    Good,
    /// It works, within limits.
    Note,
    /// Something will not work.
    Bad,
}

impl Finding {
    pub fn good(check: &'static str, said: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Good, said: said.into(), advice: None }
    }

    pub fn note(check: &'static str, said: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Note, said: said.into(), advice: Some(advice.into()) }
    }

    pub fn bad(check: &'static str, said: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Bad, said: said.into(), advice: Some(advice.into()) }
    }

    fn lines(&self, style: Style) -> String {
        let (mark, tone) = match self.verdict {
            Verdict::Good => ("ok", Tone::Good),
            Verdict::Note => ("note", Tone::Notable),
            Verdict::Bad => ("BAD", Tone::Bad),
        };
        let mark = style.paint(tone, &format!("{mark:<4}"));
        let advice = self.advice.iter().map(|advice| format!("                 -> {advice}\n"));
        format!("{mark} {:<11} {}\n{}", self.check, self.said, advice.collect::<String>())
    }
}

#[derive(Serialize)]
struct Diagnosis {
    findings: Vec<Finding>,
}

pub fn run(options: &Options) -> Result<()> {
    let mut findings = place::check();
    findings.extend(calls::check());
    findings.extend(kernel::check());
    findings.extend(preload::check());
    let bad = findings.iter().filter(|finding| finding.verdict == Verdict::Bad).count();
    if options.json {
        json::print_document(Diagnosis { findings })?;
    } else {
        let style = Style::of_stdout();
        print(findings.iter().map(|finding| finding.lines(style)).collect::<String>())?;
    }
    match bad {
        0 => Ok(()),
        1 => Err(Failure::new("one thing will not work")),
        _ => Err(Failure::new(format!("{bad} things will not work"))),
    }
}
