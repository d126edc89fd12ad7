//! A waiter for a message, as a look at its record finds it.

use super::message::Message;
use super::record::{Record, Wanted, call};
use super::selector::Selector;
use crate::atomic::Ordering;
use crate::shared::claim;

/// How long a receiver that did not sleep when it was called may take to come, in milliseconds.
const ABSENCE_MS: i32 = 100;

/// See the module.
#[derive(Clone, Copy)]
pub struct Receiver<'q> {
    /// Its record.
    pub record: &'q Record,
    /// When it came.
    pub ticket: u64,
    /// Which messages it accepts.
    pub selector: Selector,
    capacity: Option<u64>,
    /// The sequence number of the message that it takes; 0 = none.
    pub taking: u64,
    /// From its record: the sequence number of the message that is for it.
    pub bound: u64,
    /// What is for it.
    pub given: Option<Message>,
    /// A message was too long for it.
    pub is_too_long: bool,
}

impl<'q> Receiver<'q> {
    /// `None`: it does not wait for a message. `is_own`: it is the caller, so it is not absent.
    pub fn of(record: &'q Record, is_own: bool, now: impl Fn() -> u32) -> Option<Self> {
        // Each word is SeqCst: a thread that has stored a message since sees the waiter, or its
        // message is seen. The word `taking` is read first: a receiver that has taken its message
        // gives up its ticket before that.
        let taking = record.taking.load(Ordering::SeqCst);
        let is_held = !claim::is_free(record.claim.load(Ordering::SeqCst));
        let ticket = record.ticket.load(Ordering::SeqCst);
        let called = record.call.load(Ordering::SeqCst);
        let Wanted::Message { selector, capacity } = record.wanted() else { return None };
        let is_missed = called == call::MISSED && !is_own;
        let is_absent = is_missed && record.since(now()) > ABSENCE_MS;
        let waits = is_held && ticket != 0 && !record.is_refused() && !is_absent;
        waits.then_some(Self {
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

    /// A message was too long for it.
    pub fn refuse(&self) {
        self.record.refuse(self.ticket);
    }

    /// The sequence number of the message that is known to be for it; 0 = none.
    pub fn known(&self) -> u64 {
        if self.taking == 0 { self.bound } else { self.taking }
    }

    /// Whether nothing is for it yet.
    pub fn is_free(&self) -> bool {
        self.given.is_none() && !self.is_too_long && self.taking == 0
    }

    /// Whether it may get a message of this type.
    pub fn is_free_for(&self, kind: i64) -> bool {
        self.is_free() && self.selector.admits(kind)
    }

    /// Whether its buffer is large enough.
    pub fn can_hold(&self, message: &Message) -> bool {
        self.capacity.is_none_or(|capacity| message.length as u64 <= capacity)
    }
}
