//! Finds the threads that will sleep for ever.
//!
//! A POSIX semaphore does not record which process took its value down. What can be seen is which
//! processes *could* wake a sleeper: those that have the object open. So a set of processes is
//! stuck if each of their threads is asleep, without a timeout, and every process that could wake
//! one of them is in the set (`closure`). Only a process that opens an object anew or sends a
//! signal can still help. The finding is no more than possible where a process that could not be
//! inspected may open an object, and where all that is waited for are messages of queues that have
//! a name: a server without clients waits like that (`outside`).
//!
//! System V semaphores record it for operations with SEM_UNDO. If processes that sleep themselves
//! have taken all that is waited for, the set is very probably stuck, even if other processes have
//! it open and are awake: a process that has not taken a lock does not give it back (`sets`).
//!
//! The finding is only *possible* where all other processes that could help are stopped, or sit in
//! poll, in read or in a wait, as a supervisor does, and where a signal handler or a timer may post
//! (`doubt`). All idle workers wait for a process that sits in poll. So the finding is limited to
//! threads that wait for the values of different semaphores, each for the other (`shape`).
//!
//! It takes a while to look at many threads, and threads that take turns may each be asleep when
//! they are looked at. So a set counts only if none of its threads has run between the first look
//! and the last one: then all of them slept at the same time (`actors`).
//!
//! | module | |
//! |---|---|
//! | `actors` | all processes with what their threads sleep in, at one moment |
//! | `blocker` | what keeps a thread asleep |
//! | `closure` | the largest set of processes that only they themselves could wake |
//! | `doubt` | why processes that sleep may go on after all |
//! | `outside` | who could still help that does not have the object, or cannot be seen |
//! | `place` | where threads sleep |
//! | `sets` | the processes that could let a waiter of a semaphore set go on |
//! | `shape` | whether threads wait for each other |

mod actors;
mod blocker;
mod closure;
mod doubt;
mod outside;
mod place;
mod sets;
mod shape;

use std::collections::BTreeSet;

use crate::failure::Result;
use crate::objects::{Kind, Object};
use crate::processes::{Pid, signals};
pub use crate::survey::Confidence;
use crate::survey::{Depth, Survey};
use actors::Actors;
use closure::Wakers;
pub use doubt::Doubt;
pub use place::{Place, Sleeper, Spot};
pub use shape::Shape;

/// Processes that wait for ever.
#[derive(Clone, Debug)]
pub struct Deadlock {
    pub shape: Shape,
    pub sleepers: Vec<Sleeper>,
    /// All members: also those that have one of the objects and wait for a child or for a thread of
    /// their own.
    pub members: BTreeSet<Pid>,
    pub confidence: Confidence,
    /// Why it is no more than possible.
    pub doubts: Vec<Doubt>,
    /// Awake processes that have one of the objects, and so could.
    pub others: BTreeSet<Pid>,
}

impl Deadlock {
    /// A process that opens the queue anew would wake them, as a new client wakes an idle server.
    pub fn waits_for_senders(&self) -> bool {
        self.doubts.iter().any(|doubt| matches!(doubt, Doubt::Anew { .. }))
    }

    /// Nothing but a process from outside of the program could wake them.
    pub fn is_sure_within_run(&self) -> bool {
        let is_outside = |doubt: &Doubt| matches!(doubt, Doubt::Unseen { .. } | Doubt::Anew { .. });
        !self.doubts.is_empty() && self.doubts.iter().all(is_outside)
    }
}

/// Looks so often, when something moves while it looks.
const LOOKS: usize = 5;

/// What is on this machine, and the deadlocks in objects. Where no thread waits in one there are
/// none, and it is enough to look once.
pub fn look(depth: Depth) -> Result<(Survey, Vec<Deadlock>)> {
    let survey = Survey::take(depth)?;
    let nobody_waits = survey.entries.iter().all(|entry| entry.waiters.is_empty());
    if nobody_waits { Ok((survey, Vec::new())) } else { find(depth) }
}

