//! Which message is for which of the receivers that wait.
//!
//! The kernel hands a message over: the sender looks for the first receiver that accepts it, in the
//! order of their arrival, and the message is never in the queue. Here the message stays in the
//! queue until that receiver has woken up. Which receiver a message is for follows from what is in
//! the queue: in the order of arrival, each message is for the first receiver that accepts it and
//! has none yet. So nothing has to be repaired when a receiver is killed: its messages are for the
//! next receivers.
//!
//! A message that is for a receiver is for no other one; it does not count as being in the queue. A
//! message that is too long for a receiver ends that receiver's wait, and is for the next one.
//!
//! A message with an earlier sequence number may be committed late: this would move the messages
//! after it to other receivers. So a thread that relies on the receiver of a message writes that
//! into the records first ([`Standing::look_and_bind`]), and it stays so.
//!
//! A receiver that takes its message first says so in its record, and in the word `version`. From
//! then on no other message is for it. A thread that looks reads `version`, the records, the
//! messages, and `version` again. An older message may have been committed since the receiver
//! looked, and others may have counted it as meant for that receiver. So the receiver then calls
//! those for which there is a message now.
//!
//! A receiver that did not sleep when it was called is about to look, or has been left by
//! siglongjmp(3), and will not. If it has not come within `ABSENCE_MS` it does not count any more
//! (`receiver`).
//!
//! Receivers for one set of types, and the messages of these types, may have nothing to do with the
//! others (`kinds`). A look that is about such messages leaves the others out ([`About`]).
//! Otherwise each client that waits for its own type would make each look of all others longer.

use super::arrivals::Arrivals;
use super::kinds::Kinds;
use super::message::Message;
use super::oldest::{Effort, Terms};
use super::receiver::Receiver;
use super::record::{Record, Wanted};
use super::selector::Selector;
use super::usage::Amount;
use crate::atomic::{AtomicU64, Ordering};
use crate::os::Result;
use crate::os::growing::Growing;
use crate::shared::claim::{self, Holder};

/// So long it takes at most, mostly, to come for a message, in milliseconds.
const TO_COME_MS: i32 = 2;
/// Looks that may be in vain, as a receiver takes a message meanwhile.
const ATTEMPTS: usize = 64;
/// Comparisons of a message with a receiver for one look. Each message takes a pass over all
/// waiting receivers, so the comparisons may grow with the cube of their number; only hostile bytes
/// need so many.
const COMPARISONS: usize = 1 << 26;
/// Receivers that wait at a time, mostly.
const FEW: usize = 8;

/// What is looked at.
pub trait Scene {
    /// See the module.
    fn version(&self) -> &AtomicU64;
    /// The sequence numbers.
    fn arrivals(&self) -> &Arrivals;
    /// All records that have ever been used. EINVAL, EIDRM.
    fn each_record<'q>(&'q self, visit: impl FnMut(&'q Record)) -> Result<()>;
    /// The oldest of the messages that are wanted. EINVAL, EIDRM.
    fn oldest(
        &self,
        terms: &Terms<'_>,
        wants: impl FnMut(&Message) -> bool,
    ) -> Result<Option<Message>>;
    /// Milliseconds of CLOCK_MONOTONIC, the low half of them.
    fn now(&self) -> u32;
}

/// Which receivers a look is about.
#[derive(Clone, Copy)]
pub enum About<'r> {
    /// All of them.
    All,
    /// Those that have to do with the messages that this selector admits.
    Messages(Selector),
    /// The same, as the receiver with this record wants them. It is the caller, so it is not
    /// absent.
    Own(&'r Record),
}

impl About<'_> {
    /// The types of the messages, or more.
    fn kinds(self) -> Kinds {
        match self {
            Self::All => Kinds::All,
            Self::Messages(selector) => Kinds::of(selector),
            Self::Own(record) => match record.wanted() {
                Wanted::Message { selector, .. } => Kinds::of(selector),
                Wanted::Space(_) => Kinds::All,
            },
        }
    }

    fn is_own(self, record: &Record) -> bool {
        matches!(self, Self::Own(own) if core::ptr::eq(own, record))
    }
}

