//! Deadlocks in words.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;

use crate::commands::memory;
use crate::deadlock::{Confidence, Deadlock, Doubt, Place, Shape, Sleeper, Spot};
use crate::objects::file::FileId;
use crate::objects::messages::{Wanted, by_type, shown_wanted};
use crate::objects::{Kind, Object, Purpose, State};
use crate::output::escape;
use crate::processes::{Pid, signals};
use crate::survey::Survey;

/// A reader wants no more types of messages.
const MOST_TYPES: usize = 5;

/// A deadlock in one line: processes with their numbers, and objects.
pub fn name(deadlock: &Deadlock, survey: &Survey) -> String {
    let sleeps = |pid: &&Pid| deadlock.sleepers.iter().any(|sleeper| sleeper.pid == **pid);
    let members = deadlock.members.iter().filter(sleeps);
    let members: Vec<String> = members.map(|pid| process(*pid, survey)).collect();
    let places: BTreeSet<Place> = deadlock.sleepers.iter().map(|sleeper| sleeper.place).collect();
    let mut places: Vec<String> =
        places.iter().map(|place| describe_place(*place, survey)).collect();
    // Threads sleep on different words of a System V queue.
    places.dedup();
    let (is_one, members, places) = (members.len() == 1, list(&members), list(&places));
    let how = match deadlock.confidence {
        Confidence::Certain => "deadlock",
        Confidence::Likely => "deadlock, in all likelihood",
        Confidence::Possible => "possible deadlock",
    };
    let (wait, them) = if is_one { ("waits", "it") } else { ("wait", "them") };
    let is_left = deadlock.confidence == Confidence::Certain || deadlock.waits_for_senders();
    match (deadlock.shape, deadlock.confidence) {
        (Shape::Cycle, _) if is_one => {
            format!("{how}: the threads of {members} wait for each other on {places}")
        }
        (Shape::Cycle, _) => format!("{how}: {members} wait for each other on {places}"),
        (Shape::Abandoned, _) if is_left => {
            format!("{how}: {members} {wait} on {places}, and no process is left to wake {them}")
        }
        (Shape::Abandoned, Confidence::Likely) => format!(
            "{how}: {members} {wait} on {places}, and no other process has taken what they wait for"
        ),
        (Shape::Abandoned, _) => {
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
            Doubt::Unseen { processes: 1 } => {
                "uncertain: 1 process that may open it could not be inspected".to_owned()
            }
            Doubt::Unseen { processes } => {
                format!("uncertain: {processes} processes that may open it could not be inspected")
            }
            Doubt::Anew { file } => anew(*file, survey),
        })
        .collect();
    told.dedup();
    told.extend(others(deadlock, survey));
    told
}

/// `uncertain: 3 messages have been sent so far; a process that opens /jobs anew could send one`
fn anew(file: FileId, survey: &Survey) -> String {
    let object = survey.object(file);
    let name = object.map_or("the queue".to_owned(), Object::shown_name);
    let sent = match object.map(|object| &object.state) {
        Some(State::Mq(Ok(queue))) => match queue.sent {
            0 => "none has been sent yet; ".to_owned(),
            1 => "1 message has been sent so far; ".to_owned(),
            count => format!("{count} messages have been sent so far; "),
        },
        _ => String::new(),
    };
    format!("uncertain: {sent}a process that opens {name} anew could send one")
}

/// Processes outside the deadlock that have an object, each with what it is doing.
fn others(deadlock: &Deadlock, survey: &Survey) -> Vec<String> {
    let is_told = |what: &&str| !what.starts_with("running") && !what.starts_with("its ");
    let activity = |pid: &Pid| survey.activity(*pid).filter(is_told);
    let (sitting, awake): (Vec<Pid>, Vec<Pid>) =
        deadlock.others.iter().partition(|pid| activity(pid).is_some());
    let awake: Vec<String> = awake.iter().map(|pid| process(*pid, survey)).collect();
    let is = if awake.len() == 1 { "is" } else { "are" };
    let awake = (!awake.is_empty())
        .then(|| format!("{} {is} awake, and could wake one of them", list(&awake)));
    let sitting = sitting.iter().map(|pid| {
        let who = process(*pid, survey);
        match activity(pid).filter(|_| survey.condition(*pid).is_none()) {
            Some(activity) => format!("{who} is {activity}, and could wake one of them"),
            None => format!("{who} could wake one of them when it goes on"),
        }
    });
    awake.into_iter().chain(sitting).collect()
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
    let purpose = sleeper.purpose(survey).unwrap_or(Purpose::Change).describe();
    let wanted = sleeper.known(survey).and_then(|waiter| waiter.wanted);
    let there = wanted.map(|wanted| there(wanted, sleeper, survey)).unwrap_or_default();
    let wanted = wanted.map(shown_wanted).unwrap_or_default();
    let who = process(*pid, survey);
    let place = describe_place(*place, survey);
    let givers: Vec<String> = givers.iter().map(|giver| process(*giver, survey)).collect();
    let held = match givers.len() {
        0 => String::new(),
        1 => format!(", which {} has taken", list(&givers)),
        _ => format!(", which {} have taken", list(&givers)),
    };
    format!("{who}{thread} waits for {purpose}{wanted} on {place}{there}{held}")
}

/// What is in the System V queue in which one waits for a message: `, which has 2 of type 1`
fn there(wanted: Wanted, sleeper: &Sleeper, survey: &Survey) -> String {
    let queue = survey.object(sleeper.place.file).and_then(Object::messages);
    let (Wanted::Message { .. }, Some(queue)) = (wanted, queue) else { return String::new() };
    let types = by_type(queue);
    let mut told: Vec<String> = types
        .iter()
        .take(MOST_TYPES)
        .map(|(kind, count)| format!("{count} of type {kind}"))
        .collect();
    if types.len() > MOST_TYPES {
        told.push(format!("{} other types", types.len() - MOST_TYPES));
    }
    if told.is_empty() {
        ", which is empty".to_owned()
    } else {
        format!(", which has {}", list(&told))
    }
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
    let who = format!("{} {pid}", survey.shown_program(pid));
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
