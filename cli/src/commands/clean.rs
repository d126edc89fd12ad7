//! `rsipc clean`: removes what no process has open, and no user would miss.

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
use crate::objects::file::Metadata;
use crate::objects::segment::Attachments;
use crate::objects::{Object, State, segment, sysv};
use crate::output::progress::Progress;
use crate::output::{say, time, warn};
use crate::survey::{Depth, Entry, Survey};
pub use options::Options;
use options::can_ask;
use removal::{Reporter, Verdict, is_mine, remove_file};
use tally::objects;

pub fn run(options: &Options) -> Result<()> {
    lease::ignore_breaks();
    let asks = options.needs_consent();
    let mut reporter = Reporter::new(options.dry_run, !asks);
    if asks {
        let found = sweep(options, Reporter::new(true, true))?;
        let summary = found.tally.shown(true, options.older_than);
        if found.tally.gone == 0 {
            say(summary);
            return Ok(());
        }
        if !can_ask() {
            say(summary);
            return Err(Failure::new("nothing was removed: there is no terminal to ask on")
                .advise("--yes removes without asking, --dry-run only shows"));
        }
        if !is_agreed(found.tally.gone) {
            say("nothing was removed");
            return Ok(());
        }
        reporter.agree_to(found);
    }
    // What is kept was told before the question.
    let tally = sweep(options, reporter)?.tally;
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
fn sweep(options: &Options, mut reporter: Reporter) -> Result<Reporter> {
    // Before the queues: a FIFO of a queue that is made meanwhile is not among them.
    let leftovers = leftovers::list()?;
    let survey = Survey::take(Depth::Objects)?;
    let selection = options.selection.settled(&survey);
    if !reporter.has_agreement() {
        selection.is_found(&survey)?;
    }
    let meant: Vec<&Entry> =
        survey.entries.iter().filter(|entry| selection.means(&entry.object)).collect();
    let mut progress = Progress::of_count(meant.len()).beside_output();
    for entry in meant {
        progress.advance(1);
        match obstacle(entry, &survey) {
            None => consider(entry, &survey, options, &mut reporter)?,
            // A user that has asked for it by name is told.
            Some(because) if selection.has_names() => {
                reporter.keep(&shown(&entry.object), &because)?;
            }
            Some(_) => {}
        }
    }
    drop(progress);
    for object in survey.kernel.iter().filter(|object| selection.means_kernels(object)) {
        if selection.has_names() {
            let what = format!("{} {}", object.kind.name(), object.name());
            reporter
                .keep(&what, &format!("it is the kernel's; `rsipc rm {}` removes it", object.id))?;
        }
    }
    if selection.is_all() {
        leftovers::clean(&leftovers, &survey, options, &mut reporter)?;
    }
    if reporter.is_dry_run && !survey.is_complete() {
        warn(format!(
            "{}; an object that one of them has open will not be removed",
            survey.what_is_hidden()
        ));
    }
    Ok(reporter)
}

/// `sem /name`
fn shown(object: &Object) -> String {
    format!("{} {}", object.kind().name(), object.shown_name())
}

/// What this user cannot remove, and what is in use, is never considered.
fn obstacle(entry: &Entry, survey: &Survey) -> Option<String> {
    let object = &entry.object;
    if let Some(pid) = object.elsewhere {
        return Some(format!("it is in the mount namespace of {pid}"));
    }
    if !object.is_here() {
        return Some("it has no name; it goes when the last process lets it go".to_owned());
    }
    if let Some(holder) = entry.holders.first() {
        let program = survey.shown_program(holder.pid);
        return Some(format!("{program} {} has it open", holder.pid));
    }
    let is_mine = object.metadata.as_ref().is_some_and(is_mine);
    (!is_mine).then(|| "only its owner or root may remove it".to_owned())
}

/// An object that no process was seen to have.
fn consider(
    entry: &Entry,
    survey: &Survey,
    options: &Options,
    reporter: &mut Reporter,
) -> Result<()> {
    let object = &entry.object;
    let (Some(metadata), Some(allocated)) = (&object.metadata, object.allocated()) else {
        return Ok(());
    };
    let metadata = &Metadata { allocated, ..metadata.clone() };
    if !options.is_old(metadata) {
        reporter.tally.young += 1;
        return Ok(());
    }
    let held = contents::at(object).filter(|_| !options.force);
    let verdict = match held {
        Some(because) => Ok(Verdict::Kept(because)),
        None if reporter.is_dry_run => Ok(Verdict::WouldGo),
        None if !reporter.may_remove(metadata) => return Ok(()),
        None => remove(entry, survey, options.force),
    };
    let age = time::short(time::age(metadata.last_use));
    let trouble = object.common().and_then(|common| common.trouble());
    let why = match (trouble, survey.is_complete()) {
        (Some(trouble), _) => format!("{trouble}, last used {age} ago"),
        (None, true) => format!("no process has it, last used {age} ago"),
        // Where it is removed, the kernel has said that nobody has it.
        (None, false) if !reporter.is_dry_run => format!("no process has it, last used {age} ago"),
        (None, false) => format!("no process was seen to have it, last used {age} ago"),
    };
    reporter.report(&shown(object), &why, metadata, verdict)
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
            // In the order of the library: a process that is killed in between leaves no FIFO
            // without its queue.
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
