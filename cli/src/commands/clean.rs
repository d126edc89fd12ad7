//! `rsipc clean`: removes what nobody has, and nobody would miss.

mod contents;
mod lease;
mod leftovers;
mod options;
mod removal;

use std::fs;

use rsipc_core::sysv::registry;

use crate::failure::{Failure, Result};
use crate::objects::{Object, State, segment, sysv};
use crate::output::{time, warn};
use crate::survey::Survey;
pub use options::Options;
use removal::{Verdict, is_mine, remove_file, report};

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
        let age = time::short(time::since(metadata.last_use));
        let why = match entry.object.common().and_then(|common| common.trouble()) {
            Some(trouble) => format!("{trouble}, last used {age} ago"),
            None => format!("nobody has it, last used {age} ago"),
        };
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
        if let Some(common) = sysv::common(&now) {
            // Nobody has it, or can open it: so nobody else removes it, or uses its key.
            registry::unlink_key(common.family, common.key, common.id);
        }
        None
    })?;
    if let (Verdict::Removed, Some(segment)) = (&gone, object.segment()) {
        let _ = segment::memory_path(segment.id).and_then(fs::remove_file);
    }
    if let (Verdict::Removed, State::Mq(Ok(queue))) = (&gone, &object.state) {
        for part in &queue.parts {
            let _ = fs::remove_file(part);
        }
    }
    Ok(gone)
}
