//! A wait for what cannot be done yet: what the wait machine (`shared::wait`) attempts.
//!
//! A waiter sleeps on its own word. If other processes may have something to be undone, it also
//! sleeps on what the kernel marks when they die (`undo`). The kernel wakes one sleeper for a mark,
//! and that one wakes the others. It may be killed before it runs. So it owes a wake on the *death
//! word* of the set (`shared::thread::wake`), on which all sleepers on marks sleep, too. The kernel
//! gives that wake when the thread itself has ended, and is no longer among the sleepers. Meanwhile
//! the mark of its own process says whether the thread lives (`fate`).
//!
//! | what it sees | it sleeps until |
//! |---|---|
//! | all processes live | its wait ends, or one of them is marked |
//! | its word is in flight | that, or for a millisecond (`change`) |
//! | one is marked, and has not ended | that, or for 0.2 ms, then for twice as long, up to 32 ms |
//! | the kernel does not mark one of them or this process, or cannot wait for all of them | that, or for a second |

use super::cells::Status;
use super::change::{Step, change, wake_others};
use super::operate::{Outcome, perform};
use super::record::{Record, asleep};
use super::records::{self, claim_record, give_back};
use super::serve::enter as enter_queue;
use super::slots;
use super::undo::{self, Health};
use super::wish::{Wish, gone};
use crate::atomic::Ordering;
use crate::cbits::WaitV;
use crate::os::clock::{Clock, Deadline};
use crate::os::futex::{Interrupted, Scope};
use crate::os::signals::Blocked;
use crate::os::sleep::{Awaited, Sleep, Woken, can_be_interrupted};
use crate::os::{Errno, Result};
use crate::shared::claim::Claimant;
use crate::shared::thread::{Announcement, Operation as ThreadOperation};
use crate::shared::wait::{self as machine, Attempt, Terms};
use crate::sysv::object::within;

/// So long a waiter sleeps whose word is in flight, in nanoseconds.
const IN_FLIGHT_NS: i64 = 1_000_000;
/// The first look at a process that may be about to end, and the longest time between two.
const FIRST_LOOK_NS: i64 = 200_000;
const LONGEST_LOOK_NS: i64 = 32_000_000;
/// The same where an end is not signalled.
const LOOK_NS: i64 = 1_000_000_000;
/// Words that one may sleep on: `FUTEX_WAITV_MAX` of linux/futex.h.
const WORDS: usize = 128;

/// How a wait has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// It has been done.
    Done,
    /// It has not begun, as it can be done now: it is to be attempted again.
    Possible,
}

/// Waits for it. EAGAIN, EINTR, EIDRM and others.
///
/// Apart: inlined, the words take their stack from what callers do before.
#[inline(never)]
pub fn wait(
    wish: Wish<'_>,
    who: &ThreadOperation<'static>,
    until: Option<Deadline>,
) -> Result<Waited> {
    let slot = claim_record(wish.set, who)?;
    let terms = Terms { until, interrupted: Interrupted::Fails };
    let mut owed = None;
    let mut words = [WaitV::NONE; WORDS];
    let waiting = Waiting {
        wish,
        who,
        slot,
        owed: &mut owed,
        words: &mut words,
        look: FIRST_LOOK_NS,
        was_in_flight: false,
    };
    let waited = machine::wait(waiting, terms);
    // The kernel wakes one sleeper for a death. This thread may have been that one, and granted at
    // the same time.
    undo::notice_all(wish.set);
    drop(owed);
    give_back(wish.set, who, slot);
    waited.map_err(|error| if error == Errno::ETIMEDOUT { Errno::EAGAIN } else { error })
}

/// A waiter.
struct Waiting<'w> {
    wish: Wish<'w>,
    /// Holds the record of the waiter.
    who: &'w ThreadOperation<'static>,
    slot: usize,
    /// From before its first sleep on marks on.
    owed: &'w mut Option<Announcement<'static>>,
    /// The death word, marks, its own word. Not within: to move them would take twice their stack.
    words: &'w mut [WaitV; WORDS],
    /// When processes that may be about to end are looked at next, in nanoseconds.
    look: i64,
    was_in_flight: bool,
}

