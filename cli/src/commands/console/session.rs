//! What the console has open, by the names under which it is typed.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::RawFd;
use std::sync::Arc;

use rsipc_core::posix::sem::Semaphore;

use super::call::{Result, Trouble};
use super::jobs::Job;
use super::mapping::Mapping;
use crate::output::escape;

/// As it was typed.
pub type Label = Vec<u8>;

/// Where a semaphore of the console lies.
pub enum Place {
    /// Opened by name, so many times.
    Named { at: *mut Semaphore, opens: usize },
    /// In the memory of the console.
    Unnamed(Box<Semaphore>),
    /// In a shared memory object that the console has mapped.
    Mapped(Arc<Mapping>, usize),
}

/// A semaphore for calls, in whatever thread.
pub struct Held(pub Place);

// SAFETY: a semaphore is made for many threads, and what holds it stays where it is: nobody closes
// a named one that a thread still has (`is_in_use`).
unsafe impl Send for Held {}
// SAFETY: all calls on a semaphore may be made by several threads at once.
unsafe impl Sync for Held {}

impl Held {
    pub fn semaphore(&self) -> &Semaphore {
        match &self.0 {
            // SAFETY: open until `sem_close`, which waits until nobody has it.
            Place::Named { at, .. } => unsafe { &**at },
            Place::Unnamed(semaphore) => semaphore,
            // SAFETY: the code that made this has checked that a semaphore fits there; any bytes
            // are one.
            Place::Mapped(mapping, offset) => unsafe { &*mapping.at(*offset).cast::<Semaphore>() },
        }
    }
}

/// An open queue.
pub struct OpenQueue {
    pub label: Label,
    pub message_size: usize,
}

/// An open shared memory object.
pub struct OpenMemory {
    pub label: Label,
    pub file: File,
}

/// See the module.
#[derive(Default)]
pub struct Session {
    pub semaphores: BTreeMap<Label, Arc<Held>>,
    pub queues: BTreeMap<RawFd, OpenQueue>,
    pub memories: BTreeMap<RawFd, OpenMemory>,
    pub mappings: BTreeMap<Label, Arc<Mapping>>,
    pub jobs: Vec<Job>,
    /// The number of the last job.
    pub last_job: usize,
}

/// Somebody else has a share in it: a call that runs in the background.
pub fn is_in_use<T>(share: &Arc<T>) -> bool {
    Arc::strong_count(share) > 1
}

impl Session {
    /// The semaphore of this label; `/m:64` is the one at byte 64 of the mapped object `/m`.
    pub fn semaphore(&self, label: &[u8]) -> Result<Arc<Held>> {
        if let Some(held) = self.semaphores.get(label) {
            return Ok(Arc::clone(held));
        }
        match self.place_in_memory(label)? {
            Some((mapping, offset)) => Ok(Arc::new(Held(Place::Mapped(mapping, offset)))),
            None => Err(unknown(
                "semaphore",
                label,
                "`sem_open NAME` opens a named one, `sem_init LABEL 0 1` initialises one without a name",
            )),
        }
    }

    /// A place for a semaphore in a mapped object. None: the label names no such thing.
    pub fn place_in_memory(&self, label: &[u8]) -> Result<Option<(Arc<Mapping>, usize)>> {
        let Some(colon) = label.iter().rposition(|&byte| byte == b':') else { return Ok(None) };
        let (name, offset) = (&label[..colon], &label[colon + 1..]);
        let Some(offset) = str::from_utf8(offset).ok().and_then(|digits| digits.parse().ok())
        else {
            return Ok(None);
        };
        let mapping = self.mapping(name)?;
        mapping.check(offset, size_of::<Semaphore>())?;
        if !mapping.is_writable {
            let what = format!("{} is mapped read-only", escape::word(name));
            return Err(Trouble::Refused(what, "map it with PROT_READ|PROT_WRITE".to_owned()));
        }
        if !offset.is_multiple_of(align_of::<Semaphore>()) {
            let what = format!("byte {offset} is not aligned for a semaphore");
            return Err(Trouble::Refused(
                what,
                "use a multiple of 8, as a compiler does".to_owned(),
            ));
        }
        Ok(Some((Arc::clone(mapping), offset)))
    }

    pub fn mapping(&self, label: &[u8]) -> Result<&Arc<Mapping>> {
        self.mappings.get(label).ok_or_else(|| {
            unknown(
                "mapping",
                label,
                "`shm_open` opens an object, `ftruncate` gives it a size, `mmap` maps it",
            )
        })
    }

    /// A descriptor by its number, whatever it is, or by the name of a queue: then the last one of
    /// that name.
    pub fn queue(&self, word: &[u8]) -> Result<RawFd> {
        descriptor(word, self.queues.iter().map(|(fd, queue)| (*fd, queue.label.as_slice())))
            .ok_or_else(|| unknown("queue", word, "`mq_open NAME O_RDWR|O_CREAT` opens one"))
    }

    /// The same, for shared memory objects. Only those that are open here: another descriptor may
    /// be anything.
    pub fn memory(&self, word: &[u8]) -> Result<RawFd> {
        descriptor(word, self.memories.iter().map(|(fd, memory)| (*fd, memory.label.as_slice())))
            .filter(|fd| self.memories.contains_key(fd))
            .ok_or_else(|| {
                unknown("shared memory object", word, "`shm_open NAME O_RDWR|O_CREAT` opens one")
            })
    }

    /// Everything that may be typed as an object of the console.
    pub fn labels(&self) -> impl Iterator<Item = &Label> {
        let queues = self.queues.values().map(|queue| &queue.label);
        let memories = self.memories.values().map(|memory| &memory.label);
        self.semaphores.keys().chain(queues).chain(memories).chain(self.mappings.keys())
    }
}

fn descriptor<'a>(word: &[u8], open: impl Iterator<Item = (RawFd, &'a [u8])>) -> Option<RawFd> {
    let number = str::from_utf8(word).ok().and_then(|digits| digits.parse().ok());
    number.or_else(|| open.filter(|(_, label)| *label == word).map(|(fd, _)| fd).max())
}

fn unknown(what: &str, label: &[u8], advice: &str) -> Trouble {
    let what = format!("no {what} {} is open in this console", escape::word(label));
    Trouble::Refused(what, format!("{advice}; `list` shows what is open"))
}
