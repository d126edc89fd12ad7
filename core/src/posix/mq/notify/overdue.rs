//! Messages that somebody should have been notified of, had not their sender been killed before.

use crate::posix::mq::layout::Layout;
use crate::posix::mq::notify::registration::Sender;
use crate::posix::mq::store::key;
use crate::shared::atomic::Ordering;

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overdue {
    /// Its slot.
    slot: usize,
    /// Messages that had been written there: a later one is another one.
    written: u64,
    /// Who sent it, if that was noted.
    pub sender: Sender,
}

impl Layout {
    /// A message that notes this registration, or, where the queue has been empty since it began,
    /// any message.
    pub fn overdue(&self, registration: u32, was_empty: bool) -> Option<Overdue> {
        let slots = self.slots();
        let notes_it = |slot: &usize| {
            let key = slots.index.keys()[*slot].load(Ordering::SeqCst);
            key::is_message(key) && self.message_header(*slot).notifies == registration
        };
        let noted = (0..slots.index.keys().len()).find(notes_it);
        let slot = noted.or_else(|| slots.oldest().filter(|_| was_empty))?;
        let message = self.message_header(slot);
        Some(Overdue {
            slot,
            written: self.written(slot),
            sender: Sender { pid: message.pid, uid: message.uid },
        })
    }
}
