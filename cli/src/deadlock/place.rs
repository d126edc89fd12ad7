//! Where threads sleep.

use crate::objects::Purpose;
use crate::objects::file::FileId;
use crate::processes::Pid;
use crate::survey::{Survey, Waiter};

/// What threads sleep for in a file (or in anonymous shared memory).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub file: FileId,
    pub spot: Spot,
}

/// Where in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Spot {
    /// The word at this byte.
    Byte(u64),
    /// A semaphore of a set, by its number.
    Semaphore(u16),
}

impl Spot {
    pub fn byte(self) -> Option<u64> {
        match self {
            Self::Byte(offset) => Some(offset),
            Self::Semaphore(_) => None,
        }
    }

    pub fn semaphore(self) -> Option<u16> {
        match self {
            Self::Semaphore(number) => Some(number),
            Self::Byte(_) => None,
        }
    }
}

/// A thread that no other will wake, and what it sleeps on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sleeper {
    pub pid: Pid,
    pub tid: Pid,
    pub place: Place,
    /// Processes that have taken from the semaphore of a set what it waits for, and will give it
    /// back when they end. Empty: not known.
    pub givers: Vec<Pid>,
}

impl Sleeper {
    /// As its set or System V queue knows it.
    pub fn known<'s>(&self, survey: &'s Survey) -> Option<&'s Waiter> {
        let entry = survey.entries.iter().find(|entry| entry.object.id == self.place.file)?;
        entry.waiters.iter().find(|waiter| waiter.tid == Some(self.tid))
    }

    pub fn purpose(&self, survey: &Survey) -> Option<Purpose> {
        match self.place.spot {
            Spot::Byte(offset) => {
                let purpose = survey.object(self.place.file)?.purpose(offset);
                purpose.or_else(|| Some(self.known(survey)?.purpose))
            }
            Spot::Semaphore(_) => Some(self.known(survey)?.purpose),
        }
    }
}
