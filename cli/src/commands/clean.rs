//! `rsipc clean`: removes what nobody has, and nobody would miss.

mod contents;
mod lease;
mod leftovers;
mod options;
mod removal;
mod tally;

use std::fs;
use std::io::{self, Write};

use rsipc_core::sysv::registry;

use crate::failure::{Failure, Result};
use crate::objects::segment::Attachments;
use crate::objects::{State, segment, sysv};
use crate::output::{say, time, warn};
use crate::survey::{Depth, Entry, Survey};
pub use options::Options;
use removal::{Reporter, Verdict, is_mine, remove_file};
use tally::{Tally, objects};

pub fn run(options: &Options) -> Result<()> {
    lease::ignore_breaks();
    if options.asks() {
        let found = sweep(options, Reporter::new(true, true))?;
        if found.gone == 0 {
            say(found.shown(true, options.older_than));
            return Ok(());
        }
        if !is_agreed(found.gone) {
            say("nothing was removed");
            return Ok(());
        }
    }
    // What is kept was told before the question.
    let tally = sweep(options, Reporter::new(options.dry_run, !options.asks()))?;
    say(tally.shown(options.dry_run, options.older_than));
    match tally.failures {
        0 => Ok(()),
        1 => Err(Failure::new("one object could not be removed")),
        failures => Err(Failure::new(format!("{failures} objects could not be removed"))),
    }
}

/// Asks on the terminal. Anything but yes is no.
fn is_agreed(count: u64) -> bool {
    let mut answer = String::new();
    let mut terminal = io::stderr().lock();
    let asked = write!(terminal, "Remove {}? [y/N] ", objects(count));
    let asked = asked.and_then(|()| terminal.flush());
    asked.and_then(|()| io::stdin().read_line(&mut answer)).is_ok()
        && matches!(answer.trim(), "y" | "Y" | "yes" | "Yes")
}

/// Goes through all objects, and then what belongs to none.
fn sweep(options: &Options, mut reporter: Reporter) -> Result<Tally> {
    // Before the queues: a FIFO of a queue that is made meanwhile is not among them.
    let leftovers = leftovers::list()?;
    let survey = Survey::take(Depth::Objects)?;
    let is_candidate = |entry: &&Entry| {
        options.selection.means(&entry.object) && entry.object.is_here() && entry.holders.is_empty()
    };
    for entry in survey.entries.iter().filter(is_candidate) {
        consider(entry, &survey, options, &mut reporter)?;
    }
    if options.selection.is_all() {
        leftovers::clean(&leftovers, &survey, options, &mut reporter)?;
    }
    if reporter.is_dry_run && !survey.is_complete() {
        warn(format!(
            "{}; an object that one of them has open will not be removed",
            survey.what_is_hidden()
        ));
    }
    Ok(reporter.tally)
}

/// An object that no process was seen to have.
fn consider(
    entry: &Entry,
    survey: &Survey,
    options: &Options,
    reporter: &mut Reporter,
) -> Result<()> {
    let object = &entry.object;
    let Some(metadata) = object.metadata.as_ref().filter(|metadata| is_mine(metadata)) else {
        return Ok(());
    };
    if !options.is_old(metadata) {
        reporter.tally.young += 1;
        return Ok(());
    }
    let held = contents::at(object).filter(|_| !options.force);
    let verdict = match held {
        Some(because) => Ok(Verdict::Kept(because)),
        None if reporter.is_dry_run => Ok(Verdict::WouldGo),
        None => remove(entry, survey, options.force),
    };
    let what = format!("{} {}", object.kind().name(), object.shown_name());
    let age = time::short(time::since(metadata.last_use));
    let trouble = object.common().and_then(|common| common.trouble());
    let why = match (trouble, survey.is_complete()) {
        (Some(trouble), _) => format!("{trouble}, last used {age} ago"),
        (None, true) => format!("no process has it, last used {age} ago"),
        // Where it is removed, the kernel has said that nobody has it.
        (None, false) if !reporter.is_dry_run => format!("no process has it, last used {age} ago"),
        (None, false) => format!("no process was seen to have it, last used {age} ago"),
    };
    reporter.report(&what, &why, metadata.allocated, verdict)
}

fn remove(entry: &Entry, survey: &Survey, force: bool) -> io::Result<Verdict> {
    let object = &entry.object;
    let gone = remove_file(&object.path, object.id, survey, force, |file| {
        // Somebody may have had it open since we looked, and has left something.
        let attachments = Attachments::default();
        let now = match file {
            Some(file) => State::read(object.kind(), file, &attachments),
            None => State::at(object.kind(), &object.path, &attachments),
        };
        if let Some(because) = contents::of(&now, object, file).filter(|_| !force) {
            return Some(because);
        }
        if let State::Mq(Ok(queue)) = &now {
            // As the library does it: who is killed in between leaves no FIFO that belongs to
            // nothing.
            let _ = fs::remove_file(&queue.fifo);
        }
        if let Some(common) = sysv::common(&now) {
            // Nobody has it, or can open it: so nobody else removes it, or uses its key.
            registry::unlink_key(common.family, common.key, common.id, registry::ALL);
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
