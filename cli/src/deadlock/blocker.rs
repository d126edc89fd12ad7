//! What keeps a thread asleep.

use super::place::Place;
use crate::processes::Pid;

/// What a thread sleeps in, as far as it says who could wake it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blocker {
    /// Words that each hold what the thread expects, and no timeout: any process that has one of
    /// the files.
    Words(Vec<Place>),
    /// A semaphore of a set: any process that has the set; but first of all those that have taken
    /// from it, to be undone, what the thread waits for. These are empty where they are not known.
    Semaphore(Place, Vec<Pid>),
    /// A word of its own memory: a thread of the same process.
    Own,
    /// A child of its process, or any of them.
    Child(Option<Pid>),
    /// It sits in this call, until something from outside wakes it.
    Idle(&'static str),
    /// Its process is stopped.
    Stopped,
    /// It runs, or something else wakes it.
    Nothing,
}

impl Blocker {
    /// What it sleeps in that is shared.
    pub fn places(&self) -> &[Place] {
        match self {
            Self::Words(places) => places,
            Self::Semaphore(place, _) => std::slice::from_ref(place),
            _ => &[],
        }
    }
}
