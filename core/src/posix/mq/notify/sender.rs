//! Who has sent a message into the empty queue notifies the registered process itself, before `mq_send` returns.
//!
//! Whether the process still is registered is asked of the kernel, just before the signal is sent. What happens in the
//! microsecond in between is not seen: a process that goes through exec then gets the signal in its new program.
//!
//! A notification that is missed, since the sender was killed between its message and the signal, is made up for by
//! whoever comes next to that queue: to send, to receive that message, to ask for its attributes, or to register.

use super::record::{self, Holder, How};
use super::registration::{Outcome, Sender};
use super::signal::{self, Signal};
use crate::os::errno::preserved;
use crate::os::signals::Blocked;
use crate::posix::mq::descriptor::Use;
use crate::posix::mq::layout::MessageHeader;
use crate::shared::atomic::AtomicU32;
use crate::shared::pause::Pause;

/// Turns of a pause for one who is found notifying: some 5 ms.
const PATIENCE: usize = 140;

impl Use<'_> {
    /// The header of a message that is about to stand in a queue where somebody is registered. It notes the
    /// registration if this sender will notify, should it be killed before.
    pub fn header_for(&self, length: u32, number: u32, has_waiter: bool) -> MessageHeader {
        let will_notify = !has_waiter && self.queue.layout.slots().count() == 0;
        if !will_notify {
            return MessageHeader::plain(length);
        }
        MessageHeader::noting(length, number, Sender::this())
    }

    /// Makes up for a missed notification, if there is one.
    #[inline]
    pub fn make_up_for_missed(&self) {
        let number = self.queue.layout.notify().in_force();
        if number != 0
            && let Some(sender) = self.missed(number)
        {
            self.notify(number, sender);
        }
    }

    /// The sender of a message that came into the empty queue, and whose notification is still to come: it notes the
    /// registration, and there is no older message.
    #[cold]
    pub fn missed(&self, number: u32) -> Option<Sender> {
        let layout = &self.queue.layout;
        let header = layout.message_header(layout.slots().oldest()?);
        (header.noted() == number).then_some(Sender { pid: header.pid, uid: header.uid })
    }

    /// Notifies the process of this registration, if it is in force, of a message of this sender.
    #[cold]
    pub fn notify(&self, number: u32, sender: Sender) {
        let registration = self.queue.layout.notify();
        let mut turns = 0..PATIENCE;
        let mut pause = Pause::default();
        let waits = |notifying: &AtomicU32| {
            self.free_claim_of_dead(notifying) || turns.next().is_some() && pause.turn()
        };
        // A handler that forks would notify twice.
        let _blocked = Blocked::all();
        preserved(|| {
            let deliver = || self.deliver(number, sender);
            if registration.notify(number, &self.operation, waits, deliver) {
                registration.call_thread();
            }
        });
    }

    fn deliver(&self, number: u32, sender: Sender) -> Outcome {
        let registration = self.queue.layout.notify();
        let holder = match record::holder(self.fd, number) {
            Ok(Some(holder)) => holder,
            // Unless the number is another file's by now: then others will find out.
            Ok(None) if self.is_open() => return Outcome::Gone,
            _ => return Outcome::Failed,
        };
        let is_meant =
            || registration.in_force() == number && record::holder(self.fd, number) == Ok(Some(holder));
        let Holder { pid, record } = holder;
        let signal = Signal { number: record.signal, value: record.value };
        let outcome = match record.how {
            How::Nothing => return Outcome::Notified,
            How::Thread => Outcome::Failed,
            // The kernel would say so, but not tell of which process.
            How::Signal | How::SignalOrThread if pid == 0 => Outcome::Failed,
            How::Signal | How::SignalOrThread if pid == signal::own_pid() => {
                signal.raise(pid, sender);
                return Outcome::Notified;
            }
            How::Signal | How::SignalOrThread => signal.send(pid, sender, is_meant),
        };
        if outcome == Outcome::Failed && record.how.has_thread() {
            registration.leave(number, sender);
            return Outcome::Notified;
        }
        if outcome == Outcome::Failed {
            registration.note_unreached();
        }
        outcome
    }
}
