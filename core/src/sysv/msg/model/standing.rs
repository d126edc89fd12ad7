//! No receiver gets what is for another one, and a receiver that a message is for is called.
//!
//! Seen to fail when
//! * a receiver does not say what it takes; a thread that looks does not compare `version`, or
//!   reads the ticket before that;
//! * a receiver that has said what it takes does not call those for which there is a message now;
//! * a look that finds a message with a later number than it knows is not repeated.

use loom::sync::Arc;
use loom::thread;

use super::Queue;
use crate::atomic::explore::{check, check_each_stop};
use crate::atomic::{AtomicU64, Ordering, fence};
use crate::os::Result;
use crate::shared::participant::{End, Participant};
use crate::sysv::msg::arrivals::Arrivals;
use crate::sysv::msg::message::Message;
use crate::sysv::msg::oldest::{Effort, Terms};
use crate::sysv::msg::record::{Record, Wanted, call};
use crate::sysv::msg::selector::Selector;
use crate::sysv::msg::standing::{About, Scene, Standing};

/// A queue with the waiters for its messages. The type of a message is its slot.
struct Waited {
    queue: Arc<Queue>,
    version: AtomicU64,
    records: Vec<Record>,
}

impl Scene for Waited {
    fn version(&self) -> &AtomicU64 {
        &self.version
    }

    fn arrivals(&self) -> &Arrivals {
        &self.queue.arrivals
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
        let mut messages = self.queue.messages();
        messages.retain(|(_, arrival)| *arrival <= terms.up_to);
        messages.sort_by_key(|(_, arrival)| *arrival);
        let message =
            |(slot, arrival)| Message { slot, arrival, kind: slot as i64, length: 1, location: 0 };
        Ok(messages.into_iter().map(message).find(|message| wants(message)))
    }

    fn now(&self) -> u32 {
        0
    }
}

impl Waited {
    /// These wait, and sleep.
    fn new(selectors: &[Selector]) -> Arc<Self> {
        let queue = Queue::new();
        let record = |(number, selector): (usize, &Selector)| {
            let record = Record::default();
            let ticket = queue.arrivals.next();
            let wanted = Record::words_of(Wanted::Message { selector: *selector, capacity: None });
            let words = record.wanted_words().iter().zip(wanted);
            words.for_each(|(word, wanted)| word.store(wanted, Ordering::Relaxed));
            record.claim.store(100 + u32::try_from(number).unwrap(), Ordering::Relaxed);
            record.call.store(call::ASLEEP, Ordering::Relaxed);
            record.ticket.store(ticket, Ordering::Relaxed);
            record
        };
        let records = selectors.iter().enumerate().map(record).collect();
        Arc::new(Self { queue, version: AtomicU64::default(), records })
    }

    /// `tell::receivers`
    fn tell(&self, about: About<'_>) {
        fence(Ordering::SeqCst);
        for receiver in Standing::of(self, about).unwrap().receivers() {
            let called = &receiver.record.call;
            let (from, to) = (call::ASLEEP, call::CALLED);
            if receiver.given.is_some() {
                let _ = called.compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst);
            }
        }
    }

    /// The same, of a message in this slot.
    fn tell_of(&self, slot: usize) {
        self.tell(About::Messages(Selector::Type(slot as i64)));
    }

    fn send(&self, who: &Participant, slot: usize) -> u64 {
        let arrival = self.queue.send(who, slot).unwrap();
        self.tell_of(slot);
        arrival
    }

    /// `Transfer::receive_given`, and the end of the wait.
    fn receive_given(&self, who: &Participant, number: usize) -> Option<u64> {
        let record = &self.records[number];
        loop {
            let standing = Standing::of(self, About::Own(record)).unwrap();
            let given = standing.receiver(record)?.given;
            self.note_taking(record, given.map_or(0, |message| message.arrival));
            let message = given?;
            if self.queue.receive_from(who, (message.slot, message.arrival), || {}) {
                record.ticket.store(0, Ordering::SeqCst);
                record.taking.store(0, Ordering::SeqCst);
                return Some(message.arrival);
            }
            thread::yield_now();
        }
    }

    fn note_taking(&self, record: &Record, arrival: u64) {
        if record.taking.load(Ordering::Relaxed) != arrival {
            record.taking.swap(arrival, Ordering::SeqCst);
            self.version.fetch_add(1, Ordering::SeqCst);
            self.tell(About::Own(record));
        }
    }

    /// `Transfer::receive` of one that does not wait.
    fn receive(&self, who: &Participant) -> Option<u64> {
        loop {
            let standing = Standing::of(self, About::All).unwrap();
            let look = |last| {
                let effort = Effort::of(usize::MAX);
                let terms = Terms { last, up_to: u64::MAX, effort: &effort };
                self.oldest(&terms, |message| !standing.is_given(message))
            };
            let newest = |found: &Option<Message>| found.map_or(0, |message| message.arrival);
            let message = self.queue.arrivals.look(look, newest).unwrap()?;
            if self.queue.receive_from(who, (message.slot, message.arrival), || {}) {
                return Some(message.arrival);
            }
            thread::yield_now();
        }
    }

    /// At rest: a receiver that a message is for does not sleep.
    fn assert_called(&self) {
        for receiver in Standing::of(self, About::All).unwrap().receivers() {
            let is_asleep = receiver.record.call.load(Ordering::SeqCst) == call::ASLEEP;
            assert!(!is_asleep || receiver.given.is_none(), "{:?} is not called", receiver.given);
        }
    }
}