/// What is on this machine, and all deadlocks, each with its processes.
pub fn find(depth: Depth) -> Result<(Survey, Vec<Deadlock>)> {
    let mut looks = 1;
    loop {
        let (mut survey, actors) = Actors::look(depth)?;
        // The processes that are stuck in all likelihood include those that are for certain. Of
        // those that may be stuck, one that sits in poll may have moved.
        let active = closure::stuck(&actors, &BTreeSet::new(), Wakers::Active);
        let holders = closure::stuck(&actors, &BTreeSet::new(), Wakers::Holders);
        let sleeps = |pid: &&Pid| !actors.sleepers(**pid).is_empty();
        let watched = &holders | &active.iter().filter(sleeps).copied().collect();
        let moved = actors.moved(&watched);
        if !moved.is_empty() && looks < LOOKS {
            looks += 1;
            continue;
        }
        // A process that still moves is not stuck, and neither is one that it may wake.
        let stuck = |wakers| closure::stuck(&actors, &moved, wakers);
        let holders = if moved.is_empty() { holders } else { stuck(Wakers::Holders) };
        // A process that sleeps for a short time again and again does not sit in a call for ever.
        let sitting = &involved(&actors, &active) - &watched;
        let awake = &moved | &actors.moved(&sitting);
        let active =
            if awake.is_empty() { active } else { closure::stuck(&actors, &awake, Wakers::Active) };
        let certain = stuck(Wakers::AllWhoCould);
        let likely = &holders - &certain;
        let all = &certain | &likely;
        let possible = involved(&actors, &(&active - &all));
        let mut deadlocks = split(&survey, &actors, &certain, &all, Confidence::Certain);
        deadlocks.extend(split(&survey, &actors, &likely, &all, Confidence::Likely));
        let may_be = split(&survey, &actors, &possible, &(&all | &possible), Confidence::Possible);
        deadlocks.extend(may_be.into_iter().filter(|deadlock| is_worth_telling(deadlock, &survey)));
        flag(&mut survey, &deadlocks);
        // Those in other memory, and in objects of another directory, come behind.
        let is_here = |sleeper: &Sleeper| survey.object(sleeper.place.file).is_some();
        deadlocks.sort_by_key(|deadlock| !deadlock.sleepers.iter().any(is_here));
        return Ok((survey, deadlocks));
    }
}

/// Notes in each object how sure it is that threads wait in it for ever.
fn flag(survey: &mut Survey, deadlocks: &[Deadlock]) {
    for entry in &mut survey.entries {
        let id = entry.object.id;
        let is_here =
            |deadlock: &&Deadlock| deadlock.sleepers.iter().any(|sleeper| sleeper.place.file == id);
        let here = || deadlocks.iter().filter(is_here);
        let lasting = here().filter(|deadlock| !deadlock.waits_for_senders());
        entry.deadlock = lasting.map(|deadlock| deadlock.confidence).min();
        entry.has_no_sender = here().any(Deadlock::waits_for_senders);
    }
}

/// Those that sleep on something shared, and those that have it.
fn involved(actors: &Actors, stuck: &BTreeSet<Pid>) -> BTreeSet<Pid> {
    let sleepers = stuck.iter().flat_map(|pid| actors.sleepers(*pid));
    let pids = sleepers.flat_map(|sleeper| {
        let having = actors.having(sleeper.place.file).iter().copied();
        having.chain(sleeper.givers).chain([sleeper.pid]).collect::<Vec<Pid>>()
    });
    pids.filter(|pid| stuck.contains(pid)).collect()
}

