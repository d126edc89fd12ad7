//! What is in a message queue: the only place that knows how the library lays one out.

use std::fs::File;
use std::io;

/// What a file is to a queue.
pub enum Role<'a> {
    /// The file with the messages, of the queue of this name (without its slash).
    Data(&'a [u8]),
    /// A file beside it, which is no object of its own.
    Companion,
    /// Nothing.
    NoQueue,
}

/// By the name of the file.
pub fn classify(_file_name: &[u8]) -> Role<'_> {
    Role::NoQueue
}

/// Of the data of the queue of this name (without its slash).
pub fn file_name(name: &[u8]) -> Vec<u8> {
    name.to_vec()
}

/// A queue at one moment.
#[derive(Clone, Debug)]
pub struct State {
    /// With its slash, where the file name is too short for it.
    pub name: Option<Vec<u8>>,
    pub messages: u64,
    pub max_messages: u64,
    pub message_size: u64,
    /// Of all messages together.
    pub bytes: u64,
    /// Process that is to be told of the next message.
    pub notify_pid: Option<u32>,
}

impl State {
    /// As the kernel shows it for a queue of its own in the file system of queues.
    pub fn kernel_line(&self) -> String {
        String::new()
    }

    pub fn read(_file: &File) -> io::Result<Self> {
        Err(io::Error::other("not a queue"))
    }
}
