//! What the user wants to be cleaned.

use std::io::{self, IsTerminal};
use std::time::Duration;

use clap::Args;

use crate::commands::selection::Selection;
use crate::objects::file::Metadata;
use crate::output::time;

/// Remove objects that no process has open or mapped, and that hold nothing
#[derive(Args)]
pub struct Options {
    /// Show what would be removed, and remove nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Remove without asking first; without a terminal to ask on, nothing is removed otherwise
    #[arg(long, short)]
    yes: bool,
    /// Also remove objects that hold messages or data, have the value 0 or will be undone;
    /// objects that cannot be inspected, or that an uninspectable process may have open.
    /// Without a terminal, it needs no --yes
    #[arg(long)]
    pub force: bool,
    /// Only objects that were neither opened nor changed for this long
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = time::parse)]
    pub older_than: Duration,
    #[command(flatten)]
    pub selection: Selection,
}

impl Options {
    /// Whether it has been left alone for long enough.
    pub fn is_old(&self, metadata: &Metadata) -> bool {
        time::since(metadata.last_use) >= self.older_than
    }

    /// Whether nothing may be removed before the user has agreed.
    pub fn needs_consent(&self) -> bool {
        !self.yes && !self.dry_run && (!self.force || can_ask())
    }
}

/// Whether a user at a terminal can answer.
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}
