//! An object, and the processes that have to do with it.

use rsipc_core::sysv::sem::Operation;

use crate::objects::{Object, Purpose, messages, set};
use crate::processes::{Access, Pid};

/// How far is looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Objects, and the processes that have them.
    Objects,
    /// Also semaphores without a name in the memory of all processes, where threads sleep on them.
    Memory,
}

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
    pub fn has_for(&mut self, access: Option<Access>) {
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
    /// It gives up after some time, says the set or the System V queue. A POSIX object does not
    /// say so.
    pub ends: bool,
}

/// What a waiter wants of a set.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The first operation that cannot proceed is on this semaphore.
    pub member: u16,
    pub operations: Vec<Operation>,
}

/// How sure it is that threads wait for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// No other process can wake them.
    Certain,
    /// No other process is expected to do it.
    Likely,
    /// Others could, but do not look as if they would: see the doubts.
    Possible,
}

/// An object with the processes that have to do with it.
#[derive(Debug)]
pub struct Entry {
    pub object: Object,
    /// In the order of their process numbers.
    pub holders: Vec<Holder>,
    pub waiters: Vec<Waiter>,
    /// The threads of all holders were seen.
    pub waiters_known: bool,
    /// Threads wait in it for ever. None also where that was not looked for.
    pub deadlock: Option<Confidence>,
    /// Threads wait in the queue for a message, and no process that could send one has it. It has a
    /// name.
    pub has_no_sender: bool,
}

impl Entry {
    pub fn of(object: Object) -> Self {
        Self {
            object,
            holders: Vec::new(),
            waiters: Vec::new(),
            waiters_known: true,
            deadlock: None,
            has_no_sender: false,
        }
    }

    /// Whether no process that was seen has it.
    pub fn is_let_go(&self) -> bool {
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

    pub fn holder(&mut self, pid: Pid) -> &mut Holder {
        // One process is looked at after the other.
        if self.holders.last().is_none_or(|last| last.pid != pid) {
            self.holders.push(Holder { pid, mapped: false, descriptors: Vec::new(), access: None });
        }
        self.holders.last_mut().expect("just pushed")
    }
}
