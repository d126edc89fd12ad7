//! What may be asked of a watched run.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};

/// How a run is watched.
#[derive(Args)]
#[expect(clippy::option_option, reason = "absent, given, given with a value: so clap tells them")]
pub struct Wishes {
    /// Record each IPC call of all processes of the run, to FILE or to standard error
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    pub trace: Option<Option<PathBuf>>,
    /// Format of the record
    #[arg(long, value_enum, value_name = "FORMAT", requires = "trace")]
    #[arg(default_value_t = Format::Text)]
    pub trace_format: Format,
    /// Report wrong uses of the calls; with =fatal, a finding makes the exit status 66
    #[arg(long, value_name = "fatal", num_args = 0..=1, require_equals = true)]
    pub check: Option<Option<Severity>>,
    /// With --check: report a wait that lasts this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3, requires = "check")]
    pub patience: u32,
    /// Delay and interrupt calls at random, or kill a process; the same seed repeats its decisions
    #[arg(long, value_name = "SEED|kill|kill:SEED", num_args = 0..=1, require_equals = true)]
    pub chaos: Option<Option<Chaos>>,
}

impl Wishes {
    /// Whether there are any.
    pub fn is_watched(&self) -> bool {
        self.trace.is_some() || self.check.is_some() || self.chaos.is_some()
    }

    /// Whether a finding changes the exit status.
    pub fn is_fatal(&self) -> bool {
        matches!(self.check, Some(Some(Severity::Fatal)))
    }
}

/// How a record of calls is written.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Lines to read
    Text,
    /// A line of JSON for each call
    Json,
    /// The trace event format, for Perfetto and chrome://tracing
    Chrome,
}

/// What a finding does.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Severity {
    /// It changes the exit status
    Fatal,
}

/// What is left to chance, and which chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chaos {
    /// A process is killed.
    pub kills: bool,
    /// None: any.
    pub seed: Option<u64>,
}

impl FromStr for Chaos {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kills, seed) = match text.strip_prefix("kill") {
            Some("") => return Ok(Self { kills: true, seed: None }),
            Some(rest) => (true, rest.strip_prefix(':').unwrap_or("none")),
            None => (false, text),
        };
        match seed.parse() {
            Ok(seed) => Ok(Self { kills, seed: Some(seed) }),
            Err(_) => Err("give a number, kill, or kill: with a number".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_chaos_may_be() {
        let of = |text: &str| text.parse::<Chaos>();
        assert_eq!(of("17"), Ok(Chaos { kills: false, seed: Some(17) }));
        assert_eq!(of("kill"), Ok(Chaos { kills: true, seed: None }));
        assert_eq!(of("kill:3"), Ok(Chaos { kills: true, seed: Some(3) }));
        assert!(of("kill3").is_err() && of("").is_err() && of("x").is_err());
    }
}
