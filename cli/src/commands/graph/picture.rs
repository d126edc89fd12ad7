//! The graph as boxes and lines, whatever they are drawn with.

use std::collections::BTreeMap;

use super::scene::Scene;
use super::text;
use crate::processes::Pid;

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

impl Picture {
    pub fn of(scene: &Scene) -> Self {
        let Scene { survey, deadlocks } = scene;
        let is_member = |pid: Pid| deadlocks.iter().any(|deadlock| deadlock.members.contains(&pid));
        let sleeps_for_ever = |pid: Pid, object| {
            let mut sleepers = deadlocks.iter().flat_map(|deadlock| &deadlock.sleepers);
            sleepers.any(|sleeper| sleeper.pid == pid && sleeper.place.file == object)
        };
        let entries: Vec<_> =
            survey.entries.iter().filter(|entry| !entry.holders.is_empty()).collect();
        let mut places = BTreeMap::new();
        for holder in entries.iter().flat_map(|entry| &entry.holders) {
            places.insert(holder.pid, 0);
        }
        places.values_mut().zip(0..).for_each(|(place, number)| *place = number);
        let mut lines = Vec::new();
        for (object, entry) in entries.iter().enumerate() {
            for holder in &entry.holders {
                let waits = entry.waiters.iter().any(|waiter| waiter.pid == holder.pid);
                let kind = match (waits, sleeps_for_ever(holder.pid, entry.object.id)) {
                    (_, true) => LineKind::Stuck,
                    (true, false) => LineKind::Waits,
                    (false, false) => LineKind::Has,
                };
                lines.push(Line { process: places[&holder.pid], object, kind });
            }
        }
        let processes = places
            .keys()
            .map(|&pid| Node { label: text::process(pid, survey), is_stuck: is_member(pid) });
        let objects = entries.iter().map(|entry| Node {
            label: format!("{}{}", entry.object.shown_name(), text::state(&entry.object)),
            is_stuck: deadlocks
                .iter()
                .flat_map(|deadlock| &deadlock.sleepers)
                .any(|sleeper| sleeper.place.file == entry.object.id),
        });
        Self { processes: processes.collect(), objects: objects.collect(), lines }
    }
}
