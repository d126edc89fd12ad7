//! How a thread says in a record that it waits, and that it does not wait any more.

use super::blocks::records_at;
use super::layout::{RECORD_BLOCKS, RECORDS};
use super::queue::Queue;
use super::record::{Record, Wanted, call};
use super::records::now;
use super::store;
use crate::atomic::{AtomicU64, Ordering, fence};
use crate::os::process::Process;
use crate::os::{Errno, Result};
use crate::shared::claim::{Claimant, claim as claim_word, free_if, is_free, release};
use crate::shared::thread::Operation;
use crate::sysv::object::within;

/// The holder of a record waits for this; `ends`: not longer than until some time. EINTR: this is
/// the child of a fork.
pub fn begin(
    queue: &Queue,
    record: &Record,
    wanted: Wanted,
    ends: bool,
    who: &Operation<'static>,
) -> Result<()> {
    let pid = Process::pid_of_memory();
    // Not by the child of a fork: a waiter that is awake is not called.
    who.commit((&record.taking, 0), (&record.pid, pid));
    who.commit((&record.taking, 0), (&record.ends, ends.into()));
    who.commit((&record.taking, 0), (&record.call, call::AWAKE));
    let words = queue.layout.words();
    let ticket = words.sending.arrivals.next();
    let is_written = Claimant::write(who, &Record::words_of(wanted), record.wanted_words())
        && who.exchange(&record.ticket, 0, ticket);
    if !is_written {
        who.withdraw();
        return Err(Errno::EINTR);
    }
    words.version.fetch_add(1, Ordering::SeqCst);
    Ok(())
}

/// It is about to sleep. E2BIG: a message was too long for it, and has gone to another one; EINTR.
pub fn lie(record: &Record, who: &Operation<'static>) -> Result<()> {
    record.since.store(now(), Ordering::Relaxed);
    let nothing = AtomicU64::new(0);
    if !who.commit((&nothing, 0), (&record.call, call::ASLEEP)) {
        return Err(Errno::EINTR);
    }
    // The stores are a release only: a thread that calls it sees that it sleeps, or it sees what it
    // is called for.
    fence(Ordering::SeqCst);
    if record.is_refused() { Err(Errno::E2BIG) } else { Ok(()) }
}

/// It does not wait any more: gives the record back.
pub fn end(record: &Record, who: &Operation<'static>) {
    clear(record, who);
    release(&record.claim, who);
}

/// The holder of a record does not wait.
fn clear(record: &Record, who: &Operation<'static>) {
    // The ticket first: one without a ticket takes nothing.
    for word in [&record.ticket, &record.given, &record.taking] {
        let before = word.load(Ordering::Relaxed);
        if before != 0 {
            who.exchange(word, before, 0);
        }
    }
}

/// Up to so many records, a new one is used, rather than a check whether the holders of the others
/// live, which costs system calls. Beyond, they are checked each time that the number has doubled.
const FEW: usize = 64;

/// A record that no thread has. ENOMEM, EIDRM; EINTR: this is the child of a fork.
pub fn claim(queue: &'static Queue, who: &Operation<'static>) -> Result<&'static Record> {
    let words = queue.layout.words();
    let used = words.records.load(Ordering::SeqCst) as usize;
    let is_time_to_ask = used >= FEW && used.is_power_of_two();
    for asks in [false, true].into_iter().filter(|asks| !asks || is_time_to_ask) {
        for index in 0..used {
            if let Some(record) = claim_this(queue, who, index, asks)? {
                return Ok(record);
            }
        }
    }
    for index in used..RECORD_BLOCKS * RECORDS {
        let claimed = claim_this(queue, who, index, false)?;
        words.records.fetch_max(u32::try_from(index + 1).unwrap_or(u32::MAX), Ordering::SeqCst);
        if let Some(record) = claimed {
            return Ok(record);
        }
    }
    Err(Errno::ENOMEM)
}

/// Claims the record with this index, if no thread has it. `asks`: also if its holder is dead.
fn claim_this(
    queue: &'static Queue,
    who: &Operation<'static>,
    index: usize,
    asks: bool,
) -> Result<Option<&'static Record>> {
    let block = within(who, queue, |who| records_at(queue, index / RECORDS, who))?;
    let records = queue.layout.records(block).ok_or(Errno::EINVAL)?;
    let record = &records[index % RECORDS];
    let has_ended = |holder| store::has_ended(queue, who, holder);
    let is_free =
        is_free(record.claim.load(Ordering::Relaxed)) || asks && free_if(&record.claim, has_ended);
    if !is_free || !claim_word(&record.claim, who) {
        return if who.is_orphan() { Err(Errno::EINTR) } else { Ok(None) };
    }
    // Of one that was killed.
    clear(record, who);
    Ok(Some(record))
}
