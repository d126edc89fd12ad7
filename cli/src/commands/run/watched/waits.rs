//! Waits that last: who waits for whom, from what the run has written down; and where that does not
//! say it, from what `rsipc graph` sees.

use std::collections::HashSet;
use std::fs;
use std::sync::atomic::Ordering;

use watch_run::calls::CALLS;
use watch_run::finding::Kind;
use watch_run::tables::{HANDLES, OBJECTS, Object, ObjectKind, Tables, Thread};

use super::age::{self, is_alive};
use super::heirs;
use super::history;
use super::home::copy;
use super::maps::place;
use super::records::Finding;
use super::unlinked;
use super::unset;
use crate::commands::graph::words;
use crate::deadlock::{self, Confidence};
use crate::output::{escape, warn};
use crate::processes::signals;
use crate::survey::Depth;

/// A thread in a call.
#[derive(Clone)]
pub struct Waiting {
    pub pid: i32,
    pub tid: i32,
    pub call: &'static str,
    pub began: u64,
    pub arguments: [u64; 6],
    /// It ends by itself.
    has_end: bool,
    object: Option<usize>,
    stack: Vec<u64>,
}

/// Waits that have been spoken of.
#[derive(Default)]
pub struct Waits {
    known: HashSet<(i32, u64)>,
}

/// All threads that are in a call.
pub fn in_calls(tables: &Tables) -> Vec<(Waiting, bool)> {
    tables.threads.iter().filter_map(read).collect()
}

/// With whether it is a call that may wait. None: in no call.
fn read(slot: &Thread) -> Option<(Waiting, bool)> {
    // Acquire: the fields that were stored before it.
    let number = slot.call.load(Ordering::Acquire) as usize;
    let signature = CALLS.get(number.checked_sub(1)?)?;
    let arguments = slot.arguments.each_ref().map(|word| word.load(Ordering::Relaxed));
    let counters = slot.stack.iter().map(|place| place.load(Ordering::Relaxed));
    let waiting = Waiting {
        pid: slot.pid.load(Ordering::Relaxed),
        tid: slot.tid.load(Ordering::Relaxed),
        call: signature.name,
        began: slot.began.load(Ordering::Relaxed),
        arguments,
        has_end: signature.has_end(&arguments),
        object: (slot.object.load(Ordering::Relaxed) as usize).checked_sub(1),
        stack: counters.take_while(|&counter| counter != 0).collect(),
    };
    (waiting.tid != 0).then_some((waiting, signature.waits))
}

impl Waits {
    /// Findings of waits that began so many nanoseconds ago. Other long waits are notes.
    pub fn look(&mut self, tables: &Tables, now: u64, patience: u64) -> Vec<Finding> {
        let mut found = Vec::new();
        let all: Vec<Waiting> =
            in_calls(tables).into_iter().filter(|(_, waits)| *waits).map(|(one, _)| one).collect();
        for waiting in &all {
            let lasts = now.saturating_sub(waiting.began) >= patience;
            let is_there = is_alive(waiting.tid) && !age::is_younger(waiting.tid, waiting.began);
            if !lasts || !is_there || !self.known.insert((waiting.tid, waiting.began)) {
                continue;
            }
            match reason(tables, waiting, &all) {
                Reason::Stuck(what, members) => {
                    // One finding for all of them.
                    for other in all.iter().filter(|other| members.contains(&other.tid)) {
                        self.known.insert((other.tid, other.began));
                    }
                    found.push(finding(tables, waiting, what));
                }
                Reason::Open(_) if waiting.has_end => {}
                Reason::Open(note) => warn(note),
            }
        }
        found
    }
}

enum Reason {
    /// No thread will wake it; the threads that are concerned.
    Stuck(String, HashSet<i32>),
    /// A thread may wake it.
    Open(String),
}

fn reason(tables: &Tables, waiting: &Waiting, all: &[Waiting]) -> Reason {
    chain(tables, waiting, all)
        .or_else(|| seen(tables, waiting, all))
        .unwrap_or_else(|| Reason::Open(note(tables, waiting)))
}

/// From a lock to the thread that has it, and on to what that thread waits for.
fn chain(tables: &Tables, waiting: &Waiting, all: &[Waiting]) -> Option<Reason> {
    // The book does not have all that has happened.
    if !tables.head.is_whole() {
        return None;
    }
    let mut said = Vec::new();
    let mut members = HashSet::new();
    let mut current = waiting;
    loop {
        let object = object(tables, current.object?)?;
        let name = name(&object);
        let is_lock =
            object.initial == 1 && !object.is_signal && object.taker != 0 && object.returns > 0;
        if !is_lock {
            return None;
        }
        if !members.insert(current.tid) {
            return Some(Reason::Stuck(said.join("; "), members));
        }
        let (holder, holder_pid) = (object.taker, object.taker_pid);
        let own = who(current.pid, current.tid);
        // A child that began while its parent had the lock may have been left it.
        let waits_too =
            |pid: i32| all.iter().any(|one| one.pid == pid && one.object == current.object);
        if heirs::of(tables, holder_pid, object.taken_at)
            .any(|pid| is_alive(pid) && !waits_too(pid))
        {
            return None;
        }
        if !is_alive(holder) {
            // What was taken with SEM_UNDO is given back, if that has not been done yet.
            if object.is_undone {
                return None;
            }
            said.push(format!(
                "{own} waits for {name}, taken last by process {holder_pid}, which has ended"
            ));
            return Some(Reason::Stuck(said.join("; "), members));
        }
        if holder == current.tid {
            // No other thread ever gave it back. The one that has it could; so could a handler.
            let pid = current.pid;
            let may_go_on = !signals::handled(pid, false).is_empty() || signals::has_timers(pid);
            if may_go_on || others(tables, current).next().is_some() || has_threads(pid) {
                return None;
            }
            said.push(format!("{own} waits for {name}, which it has itself"));
            return Some(Reason::Stuck(said.join("; "), members));
        }
        said.push(format!("{own} waits for {name}, which {} has", who(holder_pid, holder)));
        current = all.iter().find(|other| other.tid == holder)?;
    }
}

