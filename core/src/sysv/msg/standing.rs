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
//! A receiver that takes its message first says so in its record, and in the word `turns`. From
//! then on no other message is for it. A thread that looks reads `turns`, the records, the
//! messages, and `turns` again. An older message may have been committed since the receiver looked,
//! and others may have counted it as meant for that receiver. So the receiver then calls those for
//! which there is a message now.
//!
//! A receiver that did not sleep when it was called is about to look, or has been left by
//! siglongjmp(3), and will not. If it has not come within [`ABSENCE_MS`] it does not count any
//! more.

use super::arrivals::Arrivals;
use super::message::Message;
use super::oldest::{Effort, Terms};
use super::record::{Record, Wanted, call};
use super::selector::Selector;
use super::usage::Amount;
use crate::atomic::{AtomicU64, Ordering};
use crate::os::Result;
use crate::os::growing::Growing;
use crate::shared::claim::{self, Holder};

/// How long a receiver that did not sleep when it was called may take to come, in milliseconds.
const ABSENCE_MS: i32 = 100;
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
    fn turns(&self) -> &AtomicU64;
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

/// A waiter for a message.
#[derive(Clone, Copy)]
pub struct Receiver<'q> {
    /// Its record.
    pub record: &'q Record,
    ticket: u64,
    selector: Selector,
    capacity: Option<u64>,
    /// The sequence number of the message that it takes; 0 = none.
    taking: u64,
    /// From its record: the sequence number of the message that is for it.
    bound: u64,
    /// What is for it.
    pub given: Option<Message>,
    /// A message was too long for it.
    pub is_too_long: bool,
}

impl Receiver<'_> {
    /// A message was too long for it.
    pub fn refuse(&self) {
        self.record.refuse(self.ticket);
    }

    /// Whether nothing is for it yet.
    fn is_free(&self) -> bool {
        self.given.is_none() && !self.is_too_long && self.taking == 0
    }

    /// Whether it may get a message of this type.
    pub fn is_free_for(&self, kind: i64) -> bool {
        self.is_free() && self.selector.admits(kind)
    }
}

/// See the module.
pub struct Standing<'q> {
    /// In the order of their arrival.
    receivers: Growing<Receiver<'q>, FEW>,
}

impl<'q> Standing<'q> {
    /// Before the first look. (It is large, so it is filled where it lies.)
    #[inline(always)]
    pub fn unknown() -> Self {
        Self { receivers: Growing::new() }
    }

    /// What it is now.
    #[cfg(all(test, loom))]
    pub fn of(queue: &'q impl Scene, own: Option<&Record>) -> Result<Self> {
        let mut standing = Self::unknown();
        standing.look(queue, own)?;
        Ok(standing)
    }

    /// Reads the current state. `own`: the record of the caller, which is not absent. ENOMEM;
    /// EINVAL, EIDRM.
    pub fn look(&mut self, queue: &'q impl Scene, own: Option<&Record>) -> Result<()> {
        let turns = queue.turns();
        let mut attempts = 0..ATTEMPTS;
        loop {
            let before = turns.load(Ordering::SeqCst);
            let look = |last| self.look_once(queue, own, last).map(|()| self.newest());
            queue.arrivals().look(look, |newest| *newest)?;
            // In the end a wrong order is better than none.
            if turns.load(Ordering::SeqCst) == before || attempts.next().is_none() {
                return Ok(());
            }
        }
    }