/// See the module.
pub struct Standing<'q> {
    /// In the order of their arrival.
    receivers: Growing<Receiver<'q>, FEW>,
    /// Others wait, too, which the look was not about.
    are_others: bool,
}

impl<'q> Standing<'q> {
    /// Before the first look. (It is large, so it is filled where it lies.)
    #[inline(always)]
    pub fn unknown() -> Self {
        Self { receivers: Growing::new(), are_others: false }
    }

    /// What it is now.
    #[cfg(all(test, loom))]
    pub fn of(queue: &'q impl Scene, about: About<'_>) -> Result<Self> {
        let mut standing = Self::unknown();
        standing.look(queue, about)?;
        Ok(standing)
    }

    /// Reads the current state. ENOMEM; EINVAL, EIDRM.
    pub fn look(&mut self, queue: &'q impl Scene, about: About<'_>) -> Result<()> {
        let version = queue.version();
        let mut attempts = 0..ATTEMPTS;
        loop {
            let before = version.load(Ordering::SeqCst);
            let look = |last| self.look_once(queue, about, last).map(|()| self.newest());
            queue.arrivals().look(look, |newest| *newest)?;
            // In the end a wrong order is better than none.
            if version.load(Ordering::SeqCst) == before || attempts.next().is_none() {
                return Ok(());
            }
        }
    }

    fn look_once(&mut self, queue: &'q impl Scene, about: About<'_>, last: u64) -> Result<()> {
        let mut kinds = about.kinds();
        let mut attempts = 0..ATTEMPTS;
        loop {
            let found = self.find_receivers(queue, about, kinds)?;
            if found == kinds {
                break;
            }
            kinds = if attempts.next().is_some() { found } else { Kinds::All };
        }
        self.receivers.sort_unstable_by_key(|receiver: &Receiver<'_>| receiver.ticket);
        self.assign(queue, last)
    }

    /// The receivers for messages of these types. Gives more types if one of them accepts more.
    fn find_receivers(
        &mut self,
        queue: &'q impl Scene,
        about: About<'_>,
        kinds: Kinds,
    ) -> Result<Kinds> {
        self.receivers.clear();
        let (mut pushed, mut are_others, mut all) = (Ok(()), false, kinds);
        queue.each_record(|record| {
            let found = Receiver::of(record, about.is_own(record), || queue.now());
            let Some(receiver) = found else { return };
            let wanted = Kinds::of(receiver.selector);
            if wanted.meet(all) {
                all = all.with(wanted);
                pushed = pushed.and_then(|()| self.receivers.push(receiver));
            } else {
                are_others = true;
            }
        })?;
        self.are_others = are_others;
        pushed.map(|()| all)
    }

    /// The sequence number of the last message that is for one of them.
    fn newest(&self) -> u64 {
        let given = self.receivers().filter_map(|receiver| receiver.given);
        given.map(|message| message.arrival).max().unwrap_or(0)
    }

    /// Whether no thread waits.
    pub fn is_empty(&self) -> bool {
        self.receivers.is_empty() && !self.are_others
    }

    /// The same, and writes into each record which message is for it: so it stays.
    pub fn look_and_bind(&mut self, queue: &'q impl Scene, about: About<'_>) -> Result<()> {
        for _ in 0..ATTEMPTS {
            self.look(queue, about)?;
            if self.bind() {
                break;
            }
        }
        Ok(())
    }

    /// False: another one has seen it otherwise, and one has to look again.
    fn bind(&self) -> bool {
        self.receivers().all(|one| {
            let Some(message) = one.given.filter(|given| given.arrival != one.bound) else {
                return true;
            };
            let (word, bound, arrival) = (&one.record.given, one.bound, message.arrival);
            let (success, failure) = (Ordering::SeqCst, Ordering::Relaxed);
            one.taking != 0 || word.compare_exchange(bound, arrival, success, failure).is_ok()
        })
    }

    /// Frees the records of those that are dead, and have a message that this selector accepts.
    /// True if there was one. Asking costs system calls, so those that have just gone to sleep are
    /// not asked about, unless the look `is_final`: then the caller tells the program that there is
    /// nothing, and does not wait.
    #[cold]
    pub fn free_dead(
        &self,
        selector: Selector,
        is_final: bool,
        now: u32,
        is_dead: impl Fn(Holder) -> bool,
    ) -> bool {
        let mut freed = false;
        for one in self.receivers() {
            let has_it = one.given.is_some_and(|given| selector.admits(given.kind));
            if has_it && (is_final || one.record.since(now) > TO_COME_MS) {
                freed |= claim::free_if(&one.record.claim, &is_dead);
            }
        }
        freed
    }

    /// Each message in its turn; those for which no waiter is free are passed over. After so many
    /// comparisons the rest is for no waiter: receivers take what they find.
    fn assign(&mut self, queue: &impl Scene, last: u64) -> Result<()> {
        let effort = Effort::of(COMPARISONS);
        self.find_known(queue, last, &effort)?;
        let mut after = 0;
        while !effort.is_spent() && self.receivers.iter().any(Receiver::is_free) {
            let terms = Terms { last, up_to: u64::MAX, effort: &effort };
            let next = queue.oldest(&terms, |message| {
                message.arrival > after
                    && effort.spend(self.receivers.len())
                    && self.receivers.iter().any(|one| one.is_free_for(message.kind))
                    && !self.is_given(message)
            })?;
            let Some(message) = next else { return Ok(()) };
            after = message.arrival;
            self.give(message);
        }
        Ok(())
    }

    /// The messages that are known to be for receivers, in one search.
    fn find_known(&mut self, queue: &impl Scene, last: u64, effort: &Effort) -> Result<()> {
        let up_to = self.receivers().map(Receiver::known).max().unwrap_or(0);
        if up_to == 0 {
            return Ok(());
        }
        let terms = Terms { last, up_to, effort };
        let comparisons = self.receivers.len();
        queue.oldest(&terms, |message| {
            if effort.spend(comparisons) {
                // A record may have been bound late, on behalf of its former holder.
                let is_its = |one: &&mut Receiver<'_>| {
                    one.known() == message.arrival
                        && (one.taking != 0 || one.selector.admits(message.kind))
                };
                let known = self.receivers.iter_mut().filter(is_its);
                known.for_each(|one| one.given = Some(*message));
            }
            false
        })?;
        Ok(())
    }

