//! The graph as boxes and lines, whatever they are drawn with.

use std::collections::{BTreeMap, BTreeSet};

use super::scene::Scene;
use super::{text, words};
use crate::deadlock::{Confidence, Deadlock, Place};
use crate::objects::{State, semaphore, set};
use crate::processes::Pid;
use crate::survey::{Entry, Survey};

/// A process or an object.
pub struct Node {
    pub label: String,
    /// How sure the deadlock is that it is part of.
    pub stuck: Option<Confidence>,
}

/// From a process to an object, as places in their lists.
pub struct Line {
    pub process: usize,
    pub object: usize,
    pub kind: LineKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    /// Has it open or mapped.
    Has,
    /// Has taken from it what will be undone, or was the last one to take from it.
    Taken,
    /// Waits in it.
    Waits,
    /// Waits in it, and may do so for ever.
    Doubtful,
    /// Waits in it for ever.
    Stuck,
}

impl LineKind {
    fn of_stuck(confidence: Confidence) -> Self {
        if confidence == Confidence::Possible { Self::Doubtful } else { Self::Stuck }
    }
}

pub struct Picture {
    pub processes: Vec<Node>,
    pub objects: Vec<Node>,
    pub lines: Vec<Line>,
}

/// What lines lead to: an object, or a semaphore of a set that a thread waits for or has taken
/// from.
struct Target<'a> {
    entry: &'a Entry,
    semaphore: Option<u16>,
}

impl Picture {
    pub fn of(scene: &Scene) -> Self {
        let Scene { survey, .. } = scene;
        let deadlocks: Vec<&Deadlock> = scene.deadlocks().collect();
        let deadlocks = &deadlocks[..];
        let surest = |pid: Pid| {
            let its = deadlocks.iter().filter(|deadlock| deadlock.members.contains(&pid));
            its.map(|deadlock| deadlock.confidence).min()
        };
        let targets: Vec<Target> = scene.entries().flat_map(Target::all).collect();
        let drawn: Vec<(usize, Pid, LineKind)> = targets
            .iter()
            .enumerate()
            .flat_map(|(object, target)| {
                target
                    .lines(deadlocks, survey)
                    .into_iter()
                    .map(move |(pid, kind)| (object, pid, kind))
            })
            .collect();
        let mut places: BTreeMap<Pid, usize> = drawn.iter().map(|(_, pid, _)| (*pid, 0)).collect();
        places.values_mut().zip(0..).for_each(|(place, number)| *place = number);
        let processes = places
            .keys()
            .map(|&pid| Node { label: words::process(pid, survey), stuck: surest(pid) });
        let objects = targets
            .iter()
            .map(|target| Node { label: target.label(), stuck: target.stuck(deadlocks) });
        let line = |&(object, pid, kind)| Line { process: places[&pid], object, kind };
        Self {
            processes: processes.collect(),
            objects: objects.collect(),
            lines: drawn.iter().map(line).collect(),
        }
    }
}

impl<'a> Target<'a> {
    fn all(entry: &'a Entry) -> Vec<Self> {
        let taken = entry.object.set().into_iter().flat_map(set::living);
        let waited = entry.waiters.iter().filter_map(|waiter| Some(waiter.wish.as_ref()?.member));
        let semaphores: BTreeSet<u16> =
            taken.map(|adjustment| adjustment.member).chain(waited).collect();
        if semaphores.is_empty() {
            return vec![Self { entry, semaphore: None }];
        }
        semaphores.into_iter().map(|number| Self { entry, semaphore: Some(number) }).collect()
    }

    fn label(&self) -> String {
        let object = &self.entry.object;
        let set = object.set().zip(self.semaphore);
        match set.and_then(|(set, number)| Some((number, set.members.get(usize::from(number))?))) {
            Some((number, member)) => {
                format!("{} semaphore {number} ({})", object.shown_name(), member.value)
            }
            None => format!("{}{}", object.shown_name(), text::state(object)),
        }
    }

    fn is_here(&self, place: Place) -> bool {
        place.file == self.entry.object.id
            && self.semaphore.is_none_or(|number| place.spot.semaphore() == Some(number))
    }

    /// Of those that sleep here for ever.
    fn sleepers(&self, deadlocks: &[&Deadlock]) -> Vec<(Pid, Confidence)> {
        let all = deadlocks.iter().flat_map(|deadlock| {
            deadlock.sleepers.iter().map(|sleeper| (sleeper, deadlock.confidence))
        });
        let here = all.filter(|(sleeper, _)| self.is_here(sleeper.place));
        here.map(|(sleeper, confidence)| (sleeper.pid, confidence)).collect()
    }

    fn stuck(&self, deadlocks: &[&Deadlock]) -> Option<Confidence> {
        self.sleepers(deadlocks).into_iter().map(|(_, confidence)| confidence).min()
    }

    /// One for each process that has to do with it.
    fn lines(&self, deadlocks: &[&Deadlock], survey: &Survey) -> BTreeMap<Pid, LineKind> {
        let mut lines = BTreeMap::new();
        let Self { entry, semaphore } = self;
        if let (Some(number), Some(set)) = (semaphore, entry.object.set()) {
            let its = set::living(set).filter(|adjustment| adjustment.member == *number);
            let pids = its.filter_map(|adjustment| Some(adjustment.pid?.cast_signed()));
            lines.extend(pids.map(|pid| (pid, LineKind::Taken)));
        } else {
            lines.extend(entry.holders.iter().map(|holder| (holder.pid, LineKind::Has)));
            lines.extend(taken_by(entry, survey).into_iter().map(|pid| (pid, LineKind::Taken)));
        }
        let its = entry.waiters.iter().filter(|waiter| {
            semaphore.is_none() || waiter.wish.as_ref().map(|wish| wish.member) == *semaphore
        });
        lines.extend(its.map(|waiter| (waiter.pid, LineKind::Waits)));
        let stuck = self.sleepers(deadlocks).into_iter();
        lines.extend(stuck.map(|(pid, confidence)| (pid, LineKind::of_stuck(confidence))));
        lines
    }
}

/// The living that have taken from a semaphore of POSIX, as far as that is recorded: those that use
/// it robustly, and the last one, when nothing is left.
fn taken_by(entry: &Entry, survey: &Survey) -> Vec<Pid> {
    let State::Sem(Ok(state)) = &entry.object.state else { return Vec::new() };
    let takers = semaphore::takers(&entry.object.path, state).into_iter();
    let robust = takers.filter(|taker| taker.taken > 0).filter_map(|taker| taker.pid);
    let last = state.track.as_ref().and_then(|track| track.taker.as_ref());
    let last = last.filter(|taker| {
        let has_ended = survey.has_ended(taker.pid.cast_signed(), taker.when);
        state.value == 0 && taker.is_at_home && has_ended == Some(false)
    });
    robust.chain(last.map(|taker| taker.pid)).map(u32::cast_signed).collect()
}
