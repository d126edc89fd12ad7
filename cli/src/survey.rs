//! Objects and processes together: who has what, and who waits for it.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use rsipc_core::sysv::sem::Operation;

use crate::failure::{Failure, Result};
use crate::objects::elsewhere;
use crate::objects::file::{FileId, Metadata};
use crate::objects::unlinked::{self, Seen};
use crate::objects::{self, Kind, Object, Purpose, State, kernel, messages, segment, set};
use crate::processes::poll::Polled;
use crate::processes::sleep::{Sleep, Word};
use crate::processes::threads::Thread;
use crate::processes::{self, Access, Condition, Interest, Mapping, Pid, Process, describe_call};

/// A process that has an object.
#[derive(Debug)]
pub struct Holder {
    pub pid: Pid,
    pub mapped: bool,
    /// Descriptors of the object.
    pub descriptors: Vec<u32>,
    /// What it has it open and mapped for. None: that cannot be seen.
    pub access: Option<Access>,
}

impl Holder {
    fn has_for(&mut self, access: Option<Access>) {
        self.access = match (self.access, access) {
            (Some(before), Some(more)) => Some(before.and(more)),
            (before, more) => before.or(more),
        };
    }
}

/// A thread that is asleep in an object.
#[derive(Clone, Debug)]
pub struct Waiter {
    pub pid: Pid,
    /// None: what it has left in the set does not say.
    pub tid: Option<Pid>,
    pub purpose: Purpose,
    /// Of the word that it sleeps on. None: it polls its descriptor.
    pub offset: Option<u64>,
    /// In a set, what it wants.
    pub wish: Option<Wish>,
    /// In a System V queue, what it wants.
    pub wanted: Option<messages::Wanted>,
}

/// What a waiter wants of a set.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The first operation that cannot proceed is on this semaphore.
    pub member: u16,
    pub operations: Vec<Operation>,
    /// It gives up after some time.
    pub ends: bool,
}

/// How sure it is that threads wait for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Nobody else can wake them.
    Certain,
    /// It is not for anybody else to do it.
    Likely,
    /// Those who could do not look as if they would: see the doubts.
    Possible,
}

/// An object with those who have to do with it.
#[derive(Debug)]
pub struct Entry {
    pub object: Object,
    /// In the order of their process numbers.
    pub holders: Vec<Holder>,
    pub waiters: Vec<Waiter>,
    /// The threads of all holders were seen.
    pub waiters_known: bool,
    /// Threads wait in it for ever. None also where nobody has looked for that.
    pub deadlock: Option<Confidence>,
}

/// What was found on this machine, at about one moment.
#[derive(Debug)]
pub struct Survey {
    pub entries: Vec<Entry>,
    /// Objects of System V that the kernel has.
    pub kernel: Vec<kernel::Object>,
    pub processes: BTreeMap<Pid, Process>,
    /// Processes that could not be inspected.
    pub unseen: usize,
    /// What those who have an object are doing, where that can be seen.
    activities: HashMap<Pid, String>,
}

impl Survey {
    /// Looks at everything once.
    pub fn take() -> Result<Self> {
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
        Ok(Self::join(objects, processes))
    }

    fn join(objects: Vec<Object>, processes: Vec<Process>) -> Self {
        let mut book = Book::new(objects);
        for process in &processes {
            book.enter(process);
        }
        book.enter_known_waiters();
        let (mut entries, activities) = (book.entries, book.activities);
        entries.sort_by(|a, b| {
            (&a.object.name, a.object.kind()).cmp(&(&b.object.name, b.object.kind()))
        });
        let unseen = processes.iter().filter(|process| !process.is_seen()).count();
        let processes = processes.into_iter().map(|process| (process.pid, process)).collect();
        Self { entries, kernel: kernel::list(), processes, unseen, activities }
    }

    /// Whether all processes could be looked into, so that nobody can have an object without being
    /// in its list.
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
        format!(
            "{processes} could not be inspected; ? stands for what is not known, others may have more"
        )
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

    /// Whether this process is there, and not just a number from the past.
    pub fn knows(&self, pid: Pid) -> bool {
        self.processes.get(&pid).is_some_and(|process| process.condition != Condition::Zombie)
    }

