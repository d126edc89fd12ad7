//! `rsipc stat NAME`: everything about one object, in words.

use std::fmt::Write;

use clap::Args;

use super::ls::Listing;
use crate::failure::{Failure, Result, reason};
use crate::objects::file::Metadata;
use crate::objects::name::{self, Name};
use crate::objects::{Kind, Purpose, State, queue, semaphore};
use crate::output::style::{Style, Tone};
use crate::output::{amount, escape, json, print, time, user, warn};
use crate::survey::{Entry, Holder, Survey};

/// Tell everything about one object
#[derive(Args)]
pub struct Options {
    #[arg(value_parser = Name::parser(), help = name::HELP)]
    name: Name,
    /// Only of this kind: a semaphore and a queue may have the same name
    #[arg(long)]
    kind: Option<Kind>,
    /// Print JSON for programs
    #[arg(long, conflicts_with = "line")]
    json: bool,
    /// Of a queue, the line that the kernel shows for one of its own
    #[arg(long)]
    line: bool,
}

pub fn run(options: &Options) -> Result<()> {
    let mut survey = Survey::take()?;
    survey.entries.retain(|entry| {
        entry.object.name == options.name.bytes()
            && options.kind.is_none_or(|kind| kind == entry.object.kind())
    });
    if survey.entries.is_empty() {
        let what = options.kind.map_or("object", Kind::describe);
        return Err(Failure::new(format!("there is no {what} {}", options.name.shown()))
            .advise("`rsipc ls` shows what there is"));
    }
    if options.json {
        return json::print_document(Listing::of(&survey));
    }
    if options.line {
        return print_line(&survey, &options.name);
    }
    let style = Style::of_stdout();
    let texts: Vec<String> =
        survey.entries.iter().map(|entry| describe(entry, &survey, style)).collect();
    print(texts.join("\n"))?;
    if !survey.is_complete() {
        warn(survey.what_is_hidden());
    }
    Ok(())
}

fn print_line(survey: &Survey, name: &Name) -> Result<()> {
    let queue = survey.entries.iter().find_map(|entry| match &entry.object.state {
        State::Mq(Ok(queue)) => Some(queue),
        _ => None,
    });
    let queue = queue.ok_or_else(|| {
        Failure::new(format!("{} is no message queue that may be read", name.shown()))
            .advise("`rsipc ls mq` shows the queues")
    })?;
    print(format!("{}\n", queue.kernel_line()))
}

/// Lines of a description: a label and what belongs to it.
struct Description {
    text: String,
    style: Style,
}

impl Description {
    fn line(&mut self, label: &str, what: impl AsRef<str>) {
        let label = self.style.paint(Tone::Faint, &format!("{label:<10}"));
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "  {label} {}", what.as_ref());
    }
}

/// An object in words, a line for each thing.
pub fn describe(entry: &Entry, survey: &Survey, style: Style) -> String {
    let object = &entry.object;
    let title = style.paint(Tone::Heading, &object.shown_name());
    let unlinked =
        if object.unlinked { ", unlinked: it goes when the last holder lets go of it" } else { "" };
    let mut out =
        Description { text: format!("{title}: {}{unlinked}\n", object.kind().describe()), style };
    describe_state(&object.state, &mut out);
    describe_waiters(entry, survey, &mut out);
    describe_holders(entry, survey, &mut out);
    if let Some(metadata) = &object.metadata {
        describe_file(metadata, object.mode().unwrap_or(metadata.mode), &mut out);
    }
    if !object.unlinked {
        out.line("file", escape::word(object.path.as_os_str().as_encoded_bytes()));
    }
    out.text
}

fn describe_state(state: &State, out: &mut Description) {
    match state {
        State::Sem(Ok(semaphore)) => describe_semaphore(*semaphore, out),
        State::Mq(Ok(queue)) => describe_queue(queue, out),
        State::Sem(Err(error)) | State::Mq(Err(error)) => {
            out.line("state", format!("cannot be read: {}", reason(error)));
        }
        State::Shm => {}
    }
}

fn describe_semaphore(state: semaphore::State, out: &mut Description) {
    let meaning = if state.value == 0 { "the next wait sleeps" } else { "the next wait takes one" };
    out.line("value", format!("{}: {meaning}", state.value));
    out.line("registered", count(u64::from(state.registered), "wait", "waits"));
}

fn describe_queue(queue: &queue::State, out: &mut Description) {
    let room = match queue.messages {
        0 => "empty: a receive sleeps",
        full if full >= queue.max_messages => "full: a send sleeps",
        _ => "neither empty nor full",
    };
    out.line("messages", format!("{} of {}: {room}", queue.messages, queue.max_messages));
    out.line("sent", count(queue.sent, "message", "messages"));
    out.line("bytes", format!("{}, at most {} a message", queue.bytes, queue.message_size));
    if let Some(registered) = queue.notify {
        out.line("notifies", format!("process {} of the next message", registered.pid));
    }
}

fn describe_waiters(entry: &Entry, survey: &Survey, out: &mut Description) {
    for waiter in &entry.waiters {
        let mut text = format!("{} {}", escape::text(survey.program(waiter.pid)), waiter.pid);
        if waiter.tid != waiter.pid {
            let _ = write!(text, ", thread {}", waiter.tid);
        }
        let _ = write!(text, ": waits for {}", waiter.purpose.describe());
        match waiter.offset {
            Some(offset) if waiter.purpose == Purpose::Change => {
                let _ = write!(text, ", at byte {offset}");
            }
            None => text.push_str(", in poll"),
            Some(_) => {}
        }
        out.line("waiter", text);
    }
    match (entry.waiters.is_empty(), entry.knows_all_waiters(survey)) {
        (true, true) => out.line("waiters", "none"),
        (true, false) => out.line("waiters", "not known"),
        (false, _) => {}
    }
}

fn describe_holders(entry: &Entry, survey: &Survey, out: &mut Description) {
    for holder in &entry.holders {
        let program = escape::text(survey.program(holder.pid));
        out.line("holder", format!("{program} {}: {}", holder.pid, how(holder)));
    }
    match entry.is_stale(survey) {
        Some(true) => out.line("holders", "none: stale"),
        None => out.line("holders", "none seen"),
        Some(false) => {}
    }
}

fn how(holder: &Holder) -> String {
    let descriptors: Vec<String> = holder.descriptors.iter().map(u32::to_string).collect();
    match (holder.mapped, descriptors.is_empty()) {
        (true, true) => "mapped".to_owned(),
        (true, false) => format!("mapped, and open as {}", descriptors.join(", ")),
        (false, _) => format!("open as {}", descriptors.join(", ")),
    }
}

fn describe_file(metadata: &Metadata, mode: u32, out: &mut Description) {
    let user = user::user(metadata.uid).unwrap_or_else(|| metadata.uid.to_string());
    let group = user::group(metadata.gid).unwrap_or_else(|| metadata.gid.to_string());
    out.line("owner", format!("{user}, group {group}, mode {mode:04o}"));
    let taken = amount::short(metadata.allocated);
    out.line("size", format!("{} bytes, {taken} of memory taken", metadata.size));
    out.line("created", format!("{} ago", time::short(time::since(metadata.created))));
    out.line(
        "last use",
        format!("{} ago: opened, resized or changed", time::short(time::since(metadata.last_use))),
    );
}

fn count(number: u64, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}
