//! The graph as lines to read, and deadlocks in words.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;

use rsipc_core::sysv::msg::Selector;

use super::scene::Scene;
use crate::deadlock::{Deadlock, Place, Shape, Sleeper, Spot};
use crate::objects::messages::{Wanted, shown_wanted};
use crate::objects::set::{self, Snapshot};
use crate::objects::{Kind, Object, Purpose, State};
use crate::output::escape;
use crate::output::style::{Style, Tone};
use crate::processes::Pid;
use crate::survey::{Entry, Survey, Waiter};

pub fn draw(scene: &Scene, style: Style) -> String {
    let mut out = String::new();
    for entry in scene.survey.entries.iter().filter(|entry| entry.concerns_somebody()) {
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
        if let Some(other) = describe_others(deadlock, &scene.survey) {
            let _ = writeln!(out, "  {other}");
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
    if !holders.is_empty() {
        let _ = writeln!(out, "  had by {}", holders.join(", "));
    }
    for held in object.set().into_iter().flat_map(|set| held_by_undo(set, survey)) {
        let _ = writeln!(out, "  {held}");
    }
    for waiter in &entry.waiters {
        let who = process(waiter.pid, survey);
        let what = waiter.purpose.describe();
        let of = waiter.wish.as_ref().map(|wish| format!(" of semaphore {}", wish.member));
        let wanted = waiter.wanted.map(|wanted| could_come(entry, waiter, wanted, survey));
        let what = what.to_owned() + &of.or(wanted).unwrap_or_default();
        let _ =
            writeln!(out, "  {}", style.paint(Tone::Notable, &format!("{who} waits for {what}")));
    }
}

/// What exactly it wants of a System V queue, and who could let it go on: whoever else has it.
fn could_come(entry: &Entry, waiter: &Waiter, wanted: Wanted, survey: &Survey) -> String {
    let others = entry.holders.iter().filter(|holder| holder.pid != waiter.pid);
    let others: Vec<String> = others.map(|holder| process(holder.pid, survey)).collect();
    let verb = match wanted {
        Wanted::Message { .. } => "send it",
        Wanted::Space(_) => "make room",
    };
    let who = if others.is_empty() { "nobody else".to_owned() } else { list(&others) };
    format!("{}: {who} could {verb}", shown_wanted(wanted))
}

/// In brackets behind an object's kind.
pub fn state(object: &Object) -> String {
    match &object.state {
        State::Sem(Ok(semaphore)) => format!(" (value {})", semaphore.value),
        State::Mq(Ok(queue)) => format!(" ({} of {} messages)", queue.messages, queue.max_messages),
        State::Set(Ok(set)) => format!(" ({})", set::shown_values(set, VALUES)),
        State::Messages(Ok(queue)) => {
            let (amount, bound) = (queue.description.amount, queue.description.bound);
            format!(" ({} messages, {} of {bound} bytes)", amount.messages, amount.bytes)
        }
        State::Segment(Ok(segment)) => format!(" ({} bytes)", segment.size),
        _ => String::new(),
    }
}

/// Values of a set are shown in so many columns.
const VALUES: usize = 24;

/// `semaphore 0: a 12 has taken 1, to be undone when it ends`
fn held_by_undo(set: &Snapshot, survey: &Survey) -> Vec<String> {
    let held = set::living(set).map(|adjustment| {
        let who = adjustment.pid.map(|pid| process(pid.cast_signed(), survey));
        let (who, amount) = (who.unwrap_or("somebody".to_owned()), adjustment.amount);
        let verb = if amount > 0 { "taken" } else { "added" };
        let (number, amount) = (adjustment.member, i32::from(amount).abs());
        format!("semaphore {number}: {who} has {verb} {amount}, to be undone when it ends")
    });
    held.collect()
}

/// A deadlock in one line: processes with their numbers, and objects.
pub fn name(deadlock: &Deadlock, survey: &Survey) -> String {
    let members: Vec<String> = deadlock.members.iter().map(|pid| process(*pid, survey)).collect();
    let places: BTreeSet<Place> = deadlock.sleepers.iter().map(|sleeper| sleeper.place).collect();
    let places: Vec<String> = places.iter().map(|place| describe_place(*place, survey)).collect();
    let (members, places) = (list(&members), list(&places));
    let how = if deadlock.is_certain { "deadlock" } else { "deadlock, in all likelihood" };
    match (deadlock.shape, deadlock.is_certain) {
        (Shape::Cycle, _) => format!("{how}: {members} wait for each other on {places}"),
        (Shape::Abandoned, true) => {
            format!("{how}: {members}: nobody else is left to wake who waits on {places}")
        }
        (Shape::Abandoned, false) => {
            format!("{how}: {members}: nobody else has taken what is waited for on {places}")
        }
    }
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

fn purpose(sleeper: &Sleeper, survey: &Survey) -> Option<Purpose> {
    match sleeper.place.spot {
        Spot::Byte(offset) => {
            let purpose = survey.object(sleeper.place.file)?.purpose(offset);
            purpose.or_else(|| Some(known_waiter(sleeper, survey)?.purpose))
        }
        Spot::Semaphore(_) => Some(known_waiter(sleeper, survey)?.purpose),
    }
}

/// As its set or System V queue knows it.
fn known_waiter<'s>(sleeper: &Sleeper, survey: &'s Survey) -> Option<&'s Waiter> {
    let is_it = |entry: &&Entry| entry.object.id == sleeper.place.file;
    let entry = survey.entries.iter().find(is_it)?;
    entry.waiters.iter().find(|waiter| waiter.tid == Some(sleeper.tid))
}

/// Why it is not certain.
fn describe_others(deadlock: &Deadlock, survey: &Survey) -> Option<String> {
    let others: Vec<String> = deadlock.others.iter().map(|pid| process(*pid, survey)).collect();
    match others.len() {
        0 => None,
        1 => Some(format!("{} is awake and could let one of them go on", list(&others))),
        _ => Some(format!("{} are awake and could let one of them go on", list(&others))),
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
        (Some(object), Spot::Byte(_)) => object.shown_name(),
        (None, spot) => {
            let path = survey.path_of(place.file).map(|path| path.as_os_str().as_bytes());
            let name = path.map_or("shared memory without a name".to_owned(), escape::word);
            format!("{name} at byte {}", spot.byte().unwrap_or(0))
        }
    }
}

/// What would wake one of them.
fn advise(deadlock: &Deadlock, survey: &Survey) -> String {
    let named = deadlock.sleepers.iter().find_map(|sleeper| {
        let object = survey.object(sleeper.place.file).filter(|object| !object.unlinked)?;
        Some((sleeper, purpose(sleeper, survey)?, object.shown_name()))
    });
    let Some((sleeper, purpose, name)) = named else {
        return "nothing but a signal wakes them: end them".to_owned();
    };
    let number = sleeper.place.spot.semaphore().unwrap_or(0);
    let wanted = known_waiter(sleeper, survey).and_then(|waiter| waiter.wanted);
    let queues = || if wanted.is_some() { "msg" } else { "mq" };
    let send = |name: &str| match wanted {
        Some(wanted) => format!("msg send {name} --type {}`", admitted(wanted)),
        None => format!("mq send {name}`"),
    };
    match purpose {
        Purpose::Token => format!(
            "`rsipc sem post {name}` would wake one of them; a process that ends gives nothing back"
        ),
        Purpose::Message => format!("`rsipc {} would wake one; or end it", send(&name)),
        Purpose::Room => format!("`rsipc {} recv {name}` would wake one; or end it", queues()),
        Purpose::Change => "nothing but a signal wakes them: end them".to_owned(),
        Purpose::Increase | Purpose::Zero if !sleeper.givers.is_empty() => format!(
            "end one: what it has taken with SEM_UNDO is given back then (`kill {}`)",
            sleeper.givers[0]
        ),
        Purpose::Increase => format!(
            "`semop {name} {number}:+1` in `rsipc console` might let one go on; a process that \
             ends gives back only what it has taken with SEM_UNDO"
        ),
        Purpose::Zero => format!(
            "`semctl {name} {number} SETVAL 0` in `rsipc console` would let who waits for zero go on"
        ),
    }
}

/// A type that one who waits would take.
fn admitted(wanted: Wanted) -> i64 {
    match wanted {
        Wanted::Message { selector: Selector::Type(kind), .. } => kind,
        Wanted::Message { selector: Selector::Except(1), .. } => 2,
        _ => 1,
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
