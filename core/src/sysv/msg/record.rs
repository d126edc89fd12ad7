//! The record of a waiter: for a message, or for space.
//!
//! | word | states | changed by |
//! |---|---|---|
//! | `claim` | see `shared::claim`; in the name of a presence | the waiter |
//! | `ticket` | 0 = does not wait; else the sequence number of its arrival | the holder of the claim |
//! | `given` | 0, or the sequence number of the message that is for it, as long as that is in the queue | a thread that sees that it is |
//! | `taking` | 0, or the sequence number of the message that it is about to claim, or has claimed | the holder of the claim |
//! | `call` | [`call`] | the holder, and threads that call it |
//! | `refused` | the largest ticket with which a thread waited here for which a message was too long | a thread that has found that, of the ticket that it has seen |
//! | the rest | what is wanted, and by which process | the holder, while `ticket` is 0 |
//!
//! A waiter whose claim is free does not wait, whatever its other words say: it was killed.

use super::selector::Selector;
use crate::atomic::{AtomicU32, AtomicU64, Ordering};

/// The word that a waiter sleeps on.
pub mod call {
    /// It looks by itself.
    pub const AWAKE: u32 = 0;
    /// It sleeps, or is about to.
    pub const ASLEEP: u32 = 1;
    /// There may be something for it. The thread that stores this wakes it.
    pub const CALLED: u32 = 2;
    /// There may be something for it, and it did not sleep: it is about to look, or has been left
    /// by siglongjmp(3). Stored by the thread that has called it.
    pub const MISSED: u32 = 3;
}

/// What one waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A message.
    Message {
        /// Which.
        selector: Selector,
        /// Bytes of its buffer. A longer message is too long; `None`: it would be cut.
        capacity: Option<u64>,
    },
    /// Space for a message of so many bytes.
    Space(u64),
}

/// See the module. Of the size of two lines.
#[repr(C)]
#[derive(Default)]
pub struct Record {
    /// Which process waits.
    pub claim: AtomicU32,
    /// What it sleeps on.
    pub call: AtomicU32,
    /// When it came.
    pub ticket: AtomicU64,
    /// What is for it.
    pub given: AtomicU64,
    /// What it takes.
    pub taking: AtomicU64,
    /// A selector, or a kind that is none; a type; bytes.
    wanted: [AtomicU64; 3],
    /// The process that waits, in its own PID namespace.
    pub pid: AtomicU32,
    /// When it went to sleep, or was called in vain, in milliseconds of CLOCK_MONOTONIC; the low
    /// half of them.
    pub since: AtomicU32,
    /// Which wait has ended, as a message came that was too long for it, and has gone to another
    /// one. This cannot end the wait of a later holder of the record: tickets only grow.
    refused: AtomicU64,
    /// 1 = the wait ends by itself, at a time. For observers.
    pub ends: AtomicU32,
    _line: [u32; 13],
}

#[cfg(not(loom))]
const _: () = assert!(size_of::<Record>() == 128);

/// Stored instead of a selector: space is wanted.
const SPACE: u64 = 4;
/// No message is too long.
const ANY_LENGTH: u64 = u64::MAX;

impl Record {
    /// A message was too long for the waiter here with this ticket.
    pub fn refuse(&self, ticket: u64) {
        self.refused.fetch_max(ticket, Ordering::SeqCst);
    }

    /// Whether that has happened to the waiter here.
    pub fn is_refused(&self) -> bool {
        let ticket = self.ticket.load(Ordering::SeqCst);
        ticket != 0 && self.refused.load(Ordering::SeqCst) == ticket
    }

    /// Milliseconds from the time that stands here to this one.
    pub fn since(&self, now: u32) -> i32 {
        now.wrapping_sub(self.since.load(Ordering::Relaxed)).cast_signed()
    }

    /// What is wanted, as words.
    pub fn words_of(wanted: Wanted) -> [u64; 3] {
        match wanted {
            Wanted::Message { selector, capacity } => {
                let [kind, of] = selector.to_words();
                [kind, of, capacity.unwrap_or(ANY_LENGTH)]
            }
            Wanted::Space(bytes) => [SPACE, 0, bytes],
        }
    }

    /// Where these words are.
    pub fn wanted_words(&self) -> &[AtomicU64; 3] {
        &self.wanted
    }

    /// What is wanted. Any words mean something.
    pub fn wanted(&self) -> Wanted {
        // Relaxed: written before the ticket, which the caller has read.
        let [kind, of, bytes] = self.wanted.each_ref().map(|word| word.load(Ordering::Relaxed));
        if kind >= SPACE {
            return Wanted::Space(bytes);
        }
        let capacity = (bytes != ANY_LENGTH).then_some(bytes);
        Wanted::Message { selector: Selector::from_words([kind, of]), capacity }
    }
}
