//! The body of a message, between the memory of a program and a claimed slot.

use super::descriptor::Use;
use super::message::Outgoing;

impl Use<'_> {
    /// Writes a message to a claimed slot. False: this is the child of a fork in a handler.
    ///
    /// # Safety
    /// The slot is claimed; the message has been checked, and its body is valid for reading.
    #[inline(always)]
    pub(super) unsafe fn write(&self, slot: usize, header: u128, message: &Outgoing) -> bool {
        self.queue.note_sender();
        // SAFETY: as the caller says.
        unsafe {
            let (head, into) = self.queue.layout.next_message(slot);
            let head = (header, head.cast());
            self.operation.write(head, message.body, into, message.length)
        }
    }

    /// Reads the body of so many bytes in a claimed slot. False: this is the child of a fork in a
    /// handler.
    ///
    /// # Safety
    /// The slot of `body` is claimed; `into` is valid for writing so many bytes.
    #[inline(always)]
    pub(super) unsafe fn read(&self, body: *const u8, into: *mut u8, length: usize) -> bool {
        self.queue.note_receiver();
        // SAFETY: as the caller says.
        unsafe { self.operation.read(body, into, length) }
    }
}
