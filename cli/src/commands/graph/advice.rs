//! What would let processes go on that wait for ever.

use std::collections::BTreeSet;

use rsipc_core::sysv::msg::Selector;

use crate::commands::stat::track;
use crate::deadlock::{Deadlock, Doubt, Sleeper};
use crate::objects::memory::Memory;
use crate::objects::messages::Wanted;
use crate::objects::{Object, Purpose};
use crate::output::escape;
use crate::processes::{Condition, Pid};
use crate::survey::Survey;

/// A reader wants no more.
const MOST: usize = 3;

/// A line for each kind of wait in each object.
pub fn of(deadlock: &Deadlock, survey: &Survey) -> Vec<String> {
    let doubtful = deadlock.doubts.iter().filter_map(|doubt| match doubt {
        Doubt::Stopped { pid } => Some(*pid),
        _ => None,
    });
    // A process that is stopped does not go on when it is woken.
    let stops = |pid: &Pid| {
        let process = survey.processes.get(pid);
        process.is_some_and(|process| process.condition == Condition::Stopped)
    };
    let sleepers = deadlock.sleepers.iter().map(|sleeper| sleeper.pid).filter(stops);
    let stopped: BTreeSet<Pid> = doubtful.chain(sleepers).collect();
    let stopped = stopped.iter().map(|pid| format!("`kill -CONT {pid}` continues it"));
    let mut lines: Vec<String> = stopped.chain(end_one(deadlock)).collect();
    for sleeper in &deadlock.sleepers {
        let Some(object) = survey.object(sleeper.place.file) else { continue };
        if !sleeper.givers.is_empty() {
            continue;
        }
        let line = sleeper
            .purpose(survey)
            .map_or_else(end_them, |purpose| advise(sleeper, object, purpose, survey));
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    if lines.is_empty() {
        lines.push(end_them());
    }
    lines.truncate(MOST);
    let waits_for_post = |sleeper: &Sleeper| {
        let object = survey.object(sleeper.place.file);
        sleeper.purpose(survey) == Some(Purpose::Value)
            && object.is_some_and(|object| object.memory.is_none())
    };
    if deadlock.sleepers.iter().any(waits_for_post) {
        lines.push("ending a process does not restore what it took from a semaphore".to_owned());
    }
    let posts = deadlock.sleepers.iter().filter(|sleeper| waits_for_post(sleeper));
    let mut objects = posts.filter_map(|sleeper| survey.object(sleeper.place.file));
    lines.extend(objects.find_map(track::hint));
    lines
}

/// Processes that have taken by undo what others wait for: to end any of them is enough.
fn end_one(deadlock: &Deadlock) -> Option<String> {
    let givers = deadlock.sleepers.iter().flat_map(|sleeper| &sleeper.givers);
    let givers: BTreeSet<Pid> = givers.copied().collect();
    let kills: Vec<String> = givers.iter().map(|pid| format!("`kill {pid}`")).collect();
    let kills = kills.join(" or ");
    (!givers.is_empty())
        .then(|| format!("end one: what it has taken with SEM_UNDO is given back then ({kills})"))
}

fn end_them() -> String {
    "no rsipc command can wake them; end them, or wake them in a debugger".to_owned()
}

fn advise(sleeper: &Sleeper, object: &Object, purpose: Purpose, survey: &Survey) -> String {
    if let Some(Memory { pid, address, .. }) = object.memory {
        return format!(
            "only a thread of {pid} can post there: `gdb -p {pid}`, \
             `call (int) sem_post((void *) {address:#x})`"
        );
    }
    let name = object.address();
    let rsipc = object.directory().map_or("rsipc".to_owned(), |directory| {
        format!("RSIPC_DIR={} rsipc", escape::word(directory.as_os_str().as_encoded_bytes()))
    });
    let number = sleeper.place.spot.semaphore().unwrap_or(0);
    let wanted = sleeper.known(survey).and_then(|waiter| waiter.wanted);
    match (purpose, wanted) {
        (Purpose::Value, _) => format!("`{rsipc} sem post {name}` wakes one that waits there"),
        (Purpose::Message, Some(wanted)) => format!(
            "`{rsipc} msg send {name} --type {} MESSAGE` wakes one that receives; or end it",
            admitted(wanted)
        ),
        (Purpose::Message, None) => {
            format!("`{rsipc} mq send {name} MESSAGE` wakes one that receives; or end it")
        }
        (Purpose::Space, Some(_)) => {
            format!("`{rsipc} msg recv {name}` takes a message out, and wakes one that sends")
        }
        (Purpose::Space, None) => {
            format!("`{rsipc} mq recv {name}` takes a message out, and wakes one that sends")
        }
        (Purpose::Change, _) => end_them(),
        (Purpose::Increase, _) => format!(
            "`semop {name} {number}:+1` in `{rsipc} console` might let one go on; a process that \
             ends gives back only what it has taken with SEM_UNDO"
        ),
        (Purpose::Zero, _) => format!(
            "`semctl {name} {number} SETVAL 0` in `{rsipc} console` lets those go on that wait for \
             zero"
        ),
    }
}

/// A type that a waiter would take.
fn admitted(wanted: Wanted) -> i64 {
    match wanted {
        Wanted::Message { selector: Selector::Type(kind), .. } => kind,
        Wanted::Message { selector: Selector::Except(1), .. } => 2,
        _ => 1,
    }
}
