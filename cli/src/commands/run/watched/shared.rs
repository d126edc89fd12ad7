//! What the processes of a run had in common. Accesses to it between the calls are not seen; a
//! wrong result may come from one without a lock.

use std::collections::BTreeMap;

use watch_run::tables::{HANDLES, Handle, OBJECTS, Object, ObjectKind, PROCESSES, Process, Tables};

use super::home::copy;
use crate::output::escape;

/// Numbers that are shown of a list at most.
const SHOWN: usize = 8;

/// A line for each piece of memory: its name, who made it, the semaphores in it and their users. A
/// last one names the processes of the run. Nothing, if nothing is shared.
pub fn describe(tables: &Tables) -> Vec<String> {
    let book = tables.book.get();
    let objects: Vec<Object> = (0..OBJECTS)
        // SAFETY: a place in the mapped tables, of which only the address is made.
        .map(|index| copy(unsafe { &raw const (*book).objects[index] }))
        .take_while(|object| object.kind != ObjectKind::None)
        .collect();
    let is_named = |object: &&Object| {
        object.is_made && matches!(object.kind, ObjectKind::Memory | ObjectKind::Segment)
    };
    let named = objects
        .iter()
        .filter(is_named)
        .map(|object| format!("{}, made by process {}", name(object), who(tables, object.maker)));
    let mut lines: Vec<String> = named.chain(without_names(tables, &objects)).collect();
    if !lines.is_empty() {
        let processes: Vec<String> = all_of(tables)
            .map(|process| format!("{} ({})", process.pid, program(&process)))
            .collect();
        lines.push(format!("processes of the run: {}", short(&processes)));
    }
    lines
}

/// Memory that has no name is known by the semaphores in it.
fn without_names(tables: &Tables, objects: &[Object]) -> Vec<String> {
    let mut found: BTreeMap<u64, (Vec<String>, Vec<i32>)> = BTreeMap::new();
    for (index, object) in objects.iter().enumerate() {
        let [memory, 1, _] = object.place else { continue };
        if object.kind != ObjectKind::Unnamed || !name(object).starts_with("0x") {
            continue;
        }
        let (semaphores, users) = found.entry(memory).or_default();
        semaphores.push(name(object));
        users.extend(users_of(tables, index));
    }
    found.into_values().map(|(semaphores, users)| in_words(&semaphores, users)).collect()
}

fn in_words(semaphores: &[String], mut users: Vec<i32>) -> String {
    users.sort_unstable();
    users.dedup();
    let users: Vec<String> = users.iter().map(ToString::to_string).collect();
    let plural = |list: &[String]| if list.len() == 1 { "" } else { "s" };
    format!(
        "shared memory without a name, with the semaphore{} {}, used by process{} {}",
        plural(semaphores),
        short(semaphores),
        if users.len() == 1 { "" } else { "es" },
        short(&users)
    )
}

fn short(list: &[String]) -> String {
    let shown = list[..list.len().min(SHOWN)].join(", ");
    if list.len() > SHOWN { format!("{shown} and others") } else { shown }
}

/// Processes that have made a call on it; the entries of those that have ended are there still.
fn users_of(tables: &Tables, object: usize) -> Vec<i32> {
    let book = tables.book.get();
    let is_user =
        |handle: &Handle| handle.pid != 0 && handle.is_used && handle.object as usize == object;
    (0..HANDLES)
        // SAFETY: a place in the mapped tables, of which only the address is made.
        .map(|index| copy(unsafe { &raw const (*book).handles[index] }))
        .filter(is_user)
        .map(|handle| handle.pid.abs())
        .collect()
}

fn name(object: &Object) -> String {
    escape::text(&object.name[..usize::from(object.name_length)])
}

/// `4711 (counter)`
fn who(tables: &Tables, pid: i32) -> String {
    match all_of(tables).find(|process| process.pid == pid) {
        Some(process) => format!("{pid} ({})", program(&process)),
        None => pid.to_string(),
    }
}

fn program(process: &Process) -> String {
    let name = &process.name;
    let end = name.iter().position(|&byte| byte == 0).unwrap_or(name.len());
    escape::word(&name[..end])
}

fn all_of(tables: &Tables) -> impl Iterator<Item = Process> {
    let book = tables.book.get();
    (0..PROCESSES)
        // SAFETY: a place in the mapped tables, of which only the address is made.
        .map(move |index| copy(unsafe { &raw const (*book).processes[index] }))
        .filter(|process| process.pid != 0)
}
