//! Who sent to a queue last, and who received last, where `RSIPC_MQ_TRACK` asks for it.
//!
//! The notes are in the header of the queue. A process that opens a tracked queue notes what it
//! sends and receives, and leaves the straight line for that (`descriptor::open`). A process that
//! has opened the queue before does not.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::atomic::{AtomicU64, Ordering};
use crate::object::doer::{Doer, Last};
use crate::object::pattern::any_fits;
use crate::os::settings;

/// In the header. All accesses are Relaxed: they are hints for a person.
#[repr(C)]
#[derive(Default)]
pub struct Notes {
    /// 1 = the queue is tracked. Stored by a process that opens it, and never cleared.
    is_on: AtomicU64,
    /// Stored by each process that sends, before it writes the message.
    pub sender: Last,
    /// The same of those that receive, before they read it.
    pub receiver: Last,
}

/// Last sender and last receiver of a queue. `None`: nobody since it has been tracked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Track {
    /// Who sent a message.
    pub sender: Option<Doer>,
    /// Who received one.
    pub receiver: Option<Doer>,
}

impl Notes {
    /// Whether the queue is tracked.
    pub fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Relaxed) == 1
    }

    /// The queue is tracked from now on, if `RSIPC_MQ_TRACK` names it.
    pub fn begin_if_asked(&self, name: impl FnOnce() -> Vec<u8>) {
        let patterns = settings::get().tracked_queues.as_deref().unwrap_or(OsStr::new(""));
        if !patterns.is_empty() && any_fits(patterns.as_bytes(), &name()) {
            self.is_on.store(1, Ordering::Relaxed);
        }
    }

    /// What is known. `None`: the queue is not tracked.
    pub fn known(&self) -> Option<Track> {
        let track = || Track { sender: self.sender.doer(), receiver: self.receiver.doer() };
        self.is_on().then(track)
    }
}