    /// How a process is, where that is worth a word: stopped, or ended.
    pub fn condition(&self, pid: Pid) -> Option<&'static str> {
        self.processes.get(&pid)?.condition.describe()
    }

    /// Whether the process that had this number at that time, in seconds since 1970, has ended. None:
    /// that cannot be seen.
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
    fn of(object: Object) -> Self {
        Self {
            object,
            holders: Vec::new(),
            waiters: Vec::new(),
            waiters_known: true,
            deadlock: None,
        }
    }

    /// Whether nobody has the object. None = those who might have it cannot be seen.
    pub fn is_stale(&self, survey: &Survey) -> Option<bool> {
        match (self.is_let_go(), survey.is_complete()) {
            (false, _) => Some(false),
            (true, true) => Some(true),
            (true, false) => None,
        }
    }

    /// Whether nobody that was seen has it.
    fn is_let_go(&self) -> bool {
        let is_attached = self.object.segment().is_some_and(|known| !known.attached.is_empty());
        self.holders.is_empty() && !self.is_held_by_undo() && !is_attached
    }

    /// Whether some process has to do with it.
    pub fn concerns_somebody(&self) -> bool {
        !self.is_let_go() || !self.waiters.is_empty()
    }

    /// Whether a process that lives has done something to a set that is to be undone: it need not
    /// have the set mapped any more.
    fn is_held_by_undo(&self) -> bool {
        self.object.set().is_some_and(|set| set::living(set).next().is_some())
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

    fn holder(&mut self, pid: Pid) -> &mut Holder {
        // One process is looked at after the other.
        if self.holders.last().is_none_or(|last| last.pid != pid) {
            self.holders.push(Holder { pid, mapped: false, descriptors: Vec::new(), access: None });
        }
        self.holders.last_mut().expect("just pushed")
    }
}

/// Of the first thread, and how many there are.
fn activity(process: &Process, threads: &[Thread]) -> String {
    if let Some(condition) = process.condition.describe() {
        return condition.to_owned();
    }
    let first = threads.iter().find(|thread| thread.tid == process.pid);
    let call = first.map_or("its first thread has ended", |thread| describe_call(thread.call));
    match threads.len() {
        0 | 1 => call.to_owned(),
        count => format!("{call}, {count} threads"),
    }
}

/// The entries while they are made.
struct Book {
    entries: Vec<Entry>,
    places: HashMap<FileId, usize>,
    /// Threads that sleep on words of sets and System V queues: by the entry, and the place of the
    /// word.
    asleep: HashMap<(usize, u64), (Pid, Pid)>,
    activities: HashMap<Pid, String>,
    /// Of the directory of objects.
    device: Option<u64>,
}

impl Book {
    fn new(objects: Vec<Object>) -> Self {
        let entries: Vec<Entry> = objects.into_iter().map(Entry::of).collect();
        let mut places = HashMap::new();
        for (place, entry) in entries.iter().enumerate() {
            places.insert(entry.object.id, place);
            // The descriptors of a queue are not those of the file with its messages.
            if let State::Mq(Ok(queue)) = &entry.object.state
                && let Ok(fifo) = Metadata::of(&queue.fifo)
            {
                places.insert(fifo.id, place);
            }
            // What is attached of a segment is another file than its own.
            if let Some(known) = entry.object.segment()
                && let Ok(memory) =
                    segment::memory_path(known.id).and_then(|path| Metadata::of(&path))
            {
                places.insert(memory.id, place);
            }
        }
        let device = Metadata::of(objects::directory()).ok().map(|directory| directory.id.device);
        let (asleep, activities) = (HashMap::new(), HashMap::new());
        Self { entries, places, asleep, activities, device }
    }

    /// Enters the process as a holder of what it has, and its threads as waiters where they sleep.
    fn enter(&mut self, process: &Process) {
        let mut held = Vec::new();
        for mapping in process.mappings.iter().flatten() {
            if let Some(place) = self.place(process.pid, &Seen::Mapped(mapping)) {
                let is_queue = self.entries[place].object.kind() == Kind::Mq;
                let holder = self.entries[place].holder(process.pid);
                holder.mapped = true;
                // All who have a queue open have its file mapped to write.
                let access = Access { read: true, write: mapping.writable };
                holder.has_for((!is_queue).then_some(access));
                held.push(place);
            }
        }
        for descriptor in process.descriptors.iter().flatten() {
            if let Some(place) = self.place(process.pid, &Seen::Open(descriptor)) {
                let access = match self.entries[place].object.kind() {
                    Kind::Mq => Access::of_queue(process.pid, descriptor.number),
                    _ => Access::of_file(process.pid, descriptor.number),
                };
                let holder = self.entries[place].holder(process.pid);
                holder.descriptors.push(descriptor.number);
                holder.has_for(access);
                held.push(place);
            }
        }
        if held.is_empty() {
            return;
        }
        match process.threads() {
            Some(threads) => {
                self.activities.insert(process.pid, activity(process, &threads));
                self.enter_waiters(process, threads);
            }
            None => held.into_iter().for_each(|place| self.entries[place].waiters_known = false),
        }
    }