/// Whether a deadlock that is no more than possible looks like one: see the module.
fn is_worth_telling(deadlock: &Deadlock, survey: &Survey) -> bool {
    let waits_for_token = |sleeper: &Sleeper| {
        let kind = survey.object(sleeper.place.file).map(Object::kind);
        !matches!(kind, Some(Kind::Mq | Kind::Svmsg))
    };
    let are_crossed =
        deadlock.shape == Shape::Cycle && deadlock.sleepers.iter().all(waits_for_token);
    let is_stopped = |doubt: &Doubt| matches!(doubt, Doubt::Stopped { .. });
    are_crossed || deadlock.doubts.iter().any(is_stopped)
}

/// One deadlock for each set of processes that have to do with each other.
/// `all` are the ones that are stuck, as sure as these or more so.
fn split(
    survey: &Survey,
    actors: &Actors,
    stuck: &BTreeSet<Pid>,
    all: &BTreeSet<Pid>,
    confidence: Confidence,
) -> Vec<Deadlock> {
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
        deadlocks.extend(deadlock(survey, actors, members, all, confidence));
    }
    deadlocks
}

/// None when no thread of the set sleeps on anything shared: then it does not concern us.
fn deadlock(
    survey: &Survey,
    actors: &Actors,
    members: BTreeSet<Pid>,
    all: &BTreeSet<Pid>,
    confidence: Confidence,
) -> Option<Deadlock> {
    let sleepers = members.iter().flat_map(|pid| actors.sleepers(*pid)).collect();
    let mut sleepers = shape::merge(sleepers, survey);
    let is_in_memory = |sleeper: &Sleeper| {
        survey.object(sleeper.place.file).is_some_and(|object| object.memory.is_some())
    };
    let is_within_one = sleepers.iter().all(is_in_memory);
    if !is_within_one {
        // Threads of a process that wait for each other as well are no news then.
        sleepers.retain(|sleeper| !is_in_memory(sleeper));
    }
    let places: BTreeSet<Place> = sleepers.iter().map(|sleeper| sleeper.place).collect();
    if places.is_empty() {
        return None;
    }
    let shape = shape::of(&sleepers, &members, actors, survey);
    // A shell that waits for a member is stuck too, but that is of no interest.
    let concerned = |pid: &Pid| places.iter().any(|place| actors.has(*pid, place.file));
    let gives = |pid: &Pid| sleepers.iter().any(|sleeper| sleeper.givers.contains(pid));
    let others: BTreeSet<Pid> = places
        .iter()
        .flat_map(|place| actors.having(place.file))
        .copied()
        .filter(|pid| !all.contains(pid))
        .collect();
    let (mut confidence, mut doubts) = (confidence, Vec::new());
    let mut members: BTreeSet<Pid> =
        members.into_iter().filter(|pid| concerned(pid) || gives(pid)).collect();
    match confidence {
        Confidence::Certain => {
            let doubts_of = |pid| own_doubts(pid, is_within_one);
            doubts.extend(members.iter().copied().flat_map(doubts_of));
            doubts.extend(outside::unseen(&sleepers, survey));
            if shape == Shape::Abandoned {
                doubts.extend(outside::anew(&sleepers, survey));
            }
        }
        Confidence::Likely => {}
        Confidence::Possible => {
            doubts.extend(members.iter().flat_map(|pid| actors.doubts(*pid)));
            members.retain(|pid| sleepers.iter().any(|sleeper| sleeper.pid == *pid));
        }
    }
    if !doubts.is_empty() {
        confidence = Confidence::Possible;
    }
    Some(Deadlock { shape, sleepers, members, confidence, doubts, others })
}

/// What may run in a process all threads of which sleep. `is_within_one`: in its own memory alone.
/// A program that is done but for a signal waits like that for the one that ends it.
fn own_doubts(pid: Pid, is_within_one: bool) -> Vec<Doubt> {
    let signals = signals::handled(pid, is_within_one).into_iter();
    let handlers = signals.map(|signal| Doubt::Handler { pid, signal });
    let timer = signals::has_timers(pid).then_some(Doubt::Timer { pid });
    handlers.chain(timer).collect()
}
