//! What a thread may have to wait for.

use crate::os::{Errno, Result};
use crate::posix::mq::descriptor::Use;
use crate::posix::mq::hold::Borrowed;
use crate::posix::mq::message::{Incoming, Outgoing, Received};
use crate::posix::mq::store::slots::Wanted;

/// What is to be done.
#[derive(Clone, Copy, Debug)]
pub enum Task {
    /// `mq_send`
    Send(Outgoing),
    /// `mq_receive`
    Receive(Incoming),
    /// `rsipc_mq_loan`
    Loan {
        /// It may be more than half of the slots.
        all: bool,
    },
    /// `rsipc_mq_borrow`
    Borrow,
}

/// What has been done.
#[derive(Clone, Copy, Debug)]
pub enum Transferred {
    /// The message is sent.
    Sent,
    /// A message was received.
    Received(Received),
    /// Memory of a message to be.
    Loaned(*mut u8),
    /// A message where it lies.
    Borrowed(Borrowed),
}

impl Task {
    pub(super) fn check_against(&self, queue: &Use<'_>) -> Result<()> {
        match self {
            Self::Send(message) => queue.check_outgoing(message),
            Self::Receive(into) => queue.check_incoming(into),
            Self::Loan { .. } if queue.queue.can_send => Ok(()),
            Self::Borrow if queue.queue.can_receive => Ok(()),
            Self::Loan { .. } | Self::Borrow => Err(Errno::EBADF),
        }
    }

    pub(super) fn wanted(&self) -> Wanted {
        match self {
            Self::Send(_) | Self::Loan { .. } => Wanted::Free,
            Self::Receive(_) | Self::Borrow => Wanted::Message,
        }
    }

    pub(super) fn other(&self) -> Wanted {
        match self.wanted() {
            Wanted::Free => Wanted::Message,
            Wanted::Message => Wanted::Free,
        }
    }
}
