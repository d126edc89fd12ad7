//! `rsipc stat NAME`: everything about one object, in words.

mod description;
mod kernel;
mod set;
mod sysv;
pub mod track;

use std::fmt::Write;

use clap::Args;
use rsipc_core::posix::sem::ledger::holders::Holder as Taker;

use super::ls::Listing;
use crate::deadlock;
use crate::failure::{Failure, Result, reason};
use crate::objects::file::Metadata;
use crate::objects::messages::shown_wanted;
use crate::objects::pattern::Asked;
use crate::objects::set::shown_operations;
use crate::objects::{Kind, Object, Purpose, State, queue, semaphore};
use crate::output::style::Style;
use crate::output::{amount, complain, escape, json, print, print_folded, time, user, warn};
use crate::processes::Access;
use crate::survey::{Confidence, Depth, Entry, Holder, Survey, Waiter};
use description::{Description, count};

/// Show everything that is known about objects
#[derive(Args)]
pub struct Options {
    #[arg(required = true, value_name = "NAME", value_parser = Asked::parser_of_names())]
    #[arg(help = HELP)]
    names: Vec<Asked>,
    /// Only objects of this kind; a semaphore and a queue may have the same name
    #[arg(long)]
    kind: Option<Kind>,
    /// Print JSON for programs
    #[arg(long, conflicts_with = "line")]
    json: bool,
    /// Print the line that the kernel shows for a queue of its own
    #[arg(long)]
    line: bool,
}

const HELP: &str = "Names of objects, with or without the slash, or patterns such as 'job*'; the key of a System V object, such as 0xbeef, or its id; the inode number of an object without a name, such as #1234. With a kind in front, such as sem:job, only that kind: sem, mq, shm, msg, svsem, svmsg or svshm";

pub fn run(options: &Options) -> Result<()> {
    let of_memory = options.names.iter().any(Asked::is_of_memory);
    let depth = if of_memory { Depth::Memory } else { Depth::Objects };
    let (mut survey, _) = deadlock::look(depth)?;
    let is_kind = |kind| options.kind.is_none_or(|asked| asked == kind);
    let is_asked =
        |asked: &Asked, entry: &Entry| asked.means(&entry.object) && is_kind(entry.object.kind());
    let objects = || survey.entries.iter().map(|entry| &entry.object);
    let names: Vec<Asked> = options.names.iter().map(|asked| asked.settled(objects())).collect();
    survey.entries.retain(|entry| names.iter().any(|asked| is_asked(asked, entry)));
    survey.kernel.retain(|object| {
        names.iter().any(|asked| asked.means_kernels(object)) && is_kind(object.kind)
    });
    let is_missing = |asked: &&Asked| {
        !survey.entries.iter().any(|entry| is_asked(asked, entry))
            && !survey.kernel.iter().any(|object| asked.means_kernels(object))
    };
    let missing: Vec<&Asked> = names.iter().filter(is_missing).collect();
    if !survey.entries.is_empty() || !survey.kernel.is_empty() {
        show(options, &survey)?;
    }
    let Some((last, others)) = missing.split_last() else { return Ok(()) };
    let failure = |asked: &Asked| {
        let what = asked.describe(options.kind);
        Failure::new(format!("there is no {what}")).advise(asked.advice())
    };
    for asked in others {
        complain(&failure(asked));
    }
    Err(failure(last))
}

fn show(options: &Options, survey: &Survey) -> Result<()> {
    if options.json {
        return json::print_document(Listing::of(survey, false));
    }
    if options.line {
        return print_lines(survey);
    }
    let style = Style::of_stdout();
    let ours = survey.entries.iter().map(|entry| describe(entry, survey, style));
    let theirs = survey.kernel.iter().map(|object| kernel::describe(object, survey, style));
    let texts: Vec<String> = ours.chain(theirs).collect();
    print_folded(&texts.join("\n"))?;
    if !survey.is_complete() {
        warn(survey.what_is_hidden());
    }
    Ok(())
}

fn print_lines(survey: &Survey) -> Result<()> {
    for entry in &survey.entries {
        let State::Mq(Ok(queue)) = &entry.object.state else {
            let name = entry.object.shown_name();
            return Err(Failure::new(format!("{name} is not a message queue that may be read"))
                .advise("`rsipc ls mq` shows the queues"));
        };
        print(format!("{}\n", queue.kernel_line()))?;
    }
    Ok(())
}

