//! A queue as an observer sees it, without changing it: from the bytes of its file.
//!
//! The file is read and not mapped, which would make the observer a holder. Messages come and go
//! meanwhile; while the words that count these changes stay the same, what was read is consistent.
//! For a queue that never rests this does not succeed: then each value was true at some time during
//! the look.

use core::mem::offset_of;
use std::fs::File;
use std::os::fd::AsRawFd;

use super::body;
use super::control::{Description, description_of};
use super::image::Image;
use super::layout::{BLOCK, INLINE, RECORDS, SLOTS, body_place, key_place};
use super::queue::Queue;
use super::record::Record;
pub use super::record::Wanted;
use super::records::all_records;
use super::standing::{About, Standing};
use super::store;
use crate::atomic::Ordering;
use crate::os::file::read_at;
use crate::os::settings;
use crate::os::{Errno, Result};
use crate::shared::claim;
use crate::shared::presence;
use crate::sysv::header::Life;
use crate::sysv::object::Object;

/// A thread that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiter {
    /// Its process, as that knows itself.
    pub pid: u32,
    /// `None`: what it has claimed with does not say.
    pub tid: Option<u32>,
    /// What it waits for.
    pub wanted: Wanted,
    /// Whether the wait ends by itself: it has a timeout.
    pub ends: bool,
    /// Where in the file the word is that it sleeps on.
    pub word: u64,
    /// The order of arrival.
    pub ticket: u64,
}

/// A message that lies in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its type.
    pub kind: i64,
    /// Bytes of its body.
    pub length: usize,
    /// The order of arrival. No two are equal.
    pub arrival: u64,
    /// The block of its slot, and the place in it.
    slot: (usize, usize),
    location: u32,
}

/// A queue at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// What msgctl(2) says of it.
    pub description: Description,
    /// How far its life has come.
    pub life: Life,
    /// The process that made it, or began to remove it, died before it was done.
    pub is_half_done: bool,
    /// Whether its PIDs are those of the caller's PID namespace.
    pub is_at_home: bool,
    /// Messages that have come, and waits that have begun, ever.
    pub arrivals: u64,
    /// The messages that are for no waiting receiver, in the order of arrival.
    pub messages: Vec<Message>,
    /// The waiters that have not got anything, in the order of arrival. The dead are left out.
    pub waiters: Vec<Waiter>,
}

/// Looks, if the queue changes each time meanwhile.
const LOOKS: usize = 32;
/// Steps that may be taken to find which receiver each message is for. Only hostile bytes need
/// more.
const STEPS: u64 = 1 << 26;

impl Snapshot {
    /// Errors: EINVAL if the file is not that of a queue; ENOMEM; those of pread(2).
    pub fn at(file: &File) -> Result<Self> {
        presence::prepare(&settings::get().dir);
        let mut last = Err(Errno::EINVAL);
        for _ in 0..LOOKS {
            let image = Image::of(file)?;
            let seen = look(&image.queue);
            if seen.is_ok() && image.is_settled()? {
                return seen;
            }
            last = seen.or(last);
        }
        last.map_err(|_| Errno::EINVAL)
    }

    /// The body of one of its messages. `None`: it is gone. EINVAL: hostile bytes.
    pub fn body(file: &File, message: &Message) -> Result<Option<Vec<u8>>> {
        if message.length > body::LONGEST {
            return Err(Errno::EINVAL);
        }
        let read = |into: &mut [u8], at: usize| {
            let whole = read_at(file.as_raw_fd(), into, at)? == into.len();
            if whole { Ok(()) } else { Err(Errno::EINVAL) }
        };
        let (block, index) = message.slot;
        let places = if message.length <= INLINE {
            vec![(body_place(block, index), message.length)]
        } else {
            body::places(message.location, message.length, |at| {
                let mut number = [0; 4];
                read(&mut number, at).map(|()| u32::from_ne_bytes(number))
            })?
        };
        let mut body = Vec::with_capacity(message.length.min(BLOCK));
        for (at, length) in places {
            let mut part = vec![0; length];
            read(&mut part, at)?;
            body.append(&mut part);
        }
        // The storage of a message is not used again before the message has lost its sequence
        // number.
        let mut arrival = [0; 8];
        read(&mut arrival, key_place(block, index))?;
        Ok((u64::from_ne_bytes(arrival) == message.arrival).then_some(body))
    }
}

