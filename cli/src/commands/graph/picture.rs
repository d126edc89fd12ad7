//! The graph as boxes and lines, whatever they are drawn with.

use std::collections::{BTreeMap, BTreeSet};

use super::scene::Scene;
use super::{text, words};
use crate::deadlock::{Deadlock, Place};
use crate::objects::set;
use crate::processes::Pid;
use crate::survey::Entry;

/// A process or an object.
pub struct Node {
    pub label: String,
    /// Part of a deadlock.
    pub is_stuck: bool,
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
    /// Has taken from it what will be undone.
    Taken,
    /// Waits in it.
    Waits,
    /// Waits in it for ever.
    Stuck,
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
        let is_member = |pid: Pid| deadlocks.iter().any(|deadlock| deadlock.members.contains(&pid));
        let targets: Vec<Target> = scene.entries().flat_map(Target::all).collect();
        let drawn: Vec<(usize, Pid, LineKind)> = targets
            .iter()
            .enumerate()
            .flat_map(|(object, target)| {
                target.lines(deadlocks).into_iter().map(move |(pid, kind)| (object, pid, kind))
            })
            .collect();
        let mut places: BTreeMap<Pid, usize> = drawn.iter().map(|(_, pid, _)| (*pid, 0)).collect();
        places.values_mut().zip(0..).for_each(|(place, number)| *place = number);
        let processes = places
            .keys()
            .map(|&pid| Node { label: words::process(pid, survey), is_stuck: is_member(pid) });
        let objects = targets
            .iter()
            .map(|target| Node { label: target.label(), is_stuck: target.is_stuck(deadlocks) });
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

    fn is_stuck(&self, deadlocks: &[&Deadlock]) -> bool {
        let mut sleepers = deadlocks.iter().flat_map(|deadlock| &deadlock.sleepers);
        sleepers.any(|sleeper| self.is_here(sleeper.place))
    }

    /// One for each process that has to do with it.
    fn lines(&self, deadlocks: &[&Deadlock]) -> BTreeMap<Pid, LineKind> {
        let mut lines = BTreeMap::new();
        let Self { entry, semaphore } = self;
        match (semaphore, entry.object.set()) {
            (Some(number), Some(set)) => {
                let its = set::living(set).filter(|adjustment| adjustment.member == *number);
                let pids = its.filter_map(|adjustment| Some(adjustment.pid?.cast_signed()));
                lines.extend(pids.map(|pid| (pid, LineKind::Taken)));
            }
            _ => lines.extend(entry.holders.iter().map(|holder| (holder.pid, LineKind::Has))),
        }
        let its = entry.waiters.iter().filter(|waiter| {
            semaphore.is_none() || waiter.wish.as_ref().map(|wish| wish.member) == *semaphore
        });
        lines.extend(its.map(|waiter| (waiter.pid, LineKind::Waits)));
        let sleepers = deadlocks.iter().flat_map(|deadlock| &deadlock.sleepers);
        let stuck = sleepers.filter(|sleeper| self.is_here(sleeper.place));
        lines.extend(stuck.map(|sleeper| (sleeper.pid, LineKind::Stuck)));
        lines
    }
}
