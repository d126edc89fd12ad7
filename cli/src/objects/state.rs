//! Kinds of objects, and what is inside of one.

use std::fs::File;
use std::io;
use std::path::Path;

use rsipc_core::sysv::family::Family;

use super::segment::Attachments;
use super::{file, messages, queue, segment, semaphore, set};

/// A family of objects.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Named semaphores
    Sem,
    /// Message queues
    Mq,
    /// Shared memory objects
    Shm,
    /// System V semaphore sets
    Svsem,
    /// System V message queues
    #[value(alias = "msg")]
    Svmsg,
    /// System V shared memory segments
    Svshm,
}

impl Kind {
    pub fn of_family(family: Family) -> Self {
        match family {
            Family::Semaphores => Self::Svsem,
            Family::Queues => Self::Svmsg,
            Family::Memory => Self::Svshm,
        }
    }

    pub fn is_sysv(self) -> bool {
        matches!(self, Self::Svsem | Self::Svmsg | Self::Svshm)
    }

    /// What stands for it on the command line.
    pub fn of_word(word: &[u8]) -> Option<Self> {
        let word = str::from_utf8(word).ok()?;
        <Self as clap::ValueEnum>::from_str(word, false).ok()
    }

    /// Who asks for semaphores, or for shared memory, asks for those of System V, too.
    pub fn covers(self, kind: Self) -> bool {
        match self {
            Self::Sem => matches!(kind, Self::Sem | Self::Svsem),
            Self::Shm => matches!(kind, Self::Shm | Self::Svshm),
            _ => self == kind,
        }
    }

    /// As a word of the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sem => "sem",
            Self::Mq => "mq",
            Self::Shm => "shm",
            Self::Svsem => "svsem",
            Self::Svmsg => "svmsg",
            Self::Svshm => "svshm",
        }
    }

    /// In words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Sem => "semaphore",
            Self::Mq => "message queue",
            Self::Shm => "shared memory object",
            Self::Svsem => "System V semaphore set",
            Self::Svmsg => "System V message queue",
            Self::Svshm => "System V shared memory segment",
        }
    }
}

/// What is inside of an object, as far as it may be read.
#[derive(Debug)]
pub enum State {
    Sem(io::Result<semaphore::State>),
    Mq(io::Result<queue::State>),
    Shm,
    Set(io::Result<Box<set::Snapshot>>),
    Messages(io::Result<Box<messages::Snapshot>>),
    Segment(io::Result<Box<segment::Snapshot>>),
}

impl State {
    /// Of the object of this kind in this file.
    pub fn read(kind: Kind, file: &File, attachments: &Attachments) -> Self {
        match kind {
            Kind::Sem => Self::Sem(semaphore::State::read(file)),
            Kind::Mq => Self::Mq(queue::State::read(file)),
            Kind::Svsem => Self::Set(set::read(file)),
            Kind::Svmsg => Self::Messages(messages::read(file)),
            Kind::Svshm => Self::Segment(segment::read(file, attachments)),
            Kind::Shm => Self::Shm,
        }
    }

    /// Of the object of this kind in the file of this path.
    pub fn at(kind: Kind, path: &Path, attachments: &Attachments) -> Self {
        match file::open(path) {
            Ok(file) => Self::read(kind, &file, attachments),
            Err(error) => Self::unreadable(kind, error),
        }
    }

    /// Of one that cannot be read.
    pub fn unreadable(kind: Kind, error: io::Error) -> Self {
        match kind {
            Kind::Sem => Self::Sem(Err(error)),
            Kind::Mq => Self::Mq(Err(error)),
            Kind::Svsem => Self::Set(Err(error)),
            Kind::Svmsg => Self::Messages(Err(error)),
            Kind::Svshm => Self::Segment(Err(error)),
            Kind::Shm => Self::Shm,
        }
    }

    /// The value, or messages; of a set all values together.
    pub fn level(&self) -> u64 {
        match self {
            Self::Sem(Ok(semaphore)) => semaphore.value.into(),
            Self::Mq(Ok(queue)) => queue.messages as u64,
            Self::Set(Ok(set)) => set.members.iter().map(|member| u64::from(member.value)).sum(),
            Self::Messages(Ok(queue)) => queue.description.amount.messages,
            _ => 0,
        }
    }

    /// Why it cannot be read.
    pub fn error(&self) -> Option<&io::Error> {
        match self {
            Self::Sem(state) => state.as_ref().err(),
            Self::Mq(state) => state.as_ref().err(),
            Self::Set(state) => state.as_ref().err(),
            Self::Messages(state) => state.as_ref().err(),
            Self::Segment(state) => state.as_ref().err(),
            Self::Shm => None,
        }
    }
}