/// An object in words, a line for each thing.
pub fn describe(entry: &Entry, survey: &Survey, style: Style) -> String {
    let object = &entry.object;
    let unlinked =
        if object.unlinked { ", unlinked: it lives until the last process closes it" } else { "" };
    let what = format!("{}{unlinked}", object.kind().describe());
    let mut out = Description::new(&object.shown_name(), &what, style);
    sysv::begin(object, &mut out);
    describe_state(object, survey, &mut out);
    sysv::end(object, &mut out);
    match entry.deadlock {
        Some(Confidence::Possible) => {
            out.line(
                "deadlock",
                "possible: threads may wait in it for ever; `rsipc graph` says why",
            );
        }
        Some(_) => out.line("deadlock", "threads wait in it for ever; `rsipc graph` names them"),
        None if entry.has_no_sender => {
            out.line("sender", "none: no process that could send has it open");
        }
        None => {}
    }
    describe_waiters(entry, survey, &mut out);
    describe_holders(entry, survey, &mut out);
    if let Some(metadata) = &object.metadata {
        describe_owner(object, &mut out);
        describe_file(object, metadata, &mut out);
    }
    if let Some(pid) = object.elsewhere {
        let directory = object.path.parent().unwrap_or(&object.path).as_os_str();
        let directory = escape::word(directory.as_encoded_bytes());
        out.line("directory", format!("in the mount namespace of {pid}: RSIPC_DIR={directory}"));
    }
    if let Some(memory) = &object.memory {
        out.line("memory", super::memory::describe(memory));
    } else if object.unlinked {
        out.line(
            "number",
            format!("#{}: commands that look accept this as its name", object.id.inode),
        );
    } else {
        out.line("file", escape::word(object.path.as_os_str().as_encoded_bytes()));
    }
    out.text
}

fn describe_state(object: &Object, survey: &Survey, out: &mut Description) {
    match &object.state {
        State::Sem(Ok(semaphore)) => describe_semaphore(object, semaphore, survey, out),
        State::Mq(Ok(queue)) => describe_queue(object, queue, survey, out),
        State::Set(Ok(set)) => set::describe(set, survey, out),
        State::Messages(Ok(queue)) => sysv::describe_queue(queue, survey, out),
        State::Segment(Ok(segment)) => sysv::describe_segment(segment, survey, out),
        state => {
            if let Some(error) = state.error() {
                out.line("state", format!("cannot be read: {}", reason(error)));
            }
        }
    }
}

fn describe_semaphore(
    object: &Object,
    state: &semaphore::State,
    survey: &Survey,
    out: &mut Description,
) {
    let meaning = if state.value == 0 { "the next wait sleeps" } else { "the next wait takes one" };
    out.line("value", format!("{}: {meaning}", state.value));
    out.line("registered", count(u64::from(state.registered), "wait", "waits"));
    if object.memory.is_some() {
        out.line("last user", "unknown: an unnamed semaphore does not record its users");
    } else {
        track::describe(object, state, survey, out);
    }
    for taker in semaphore::takers(&object.path, state) {
        out.line("robust", describe_taker(&taker, survey));
    }
}

/// `worker 12 has taken 1, given back when it dies`
pub fn describe_taker(taker: &Taker, survey: &Survey) -> String {
    let who = match taker.pid.map(u32::cast_signed) {
        Some(pid) => format!("{} {pid}", survey.shown_program(pid)),
        None => "a process that is gone, or in another PID namespace,".to_owned(),
    };
    match taker.taken {
        0 => format!("{who} has taken nothing"),
        taken if taken > 0 => format!("{who} has taken {taken}, given back when it dies"),
        posted => format!("{who} has posted {} more than it has taken", posted.unsigned_abs()),
    }
}

fn describe_queue(object: &Object, queue: &queue::State, survey: &Survey, out: &mut Description) {
    let room = match queue.messages {
        0 => "empty: a receive sleeps",
        full if full >= queue.max_messages => "full: a send sleeps",
        _ => "neither empty nor full",
    };
    out.line("messages", format!("{} of {}: {room}", queue.messages, queue.max_messages));
    out.line("in", format!("{} sent", count(queue.sent, "message", "messages")));
    out.line("out", format!("{} received", count(queue.received(), "message", "messages")));
    track::describe_queue(object, queue, survey, out);
    out.line("bytes", format!("{}, at most {} a message", queue.bytes, queue.message_size));
    if let Some(registered) = queue.notify {
        out.line("notifies", format!("process {} of the next message", registered.pid));
    }
    for kept in &queue.kept {
        let program = survey.shown_program(kept.pid.cast_signed());
        let loans = count(kept.loans as u64, "loan", "loans");
        let borrowed = count(kept.borrowed as u64, "borrowed message", "borrowed messages");
        out.line("kept by", format!("{program} {}: {loans}, {borrowed}", kept.pid));
    }
}

