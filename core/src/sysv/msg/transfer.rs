//! Sending and receiving, when there is space or a message: the fast path.

use super::body;
use super::layout::{Did, INLINE};
use super::message::Message;
use super::queue::Queue;
use super::record::Record;
use super::removal;
use super::reserve::{Reserved, reserve};
use super::search;
use super::selector::Selector;
use super::standing::{About, Standing};
use super::store::{self, Claimed};
use super::task::{Incoming, Outgoing};
use super::tell::{self, Which};
use super::usage::Amount;
use crate::atomic::{AtomicU32, Ordering};
use crate::os::clock::realtime_seconds;
use crate::os::membarrier;
use crate::os::process::Process;
use crate::os::user;
use crate::os::{Errno, Result};
use crate::shared::claim::Claimant;
use crate::shared::thread::{Announcement, Operation};

/// Bytes of a type, in front of the body.
const TYPE: usize = size_of::<i64>();

/// Which receivers a new message has to do with.
fn about(message: &Outgoing) -> About<'static> {
    About::Messages(Selector::Type(message.kind))
}

/// A queue, and the operation of the caller in it.
#[derive(Clone, Copy)]
pub struct Transfer<'t> {
    /// The queue.
    pub queue: &'t Queue,
    /// The operation.
    pub who: &'t Operation<'static>,
    /// What one that has waited owes to the others.
    pub owed: Option<&'t Announcement<'static>>,
}

