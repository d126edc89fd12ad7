//! Deadlocks in words.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;

use crate::commands::memory;
use crate::deadlock::{Confidence, Deadlock, Doubt, Place, Shape, Sleeper, Spot};
use crate::objects::{Kind, Purpose};
use crate::output::escape;
use crate::processes::{Pid, signals};
use crate::survey::{Entry, Survey, Waiter};

/// A deadlock in one line: processes with their numbers, and objects.
pub fn name(deadlock: &Deadlock, survey: &Survey) -> String {
    let sleeps = |pid: &&Pid| deadlock.sleepers.iter().any(|sleeper| sleeper.pid == **pid);
    let members = deadlock.members.iter().filter(sleeps);
    let members: Vec<String> = members.map(|pid| process(*pid, survey)).collect();
    let places: BTreeSet<Place> = deadlock.sleepers.iter().map(|sleeper| sleeper.place).collect();
    let mut places: Vec<String> =
        places.iter().map(|place| describe_place(*place, survey)).collect();
    // A thread may sleep on several words of a System V queue.
    places.dedup();
    let shape = if places.len() == 1 { Shape::Abandoned } else { deadlock.shape };
    let (is_one, members, places) = (members.len() == 1, list(&members), list(&places));
    let how = match deadlock.confidence {
        Confidence::Certain => "deadlock",
        Confidence::Likely => "deadlock, in all likelihood",
        Confidence::Possible => "possible deadlock",
    };
    let (wait, them) = if is_one { ("waits", "it") } else { ("wait", "them") };
    match (shape, deadlock.confidence) {
        (Shape::Cycle, _) if is_one => {
            format!("{how}: the threads of {members} wait for each other on {places}")
        }
        (Shape::Cycle, _) => format!("{how}: {members} wait for each other on {places}"),
        (Shape::Abandoned, Confidence::Certain) => {
            format!("{how}: {members} {wait} on {places}, and no process is left to wake {them}")
        }
        (Shape::Abandoned, Confidence::Likely) => format!(
            "{how}: {members} {wait} on {places}, and no other process has taken what they wait for"
        ),
        (Shape::Abandoned, Confidence::Possible) => {
            format!("{how}: {members} {wait} on {places}, and no process seems able to wake {them}")
        }
    }
}

/// Why it is not certain.
pub fn doubts(deadlock: &Deadlock, survey: &Survey) -> Vec<String> {
    let mut told: Vec<String> = deadlock
        .doubts
        .iter()
        .map(|doubt| match doubt {
            Doubt::Handler { pid, signal } => {
                let (who, signal) = (process(*pid, survey), signals::name(*signal));
                format!("uncertain: {who} has a handler for {signal}, which could post")
            }
            Doubt::Timer { pid } => {
                let who = process(*pid, survey);
                format!("uncertain: {who} has a timer, which could post")
            }
            Doubt::Idle { pid, tid: None, call } => {
                format!("uncertain: {} is {call}, and could post afterwards", process(*pid, survey))
            }
            Doubt::Idle { pid, tid: Some(tid), call } => format!(
                "uncertain: thread {tid} of {} is {call}, and could post afterwards",
                process(*pid, survey)
            ),
            Doubt::Stopped { pid } => {
                format!("{} does nothing until it receives SIGCONT", process(*pid, survey))
            }
        })
        .collect();
    told.dedup();
    let others: Vec<String> = deadlock.others.iter().map(|pid| process(*pid, survey)).collect();
    match others.len() {
        0 => {}
        1 => told.push(format!("{} is awake, and could wake one of them", list(&others))),
        _ => told.push(format!("{} are awake, and could wake one of them", list(&others))),
    }
    told
}

/// Each thread once.
pub fn sleepers(deadlock: &Deadlock, survey: &Survey) -> Vec<String> {
    let mut told: Vec<String> =
        deadlock.sleepers.iter().map(|sleeper| describe_sleeper(sleeper, survey)).collect();
    told.dedup();
    // A parent that waits for them, say.
    let sleeps = |pid: Pid| deadlock.sleepers.iter().any(|sleeper| sleeper.pid == pid);
    for pid in deadlock.members.iter().copied().filter(|pid| !sleeps(*pid)) {
        let activity = survey.activity(pid).unwrap_or("asleep");
        told.push(format!("{} is stuck with them: {activity}", process(pid, survey)));
    }
    told
}

fn describe_sleeper(sleeper: &Sleeper, survey: &Survey) -> String {
    let Sleeper { pid, tid, place, givers } = sleeper;
    let thread = if pid == tid { String::new() } else { format!(", thread {tid},") };
    let purpose = purpose(sleeper, survey).unwrap_or(Purpose::Change).describe();
    let who = process(*pid, survey);
    let place = describe_place(*place, survey);
    let givers: Vec<String> = givers.iter().map(|giver| process(*giver, survey)).collect();
    let held = match givers.len() {
        0 => String::new(),
        1 => format!(", which {} has taken", list(&givers)),
        _ => format!(", which {} have taken", list(&givers)),
    };
    format!("{who}{thread} waits for {purpose} on {place}{held}")
}

pub fn purpose(sleeper: &Sleeper, survey: &Survey) -> Option<Purpose> {
    match sleeper.place.spot {
        Spot::Byte(offset) => {
            let purpose = survey.object(sleeper.place.file)?.purpose(offset);
            purpose.or_else(|| Some(known_waiter(sleeper, survey)?.purpose))
        }
        Spot::Semaphore(_) => Some(known_waiter(sleeper, survey)?.purpose),
    }
}

/// As its set or System V queue knows it.
pub fn known_waiter<'s>(sleeper: &Sleeper, survey: &'s Survey) -> Option<&'s Waiter> {
    let is_it = |entry: &&Entry| entry.object.id == sleeper.place.file;
    let entry = survey.entries.iter().find(is_it)?;
    entry.waiters.iter().find(|waiter| waiter.tid == Some(sleeper.tid))
}

fn describe_place(place: Place, survey: &Survey) -> String {
    let object = survey.object(place.file);
    match (object, place.spot) {
        (Some(set), Spot::Semaphore(number)) => {
            format!("semaphore {number} of {}", set.shown_name())
        }
        (Some(object), Spot::Byte(offset)) if matches!(object.kind(), Kind::Shm | Kind::Svshm) => {
            format!("{} at byte {offset}", object.shown_name())
        }
        (Some(object), Spot::Byte(_)) => match &object.memory {
            Some(memory) => format!("{} ({})", object.shown_name(), memory::describe(memory)),
            None => object.shown_name(),
        },
        (None, spot) => {
            let path = survey.path_of(place.file).map(|path| path.as_os_str().as_bytes());
            let name = path.map_or("shared memory without a name".to_owned(), escape::word);
            format!("{name} at byte {}", spot.byte().unwrap_or(0))
        }
    }
}

/// `name 1234`, with what is special about it: that it is stopped, or has ended.
pub fn process(pid: Pid, survey: &Survey) -> String {
    let who = format!("{} {pid}", escape::word(survey.program(pid)));
    match survey.condition(pid) {
        Some(condition) => format!("{who} ({condition})"),
        None => who,
    }
}

pub fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
