//! Who will sleep for ever.
//!
//! POSIX semaphores do not record who took their tokens. What can be seen is who *could* wake a
//! sleeper: a thread that sleeps in an object can only be woken by a process that has the object.
//! So a set of processes is stuck if each of their threads is asleep, without a timeout, and all
//! who could wake one of them are in the set (`closure`). Nobody outside can change that, but for
//! one who opens an object anew, sends a signal, or may not be looked into.
//!
//! A look at many threads takes a while, and threads that take turns may each be asleep when they
//! are looked at. So a set counts only if none of its threads has run between the look at the first
//! and at the last one: then all of them slept at the same time (`actors`).

mod actors;
mod blocker;
mod closure;
mod place;

use std::collections::BTreeSet;

use crate::failure::Result;
use crate::processes::Pid;
use crate::survey::Survey;
use actors::Actors;
pub use place::{Place, Sleeper};

/// How it came to that, as far as can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// They sleep on several words, each for what the others could give.
    Cycle,
    /// All sleep on one word, and nobody else has it.
    Abandoned,
}

/// Processes that wait for ever.
#[derive(Clone, Debug)]
pub struct Deadlock {
    pub shape: Shape,
    pub sleepers: Vec<Sleeper>,
    /// All members: also those that have one of the objects and wait for a child or for a thread of
    /// their own.
    pub members: BTreeSet<Pid>,
}

/// Looks so often, when something moves while it looks.
const LOOKS: usize = 5;

/// What is on this machine, and all deadlocks, each with its processes.
pub fn find() -> Result<(Survey, Vec<Deadlock>)> {
    let mut looks = 1;
    loop {
        let (survey, actors) = Actors::look()?;
        let stuck = closure::stuck(&actors, &BTreeSet::new());
        let moved = actors.moved(&stuck);
        if !moved.is_empty() && looks < LOOKS {
            looks += 1;
            continue;
        }
        // Who still moves is not stuck, and neither is who may be woken by one who moves.
        let stuck = closure::stuck(&actors, &moved);
        return Ok((survey, split(&actors, &stuck)));
    }
}

/// One deadlock for each set of processes that have to do with each other.
fn split(actors: &Actors, stuck: &BTreeSet<Pid>) -> Vec<Deadlock> {
    let mut rest = stuck.clone();
    let mut deadlocks = Vec::new();
    while let Some(first) = rest.pop_first() {
        let mut members = BTreeSet::from([first]);
        let mut new = vec![first];
        while let Some(pid) = new.pop() {
            let (linked, others) =
                rest.into_iter().partition(|other| actors.are_linked(pid, *other));
            rest = others;
            let linked: BTreeSet<Pid> = linked;
            new.extend(&linked);
            members.extend(linked);
        }
        deadlocks.extend(deadlock(actors, members));
    }
    deadlocks
}

/// None when nobody in the set sleeps on anything that is shared: then it is no business of ours.
fn deadlock(actors: &Actors, members: BTreeSet<Pid>) -> Option<Deadlock> {
    let sleepers: Vec<Sleeper> = members.iter().flat_map(|pid| actors.sleepers(*pid)).collect();
    let places: BTreeSet<Place> = sleepers.iter().map(|sleeper| sleeper.place).collect();
    let shape = match places.len() {
        0 => return None,
        1 => Shape::Abandoned,
        _ => Shape::Cycle,
    };
    // A shell that waits for a member is stuck too, but nobody has to know.
    let concerned = |pid: &Pid| places.iter().any(|place| actors.has(*pid, place.file));
    let members = members.into_iter().filter(concerned).collect();
    Some(Deadlock { shape, sleepers, members })
}