impl Attempt for Waiting<'_> {
    type Done = Waited;

    fn begin(&mut self, terms: &Terms) -> Result<Option<Waited>> {
        if terms.is_too_late() {
            return Err(Errno::ETIMEDOUT);
        }
        Ok(None)
    }

    fn hold_signals_back(&self) -> Option<Blocked> {
        (!self.who.thread().filter.is_confined()).then(Blocked::all_but_faults)
    }

    fn enter(&mut self, terms: &Terms) -> Result<Option<Waited>> {
        self.write(terms)?;
        let is_entered = self.within(|who| self.enter_queue(who)).map_err(gone)?;
        Ok(if is_entered { None } else { Some(Waited::Possible) })
    }

    fn lie_down(&mut self, sleep: &mut Sleep, terms: &Terms) -> Result<bool> {
        self.check_process()?;
        let record = self.record()?;
        let mut word = self.note_word(record);
        if word == asleep::AWAKE || self.look()?.is_some() {
            return Ok(false);
        }
        // Before the look at the processes: if one is marked after that, there is no sleep.
        let (mut count, mut is_complete) = self.gather();
        if count > 0 && slots::marked(self.wish.set).is_none() {
            let marked = self.within(|who| slots::take_to_sleep(self.wish.set, who));
            self.check_process()?;
            // All sleepers are told of a new slot, this one, too. It goes on to its sleep: if the
            // slot could not be marked, that is so each time.
            if record.is_awake() {
                word = self.note_word(record);
                if self.look()?.is_some() {
                    return Ok(false);
                }
            }
            (count, is_complete) = self.gather();
            is_complete &= marked.is_ok();
        }
        is_complete &= count == 0 || self.owe()?;
        let health = self.within(|who| undo::mend(self.wish.set, who))?;
        if health == Health::Mended {
            return Ok(false);
        }
        let mut until = terms.until;
        if self.was_in_flight {
            until = Some(earlier(until, IN_FLIGHT_NS));
        }
        match health {
            Health::Doubtful => {
                until = Some(earlier(until, self.look));
                self.look = (self.look * 2).min(LONGEST_LOOK_NS);
            }
            Health::Unmarked => until = Some(earlier(until, LOOK_NS)),
            Health::Well | Health::Mended => self.look = FIRST_LOOK_NS,
        }
        if !is_complete {
            until = Some(earlier(until, LOOK_NS));
        }
        self.describe(sleep, word, count, until);
        Ok(true)
    }

    fn attempt(&mut self, woken: Woken) -> Result<Option<Waited>> {
        self.check_process()?;
        if woken == Woken::TimedOut && self.was_in_flight {
            self.end_flight()?;
        }
        self.look()
    }

    fn attempt_at_last(&mut self) -> Result<Option<Waited>> {
        self.check_process()?;
        self.look()
    }

    fn give_up(&mut self, _: Errno) -> Option<Waited> {
        if self.who.is_orphan() {
            return None;
        }
        let set = self.wish.set;
        let left = self.within(|who| records::take_out(set, who, self.slot, false));
        // What has been granted is done.
        if left == Ok(true) { None } else { self.look().ok().flatten() }
    }
}

