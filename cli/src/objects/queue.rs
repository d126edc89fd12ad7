//! What is in a message queue: the only place that knows how the library lays one out.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use rsipc_core::os::Errno;
pub use rsipc_core::posix::mq::snapshot::Kept;
use rsipc_core::posix::mq::snapshot::{self, Snapshot};
use rsipc_core::posix::mq::track::Track;
use rsipc_core::posix::mq::{self, Registered};

use super::name::Name;
use super::purpose::Purpose;
use crate::failure::from_errno;

/// What a file is to a queue.
pub enum Role<'a> {
    /// The file with the messages, of the queue of this name (without its slash).
    Data(&'a [u8]),
    /// The FIFO beside it, which is no object of its own.
    Companion,
    /// More of the messages, and the inode of the file with the first ones.
    Part(Option<u64>),
    /// Nothing.
    Foreign,
}

/// By the name of the file.
pub fn classify(file_name: &[u8]) -> Role<'_> {
    match snapshot::role(file_name) {
        // Where the name was too long for the file, [`State::name`] has it.
        snapshot::Role::Data(name) => Role::Data(name.unwrap_or(file_name)),
        snapshot::Role::Fifo => Role::Companion,
        snapshot::Role::Part(data) => Role::Part(data),
        snapshot::Role::Foreign => Role::Foreign,
    }
}

/// What a thread that sleeps on the word at this offset of the data file waits for. None: nothing
/// that a user asked for.
pub fn purpose(offset: u64) -> Option<Purpose> {
    match offset {
        snapshot::MESSAGE_WORD => Some(Purpose::Message),
        snapshot::SPACE_WORD => Some(Purpose::Space),
        _ => None,
    }
}

/// The data file of the queue of this name. ENAMETOOLONG, EACCES.
pub fn path(name: &Name) -> Result<PathBuf, Errno> {
    snapshot::path(name.c_str())
}

/// A queue at one moment.
#[derive(Clone, Debug)]
pub struct State {
    /// With its slash.
    pub name: Vec<u8>,
    /// Permission bits that `mq_open` looks at. The file has wider ones.
    pub mode: u32,
    /// Messages ever sent.
    pub sent: u64,
    pub messages: usize,
    pub max_messages: usize,
    pub message_size: usize,
    /// Of all messages together.
    pub bytes: usize,
    /// Who is to be told of the next message into the empty queue.
    pub notify: Option<Registered>,
    /// Who sent and who received last. None: that is not recorded.
    pub track: Option<Track>,
    /// Loans and borrowed messages, by process.
    pub kept: Vec<Kept>,
    /// The file that descriptors of the queue really are.
    pub fifo: PathBuf,
    /// The files beside its own that the messages lie in.
    pub parts: Vec<PathBuf>,
}

/// A message that lies in a queue.
pub struct Message {
    pub priority: u32,
    pub body: Vec<u8>,
    /// Tells it from all others for as long as it is in the queue.
    pub key: u64,
    /// In the order of sending.
    pub number: u64,
}

impl State {
    /// Reads, and does not map: a mapping would count as a use of the object.
    pub fn read(file: &File) -> io::Result<Self> {
        let queue = look(file)?;
        let mut bytes = 0;
        for message in queue.messages() {
            bytes += queue.length(file, message).map_err(from_errno)?.unwrap_or(0);
        }
        Ok(Self {
            name: [b"/", queue.name().as_slice()].concat(),
            mode: queue.mode(),
            sent: queue.sent(file).map_err(from_errno)?,
            messages: queue.messages().len(),
            max_messages: queue.geometry().maxmsg,
            message_size: queue.geometry().msgsize,
            bytes,
            notify: queue.registered(),
            track: queue.track(),
            kept: queue.kept(file).map_err(from_errno)?,
            fifo: queue.fifo(),
            parts: queue.parts(file),
        })
    }

    /// Messages that are not there any more.
    pub fn received(&self) -> u64 {
        self.sent.saturating_sub(self.messages as u64)
    }

    /// As the kernel shows it for a queue of its own, in the file system of queues.
    pub fn kernel_line(&self) -> String {
        mq::status_line(self.bytes, self.notify)
    }
}

/// What there is to be seen of the messages that pass through a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passage {
    /// Ever.
    pub sent: u64,
    /// That are there.
    pub messages: usize,
}

/// Reads much less than [`State::read`].
pub fn passage(file: &File) -> io::Result<Passage> {
    let queue = look(file)?;
    let sent = queue.sent(file).map_err(from_errno)?;
    Ok(Passage { sent, messages: queue.messages().len() })
}

/// The messages in the order in which they will be received; none is taken. One that goes meanwhile
/// is left out.
pub fn peek(file: &File) -> io::Result<Vec<Message>> {
    let queue = look(file)?;
    let mut messages = Vec::new();
    for message in queue.messages() {
        if let Some(body) = queue.body(file, message).map_err(from_errno)? {
            messages.push(Message {
                priority: message.priority(),
                body,
                key: message.key(),
                number: message.sequence(),
            });
        }
    }
    Ok(messages)
}

/// The version of the format of a queue that the library refuses, because it is not ours.
pub fn other_version(file: &File) -> Option<u32> {
    snapshot::other_version(file)
}

/// Why such a queue is refused.
pub fn of_other_version(version: u32) -> String {
    format!("made by another version of librsipc (format {version})")
}

fn look(file: &File) -> io::Result<Snapshot> {
    Snapshot::at(file).map_err(|error| match (error, other_version(file)) {
        (Errno::EINVAL, Some(version)) => {
            io::Error::new(io::ErrorKind::InvalidData, of_other_version(version))
        }
        (Errno::EINVAL, None) => {
            io::Error::new(io::ErrorKind::InvalidData, "the file is not a queue")
        }
        (other, _) => from_errno(other),
    })
}