/// How many messages have come, and waits have begun, and how many messages are there.
pub fn passage(file: &File) -> Result<(u64, u64)> {
    let image = Image::of(file)?;
    let words = image.queue.layout.words();
    Ok((words.sending.arrivals.last(), words.usage.seen().amount().messages))
}

fn look(queue: &Queue) -> Result<Snapshot> {
    let standing = standing(queue)?;
    let mut messages = Vec::new();
    store::messages(queue, |message| {
        if !standing.is_given(&message) {
            messages.extend(seen(queue, &message));
        }
    })?;
    messages.sort_by_key(|message: &Message| message.arrival);
    let words = queue.layout.words();
    let header = queue.header();
    let (life, is_removed) = (header.life(), words.removed.load(Ordering::Relaxed) != 0);
    Ok(Snapshot {
        description: description_of(queue, &standing)?,
        life: if is_removed { Life::Removed } else { life },
        is_half_done: header.is_half_done(),
        is_at_home: queue.identity().facts.is_at_home,
        arrivals: words.sending.arrivals.last(),
        messages,
        waiters: waiters(queue, &standing)?,
    })
}

/// Which receiver each message is for, unless that would take for ever. What the dead were given is
/// for others.
fn standing(queue: &Queue) -> Result<Standing<'_>> {
    let (mut receivers, mut messages) = (0_u64, 0_u64);
    all_records(queue, |_, record| {
        let holder = claim::holder(record.claim.load(Ordering::Relaxed));
        if matches!(holder, claim::Holder::Presence(number) if presence::has_ended(number)) {
            // In the copy.
            record.claim.store(0, Ordering::Relaxed);
        }
        receivers += u64::from(is_waiting(record));
    })?;
    store::messages(queue, |_| messages += 1)?;
    let rounds = receivers.min(messages) + 1;
    if receivers * messages > STEPS || receivers * messages * rounds > STEPS {
        return Ok(Standing::unknown());
    }
    let mut standing = Standing::unknown();
    standing.look(queue, About::All)?;
    Ok(standing)
}

fn is_waiting(record: &Record) -> bool {
    !claim::is_free(record.claim.load(Ordering::Relaxed))
        && record.ticket.load(Ordering::Relaxed) != 0
}

/// `None`: hostile bytes.
fn seen(queue: &Queue, message: &super::message::Message) -> Option<Message> {
    let (place, index) = (message.slot / SLOTS, message.slot % SLOTS);
    let number = queue.layout.slot_list().get(place)?.load(Ordering::Relaxed) as usize;
    let super::message::Message { kind, length, arrival, location, .. } = *message;
    Some(Message { kind, length, arrival, slot: (number.checked_sub(1)?, index), location })
}

fn waiters(queue: &Queue, standing: &Standing<'_>) -> Result<Vec<Waiter>> {
    let mut waiters = Vec::new();
    all_records(queue, |number, record| {
        let is_called = standing
            .receiver(record)
            .is_some_and(|receiver| receiver.given.is_some() || receiver.is_too_long);
        if !is_called {
            waiters.extend(waiter(queue, number, record));
        }
    })?;
    waiters.sort_by_key(|waiter| waiter.ticket);
    Ok(waiters)
}

/// `None`: it does not wait, or is dead.
fn waiter(queue: &Queue, number: usize, record: &Record) -> Option<Waiter> {
    let tid = match claim::holder(record.claim.load(Ordering::Relaxed)) {
        claim::Holder::None => return None,
        claim::Holder::Thread(tid) => Some(tid),
        claim::Holder::Presence(_) => None,
    };
    let ticket = record.ticket.load(Ordering::Relaxed);
    if ticket == 0 || record.is_refused() {
        return None;
    }
    let list = queue.layout.record_list();
    let block = list.get(number / RECORDS)?.load(Ordering::Relaxed).checked_sub(1)? as usize;
    let at = block * BLOCK + number % RECORDS * size_of::<Record>() + offset_of!(Record, call);
    Some(Waiter {
        pid: record.pid.load(Ordering::Relaxed),
        tid,
        wanted: record.wanted(),
        ends: record.ends.load(Ordering::Relaxed) != 0,
        word: at as u64,
        ticket,
    })
}