/// What `rsipc graph` says of the process. Of that, what it is sure of: no handler could post, but
/// that of a signal with which a person ends the program.
fn seen(tables: &Tables, waiting: &Waiting, all: &[Waiting]) -> Option<Reason> {
    let (mut survey, deadlocks) = deadlock::find(Depth::Memory).ok()?;
    let is_it = |deadlock: &&deadlock::Deadlock| {
        let is_sure = deadlock.confidence == Confidence::Certain || deadlock.is_sure_within_run();
        is_sure && deadlock.members.contains(&waiting.pid)
    };
    let found = deadlocks.iter().find(is_it)?;
    let members = all.iter().filter(|other| found.members.contains(&other.pid));
    let members = members.map(|other| other.tid).collect();
    unlinked::name(&mut survey, found, |tid| {
        let known = object(tables, all.iter().find(|one| one.tid == tid)?.object?)?;
        (known.kind == ObjectKind::Named).then(|| name(&known))
    });
    let name = words::name(found, &survey);
    let name = name.split_once("deadlock: ").map_or(&*name, |(_, name)| name);
    Some(Reason::Stuck(name.to_owned(), members))
}

fn note(tables: &Tables, waiting: &Waiting) -> String {
    let object = waiting.object.and_then(|index| object(tables, index));
    let name = object.as_ref().map_or_else(|| "an object".to_owned(), name);
    let mut others: Vec<i32> = others(tables, waiting).collect();
    others.sort_unstable();
    others.dedup();
    let others: Vec<String> = others.iter().map(|pid| who(*pid, *pid)).collect();
    let is_private = object
        .as_ref()
        .is_some_and(|object| object.kind == ObjectKind::Unnamed && !object.is_shared);
    let could = match others.len() {
        0 if is_private => "it is in memory of that process: its other threads could end it".into(),
        0 => "no other process of the run is known to have it".to_owned(),
        _ => format!("{} could end it", others.join(", ")),
    };
    format!("{} waits in {} for {name}; {could}", who(waiting.pid, waiting.tid), waiting.call)
}

/// Other processes that have what it waits for, each as often as it knows it.
fn others<'t>(tables: &'t Tables, waiting: &'t Waiting) -> impl Iterator<Item = i32> + 't {
    let book = tables.book.get();
    (0..HANDLES)
        // SAFETY: a place in the mapped tables, of which only the address is made.
        .map(move |index| copy(unsafe { &raw const (*book).handles[index] }))
        .filter(move |handle| {
            handle.pid > 0
                && Some(handle.object as usize) == waiting.object
                && !handle.is_over
                && handle.pid != waiting.pid
                && is_alive(handle.pid)
        })
        .map(|handle| handle.pid)
}

/// Whether the process has more than one thread.
fn has_threads(pid: i32) -> bool {
    fs::read_dir(format!("/proc/{pid}/task")).is_ok_and(|threads| threads.count() > 1)
}

fn object(tables: &Tables, index: usize) -> Option<Object> {
    if index >= OBJECTS {
        return None;
    }
    let book = tables.book.get();
    // SAFETY: a place in the mapped tables, of which only the address is made.
    let object = copy(unsafe { &raw const (*book).objects[index] });
    (object.kind != ObjectKind::None).then_some(object)
}

fn name(object: &Object) -> String {
    let bytes = &object.name[..usize::from(object.name_length)];
    String::from_utf8_lossy(bytes).into_owned()
}

/// `process 4711 (name), thread 4712`
fn who(pid: i32, tid: i32) -> String {
    let thread = if pid == tid { String::new() } else { format!(", thread {tid}") };
    format!("process {pid} ({}){thread}", escape::word(program(pid).as_bytes()))
}

fn program(pid: i32) -> String {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    name.trim_end().to_owned()
}

fn finding(tables: &Tables, waiting: &Waiting, what: String) -> Finding {
    let object = waiting.object.and_then(|index| object(tables, index));
    let (mut stack, mut variable) = (Vec::new(), None);
    if let Ok(maps) = fs::read_to_string(format!("/proc/{}/maps", waiting.pid)) {
        stack = waiting
            .stack
            .iter()
            .filter_map(|counter| place(&maps, counter.wrapping_sub(1)))
            .collect();
        if waiting.call.starts_with("sem_") {
            variable = place(&maps, waiting.arguments[0]);
        }
    }
    let history = object.as_ref().and_then(|object| history::of(tables, object, waiting.tid));
    let what = match history {
        Some(history) if !what.contains("which it has itself") => format!("{what}: {history}"),
        _ => what,
    };
    let is_unset = object.as_ref().is_some_and(|object| unset::is_it(tables, object));
    let (kind, what, why) = if is_unset {
        let what = format!("nobody has given its semaphores values: {what}");
        (Kind::Uninitialised, what, unset::WHY)
    } else {
        (Kind::Deadlock, what, Kind::Deadlock.why())
    };
    Finding {
        kind: kind.name().to_owned(),
        pid: waiting.pid,
        tid: waiting.tid,
        program: program(waiting.pid),
        call: Some(waiting.call.to_owned()),
        object: object.as_ref().map(name).unwrap_or_default(),
        what,
        why: why.to_owned(),
        variable: variable
            .filter(|_| object.as_ref().is_some_and(|object| object.kind == ObjectKind::Unnamed)),
        stack,
    }
}
