//! What there is to draw.

use crate::commands::selection::Selection;
use crate::deadlock::Deadlock;
use crate::failure::{Failure, Result};
use crate::processes::Pid;
use crate::survey::{Depth, Entry, Survey};

/// What all formats draw from.
pub struct Scene {
    pub survey: Survey,
    pub deadlocks: Vec<Deadlock>,
    pub filter: Filter,
}

/// What is to be drawn of it.
#[derive(Default)]
pub struct Filter {
    pub objects: Selection,
    /// Numbers of processes, or names of programs; none: all.
    pub processes: Vec<String>,
    /// Also what is in the memory of processes, and in no deadlock.
    pub private: bool,
}

impl Filter {
    fn has_process(&self, pid: Pid, survey: &Survey) -> bool {
        let program = survey.shown_program(pid);
        self.processes.is_empty()
            || self.processes.iter().any(|asked| *asked == program || *asked == pid.to_string())
    }

    fn has_object(&self, entry: &Entry, survey: &Survey) -> bool {
        let holders = entry.holders.iter().map(|holder| holder.pid);
        let mut concerned = holders.chain(entry.waiters.iter().map(|waiter| waiter.pid));
        let is_asked = self.private
            || !self.processes.is_empty()
            || entry.deadlock.is_some()
            || self.objects.depth() == Depth::Memory;
        (entry.object.memory.is_none() || is_asked)
            && self.objects.means(&entry.object)
            && (self.processes.is_empty() || concerned.any(|pid| self.has_process(pid, survey)))
    }
}

impl Scene {
    /// A failure if no process runs under a number, or is of a program, that was asked for.
    pub fn has_processes(&self) -> Result<()> {
        let is_missing = |asked: &&String| {
            let only = Filter { processes: vec![(*asked).clone()], ..Filter::default() };
            !self.survey.processes.keys().any(|pid| only.has_process(*pid, &self.survey))
        };
        match self.filter.processes.iter().find(is_missing) {
            None => Ok(()),
            Some(asked) => Err(Failure::new(format!("there is no process {asked}"))
                .advise("it is asked for by its number, or by the name of its program")),
        }
    }

    pub fn is_filtered(&self) -> bool {
        !self.filter.objects.is_all() || !self.filter.processes.is_empty()
    }

    /// The objects that some process has to do with.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        let entries = self.survey.entries.iter();
        entries.filter(|entry| {
            entry.concerns_somebody() && self.filter.has_object(entry, &self.survey)
        })
    }

    /// Those in one of these objects, or with one of these processes.
    pub fn deadlocks(&self) -> impl Iterator<Item = &Deadlock> {
        let is_shown = |deadlock: &&Deadlock| {
            let in_object = deadlock.sleepers.iter().any(|sleeper| {
                let is_it = |entry: &&Entry| entry.object.id == sleeper.place.file;
                match self.survey.entries.iter().find(is_it) {
                    Some(entry) => self.filter.objects.means(&entry.object),
                    None => self.filter.objects.is_all(),
                }
            });
            let mut members = deadlock.members.iter();
            in_object && members.any(|pid| self.filter.has_process(*pid, &self.survey))
        };
        self.deadlocks.iter().filter(is_shown)
    }
}