impl Transfer<'_> {
    /// Sends, if there is space. ENOMEM: there is no memory for the body; EIDRM; ERESTART: this is
    /// the child of a fork, and nothing has happened.
    ///
    /// # Safety
    /// The body is valid for reading, and no longer than the queue's longest.
    #[inline(always)]
    pub unsafe fn send(&self, message: &Outgoing) -> Result<bool> {
        // SAFETY: as the caller says.
        unsafe { Ok(self.attempt(message, Amount::default())? || self.attempt_at_last(message)?) }
    }

    /// The same; `spared` does not count as being in the queue.
    ///
    /// # Safety
    /// As for [`Transfer::send`].
    #[inline(always)]
    unsafe fn attempt(&self, message: &Outgoing, spared: Amount) -> Result<bool> {
        let (queue, who) = (self.queue, self.who);
        let Reserved::Slot(claimed) = reserve(queue, message.length, spared, who)? else {
            return Ok(false);
        };
        // Between claim and commit, and again after the commit: see `wait`.
        let receivers = &queue.layout.words().receivers;
        let is_awaited = receivers.is_set();
        if is_awaited && queue.check_life().is_err() {
            return self.take_back(&claimed, Err(Errno::EIDRM));
        }
        // SAFETY: the slot is claimed; the caller vouches for the body.
        let written = unsafe { self.write(&claimed, message) };
        if written != Ok(true) {
            return self.take_back(&claimed, written);
        }
        // The length is written, and nothing is committed: see `usage`.
        let what = Amount::of(message.length);
        if !queue.layout.words().usage.add(what, queue.bound(), spared, who) {
            return self.take_back(&claimed, Ok(false));
        }
        if is_awaited {
            return self.publish_and_wake(&claimed, about(message));
        }
        if !claimed.publish(who) {
            return Err(self.forked());
        }
        membarrier::light();
        if receivers.is_set() && !self.tell(about(message)) {
            return self.take_back_committed(&claimed);
        }
        self.note(Did::Send);
        Ok(true)
    }

    /// The queue seems to be full. The usage may be too high, and messages for waiting receivers do
    /// not count.
    ///
    /// # Safety
    /// As for [`Transfer::send`].
    #[cold]
    #[inline(never)]
    unsafe fn attempt_at_last(&self, message: &Outgoing) -> Result<bool> {
        let queue = self.queue;
        tell::recount(queue, self.who)?;
        let spared = if queue.layout.words().receivers.is_set() {
            let mut standing = Standing::unknown();
            standing.look(queue, About::All)?;
            standing.given()
        } else {
            Amount::default()
        };
        // SAFETY: as the caller says.
        unsafe { self.attempt(message, spared) }
    }

    /// # Safety
    /// As for [`Transfer::send`]; the slot is claimed.
    #[inline(always)]
    unsafe fn write(&self, claimed: &Claimed<'_>, message: &Outgoing) -> Result<bool> {
        let (queue, who, length) = (self.queue, self.who, message.length);
        let location = if length <= INLINE {
            0
        } else {
            body::allocate(queue, length, claimed.begin_long(who)?, who)?
        };
        let head = (store::head(message.kind, length, location), claimed.head());
        let place = (claimed.short_body(), location);
        // SAFETY: as the caller says; the location is that of this message.
        unsafe { body::write(queue, who, head, place, message.body, length) }
    }

    /// The message could not be written; `Ok(false)`: others have filled the queue meanwhile.
    #[cold]
    #[inline(never)]
    fn take_back(&self, claimed: &Claimed<'_>, written: Result<bool>) -> Result<bool> {
        let who = self.who;
        if who.is_orphan() {
            who.withdraw();
            return Err(Errno::ERESTART);
        }
        claimed.put_back_empty(who);
        written
    }

    /// This is the child of a fork. Where nothing keeps a handler from forking in the middle of an
    /// exchange, both have added the message to the usage.
    #[cold]
    fn forked(&self) -> Errno {
        self.queue.layout.words().deaths.count();
        Errno::ERESTART
    }

    #[cold]
    #[inline(never)]
    fn publish_and_wake(&self, claimed: &Claimed<'_>, about: About<'_>) -> Result<bool> {
        let told = self.while_due(claimed.claim(), || {
            self.queue.layout.words().receivers.change();
            if !claimed.publish(self.who) {
                return Err(self.forked());
            }
            Ok(self.tell(about))
        })?;
        if !told {
            return self.take_back_committed(claimed);
        }
        self.note(Did::Send);
        Ok(true)
    }

    /// A message has been committed. False: its queue was removed before.
    #[cold]
    fn tell(&self, about: About<'_>) -> bool {
        let lives = !removal::came_before(self.queue);
        if lives {
            tell::receivers(self.queue, self.who, about, Which::Sleepers);
        }
        lives
    }

    /// EIDRM, unless a receiver has got the message.
    #[cold]
    fn take_back_committed(&self, claimed: &Claimed<'_>) -> Result<bool> {
        let is_back = removal::take_back(self.queue, claimed, self.who);
        if is_back { Err(Errno::EIDRM) } else { Ok(true) }
    }

    /// Runs `commit`, which also wakes, while the kernel knows that a wake is due.
    fn while_due<T>(&self, claim: &AtomicU32, commit: impl FnOnce() -> T) -> T {
        let due = match self.owed {
            Some(_) => None,
            None => self.who.guard_wake(claim, &self.queue.layout.words().death),
        };
        let committed = commit();
        drop(due);
        committed
    }

    /// Receives, if there is a message that is for no other receiver. Gives the length of its body.
    /// `None`: there is none. `is_final`: then the caller will not wait for one. E2BIG, EFAULT;
    /// EIDRM; ERESTART as above.
    ///
    /// # Safety
    /// No part of the memory of the program is anything else than its own.
    #[inline(always)]
    pub unsafe fn receive(&self, into: &Incoming, is_final: bool) -> Result<Option<usize>> {
        let (queue, who) = (self.queue, self.who);
        let taken = store::take(queue, who, |skips| {
            let are_waiting = queue.layout.words().receivers.is_set();
            if are_waiting || skips {
                search::find_among(queue, who, into.selector, (skips, is_final))
            } else {
                search::find(queue, into.selector, |_| false)
            }
        })?;
        match taken {
            // SAFETY: as the caller says.
            Some((claimed, message)) => unsafe { self.take(&claimed, &message, into) }.map(Some),
            None => Ok(None),
        }
    }

    /// Receives what is for the receiver with this record. The same otherwise; E2BIG also: a
    /// message was too long for it.
    ///
    /// # Safety
    /// As for [`Transfer::receive`].
    #[cold]
    pub unsafe fn receive_given(&self, into: &Incoming, record: &Record) -> Result<Option<usize>> {
        let (queue, who) = (self.queue, self.who);
        let taken = store::take(queue, who, |skips| {
            let mut standing = Standing::unknown();
            standing.look_and_bind(queue, About::Own(record))?;
            let own = standing.receiver(record);
            if own.map_or_else(|| record.is_refused(), |own| own.is_too_long) {
                return Err(Errno::E2BIG);
            }
            let Some(own) = own else { return Ok(None) };
            tell::refuse(queue, who, &standing, Which::Sleepers);
            let given = own.given.filter(|message| !skips || !store::is_claimed(queue, message));
            // Before it is claimed: see `standing`.
            self.note_taking(record, given.map_or(0, |message| message.arrival))?;
            Ok(given)
        })?;
        let Some((claimed, message)) = taken else { return Ok(None) };
        // SAFETY: as the caller says.
        unsafe { self.take(&claimed, &message, into) }.map(Some)
    }

    /// Says in the record which message is about to be taken; 0 = none. This may change which
    /// messages are for the others. ERESTART.
    fn note_taking(&self, record: &Record, arrival: u64) -> Result<()> {
        let before = record.taking.load(Ordering::Relaxed);
        if before != arrival {
            if !self.who.exchange(&record.taking, before, arrival) {
                return Err(Errno::ERESTART);
            }
            self.queue.layout.words().version.fetch_add(1, Ordering::SeqCst);
            tell::receivers(self.queue, self.who, About::Own(record), Which::Sleepers);
        }
        Ok(())
    }

    /// Reads a claimed message, and clears it.
    ///
    /// # Safety
    /// As for [`Transfer::receive`]; the slot is claimed.
    #[inline(always)]
    unsafe fn take(
        &self,
        claimed: &Claimed<'_>,
        message: &Message,
        into: &Incoming,
    ) -> Result<usize> {
        let (queue, who) = (self.queue, self.who);
        let is_awaited = queue.layout.words().senders.is_set();
        // SAFETY: as the caller says.
        let length = match unsafe { self.read(claimed, message, into) } {
            Ok(length) => length,
            Err(error) => {
                claimed.put_back(who);
                return Err(if who.is_orphan() { Errno::ERESTART } else { error });
            }
        };
        if is_awaited {
            return self.clear_and_wake(claimed, message.length, length);
        }
        if !claimed.clear(queue, message.length, who) {
            return Err(Errno::ERESTART);
        }
        if queue.layout.words().senders.is_set() {
            tell::senders(queue, who, Which::Sleepers);
        }
        self.note(Did::Receive);
        Ok(length)
    }

    #[cold]
    #[inline(never)]
    fn clear_and_wake(&self, claimed: &Claimed<'_>, held: usize, length: usize) -> Result<usize> {
        self.while_due(claimed.claim(), || {
            self.queue.layout.words().senders.change();
            if !claimed.clear(self.queue, held, self.who) {
                return Err(Errno::ERESTART);
            }
            tell::senders(self.queue, self.who, Which::Sleepers);
            self.note(Did::Receive);
            Ok(length)
        })
    }

    /// Copies type and body to where they go. E2BIG, EFAULT; EINVAL: hostile bytes.
    ///
    /// # Safety
    /// As for [`Transfer::take`].
    #[inline(always)]
    unsafe fn read(
        &self,
        claimed: &Claimed<'_>,
        message: &Message,
        into: &Incoming,
    ) -> Result<usize> {
        if message.length > into.capacity && !into.cut {
            return Err(Errno::E2BIG);
        }
        let wanted = message.length.min(into.capacity);
        let place = user::writable(into.into, TYPE + wanted)?;
        let from = (claimed.short_body(), message.location);
        // SAFETY: it could be written a moment ago; the slot is claimed, says the caller.
        unsafe {
            place.cast::<i64>().write_unaligned(message.kind);
            let body = place.add(TYPE);
            if body::read(self.queue, self.who, from, message.length, body, wanted)? {
                return Ok(wanted);
            }
        }
        Err(Errno::ERESTART)
    }

    /// Copies the message at this index, in the order of arrival, and takes nothing: `MSG_COPY`.
    /// ENOMSG; E2BIG: it is too long; EINVAL: it is, and is to be cut.
    ///
    /// # Safety
    /// As for [`Transfer::receive`].
    #[cold]
    pub unsafe fn copy(&self, into: &Incoming, place: usize) -> Result<usize> {
        let (queue, who) = (self.queue, self.who);
        let taken = store::take(queue, who, |_| search::nth(queue, place))?;
        let Some((claimed, message)) = taken else { return Err(Errno::ENOMSG) };
        let read = if message.length > into.capacity && into.cut {
            Err(Errno::EINVAL)
        } else {
            // SAFETY: as the caller says.
            unsafe { self.read(&claimed, &message, into) }
        };
        claimed.put_back(who);
        if who.is_orphan() { Err(Errno::ERESTART) } else { read }
    }

    /// For msgctl(2), and for threads that spin for what this has made possible.
    #[inline(always)]
    fn note(&self, did: Did) {
        let [message, space] = &self.queue.layout.words().hints;
        match did {
            Did::Send => message.waking(),
            Did::Receive => space.waking(),
            Did::Change => {}
        }
        note(self.queue, did);
    }
}

/// Notes when something was done, and by which process.
#[inline(always)]
pub fn note(queue: &Queue, did: Did) {
    let words = queue.layout.words();
    // Relaxed: see the words. Usually the value is unchanged, and a store would take the cache line
    // away from the other side.
    let (time, now) = (&words.times[did as usize], realtime_seconds());
    if time.load(Ordering::Relaxed) != now {
        time.store(now, Ordering::Relaxed);
    }
    if let Some(pid) = words.pids.get(did as usize) {
        let own = Process::pid_of_memory();
        if pid.load(Ordering::Relaxed) != own {
            pid.store(own, Ordering::Relaxed);
        }
    }
}