    /// Of the entry for what the process has. One that has no name any more gets its entry now.
    fn place(&mut self, pid: Pid, seen: &Seen) -> Option<usize> {
        if let Some(&place) = self.places.get(&seen.id()) {
            let object = &mut self.entries[place].object;
            // Another process may know it under the name that it had.
            if object.unlinked
                && unlinked::is_provisional(&object.path)
                && !unlinked::is_provisional(seen.path())
                && let Some(named) = unlinked::look_at(pid, seen)
            {
                *object = named;
            }
            return Some(place);
        }
        let is_ours = Some(seen.id().device) == self.device;
        let is_in_directory = seen.path().parent() == Some(objects::directory());
        let is_object = is_in_directory || (!is_ours && elsewhere::is_by_name(seen.path()));
        let found = if is_ours { None } else { elsewhere::look_at(pid, seen) };
        let object = match found {
            Some(object) => object,
            None if seen.is_deleted() && is_object => unlinked::look_at(pid, seen)?,
            // What is ours and has a name is newer than the list of objects.
            None => return None,
        };
        self.places.insert(seen.id(), self.entries.len());
        if let (Some(_), State::Mq(Ok(queue))) = (object.elsewhere, &object.state)
            && let Some(fifo) = elsewhere::companion(pid, &queue.fifo)
        {
            self.places.insert(fifo, self.entries.len());
        }
        self.entries.push(Entry::of(object));
        Some(self.entries.len() - 1)
    }

    fn enter_waiters(&mut self, process: &Process, threads: Vec<Thread>) {
        for thread in threads {
            match thread.sleep {
                Some(Sleep::Futex { words, .. }) => {
                    for word in words {
                        self.enter_sleeper(process, thread.tid, word);
                    }
                }
                Some(Sleep::Poll(polled)) => {
                    for polled in polled {
                        self.enter_poller(process, thread.tid, polled);
                    }
                }
                Some(Sleep::Child(_) | Sleep::Signal) | None => {}
            }
        }
    }

    fn enter_sleeper(&mut self, process: &Process, tid: Pid, word: Word) {
        let Some(mapping) = process.mapping_at(word.address) else { return };
        let Some(&place) = self.places.get(&mapping.id) else { return };
        let offset = mapping.file_offset(word.address);
        let entry = &mut self.entries[place];
        if entry.object.set().is_some() || entry.object.messages().is_some() {
            self.asleep.insert((place, offset), (process.pid, tid));
        }
        if let Some(purpose) = entry.object.purpose(offset) {
            let (pid, tid) = (process.pid, Some(tid));
            entry.waiters.push(Waiter {
                pid,
                tid,
                purpose,
                offset: Some(offset),
                wish: None,
                wanted: None,
            });
        }
    }

    /// Sets and System V queues have lists of their waiters. Those who have been seen asleep are
    /// told by the numbers that they have here, which may be others than in their own PID
    /// namespace.
    fn enter_known_waiters(&mut self) {
        for (place, entry) in self.entries.iter_mut().enumerate() {
            let seen = |pid: u32, tid: Option<u32>, word: u64| {
                let own = (pid.cast_signed(), tid.map(u32::cast_signed));
                let seen = self.asleep.get(&(place, word));
                seen.map_or(own, |&(pid, tid)| (pid, Some(tid)))
            };
            let in_set = entry.object.set().into_iter().flat_map(|set| &set.waiters);
            let in_set = in_set.map(|waiter| {
                let (pid, tid) = seen(waiter.pid, waiter.tid, waiter.word);
                let operations = waiter.operations.clone();
                let wish = Some(Wish { member: waiter.member, operations, ends: waiter.ends });
                let (purpose, offset) = (set::purpose(waiter), Some(waiter.word));
                Waiter { pid, tid, purpose, offset, wish, wanted: None }
            });
            let in_queue = entry.object.messages().into_iter().flat_map(|queue| &queue.waiters);
            let in_queue = in_queue.map(|waiter| {
                let (pid, tid) = seen(waiter.pid, waiter.tid, waiter.word);
                let (purpose, offset) = (messages::purpose(waiter), Some(waiter.word));
                Waiter { pid, tid, purpose, offset, wish: None, wanted: Some(waiter.wanted) }
            });
            let known: Vec<Waiter> = in_set.chain(in_queue).collect();
            if entry.object.set().is_some() || entry.object.messages().is_some() {
                entry.waiters = known;
            }
        }
    }

    /// Only queues can be waited for in this way.
    fn enter_poller(&mut self, process: &Process, tid: Pid, polled: Polled) {
        let mut descriptors = process.descriptors.iter().flatten();
        let Some(descriptor) =
            descriptors.find(|descriptor| descriptor.number == polled.descriptor)
        else {
            return;
        };
        let Some(&place) = self.places.get(&descriptor.id) else { return };
        let entry = &mut self.entries[place];
        let purpose = match (entry.object.kind(), polled.to_read) {
            (Kind::Mq, true) => Purpose::Message,
            (Kind::Mq, false) if polled.to_write => Purpose::Room,
            _ => return,
        };
        let (pid, tid) = (process.pid, Some(tid));
        entry.waiters.push(Waiter { pid, tid, purpose, offset: None, wish: None, wanted: None });
    }
}
