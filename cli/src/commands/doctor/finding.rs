//! What a check of the doctor comes to.

use serde::Serialize;

use crate::output::style::{Style, Tone};

/// What was found, and what to do about it.
#[derive(Serialize)]
pub struct Finding {
    check: &'static str,
    pub verdict: Verdict,
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

    /// As they are shown.
    pub fn lines(&self, style: Style) -> String {
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