impl Waiting<'_> {
    /// EINTR: a handler has forked, and this is the child, which was never in the queue.
    fn check_process(&self) -> Result<()> {
        if self.who.is_orphan() { Err(Errno::EINTR) } else { Ok(()) }
    }

    fn record(&self) -> Result<&'static Record> {
        self.wish.set.layout.record(self.slot).ok_or(Errno::EINVAL)
    }

    /// The word that it sleeps on, and whether that is in flight.
    fn note_word(&mut self, record: &Record) -> u32 {
        let word = record.lie_down();
        self.was_in_flight = word == asleep::IN_FLIGHT;
        word
    }

    /// From now on it owes a wake to the others that sleep on marks. False: that cannot be
    /// announced.
    fn owe(&mut self) -> Result<bool> {
        let set = self.wish.set;
        if self.owed.is_none()
            && let Some(slot) = slots::marked(set)
        {
            let record = self.record()?;
            // Release: behind the mark. (`fate`)
            record.marked.store(u32::try_from(slot + 1).unwrap_or(0), Ordering::Release);
            *self.owed = self.who.guard_wake(&record.claim, &set.layout.words().death);
        }
        Ok(self.owed.is_some())
    }

    /// An operation within the one that holds the record.
    fn within<T>(&self, act: impl FnOnce(&ThreadOperation<'static>) -> Result<T>) -> Result<T> {
        within(self.who, self.wish.set, act)
    }

    /// Enters the queue. False: it can be done, or its memory was not there.
    fn enter_queue(&self, who: &ThreadOperation<'static>) -> Result<bool> {
        let Wish { set, array, actor } = self.wish;
        let operations = array.operations();
        change(set, who, |draft| match perform(draft, operations, actor)? {
            Outcome::Done => Ok(Step::Leave(false)),
            Outcome::Blocked(obstacle) if obstacle.must_not_wait() => Err(Errno::EAGAIN),
            Outcome::Blocked(obstacle) => {
                enter_queue(draft, self.slot, operations, obstacle)?;
                Ok(Step::Publish(true, None))
            }
        })
    }

    /// Says in the record what is wanted, and by which process.
    fn write(&self, terms: &Terms) -> Result<()> {
        let record = self.record()?;
        let seconds = |until: Deadline| {
            u32::try_from(until.time.tv_sec.max(0)).unwrap_or(u32::MAX).saturating_add(1)
        };
        record.until.store(terms.until.map_or(0, seconds), Ordering::Relaxed);
        let Wish { set, array, actor } = self.wish;
        record.pid.store(actor.pid, Ordering::Relaxed);
        let process = actor.process.map_or(0, |process| u32::from(process.slot) + 1);
        record.process.store(process, Ordering::Relaxed);
        records::write(set, self.slot, array.operations())
    }

    /// What has become of the wait. `None`: it goes on.
    fn look(&self) -> Result<Option<Waited>> {
        let (status, leads) = self.wish.set.status(self.slot)?;
        if status == Status::Waiting {
            return Ok(None);
        }
        // The thread that has ended it may have died before it woke the others.
        if leads && self.record()?.asleep.load(Ordering::SeqCst) != asleep::AWAKE {
            wake_others(self.wish.set);
        }
        match status {
            Status::Granted => Ok(Some(Waited::Done)),
            Status::WouldBlock => Err(Errno::EAGAIN),
            Status::OutOfRange => Err(Errno::ERANGE),
            // Only hostile bytes end a wait so.
            Status::Free | Status::Waiting => Err(Errno::EIDRM),
        }
    }

    /// The word has been in flight for long. The thread that has set it so has died, or is slow,
    /// and will find that something else has become current.
    fn end_flight(&self) -> Result<()> {
        let word = &self.record()?.asleep;
        let (from, to) = (asleep::IN_FLIGHT, asleep::AWAKE);
        let _ = word.compare_exchange(from, to, Ordering::SeqCst, Ordering::Relaxed);
        self.within(|who| change(self.wish.set, who, |_| Ok(Step::Publish((), None))))
    }

    /// Where the kernel can wait for several words, and be interrupted at that, it wakes this
    /// thread when a process dies. Elsewhere this thread looks now and then.
    fn describe(&mut self, sleep: &mut Sleep, word: u32, count: usize, until: Option<Deadline>) {
        let record = self.wish.set.layout.record(self.slot);
        let own = record.map_or(core::ptr::null_mut(), |record| record.asleep.as_ptr());
        let filter = &self.who.thread().filter;
        if count > 0 && can_be_interrupted() && filter.may_wait_on_vectors() {
            let death = &self.wish.set.layout.words().death;
            // With any other value each sleep would end at once: hostile bytes.
            let is_whole = death.load(Ordering::Relaxed) == 0;
            // In front: once this thread sleeps on a mark, another one may be told of it, and die.
            self.words[0] = WaitV::new(death.as_ptr(), 0, Scope::Shared);
            self.words[1 + count] = WaitV::new(own, word, Scope::Shared);
            let words = &self.words[usize::from(!is_whole)..count + 2];
            sleep.prepare_any(words, until.unwrap_or(Deadline::NEVER));
            return;
        }
        let until = if count > 0 { Some(earlier(until, LOOK_NS)) } else { until };
        let death = core::ptr::null();
        let awaited = Awaited { word: own, expected: word, scope: Scope::Shared, death };
        sleep.prepare(awaited, until, Interrupted::Fails, || false);
    }

    /// The marks of the other processes that have slots, behind the first word. False: there are
    /// more.
    fn gather(&mut self) -> (usize, bool) {
        let set = self.wish.set;
        let own = slots::marked(set);
        let mut count = 0;
        for (_, process) in slots::used(set).filter(|(slot, _)| Some(*slot) != own) {
            if count == WORDS - 2 {
                return (count, false);
            }
            let mark = undo::mark_to_sleep_on(set, process);
            self.words[1 + count] = WaitV::new(process.mark.as_ptr(), mark, Scope::Shared);
            count += 1;
        }
        (count, true)
    }
}

/// The deadline, or so many nanoseconds from now.
fn earlier(deadline: Option<Deadline>, nanoseconds: i64) -> Deadline {
    match deadline {
        None => Deadline::after_ns(Clock::Monotonic, nanoseconds),
        Some(deadline) => deadline.or_after_ns(nanoseconds),
    }
}
