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

/// A message that was received. Unless it is taken, it goes back to its place in the queue, also if
/// this process dies.
pub struct Received<'a> {
    pub priority: u32,
    pub body: Vec<u8>,
    borrowed: Option<Borrowed<'a>>,
}

struct Borrowed<'a> {
    queue: &'a OpenQueue,
    address: *const u8,
}

impl Received<'_> {
    /// It is to be in the queue no more.
    pub fn take(mut self) -> Result<()> {
        let Some(borrowed) = self.borrowed.take() else { return Ok(()) };
        mq::release(this_thread()?, borrowed.queue.fd, borrowed.address)
    }
}

impl Drop for Received<'_> {
    fn drop(&mut self) {
        if let (Some(borrowed), Ok(thread)) = (self.borrowed.take(), this_thread()) {
            // It can only fail if the message is not there any more.
            let _ = mq::give_back(thread, borrowed.queue.fd, borrowed.address);
        }
    }
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
    pub fn receive(&self, deadline: Option<Deadline>) -> Result<Received<'_>> {
        match self.perform(Task::Borrow, deadline) {
            Ok(Transferred::Borrowed(mq::Borrowed { body: address, message })) => {
                let mut body = vec![0; message.length];
                // SAFETY: the memory is this process's until the message is given back. Another one
                // may change it all the same, so it is copied before it is looked at.
                unsafe { ptr::copy_nonoverlapping(address, body.as_mut_ptr(), message.length) };
                let borrowed = Some(Borrowed { queue: self, address });
                Ok(Received { priority: message.priority, body, borrowed })
            }
            // What would give it back after a death is not to be had here.
            Err(Errno::ENOSYS | Errno::EUSERS) => self.receive_for_good(deadline),
            Ok(_) => Err(Errno::EINTR),
            Err(error) => Err(error),
        }
    }

    fn receive_for_good(&self, deadline: Option<Deadline>) -> Result<Received<'_>> {
        let mut body = vec![0; self.message_size];
        let room = Incoming::of(&mut body);
        let Transferred::Received(received) = self.perform(Task::Receive(room), deadline)? else {
            return Err(Errno::EINTR);
        };
        body.truncate(received.length);
        Ok(Received { priority: received.priority, body, borrowed: None })
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