fn describe_waiters(entry: &Entry, survey: &Survey, out: &mut Description) {
    for waiter in &entry.waiters {
        let text = describe_waiter(waiter, survey);
        out.line("waiter", text);
    }
    match (entry.waiters.is_empty(), entry.knows_all_waiters(survey)) {
        (true, true) => out.line("waiters", "none"),
        (true, false) => out.line("waiters", "not known"),
        (false, _) => {}
    }
}

fn describe_waiter(waiter: &Waiter, survey: &Survey) -> String {
    let mut text = format!("{} {}", survey.shown_program(waiter.pid), waiter.pid);
    // Writing to a String cannot fail.
    if let Some(tid) = waiter.tid.filter(|tid| *tid != waiter.pid) {
        let _ = write!(text, ", thread {tid}");
    }
    let _ = write!(text, ": waits for {}", waiter.purpose.describe());
    if let Some(wish) = &waiter.wish {
        let operations = shown_operations(&wish.operations);
        let _ = write!(text, " of semaphore {}, wants {operations}", wish.member);
    } else if let Some(wanted) = waiter.wanted {
        text.push_str(&shown_wanted(wanted));
    } else if waiter.offset.is_none() {
        text.push_str(", in poll");
    }
    if let Some(offset) = waiter.offset.filter(|_| waiter.purpose == Purpose::Change) {
        let _ = write!(text, ", at byte {offset}");
    }
    text
}

fn describe_holders(entry: &Entry, survey: &Survey, out: &mut Description) {
    for holder in &entry.holders {
        let program = survey.shown_program(holder.pid);
        let state = match (survey.condition(holder.pid), survey.activity(holder.pid)) {
            (Some(condition), _) => format!("; {condition}"),
            (None, Some(activity)) => format!("; {activity}"),
            (None, None) => String::new(),
        };
        let how = how(holder, &entry.object);
        out.line("open by", format!("{program} {}: {how}{state}", holder.pid));
    }
    match entry.is_stale(survey) {
        Some(true) => out.line("open by", "no process: stale"),
        None => out.line("open by", "no process that could be inspected"),
        Some(false) => {}
    }
}

/// `mapped, and open as 3, to read`
fn how(holder: &Holder, object: &Object) -> String {
    let kind = object.kind();
    let descriptors: Vec<String> = holder.descriptors.iter().map(u32::to_string).collect();
    if object.memory.is_some() {
        return "in its own memory".to_owned();
    }
    let how = match (holder.mapped, descriptors.is_empty()) {
        (true, true) => "mapped".to_owned(),
        (true, false) => format!("mapped, and open as {}", descriptors.join(", ")),
        (false, _) => format!("open as {}", descriptors.join(", ")),
    };
    let [read, write] = if kind == Kind::Mq { ["receive", "send"] } else { ["read", "write"] };
    match (holder.access, kind) {
        // A process that has one of these has it to read and to write.
        (_, Kind::Sem | Kind::Svsem | Kind::Svmsg) | (None, _) => how,
        (Some(Access { read: true, write: true }), _) => format!("{how}, to {read} and {write}"),
        (Some(Access { read: true, .. }), _) => format!("{how}, to {read} only"),
        (Some(_), _) => format!("{how}, to {write} only"),
    }
}

fn describe_owner(object: &Object, out: &mut Description) {
    if let (Some(owner), Some(mode)) = (object.owner(), object.mode()) {
        let (user, group) = user::names(owner);
        out.line("owner", format!("{user}, group {group}, mode {mode:04o}"));
    }
}

fn describe_file(object: &Object, metadata: &Metadata, out: &mut Description) {
    let (size, allocated) = (object.size().unwrap_or(0), object.allocated().unwrap_or(0));
    out.line("size", format!("{size} bytes, {} allocated", amount::in_words(allocated)));
    out.line("created", format!("{} ago", time::short(time::age(metadata.created))));
    out.line(
        "last use",
        format!("{} ago: opened, resized or changed", time::short(time::age(metadata.last_use))),
    );
}
