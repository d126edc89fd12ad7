//! A queue that this process takes part in, by the calls of the library.

use std::cell::Cell;
use std::os::fd::RawFd;
use std::ptr;

use rsipc_core::os::Errno;
use rsipc_core::os::Result;
use rsipc_core::os::clock::Deadline;
use rsipc_core::posix::mq::{self, How, Incoming, Outgoing, Task, Transferred};
use rsipc_core::shared::thread::Thread;

use super::name::Name;
use crate::interrupt;

thread_local! {
    static SLOT: Cell<*const Thread> = const { Cell::new(ptr::null()) };
}

/// Open until the process ends.
pub struct OpenQueue {
    fd: RawFd,
    message_size: usize,
}

/// A message that was received.
pub struct Received {
    pub priority: u32,
    pub body: Vec<u8>,
}

impl OpenQueue {
    pub fn open(name: &Name, how: How) -> Result<Self> {
        let fd = mq::open(name.c_str(), how)?;
        let message_size = mq::attributes(this_thread()?, fd)?.geometry.msgsize;
        Ok(Self { fd, message_size })
    }

    /// Sends, and sleeps while the queue is full. EMSGSIZE, ETIMEDOUT.
    pub fn send(&self, body: &[u8], priority: u32, deadline: Option<Deadline>) -> Result<()> {
        let message = Outgoing { body: body.as_ptr(), length: body.len(), priority };
        self.perform(Task::Send(message), deadline).map(drop)
    }

    /// Receives, and sleeps while the queue is empty. ETIMEDOUT.
    pub fn receive(&self, deadline: Option<Deadline>) -> Result<Received> {
        let mut body = vec![0; self.message_size];
        let room = Incoming::of(&mut body);
        let Transferred::Received(received) = self.perform(Task::Receive(room), deadline)? else {
            return Err(Errno::EINTR);
        };
        body.truncate(received.length);
        Ok(Received { priority: received.priority, body })
    }

    /// Bytes that a message may have.
    pub fn message_size(&self) -> usize {
        self.message_size
    }

    fn perform(&self, task: Task, deadline: Option<Deadline>) -> Result<Transferred> {
        loop {
            // SAFETY: the bytes that the task leads to live in the caller's frame.
            match unsafe { task.perform(this_thread()?, self.fd, deadline) } {
                Err(Errno::EINTR) => interrupt::end_if_asked(),
                decided => return decided,
            }
        }
    }
}

/// This thread, as the calls on queues know it.
pub fn this_thread() -> Result<&'static Thread> {
    SLOT.with(|slot| Thread::current(slot).map_or_else(|| Thread::assign(slot), Ok))
}
