//! `rsipc clean`: removes what nobody has.

mod lease;
mod leftovers;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use clap::Args;

use crate::failure::{Failure, Result, reason};
use crate::objects::file::{FileId, Metadata};
use crate::objects::{Kind, Object, State};
use crate::output::{print, time, warn};
use crate::survey::{Entry, Survey};
use lease::Claim;

/// Remove objects that nobody has open or mapped
#[derive(Args)]
pub struct Options {
    /// Only say what would be removed
    #[arg(long)]
    dry_run: bool,
    /// Only what nobody has opened or changed for this long
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = time::parse)]
    older_than: Duration,
    /// Only objects of these kinds
    kinds: Vec<Kind>,
}

/// What becomes of an object that seems to be stale.
enum Verdict {
    Removed,
    /// Nothing was removed, because nothing was to be.
    WouldGo,
    /// And why.
    Kept(&'static str),
}

pub fn run(options: &Options) -> Result<()> {
    lease::ignore_breaks();
    // Before the queues: a FIFO of a queue that is made meanwhile is not among them.
    let leftovers = leftovers::list()?;
    let survey = Survey::take()?;
    let mut failures = 0;
    for entry in survey.entries.iter().filter(|entry| options.covers(entry)) {
        let Some(metadata) = entry.object.metadata.as_ref().filter(|metadata| is_mine(metadata)) else {
            continue;
        };
        let verdict = if options.dry_run { Ok(Verdict::WouldGo) } else { remove(&entry.object, &survey) };
        let what = format!("{} {}", entry.object.kind().name(), entry.object.shown_name());
        let why = format!("nobody has it, last used {} ago", time::short(time::since(metadata.last_use)));
        failures += report(&what, &why, verdict)?;
    }
    if options.kinds.is_empty() {
        failures += leftovers::clean(&leftovers, &survey, options)?;
    }
    if options.dry_run && !survey.is_complete() {
        warn(format!(
            "{}; whether one of them has an object shows when it is to be removed, and then it stays",
            survey.what_is_hidden()
        ));
    }
    match failures {
        0 => Ok(()),
        1 => Err(Failure::new("one object could not be removed")),
        _ => Err(Failure::new(format!("{failures} objects could not be removed"))),
    }
}

impl Options {
    fn covers(&self, entry: &Entry) -> bool {
        let object = &entry.object;
        (self.kinds.is_empty() || self.kinds.contains(&object.kind()))
            && !object.unlinked
            && entry.holders.is_empty()
            && object.metadata.as_ref().is_some_and(|metadata| self.is_old(metadata))
    }

    fn is_old(&self, metadata: &Metadata) -> bool {
        time::since(metadata.last_use) >= self.older_than
    }
}

/// Others' objects are not for an ordinary user to remove.
fn is_mine(metadata: &Metadata) -> bool {
    // SAFETY: takes no arguments.
    let user = unsafe { libc::geteuid() };
    user == 0 || user == metadata.uid
}

/// Tells the verdict. Gives the number of failures.
fn report(what: &str, why: &str, verdict: std::io::Result<Verdict>) -> Result<u32> {
    match verdict {
        Ok(Verdict::Removed) => print(format!("removed {what}: {why}\n"))?,
        Ok(Verdict::WouldGo) => print(format!("would remove {what}: {why}\n"))?,
        Ok(Verdict::Kept(because)) => print(format!("kept {what}: {because}\n"))?,
        Err(error) => {
            warn(format!("cannot remove {what}: {}", reason(&error)));
            return Ok(1);
        }
    }
    Ok(0)
}

fn remove(object: &Object, survey: &Survey) -> std::io::Result<Verdict> {
    remove_file(&object.path, object.id, survey, || {
        if let State::Mq(Ok(queue)) = &object.state {
            // As the library does it: who is killed in between leaves no FIFO that belongs to nothing.
            let _ = fs::remove_file(&queue.fifo);
        }
    })
}

/// Removes a file that nobody has. `first` is done when that is certain.
fn remove_file(path: &Path, id: FileId, survey: &Survey, first: impl FnOnce()) -> std::io::Result<Verdict> {
    let claim = lease::claim(path)?;
    let still_there = fs::symlink_metadata(path).is_ok_and(|now| FileId::of(&now) == id && now.nlink() > 0);
    match claim {
        _ if !still_there => Ok(Verdict::Kept("it has changed meanwhile")),
        Claim::Held => Ok(Verdict::Kept("a process that may not be looked into has it")),
        Claim::Unknown if !survey.is_complete() => {
            Ok(Verdict::Kept("a process that may not be looked into might have it; root can tell"))
        }
        Claim::Unknown | Claim::Free(_) => {
            first();
            fs::remove_file(path).map(|()| Verdict::Removed)
        }
    }
}
