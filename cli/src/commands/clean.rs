//! `rsipc clean`: removes what nobody has, and nobody would miss.

mod contents;
mod lease;
mod leftovers;

use std::fs::{self, File};
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

/// Remove objects that nobody has open or mapped, and that hold nothing
#[derive(Args)]
pub struct Options {
    /// Only say what would be removed
    #[arg(long)]
    dry_run: bool,
    /// Also what holds messages or has no token, and what cannot be looked into
    #[arg(long)]
    force: bool,
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
    Kept(String),
}

impl Verdict {
    fn kept(because: &str) -> Self {
        Self::Kept(because.to_owned())
    }
}

pub fn run(options: &Options) -> Result<()> {
    lease::ignore_breaks();
    // Before the queues: a FIFO of a queue that is made meanwhile is not among them.
    let leftovers = leftovers::list()?;
    let survey = Survey::take()?;
    let mut failures = 0;
    for entry in survey.entries.iter().filter(|entry| options.covers(entry)) {
        let Some(metadata) = entry.object.metadata.as_ref().filter(|metadata| is_mine(metadata))
        else {
            continue;
        };
        let held = contents::of(&entry.object.state).filter(|_| !options.force);
        let verdict = match held {
            Some(because) => Ok(Verdict::Kept(because)),
            None if options.dry_run => Ok(Verdict::WouldGo),
            None => remove(&entry.object, &survey, options.force),
        };
        let what = format!("{} {}", entry.object.kind().name(), entry.object.shown_name());
        let why =
            format!("nobody has it, last used {} ago", time::short(time::since(metadata.last_use)));
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

fn remove(object: &Object, survey: &Survey, force: bool) -> std::io::Result<Verdict> {
    let gone = remove_file(&object.path, object.id, survey, |file| {
        // Somebody may have had it open since we looked, and has left something.
        let now = match file {
            Some(file) => State::read(object.kind(), file),
            None => State::at(object.kind(), &object.path),
        };
        if let Some(because) = contents::of(&now).filter(|_| !force) {
            return Some(because);
        }
        if let State::Mq(Ok(queue)) = &now {
            // As the library does it: who is killed in between leaves no FIFO that belongs to
            // nothing.
            let _ = fs::remove_file(&queue.fifo);
        }
        None
    })?;
    if let (Verdict::Removed, State::Mq(Ok(queue))) = (&gone, &object.state) {
        for part in &queue.parts {
            let _ = fs::remove_file(part);
        }
    }
    Ok(gone)
}

/// Removes a file that nobody has. `first` is done when that is certain, with the file if it may be
/// read; it may find a reason against it.
fn remove_file(
    path: &Path,
    id: FileId,
    survey: &Survey,
    first: impl FnOnce(Option<&File>) -> Option<String>,
) -> std::io::Result<Verdict> {
    let claim = lease::claim(path)?;
    let still_there =
        fs::symlink_metadata(path).is_ok_and(|now| FileId::of(&now) == id && now.nlink() > 0);
    let file = match &claim {
        _ if !still_there => return Ok(Verdict::kept("it has changed meanwhile")),
        Claim::Held => return Ok(Verdict::kept("a process that may not be looked into has it")),
        Claim::Unknown if !survey.is_complete() => {
            return Ok(Verdict::kept(
                "a process that may not be looked into might have it; root can tell",
            ));
        }
        Claim::Unknown => None,
        Claim::Free(file) => Some(file),
    };
    match first(file) {
        Some(because) => Ok(Verdict::Kept(because)),
        None => fs::remove_file(path).map(|()| Verdict::Removed),
    }
}
