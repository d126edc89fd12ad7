//! Counted operations under the model checker: a process is killed at any access to memory, and
//! what it has taken is given back, by one that may be killed, too.
//!
//! Run by `make model`. The locks of accounts are modelled by the order of the threads: a process
//! is buried after its last access.

use loom::sync::Arc;
use loom::thread;

use super::super::word::{FIRST_LANE, Taken, Word, value};
use super::lanes::{Actor, Counts, LANES, Lane, Party};
use super::recovery::{Recovery, end_left};
use crate::atomic::modelled;
use crate::atomic::{AtomicU32, AtomicU64, Ordering, explore};
use crate::os::{Errno, Result};

const VICTIM: usize = 0;
const HEALER: usize = 1;
const OTHER: usize = 2;

struct Semaphore {
    word: Word,
    lanes: [Lane; LANES],
    counts: [Counts; 3],
    deaths: AtomicU32,
}

struct Simple;

impl Actor for Simple {
    fn exchange(&self, place: &AtomicU64, before: u64, after: u64) -> Result<bool> {
        let order = (Ordering::SeqCst, Ordering::SeqCst);
        Ok(place.compare_exchange(before, after, order.0, order.1).is_ok())
    }

    fn may_wait(&self, _: u32) -> bool {
        false
    }
}

impl Semaphore {
    fn new(value: u32) -> Arc<Self> {
        Arc::new(Self {
            word: Word::new(value),
            lanes: Default::default(),
            counts: Default::default(),
            deaths: AtomicU32::new(0),
        })
    }

    /// With the pin of its number.
    fn party(&self, account: usize) -> Party<'_, Simple> {
        let (lanes, counts) = (&self.lanes, &self.counts[account]);
        Party { lanes, counts, account, pin: account + 1, actor: Simple }
    }

    fn take(&self, account: usize) -> bool {
        self.party(account).take(&self.word, false) != Ok(Taken::Nothing)
    }

    fn post(&self, account: usize) {
        // SAFETY: the model keeps the word to its end.
        let _ = unsafe { self.party(account).post(&self.word) }.unwrap();
    }

    fn bury(&self, dead: usize, by: usize) -> Result<()> {
        let counts_of = |account: usize| self.counts.get(account);
        Recovery { dead, counts_of, deaths: &self.deaths }.perform(&self.party(by), &self.word)
    }

    /// All have been buried, or hold nothing.
    fn assert_whole(&self, total: u32) {
        let word = self.word.atomic().load(Ordering::SeqCst);
        assert_eq!((value(word), word >> FIRST_LANE), (total, 0));
        for lane in &self.lanes {
            assert_eq!(lane.0.load(Ordering::SeqCst), 0);
        }
    }
}

const PREEMPTIONS: usize = 2;

#[test]
fn a_killed_taker_has_taken_nothing_in_the_end() {
    explore::check_each_stop(PREEMPTIONS, |accesses| {
        let semaphore = Semaphore::new(2);
        let victim = {
            let semaphore = semaphore.clone();
            thread::spawn(move || {
                let _ = modelled::stopped_after(accesses, || semaphore.take(VICTIM));
            })
        };
        if semaphore.take(OTHER) {
            semaphore.post(OTHER);
        }
        victim.join().unwrap();
        semaphore.bury(VICTIM, HEALER).unwrap();
        semaphore.assert_whole(2);
    });
}

#[test]
fn a_killed_poster_has_posted_or_gives_back() {
    explore::check_each_stop(PREEMPTIONS, |accesses| {
        let semaphore = Semaphore::new(1);
        assert!(semaphore.take(VICTIM));
        let victim = {
            let semaphore = semaphore.clone();
            thread::spawn(move || {
                let _ = modelled::stopped_after(accesses, || semaphore.post(VICTIM));
            })
        };
        if semaphore.take(OTHER) {
            semaphore.post(OTHER);
        }
        victim.join().unwrap();
        semaphore.bury(VICTIM, HEALER).unwrap();
        semaphore.assert_whole(1);
    });
}

/// A thread of a living process leaves a take, and then a post, and then ends what it has left.
#[test]
fn an_operation_that_was_left_is_ended_by_its_process() {
    explore::check_each_stop(PREEMPTIONS, |accesses| {
        let semaphore = Semaphore::new(2);
        assert!(semaphore.take(VICTIM));
        let leaver = {
            let semaphore = semaphore.clone();
            thread::spawn(move || {
                let take = |on: &Semaphore| {
                    let _ = on.take(VICTIM);
                };
                for call in [take, |on: &Semaphore| on.post(VICTIM)] {
                    let _ = modelled::stopped_after(accesses, || call(&semaphore));
                    end_left(&semaphore.party(VICTIM), VICTIM + 1, Some(&semaphore.word));
                }
            })
        };
        if semaphore.take(OTHER) {
            semaphore.post(OTHER);
        }
        leaver.join().unwrap();
        let word = semaphore.word.atomic().load(Ordering::SeqCst);
        let taken = semaphore.counts[VICTIM].total();
        assert_eq!((i64::from(value(word)) + taken, word >> FIRST_LANE), (2, 0));
        semaphore.bury(VICTIM, HEALER).unwrap();
        semaphore.assert_whole(if taken < 0 { 3 } else { 2 });
    });
}

/// The one that gives back is killed, and the next one finds two dead processes.
#[test]
fn what_is_given_back_is_given_back_once() {
    explore::check_each_stop(PREEMPTIONS, |accesses| {
        let semaphore = Semaphore::new(3);
        assert!(semaphore.take(VICTIM) && semaphore.take(VICTIM));
        let healer = {
            let semaphore = semaphore.clone();
            thread::spawn(move || {
                let _ = modelled::stopped_after(accesses, || semaphore.bury(VICTIM, HEALER));
            })
        };
        if semaphore.take(OTHER) {
            semaphore.post(OTHER);
        }
        healer.join().unwrap();
        // In the order of their numbers, as often as it takes.
        let buried = semaphore.bury(VICTIM, OTHER);
        assert!(matches!(buried, Ok(()) | Err(Errno::EAGAIN)));
        semaphore.bury(HEALER, OTHER).unwrap();
        semaphore.bury(VICTIM, OTHER).unwrap();
        semaphore.assert_whole(3);
        assert!(semaphore.deaths.load(Ordering::SeqCst) > 0);
    });
}

/// Two threads of the process, one of them in the middle of an operation as it is killed.
#[test]
fn threads_of_a_killed_process_are_counted_together() {
    explore::check_each_stop(PREEMPTIONS, |accesses| {
        let semaphore = Semaphore::new(1);
        let victim = {
            let semaphore = semaphore.clone();
            thread::spawn(move || {
                let _ = modelled::stopped_after(accesses, || {
                    if semaphore.take(VICTIM) {
                        semaphore.post(VICTIM);
                    }
                });
            })
        };
        let _ = semaphore.take(VICTIM);
        victim.join().unwrap();
        semaphore.bury(VICTIM, HEALER).unwrap();
        semaphore.assert_whole(1);
    });
}
