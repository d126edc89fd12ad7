//! A message on its way in or out, and the checks of its arguments.

use core::ptr;

use super::descriptor::Use;
use super::store::key;
use crate::os::{Errno, Result, user};

/// A message to send.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Outgoing {
    /// Where it is.
    pub body: *const u8,
    /// Bytes.
    pub length: usize,
    /// Below [`key::PRIORITIES`].
    pub priority: u32,
}

/// The buffer for a message to receive.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Incoming {
    /// Where it goes.
    pub body: *mut u8,
    /// Bytes.
    pub capacity: usize,
    /// Where the priority goes. NULL: nowhere.
    pub priority: *mut u32,
}

/// A message that has been received.
#[derive(Clone, Copy, Debug)]
pub struct Received {
    /// Bytes.
    pub length: usize,
    /// Its priority.
    pub priority: u32,
}

impl Outgoing {
    /// EINVAL for the priority. The kernel looks at it before it looks at the descriptor.
    pub fn check_priority(&self) -> Result<()> {
        if self.priority < key::PRIORITIES { Ok(()) } else { Err(Errno::EINVAL) }
    }
}

impl Incoming {
    /// A buffer, without a place for the priority.
    pub fn of(buffer: &mut [u8]) -> Self {
        Self { body: buffer.as_mut_ptr(), capacity: buffer.len(), priority: ptr::null_mut() }
    }

    /// Whether it is known that a message of this length can be written there, and its priority.
    /// False: [`Self::check`] finds out.
    #[inline(always)]
    pub fn is_known_to_take(&self, length: usize) -> bool {
        user::is_known_writable(self.body, length)
            && (self.priority.is_null()
                || user::is_known_writable(self.priority.cast(), size_of::<u32>()))
    }

    /// EFAULT unless the program can write to where a message of this length goes, and its
    /// priority. What lies behind the message in the buffer does not matter.
    #[inline(always)]
    pub fn check(&self, length: usize) -> Result<()> {
        user::writable(self.body, length)?;
        if self.priority.is_null() { Ok(()) } else { user::writable(self.priority, 1).map(|_| ()) }
    }
}

impl Use<'_> {
    /// Whether this may be sent: EBADF, EMSGSIZE, EFAULT, in the kernel's order.
    #[inline]
    pub fn check_outgoing(&self, message: &Outgoing) -> Result<()> {
        self.check_length(message.length)?;
        user::readable(message.body, message.length).map(|_| ())
    }

    /// Whether a message of this length may be sent: EBADF, EMSGSIZE.
    #[inline]
    pub fn check_length(&self, length: usize) -> Result<()> {
        if !self.queue.can_send {
            return Err(Errno::EBADF);
        }
        let is_too_long = length > self.queue.layout.geometry().msgsize;
        if is_too_long { Err(Errno::EMSGSIZE) } else { Ok(()) }
    }

    /// Whether this can take any message of the queue: EBADF, EMSGSIZE.
    #[inline]
    pub fn check_incoming(&self, into: &Incoming) -> Result<()> {
        if !self.queue.can_receive {
            return Err(Errno::EBADF);
        }
        if into.capacity < self.queue.layout.geometry().msgsize {
            Err(Errno::EMSGSIZE)
        } else {
            Ok(())
        }
    }
}
