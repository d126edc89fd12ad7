//! Objects and processes while they are joined.

use std::collections::{BTreeMap, HashMap};

use super::entry::{Depth, Entry, Waiter, Wish};
use crate::objects::file::{FileId, Metadata};
use crate::objects::segment::Attachments;
use crate::objects::unlinked::{self, Seen};
use crate::objects::{
    self, Kind, Object, Purpose, State, elsewhere, memory, messages, segment, set,
};
use crate::processes::poll::Polled;
use crate::processes::sleep::{Sleep, Word};
use crate::processes::threads::Thread;
use crate::processes::{Access, Pid, Process, describe_call};

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

/// The words of its own memory that a thread of the process sleeps on.
fn private_words(process: &Process) -> impl Fn(&Thread) -> Vec<Word> {
    |thread| match &thread.sleep {
        Some(Sleep::Futex { words, .. }) => {
            let is_private = |word: &&Word| process.mapping_at(word.address).is_none();
            words.iter().filter(is_private).copied().collect()
        }
        _ => Vec::new(),
    }
}

/// The entries while they are made.
pub struct Book {
    pub entries: Vec<Entry>,
    places: HashMap<FileId, usize>,
    /// Threads that sleep on words of sets and System V queues: by the entry, and the place of the
    /// word.
    asleep: HashMap<(usize, u64), (Pid, Pid)>,
    pub activities: HashMap<Pid, String>,
    /// Of the directory of objects.
    device: Option<u64>,
    attachments: Attachments,
    depth: Depth,
}

impl Book {
    pub fn new(objects: Vec<Object>, depth: Depth) -> Self {
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
        let attachments = Attachments::default();
        Self { entries, places, asleep, activities, device, attachments, depth }
    }

    /// Enters the process as a holder of what it has, and its threads as waiters where they sleep.
    pub fn enter(&mut self, process: &Process) {
        let mut held = Vec::new();
        for mapping in process.mappings.iter().flatten() {
            if let Some(place) = self.place(process, &Seen::Mapped(mapping)) {
                let is_queue = self.entries[place].object.kind() == Kind::Mq;
                let holder = self.entries[place].holder(process.pid);
                holder.mapped = true;
                // Each process that has a queue open has its file mapped to write.
                let access = Access { read: true, write: mapping.writable };
                holder.has_for((!is_queue).then_some(access));
                held.push(place);
            }
        }
        for descriptor in process.descriptors.iter().flatten() {
            if let Some(place) = self.place(process, &Seen::Open(descriptor)) {
                let access = match self.entries[place].object.kind() {
                    Kind::Mq => Access::of_queue(process.witness, descriptor.number),
                    _ => Access::of_file(process.witness, descriptor.number),
                };
                let holder = self.entries[place].holder(process.pid);
                holder.descriptors.push(descriptor.number);
                holder.has_for(access);
                held.push(place);
            }
        }
        if held.is_empty() && self.depth == Depth::Objects {
            return;
        }
        match process.threads() {
            Some(threads) => {
                let in_memory = self.enter_memory(process, &threads);
                if held.is_empty() && !in_memory {
                    return;
                }
                self.activities.insert(process.pid, activity(process, &threads));
                self.enter_waiters(process, threads);
            }
            None => held.into_iter().for_each(|place| self.entries[place].waiters_known = false),
        }
    }

    /// Of the entry for what the process has. One that has no name any more gets its entry now.
    fn place(&mut self, process: &Process, seen: &Seen) -> Option<usize> {
        if let Some(&place) = self.places.get(&seen.id()) {
            let object = &mut self.entries[place].object;
            // Another process may know it under the name that it had.
            if unlinked::has_provisional_name(object)
                && !unlinked::is_provisional(seen.path())
                && let Some(named) = unlinked::look_at(process.witness, seen, &self.attachments)
            {
                *object = named;
            }
            return Some(place);
        }
        let is_ours = Some(seen.id().device) == self.device;
        let is_in_directory = seen.path().parent() == Some(objects::directory());
        let is_object = is_in_directory || (!is_ours && elsewhere::is_by_name(seen.path()));
        let found = if is_ours {
            None
        } else {
            elsewhere::look_at(process.witness, seen, &self.attachments)
        };
        let object = match found {
            Some(object) => object,
            None if seen.is_deleted() && is_object => {
                unlinked::look_at(process.witness, seen, &self.attachments)?
            }
            // What is ours and has a name is newer than the list of objects.
            None => return None,
        };
        self.places.insert(seen.id(), self.entries.len());
        if let (Some(_), State::Mq(Ok(queue))) = (object.elsewhere, &object.state)
            && let Some(fifo) = elsewhere::companion(process.witness, &queue.fifo)
        {
            self.places.insert(fifo, self.entries.len());
        }
        self.entries.push(Entry::of(object));
        Some(self.entries.len() - 1)
    }

    /// Enters the semaphores without a name on which threads of the process sleep. False: there are
    /// none.
    fn enter_memory(&mut self, process: &Process, threads: &[Thread]) -> bool {
        if self.depth == Depth::Objects {
            return false;
        }
        let mut sleepers: BTreeMap<u64, usize> = BTreeMap::new();
        for word in threads.iter().flat_map(private_words(process)) {
            *sleepers.entry(word.address).or_default() += 1;
        }
        let before = self.entries.len();
        for (address, sleepers) in sleepers {
            if let Some(found) = memory::look_at(process, address, sleepers, threads.len()) {
                self.places.insert(found.id, self.entries.len());
                let mut entry = Entry::of(found);
                entry.holder(process.pid).mapped = true;
                self.entries.push(entry);
            }
        }
        self.entries.len() > before
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
                Some(Sleep::Child(_) | Sleep::Signal | Sleep::Sit(_)) | None => {}
            }
        }
    }

    fn enter_sleeper(&mut self, process: &Process, tid: Pid, word: Word) {
        let (id, offset) = match process.mapping_at(word.address) {
            Some(mapping) => (mapping.id, mapping.file_offset(word.address)),
            None => (memory::id(process.pid, word.address), 0),
        };
        let Some(&place) = self.places.get(&id) else { return };
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
                ends: false,
            });
        }
    }

    /// Sets and System V queues have lists of their waiters. Those who have been seen asleep are
    /// told by the numbers that they have here, which may be others than in their own PID
    /// namespace.
    pub fn enter_known_waiters(&mut self) {
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
                let wish = Some(Wish { member: waiter.member, operations });
                let (purpose, offset) = (set::purpose(waiter), Some(waiter.word));
                Waiter { pid, tid, purpose, offset, wish, wanted: None, ends: waiter.ends }
            });
            let in_queue = entry.object.messages().into_iter().flat_map(|queue| &queue.waiters);
            let in_queue = in_queue.map(|waiter| {
                let (pid, tid) = seen(waiter.pid, waiter.tid, waiter.word);
                let (purpose, offset) = (messages::purpose(waiter), Some(waiter.word));
                let wanted = Some(waiter.wanted);
                Waiter { pid, tid, purpose, offset, wish: None, wanted, ends: waiter.ends }
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
            (Kind::Mq, false) if polled.to_write => Purpose::Space,
            _ => return,
        };
        let (pid, tid) = (process.pid, Some(tid));
        let (offset, wish, wanted) = (None, None, None);
        entry.waiters.push(Waiter { pid, tid, purpose, offset, wish, wanted, ends: false });
    }
}
