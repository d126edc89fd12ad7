//! What a command of the console is.

use super::arguments::Arguments;
use super::call::{Result, Step};
use super::session::Session;

/// A group of commands in the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    Semaphores,
    Queues,
    Memory,
    /// Of System V.
    Sets,
    Messages,
    Segments,
    /// Of the console itself.
    Own,
}

impl Family {
    pub const ALL: [Self; 7] = [
        Self::Semaphores,
        Self::Queues,
        Self::Memory,
        Self::Sets,
        Self::Messages,
        Self::Segments,
        Self::Own,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Self::Semaphores => "Semaphores",
            Self::Queues => "Message queues",
            Self::Memory => "Shared memory",
            Self::Sets => "System V semaphore sets",
            Self::Messages => "System V message queues",
            Self::Segments => "System V shared memory",
            Self::Own => "The console",
        }
    }
}

/// A command, which has the name of its call.
pub struct Command {
    pub name: &'static str,
    pub family: Family,
    /// As they are typed.
    pub arguments: &'static str,
    /// In one line.
    pub summary: &'static str,
    /// What one must know beyond that.
    pub more: &'static str,
    pub example: &'static str,
    /// What the call returns when it fails. Empty for what is no call.
    pub failure: &'static str,
    pub run: fn(&mut Session, &mut Arguments) -> Result<Step>,
}
