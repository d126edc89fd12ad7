//! The graph as lines to read.

use std::fmt::Write;

use super::advice;
use super::scene::Scene;
use super::words::{self, list, process};
use crate::commands::memory;
use crate::commands::stat::{describe_taker, track};
use crate::objects::messages::{Wanted, shown_wanted};
use crate::objects::set::{self, Snapshot};
use crate::objects::{Object, State, semaphore};
use crate::output::style::{Style, Tone};
use crate::survey::{Entry, Holder, Survey, Waiter};

pub fn draw(scene: &Scene, style: Style) -> String {
    let Scene { survey, .. } = scene;
    let mut out = String::new();
    for entry in scene.entries() {
        draw_object(entry, survey, style, &mut out);
    }
    if out.is_empty() {
        out.push_str(match (scene.is_filtered(), survey.is_complete()) {
            (true, _) => "no process that was seen has such an object\n",
            (false, true) => "no process has an object\n",
            (false, false) => "no process that could be inspected has an object\n",
        });
    }
    for deadlock in scene.deadlocks() {
        let _ = write!(out, "\n{}\n", style.paint(Tone::Bad, &words::name(deadlock, survey)));
        for sleeper in words::sleepers(deadlock, survey) {
            let _ = writeln!(out, "  {sleeper}");
        }
        for doubt in words::doubts(deadlock, survey) {
            let _ = writeln!(out, "  {doubt}");
        }
        for advice in advice::of(deadlock, survey) {
            let _ = writeln!(out, "  {}", style.paint(Tone::Faint, &format!("-> {advice}")));
        }
    }
    out
}

fn draw_object(entry: &Entry, survey: &Survey, style: Style, out: &mut String) {
    let object = &entry.object;
    let title = style.paint(Tone::Heading, &object.shown_name());
    let _ = writeln!(out, "{title}: {}{}", object.kind().describe(), state(object));
    let openers: Vec<String> =
        entry.holders.iter().map(|holder| opener(holder, entry, survey)).collect();
    if let Some(memory) = &object.memory {
        let openers = list(&openers);
        let _ = writeln!(out, "  {} ({openers})", memory::describe(memory));
    } else if !openers.is_empty() {
        let _ = writeln!(out, "  open by {}", openers.join(", "));
    }
    for held in object.set().into_iter().flat_map(|set| held_by_undo(set, survey)) {
        let _ = writeln!(out, "  {held}");
    }
    if let State::Sem(Ok(semaphore)) = &object.state {
        if let Some(taken) = track::last_taker(semaphore, survey) {
            let _ = writeln!(out, "  {taken}");
        }
        let takers = semaphore::takers(&object.path, semaphore);
        for taker in takers.iter().filter(|taker| taker.taken > 0) {
            let _ = writeln!(out, "  {}", describe_taker(taker, survey));
        }
    }
    for waiter in &entry.waiters {
        let who = waiting(waiter, object, survey);
        let what = waiter.purpose.describe();
        let of = waiter.wish.as_ref().map(|wish| format!(" of semaphore {}", wish.member));
        let wanted = waiter.wanted.map(|wanted| could_come(entry, waiter, wanted, survey));
        let what = what.to_owned() + &of.or(wanted).unwrap_or_default();
        let _ =
            writeln!(out, "  {}", style.paint(Tone::Notable, &format!("{who} waits for {what}")));
    }
}

/// In the memory of one process only the threads differ.
fn waiting(waiter: &Waiter, object: &Object, survey: &Survey) -> String {
    let who = process(waiter.pid, survey);
    match waiter.tid.filter(|tid| object.memory.is_some() && *tid != waiter.pid) {
        Some(tid) => format!("{who}, thread {tid},"),
        None => who,
    }
}

/// With what it is doing, unless it waits here, which is told by itself.
fn opener(holder: &Holder, entry: &Entry, survey: &Survey) -> String {
    let who = process(holder.pid, survey);
    let waits_in = |entry: &Entry| entry.waiters.iter().any(|waiter| waiter.pid == holder.pid);
    if waits_in(entry) || survey.condition(holder.pid).is_some() {
        return who;
    }
    let waits = survey.entries.iter().any(waits_in);
    match survey.activity(holder.pid).filter(|_| !waits) {
        Some(activity) => format!("{who} ({activity})"),
        // Where it waits tells its own line.
        None => who,
    }
}

/// What exactly it wants of a System V queue, and which processes could let it go on: the others
/// that have it.
fn could_come(entry: &Entry, waiter: &Waiter, wanted: Wanted, survey: &Survey) -> String {
    let others = entry.holders.iter().filter(|holder| holder.pid != waiter.pid);
    let others: Vec<String> = others.map(|holder| process(holder.pid, survey)).collect();
    let verb = match wanted {
        Wanted::Message { .. } => "send it",
        Wanted::Space(_) => "make space",
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
            let plural = if amount.messages == 1 { "" } else { "s" };
            format!(" ({} message{plural}, {} of {bound} bytes)", amount.messages, amount.bytes)
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