    fn give(&mut self, message: Message) {
        for receiver in self.receivers.iter_mut().filter(|one| one.is_free_for(message.kind)) {
            if receiver.can_hold(&message) {
                receiver.given = Some(message);
                return;
            }
            receiver.is_too_long = true;
        }
    }

    /// In the order of their arrival.
    pub fn receivers(&self) -> impl Iterator<Item = &Receiver<'q>> {
        self.receivers.iter()
    }

    /// Whether a message that this receiver accepts is for another one, which may not come: it may
    /// have been left by siglongjmp(3), or be killed before this one sleeps where the kernel tells
    /// of that.
    pub fn is_held_up(&self, own: &Receiver<'_>) -> bool {
        let holds = |message: Message| own.selector.admits(message.kind);
        let is_other = |receiver: &Receiver<'_>| !core::ptr::eq(receiver.record, own.record);
        self.receivers().any(|receiver| is_other(receiver) && receiver.given.is_some_and(holds))
    }

    /// The one with this record.
    pub fn receiver(&self, record: &Record) -> Option<&Receiver<'q>> {
        self.receivers().find(|receiver| core::ptr::eq(receiver.record, record))
    }

    /// Whether a message is for one of them.
    pub fn is_given(&self, message: &Message) -> bool {
        let is_it = |given: &Message| given.arrival == message.arrival;
        self.receivers().any(|receiver| receiver.given.as_ref().is_some_and(is_it))
    }

    /// What is for them.
    pub fn given(&self) -> Amount {
        let given = self.receivers().filter_map(|receiver| receiver.given);
        given.fold(Amount::default(), |sum, message| sum.plus(Amount::of(message.length)))
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