/// The first of two messages is for the waiter, at whatever point of taking it the waiter is.
#[test]
fn one_takes_its_message_while_another_one_looks() {
    check(3, || {
        let waited = Waited::new(&[Selector::Any]);
        let first = waited.send(&Participant::new(3), 0);
        let second = waited.send(&Participant::new(3), 1);
        let waiter = {
            let waited = waited.clone();
            thread::spawn(move || waited.receive_given(&Participant::new(1), 0))
        };
        assert_eq!(waited.receive(&Participant::new(2)), Some(second));
        assert_eq!(waiter.join().unwrap(), Some(first));
    });
}

/// Two messages are sent while a receiver looks at the slots: it gets the first one, or none.
#[test]
fn two_messages_come_while_one_looks() {
    check(3, || {
        let waited = Waited::new(&[]);
        waited.queue.leave_bits_set(&Participant::new(3));
        let receiver = {
            let waited = waited.clone();
            thread::spawn(move || waited.receive(&Participant::new(1)))
        };
        let first = waited.send(&Participant::new(3), 0);
        waited.send(&Participant::new(3), 1);
        assert!(receiver.join().unwrap().is_none_or(|got| got == first));
    });
}

/// The same while a waiter looks what is for it.
#[test]
fn two_messages_come_while_a_waiter_looks() {
    check(3, || {
        let waited = Waited::new(&[Selector::Any]);
        waited.queue.leave_bits_set(&Participant::new(3));
        let waiter = {
            let waited = waited.clone();
            thread::spawn(move || waited.receive_given(&Participant::new(1), 0))
        };
        let first = waited.send(&Participant::new(3), 0);
        waited.send(&Participant::new(3), 1);
        assert!(waiter.join().unwrap().is_none_or(|got| got == first));
    });
}

/// An older message is committed while the first waiter takes a younger one: then it is for the
/// second one.
#[test]
fn an_older_message_comes_while_one_takes_a_younger_one() {
    check(3, || {
        let waited = Waited::new(&[Selector::Any, Selector::Type(1)]);
        let older = waited.queue.reserve(&Participant::new(2), 1).unwrap();
        waited.send(&Participant::new(3), 0);
        let waiter = {
            let waited = waited.clone();
            thread::spawn(move || waited.receive_given(&Participant::new(1), 0))
        };
        waited.queue.publish(&Participant::new(2), 1, older);
        waited.tell_of(1);
        assert!(waiter.join().unwrap().is_some());
        waited.assert_called();
    });
}

/// One for all types comes while the older of two messages is sent, whose receiver wants its type
/// alone.
#[test]
fn one_for_all_types_comes_beside_one_for_one() {
    check(3, || {
        let waited = Waited::new(&[Selector::Type(1), Selector::Any]);
        let ticket = waited.records[1].ticket.swap(0, Ordering::Relaxed);
        let late = {
            let waited = waited.clone();
            thread::spawn(move || {
                waited.records[1].ticket.store(ticket, Ordering::SeqCst);
                waited.version.fetch_add(1, Ordering::SeqCst);
                // `lie_down`: it sees what has come before.
                fence(Ordering::SeqCst);
                let own = About::Own(&waited.records[1]);
                let standing = Standing::of(&*waited, own).unwrap();
                let given = standing.receiver(&waited.records[1]).and_then(|own| own.given);
                if given.is_some() {
                    waited.records[1].call.store(call::AWAKE, Ordering::SeqCst);
                }
            })
        };
        let first = waited.send(&Participant::new(3), 1);
        let second = waited.send(&Participant::new(3), 0);
        late.join().unwrap();
        waited.assert_called();
        assert_eq!(waited.receive_given(&Participant::new(1), 0), Some(first));
        assert_eq!(waited.receive_given(&Participant::new(2), 1), Some(second));
    });
}

/// What was for a receiver that dies is for the next one, which is there, whole.
#[test]
fn a_receiver_dies_while_it_takes_its_message() {
    check_each_stop(2, |accesses| {
        let waited = Waited::new(&[Selector::Any, Selector::Any]);
        let sent = waited.send(&Participant::new(3), 0);
        let victim = {
            let waited = waited.clone();
            thread::spawn(move || {
                let who = Participant::new(1);
                let act = |who: &Participant| waited.receive_given(who, 0);
                who.until(&waited.queue.ends, accesses, End::Killed, act).is_some()
            })
        };
        assert_eq!(waited.receive(&Participant::new(2)), None, "it is for a waiter");
        let is_done = victim.join().unwrap();
        if !is_done {
            waited.records[0].claim.store(0, Ordering::SeqCst);
        }
        let rest = waited.receive_given(&Participant::new(2), 1);
        assert!(rest.is_none_or(|rest| rest == sent && !is_done));
    });
}
