//! An action of a thread that may have to wait.

use super::record::Wanted;
use super::selector::Selector;

/// What msgsnd(2) is given.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing {
    /// The type.
    pub kind: i64,
    /// The body.
    pub body: *const u8,
    /// Bytes of it.
    pub length: usize,
}

/// What msgrcv(2) is given.
#[derive(Clone, Copy, Debug)]
pub struct Incoming {
    /// Where type and body go.
    pub into: *mut u8,
    /// Bytes that the body may have.
    pub capacity: usize,
    /// Which message.
    pub selector: Selector,
    /// `MSG_NOERROR`: a longer body is cut.
    pub cut: bool,
}

/// What is to be done.
#[derive(Clone, Copy, Debug)]
pub enum Task {
    /// msgsnd(2)
    Send(Outgoing),
    /// msgrcv(2)
    Receive(Incoming),
}

/// What has been done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// The message is sent.
    Sent,
    /// A message was received, with a body of so many bytes.
    Received(usize),
}

impl Task {
    /// What its record says.
    pub fn wanted(&self) -> Wanted {
        match self {
            Task::Send(message) => Wanted::Space(message.length as u64),
            Task::Receive(into) => Wanted::Message {
                selector: into.selector,
                capacity: (!into.cut).then_some(into.capacity as u64),
            },
        }
    }
}
