//! A process that sends a message into the empty queue notifies the registered process itself,
//! before `mq_send` returns.
//!
//! It asks the kernel whether the process is still registered just before it sends the signal. A
//! change in the microsecond in between goes unnoticed: a process that goes through exec then
//! receives the signal in its new program.
//!
//! A notification is missed when the sender is killed between its message and the signal. The next
//! process that sends to the queue, receives that message, asks for the attributes, or registers
//! makes up for it.

use super::registration::{Delivery, Patience, Prepared, Registration, Sender, is_in_force};
use super::request::{self, How, Registrant};
use super::signal::{Signal, Target};
use crate::atomic::{AtomicU32, Ordering};
use crate::os::errno::preserved;
use crate::os::signals::Blocked;
use crate::os::stopped;
use crate::os::{Errno, Result};
use crate::posix::mq::descriptor::Use;
use crate::posix::mq::layout::MessageHeader;
use crate::shared::claim::{self, Holder as Claim};
use crate::shared::pause::Pause;

/// Turns of a pause for a process that is found notifying: some 5 ms.
const ROUNDS: usize = 140;

impl Use<'_> {
    /// The header of a message that is about to stand in a queue where a process is registered. If
    /// this sender will notify, it notes the registration, in case the sender is killed before.
    pub fn header_for(&self, length: u32, active: u32, has_waiter: bool) -> MessageHeader {
        let will_notify =
            is_in_force(active) && !has_waiter && self.queue.layout.slots().oldest().is_none();
        if !will_notify {
            return MessageHeader::plain(length);
        }
        MessageHeader::noting(length, active, Sender::this())
    }

    /// After a message of ours has been committed: notifies, if this sender has to.
    #[cold]
    pub fn notify_of_sent(&self, is_oldest: bool) {
        let registration = self.queue.layout.notify();
        match registration.in_force() {
            0 => {}
            sequence if is_oldest => self.notify(sequence, Sender::this(), true),
            sequence => {
                if let Some(sender) = self.missed(sequence) {
                    self.notify(sequence, sender, true);
                }
            }
        }
        if let Some((sequence, sender)) = registration.on_its_way() {
            self.notify(sequence, sender, true);
        }
    }

    /// Makes up for a missed notification, if there is one.
    #[inline]
    pub fn make_up_for_missed(&self) {
        if self.queue.layout.notify().active() != 0 {
            self.look_for_missed();
        }
    }

    #[cold]
    fn look_for_missed(&self) {
        let registration = self.queue.layout.notify();
        let sequence = registration.in_force();
        if sequence != 0
            && let Some(sender) = self.missed(sequence)
        {
            self.notify(sequence, sender, false);
        }
        if let Some((sequence, sender)) = registration.on_its_way() {
            self.notify(sequence, sender, false);
        }
    }

    /// The sender of a message that came into the empty queue, and whose notification is still due:
    /// the message notes the registration, and there is no older message.
    fn missed(&self, sequence: u32) -> Option<Sender> {
        let layout = &self.queue.layout;
        let header = layout.message_header(layout.slots().oldest()?);
        (header.noted() == sequence).then_some(Sender { pid: header.pid, uid: header.uid })
    }

    /// After a message that notes a registration has been received: its sender was killed, or has
    /// not notified yet.
    pub fn notify_of_received(&self, header: MessageHeader) {
        let sequence = header.noted();
        if sequence != 0 && self.queue.layout.notify().in_force() == sequence {
            self.notify(sequence, Sender { pid: header.pid, uid: header.uid }, false);
        }
    }

    /// Notifies the process of this registration, if that is still due, of a message of this
    /// sender. `waits`: whether to wait for another thread that is notifying.
    fn notify(&self, sequence: u32, sender: Sender, waits: bool) {
        let registration = self.queue.layout.notify();
        let mut rounds = 0..ROUNDS;
        let mut pause = Pause::default();
        let patience = |notifying: &AtomicU32| match () {
            () if self.free_claim_of_dead(notifying) => Patience::Wait,
            () if !waits => Patience::Leave,
            () if rounds.next().is_some() && pause.wait() => Patience::Wait,
            () if is_stopped(notifying) => Patience::TakeOver,
            () => Patience::Leave,
        };
        // A handler that forks would notify twice.
        let _blocked = Blocked::all();
        preserved(|| {
            let mut delivery = ToRegistered { queue: self, sequence, sender, ready: None };
            if registration.notify(sequence, sender, &self.operation, patience, &mut delivery) {
                registration.call_thread();
            }
        });
    }
}

/// The registered process.
struct ToRegistered<'q, 't> {
    queue: &'q Use<'t>,
    sequence: u32,
    sender: Sender,
    ready: Option<(Target, Signal)>,
}

impl ToRegistered<'_, '_> {
    fn registration(&self) -> &Registration {
        self.queue.queue.layout.notify()
    }

    /// `Ok(None)`: no process has the registration any more. EBADF: that cannot be found out, as
    /// the descriptor means another file by now.
    fn holder(&self) -> Result<Option<Registrant>> {
        match request::holder(self.queue.fd, self.sequence)? {
            None if !self.queue.is_open() => Err(Errno::EBADF),
            found => Ok(found),
        }
    }

    /// What becomes of a notification that this sender may not deliver.
    fn refused(&self, how: How) -> Prepared {
        if how.has_thread() {
            self.registration().leave(self.sequence, self.sender);
            return Prepared::Done;
        }
        self.registration().note_unreached();
        Prepared::Failed
    }
}

impl Delivery for ToRegistered<'_, '_> {
    fn prepare(&mut self) -> Prepared {
        let holder = match self.holder() {
            Ok(Some(holder)) => holder,
            Ok(None) => return Prepared::Gone,
            Err(_) => return Prepared::Failed,
        };
        let Registrant { pid, request } = holder;
        match request.how {
            How::Nothing => return Prepared::Done,
            // The process is not in this PID namespace.
            How::Signal | How::SignalOrThread if pid != 0 => {}
            how => return self.refused(how),
        }
        let target = Target::new(pid);
        if self.holder() != Ok(Some(holder)) {
            return Prepared::Gone;
        }
        match target {
            Ok(target) => {
                self.ready = Some((target, Signal { signo: request.signal, value: request.value }));
                Prepared::Ready
            }
            // It is about to end.
            Err(Errno::ESRCH) => Prepared::Failed,
            Err(_) => self.refused(request.how),
        }
    }

    fn send(&mut self) {
        if let Some((target, signal)) = &self.ready {
            target.send(*signal, self.sender);
        }
    }
}

/// Whether the thread that has claimed this does not run, since a signal or a debugger has stopped
/// it. (One that the kernel cannot watch is not known by its TID.)
fn is_stopped(word: &AtomicU32) -> bool {
    match claim::holder(word.load(Ordering::SeqCst)) {
        Claim::Thread(tid) => stopped::is_stopped(tid),
        Claim::None | Claim::Presence(_) => false,
    }
}
