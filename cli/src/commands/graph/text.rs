//! The graph as lines to read, and deadlocks in words.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;

use super::scene::Scene;
use crate::deadlock::{Deadlock, Place, Shape, Sleeper};
use crate::objects::{Kind, Object, State};
use crate::output::escape;
use crate::output::style::{Style, Tone};
use crate::processes::Pid;
use crate::survey::{Entry, Survey};

pub fn draw(scene: &Scene, style: Style) -> String {
    let mut out = String::new();
    for entry in scene.survey.entries.iter().filter(|entry| !entry.holders.is_empty()) {
        draw_object(entry, &scene.survey, style, &mut out);
    }
    if out.is_empty() {
        out.push_str("no process has an object\n");
    }
    for deadlock in &scene.deadlocks {
        let _ = write!(out, "\n{}\n", style.paint(Tone::Bad, &name(deadlock, &scene.survey)));
        for sleeper in &deadlock.sleepers {
            let _ = writeln!(out, "  {}", describe_sleeper(sleeper, &scene.survey));
        }
        let _ = writeln!(out, "  {}", style.paint(Tone::Faint, &advise(deadlock, &scene.survey)));
    }
    out
}

fn draw_object(entry: &Entry, survey: &Survey, style: Style, out: &mut String) {
    let object = &entry.object;
    let title = style.paint(Tone::Heading, &object.shown_name());
    let _ = writeln!(out, "{title}: {}{}", object.kind().describe(), state(object));
    let holders: Vec<String> =
        entry.holders.iter().map(|holder| process(holder.pid, survey)).collect();
    let _ = writeln!(out, "  had by {}", holders.join(", "));
    for waiter in &entry.waiters {
        let who = process(waiter.pid, survey);
        let what = waiter.purpose.describe();
        let _ =
            writeln!(out, "  {}", style.paint(Tone::Notable, &format!("{who} waits for {what}")));
    }
}

/// In brackets behind an object's kind.
pub fn state(object: &Object) -> String {
    match &object.state {
        State::Sem(Ok(semaphore)) => format!(" (value {})", semaphore.value),
        State::Mq(Ok(queue)) => format!(" ({} of {} messages)", queue.messages, queue.max_messages),
        _ => String::new(),
    }
}

/// A deadlock in one line: processes with their numbers, and objects.
pub fn name(deadlock: &Deadlock, survey: &Survey) -> String {
    let members: Vec<String> = deadlock.members.iter().map(|pid| process(*pid, survey)).collect();
    let places: BTreeSet<Place> = deadlock.sleepers.iter().map(|sleeper| sleeper.place).collect();
    let places: Vec<String> = places.iter().map(|place| describe_place(*place, survey)).collect();
    let (members, places) = (list(&members), list(&places));
    match deadlock.shape {
        Shape::Cycle => format!("deadlock: {members} wait for each other on {places}"),
        Shape::Abandoned => {
            format!("deadlock: {members}: nobody else is left to wake who waits on {places}")
        }
    }
}

fn describe_sleeper(sleeper: &Sleeper, survey: &Survey) -> String {
    let Sleeper { pid, tid, place } = sleeper;
    let thread = if pid == tid { String::new() } else { format!(", thread {tid},") };
    let purpose = survey.object(place.file).and_then(|object| object.purpose(place.offset));
    let purpose = purpose.map_or("a word to change", |purpose| purpose.describe());
    format!(
        "{}{thread} waits for {purpose} on {}",
        process(*pid, survey),
        describe_place(*place, survey)
    )
}

fn describe_place(place: Place, survey: &Survey) -> String {
    match survey.object(place.file) {
        Some(object) if object.kind() == Kind::Shm => {
            format!("{} at byte {}", object.shown_name(), place.offset)
        }
        Some(object) => object.shown_name(),
        None => match survey.path_of(place.file) {
            Some(path) => {
                format!("{} at byte {}", escape::word(path.as_os_str().as_bytes()), place.offset)
            }
            None => format!("shared memory without a name at byte {}", place.offset),
        },
    }
}

fn advise(deadlock: &Deadlock, survey: &Survey) -> String {
    let named = deadlock
        .sleepers
        .iter()
        .find_map(|sleeper| survey.object(sleeper.place.file).filter(|object| !object.unlinked));
    match named.map(|object| (object.kind(), object.shown_name())) {
        Some((Kind::Sem, name)) => {
            format!("`rsipc sem post {name}` would wake one of them; or end one")
        }
        Some((Kind::Mq, name)) => {
            format!("`rsipc mq send {name}` or `rsipc mq recv {name}` would wake one; or end it")
        }
        _ => "nothing but a signal wakes them: end them".to_owned(),
    }
}

/// `name 1234`
pub fn process(pid: Pid, survey: &Survey) -> String {
    format!("{} {pid}", escape::word(survey.program(pid)))
}

fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
