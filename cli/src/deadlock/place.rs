//! Where threads sleep.

use crate::objects::file::FileId;
use crate::processes::Pid;

/// A word in a file (or in anonymous shared memory) that threads sleep on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub file: FileId,
    pub offset: u64,
}

/// A thread that nobody will wake, and what it sleeps on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sleeper {
    pub pid: Pid,
    pub tid: Pid,
    pub place: Place,
}
