//! What the user wants to be cleaned.

use std::time::Duration;

use clap::Args;

use crate::objects::Kind;
use crate::objects::file::Metadata;
use crate::output::time;
use crate::survey::Entry;

/// Remove objects that nobody has open or mapped, and that hold nothing
#[derive(Args)]
pub struct Options {
    /// Only say what would be removed
    #[arg(long)]
    pub dry_run: bool,
    /// Also what holds messages or has no token or is to be undone, and what cannot be looked into
    #[arg(long)]
    pub force: bool,
    /// Only what nobody has opened or changed for this long
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = time::parse)]
    pub older_than: Duration,
    /// Only objects of these kinds
    pub kinds: Vec<Kind>,
}

impl Options {
    /// Whether this object may be one of those.
    pub fn covers(&self, entry: &Entry) -> bool {
        let object = &entry.object;
        (self.kinds.is_empty() || self.kinds.contains(&object.kind()))
            && !object.unlinked
            && entry.holders.is_empty()
            && object.metadata.as_ref().is_some_and(|metadata| self.is_old(metadata))
    }

    /// Whether it has been left alone for long enough.
    pub fn is_old(&self, metadata: &Metadata) -> bool {
        time::since(metadata.last_use) >= self.older_than
    }
}
