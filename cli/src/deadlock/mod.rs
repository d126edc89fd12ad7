//! Who will sleep for ever.
//!
//! POSIX semaphores do not record who took their tokens. What can be seen is who *could* wake a
//! sleeper: a thread that sleeps in an object can only be woken by a process that has the object.
//! So a set of processes is stuck if each of their threads is asleep, without a timeout, and all
//! who could wake one of them are in the set (`closure`). Nobody outside can change that, but for
//! one who opens an object anew, sends a signal, or may not be looked into.
//!
//! System V semaphores do record it, for operations with SEM_UNDO. Where all that is waited for is
//! with such holders, and each of these sleeps so, they are stuck in all likelihood, even if others
//! have the set and are awake: whoever has not taken a lock does not give it back (`sets`).
//!
//! A look at many threads takes a while, and threads that take turns may each be asleep when they
//! are looked at. So a set counts only if none of its threads has run between the look at the first
//! and at the last one: then all of them slept at the same time (`actors`).

mod actors;
mod blocker;
mod closure;
mod place;
mod sets;

use std::collections::BTreeSet;

use crate::failure::Result;
use crate::processes::Pid;
use crate::survey::Survey;
use actors::Actors;
use closure::Wakers;
pub use place::{Place, Sleeper, Spot};

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
    /// Nobody else can wake them. Otherwise it is not for anybody else to do it.
    pub is_certain: bool,
    /// Awake processes that have one of the objects, and so could.
    pub others: BTreeSet<Pid>,
}

/// Looks so often, when something moves while it looks.
const LOOKS: usize = 5;

/// What is on this machine, and all deadlocks, each with its processes.
pub fn find() -> Result<(Survey, Vec<Deadlock>)> {
    let mut looks = 1;
    loop {
        let (survey, actors) = Actors::look()?;
        // Whoever is stuck in all likelihood includes those who are for certain.
        let stuck = closure::stuck(&actors, &BTreeSet::new(), Wakers::Holders);
        let moved = actors.moved(&stuck);
        if !moved.is_empty() && looks < LOOKS {
            looks += 1;
            continue;
        }
        // Who still moves is not stuck, and neither is who may be woken by one who moves.
        let certain = closure::stuck(&actors, &moved, Wakers::AllWhoCould);
        let mut likely = closure::stuck(&actors, &moved, Wakers::Holders);
        likely.retain(|pid| !certain.contains(pid));
        let all = &certain | &likely;
        let mut deadlocks = split(&actors, &certain, &all);
        for deadlock in &mut deadlocks {
            deadlock.is_certain = true;
        }
        deadlocks.extend(split(&actors, &likely, &all));
        return Ok((survey, deadlocks));
    }
}

/// One deadlock for each set of processes that have to do with each other.
/// `all` are the ones that are stuck, for certain or in all likelihood.
fn split(actors: &Actors, stuck: &BTreeSet<Pid>, all: &BTreeSet<Pid>) -> Vec<Deadlock> {
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
        deadlocks.extend(deadlock(actors, members, all));
    }
    deadlocks
}

/// None when nobody in the set sleeps on anything that is shared: then it is no business of ours.
fn deadlock(actors: &Actors, members: BTreeSet<Pid>, all: &BTreeSet<Pid>) -> Option<Deadlock> {
    let sleepers: Vec<Sleeper> = members.iter().flat_map(|pid| actors.sleepers(*pid)).collect();
    let places: BTreeSet<Place> = sleepers.iter().map(|sleeper| sleeper.place).collect();
    let shape = match places.len() {
        0 => return None,
        1 => Shape::Abandoned,
        _ => Shape::Cycle,
    };
    // A shell that waits for a member is stuck too, but nobody has to know.
    let concerned = |pid: &Pid| places.iter().any(|place| actors.has(*pid, place.file));
    let gives = |pid: &Pid| sleepers.iter().any(|sleeper| sleeper.givers.contains(pid));
    let others: BTreeSet<Pid> = places
        .iter()
        .flat_map(|place| actors.having(place.file))
        .copied()
        .filter(|pid| !all.contains(pid))
        .collect();
    let members = members.into_iter().filter(|pid| concerned(pid) || gives(pid)).collect();
    Some(Deadlock { shape, sleepers, members, is_certain: false, others })
}
