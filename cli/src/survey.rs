//! Objects and processes together: who has what, and who waits for it. `book` joins them.

mod book;
mod entry;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};
use crate::objects::file::FileId;
use crate::objects::name::Name;
use crate::objects::{self, Kind, Object, State, kernel};
use crate::output::escape;
use crate::processes::{self, Condition, Interest, Mapping, Pid, Process};
use book::Book;
pub use entry::{Confidence, Depth, Entry, Holder, Waiter, Wish};

/// What was found on this machine, at about one moment.
#[derive(Debug)]
pub struct Survey {
    pub entries: Vec<Entry>,
    /// Objects of System V that the kernel has.
    pub kernel: Vec<kernel::Object>,
    pub processes: BTreeMap<Pid, Process>,
    /// Processes that could not be inspected.
    pub unseen: usize,
    /// Files that tell what processes have taken from semaphores.
    pub ledgers: BTreeSet<FileId>,
    /// What the processes that have an object are doing, where that can be seen.
    activities: HashMap<Pid, String>,
}

impl Survey {
    /// Looks at everything once.
    pub fn take(depth: Depth) -> Result<Self> {
        let objects = objects::scan()?;
        let interest = Interest {
            directory: objects::directory(),
            file_names: objects
                .iter()
                .filter_map(|object| Some(object.path.file_name()?.to_owned()))
                .collect(),
        };
        let processes = processes::read(&interest).map_err(|error| {
            Failure::call("cannot read /proc", error).advise("mount it: `mount -t proc proc /proc`")
        })?;
        Ok(Self::join(objects, processes, depth))
    }

    fn join(objects: Vec<Object>, processes: Vec<Process>, depth: Depth) -> Self {
        let mut book = Book::new(objects, depth);
        for process in &processes {
            book.enter(process);
        }
        book.enter_known_waiters();
        let (mut entries, activities) = (book.entries, book.activities);
        // What has gone while the processes were looked at is not stale.
        let files = objects::files();
        entries.retain(|entry| entry.concerns_somebody() || entry.object.has_stayed(&files));
        entries.sort_by(|a, b| {
            (&a.object.name, a.object.kind()).cmp(&(&b.object.name, b.object.kind()))
        });
        let unseen = processes.iter().filter(|process| !process.is_seen()).count();
        let processes = processes.into_iter().map(|process| (process.pid, process)).collect();
        Self {
            entries,
            kernel: kernel::list(),
            processes,
            unseen,
            ledgers: objects::ledgers(),
            activities,
        }
    }

    /// The way to the file of an object without a name that was typed as `#1234`.
    pub fn way_to_unlinked(kind: Kind, name: &Name) -> Result<Option<PathBuf>> {
        if !name.is_number() {
            return Ok(None);
        }
        let mut entries = Self::take(Depth::Objects)?.entries.into_iter();
        let found = entries
            .find(|Entry { object, .. }| object.kind() == kind && object.is_called(name))
            .map(|entry| entry.object);
        Ok(found.map(|object| object.link.unwrap_or(object.path)))
    }

    /// Whether all processes could be inspected, so that each one that has an object is in its
    /// list.
    pub fn is_complete(&self) -> bool {
        self.unseen == 0
    }

    /// For the user, when not everything could be seen.
    pub fn what_is_hidden(&self) -> String {
        let processes = if self.unseen == 1 {
            "1 process".to_owned()
        } else {
            format!("{} processes", self.unseen)
        };
        // SAFETY: takes no arguments, and only asks.
        let is_root = unsafe { libc::geteuid() } == 0;
        let advice = if is_root { "" } else { "; root can see more" };
        format!("{processes} could not be inspected; ? marks what is unknown{advice}")
    }

    /// The object whose data lies in this file.
    pub fn object(&self, file: FileId) -> Option<&Object> {
        self.entries.iter().map(|entry| &entry.object).find(|object| object.id == file)
    }

    /// Of a file that processes share, but that is no object. None for memory that has no name.
    pub fn path_of(&self, file: FileId) -> Option<&Path> {
        let mut mappings =
            self.processes.values().flat_map(|process| process.mappings.iter().flatten());
        let found = mappings.find(|mapping| mapping.id == file && !mapping.deleted)?;
        Some(&found.path)
    }

    /// The name of the program that runs under this number.
    pub fn program(&self, pid: Pid) -> &[u8] {
        match self.processes.get(&pid) {
            Some(process) => &process.name,
            // The processes are all but this one.
            None if pid == std::process::id().cast_signed() => b"rsipc",
            None => b"?",
        }
    }

    /// The same as it is shown everywhere: as one word of a shell.
    pub fn shown_program(&self, pid: Pid) -> String {
        escape::word(self.program(pid))
    }

    /// Whether this process is there, and not just a number from the past.
    pub fn knows(&self, pid: Pid) -> bool {
        self.processes.get(&pid).is_some_and(|process| process.condition != Condition::Zombie)
    }

    /// How a process is, where that is worth a word: stopped, or ended.
    pub fn condition(&self, pid: Pid) -> Option<&'static str> {
        self.processes.get(&pid)?.condition.describe()
    }

    /// Whether the process that had this number at that time, in seconds since 1970, has ended.
    /// None: that cannot be seen.
    pub fn has_ended(&self, pid: Pid, then: u64) -> Option<bool> {
        // A second is as exact as either time is.
        const INEXACT: u64 = 2;
        match self.processes.get(&pid) {
            Some(process) if process.condition == Condition::Zombie => Some(true),
            // It has the number from one that is gone.
            Some(process) if process.started() > then + INEXACT => Some(true),
            Some(_) => Some(false),
            None if pid == std::process::id().cast_signed() => Some(false),
            // SAFETY: signal 0 only asks.
            None if unsafe { libc::kill(pid, 0) } == 0 => None,
            None => (std::io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH))
                .then_some(true),
        }
    }

    /// The name by now of a process that had this number at that time, in seconds since 1970, and
    /// has it still.
    pub fn program_since(&self, pid: Pid, then: u64) -> Option<&[u8]> {
        (self.has_ended(pid, then) == Some(false)).then(|| self.program(pid))
    }

    /// What a process that has an object is doing. None: that cannot be seen.
    pub fn activity(&self, pid: Pid) -> Option<&str> {
        self.activities.get(&pid).map(String::as_str)
    }

    /// The processes that have a segment of the kernel attached.
    pub fn attached(&self, segment: &kernel::Object) -> Vec<Pid> {
        let is_it = |mapping: &Mapping| kernel::segment_of(mapping) == Some(segment.id);
        let has = |process: &&Process| process.mappings.iter().flatten().any(is_it);
        self.processes.values().filter(has).map(|process| process.pid).collect()
    }
}

impl Entry {
    /// Whether no process has the object. None = a process that might have it cannot be seen.
    pub fn is_stale(&self, survey: &Survey) -> Option<bool> {
        match (self.is_let_go(), survey.is_complete()) {
            (false, _) => Some(false),
            (true, true) => Some(true),
            (true, false) => None,
        }
    }

    /// Whether the list of waiters has all of them.
    pub fn knows_all_waiters(&self, survey: &Survey) -> bool {
        if self.waiters_known && survey.is_complete() {
            return true;
        }
        // Each waiter of a semaphore is registered in it.
        match &self.object.state {
            State::Sem(Ok(semaphore)) => self.waiters.len() >= semaphore.registered as usize,
            // And so is each of a set, or of a System V queue, with what it wants.
            State::Set(Ok(_)) | State::Messages(Ok(_)) => true,
            _ => false,
        }
    }
}