    fn look_once(&mut self, queue: &'q impl Scene, own: Option<&Record>, last: u64) -> Result<()> {
        self.receivers.clear();
        let mut pushed = Ok(());
        queue.each_record(|record| {
            let is_own = own.is_some_and(|own| core::ptr::eq(own, record));
            if let Some(receiver) = standing_of(record, is_own, || queue.now()) {
                pushed = pushed.and_then(|()| self.receivers.push(receiver));
            }
        })?;
        pushed?;
        self.receivers.sort_unstable_by_key(|receiver: &Receiver<'_>| receiver.ticket);
        self.assign(queue, last)
    }

    /// The sequence number of the last message that is for one of them.
    fn newest(&self) -> u64 {
        let given = self.receivers().filter_map(|receiver| receiver.given);
        given.map(|message| message.arrival).max().unwrap_or(0)
    }

    /// Whether no thread waits.
    pub fn is_empty(&self) -> bool {
        self.receivers.is_empty()
    }

    /// The same, and writes into each record which message is for it: so it stays.
    pub fn look_and_bind(&mut self, queue: &'q impl Scene, own: Option<&Record>) -> Result<()> {
        for _ in 0..ATTEMPTS {
            self.look(queue, own)?;
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
        for one in self.receivers.iter_mut() {
            let number = if one.taking == 0 { one.bound } else { one.taking };
            if number != 0 && !effort.is_spent() {
                let terms = Terms { last, up_to: number, effort: &effort };
                one.given = queue.oldest(&terms, |message| message.arrival == number)?;
            }
        }
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

    fn give(&mut self, message: Message) {
        for receiver in self.receivers.iter_mut().filter(|one| one.is_free_for(message.kind)) {
            if receiver.capacity.is_none_or(|capacity| message.length as u64 <= capacity) {
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

/// `None`: it does not wait for a message.
fn standing_of(record: &Record, is_own: bool, now: impl Fn() -> u32) -> Option<Receiver<'_>> {
    // Each word is SeqCst: a thread that has stored a message since sees the waiter, or its message
    // is seen. The word `taking` is read first: a receiver that has taken its message gives up its
    // ticket before that.
    let taking = record.taking.load(Ordering::SeqCst);
    let is_held = !claim::is_free(record.claim.load(Ordering::SeqCst));
    let ticket = record.ticket.load(Ordering::SeqCst);
    let called = record.call.load(Ordering::SeqCst);
    let Wanted::Message { selector, capacity } = record.wanted() else { return None };
    let is_missed = called == call::MISSED && !is_own;
    let is_absent = is_missed && record.since(now()) > ABSENCE_MS;
    let waits = is_held && ticket != 0 && !record.is_refused() && !is_absent;
    waits.then_some(Receiver {
        record,
        ticket,
        selector,
        capacity,
        taking,
        bound: record.given.load(Ordering::SeqCst),
        given: None,
        is_too_long: false,
    })
}

#[cfg(all(test, not(loom)))]
mod tests {
    use core::cell::Cell;

    use super::*;

    /// How many receivers sleep, and as many messages are there, in the order that takes longest.
    struct Crowd {
        turns: AtomicU64,
        arrivals: Arrivals,
        records: Vec<Record>,
        visited: Cell<usize>,
    }

    impl Crowd {
        fn of(count: u32) -> Self {
            let record = |number: u32| {
                let record = Record::default();
                record.claim.store(number, Ordering::Relaxed);
                record.ticket.store(number.into(), Ordering::Relaxed);
                record
            };
            let records = (1..=count).map(record).collect();
            let arrivals = Arrivals::default();
            (0..count).for_each(|_| _ = arrivals.next());
            Self { turns: AtomicU64::new(0), arrivals, records, visited: Cell::new(0) }
        }
    }

    impl Scene for Crowd {
        fn turns(&self) -> &AtomicU64 {
            &self.turns
        }

        fn arrivals(&self) -> &Arrivals {
            &self.arrivals
        }

        fn each_record<'q>(&'q self, visit: impl FnMut(&'q Record)) -> Result<()> {
            self.records.iter().for_each(visit);
            Ok(())
        }

        fn oldest(
            &self,
            terms: &Terms<'_>,
            mut wants: impl FnMut(&Message) -> bool,
        ) -> Result<Option<Message>> {
            let mut found = None;
            for slot in (0..self.records.len()).rev().filter(|_| terms.effort.spend(1)) {
                self.visited.set(self.visited.get() + 1);
                let arrival = slot as u64 + 1;
                let message = Message { slot, arrival, kind: 1, length: 0, location: 0 };
                if wants(&message) {
                    found = Some(message);
                }
            }
            Ok(found)
        }

        fn now(&self) -> u32 {
            0
        }
    }

    fn given_in_a_crowd_of(count: u32) -> (usize, usize) {
        let crowd = Crowd::of(count);
        let mut standing = Standing::unknown();
        standing.look(&crowd, None).unwrap();
        let given = standing.receivers().filter(|one| one.given.is_some()).count();
        (given, crowd.visited.get())
    }

    #[test]
    fn a_crowd_gets_a_message_each() {
        assert_eq!(given_in_a_crowd_of(200).0, 200);
    }

    #[test]
    fn a_look_at_more_than_ever_wait_comes_to_an_end() {
        const MANY: u32 = 3000;
        let (given, visited) = given_in_a_crowd_of(MANY);
        assert!(given < MANY as usize);
        assert!(visited <= 2 * COMPARISONS / MANY as usize, "{visited} messages");
    }
}
