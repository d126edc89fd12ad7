//! The protocol of the word under the model checker: every interleaving of small casts.
//!
//! Run by `make model`. The kernel's part is modelled too.

use core::cell::Cell;

use loom::sync::Arc;
use loom::thread;

use super::word::exchange;
use super::word::{Taken, Then, Word};
use crate::atomic::explore;
use crate::atomic::modelled::{self, Futex, On};

struct Semaphore {
    word: Word,
    futex: Futex,
}

impl Semaphore {
    fn new(value: u32) -> Arc<Self> {
        Arc::new(Self { word: Word::new(value), futex: Futex::default() })
    }

    fn enqueue(&self) -> bool {
        self.futex.enqueue(On::Awaited, || self.word.value() == 0)
    }

    fn obey(&self, then: Then) {
        if then == Then::WakeOne {
            self.futex.wake(On::Awaited, 1);
        }
    }

    fn post(&self) {
        // SAFETY: the semaphore lives as long as the model.
        let then = unsafe { Word::post(&self.word) }.unwrap();
        self.obey(then);
    }

    /// `sem_post` of one that dies after so many accesses. While it owes a wake the kernel gives
    /// it: see `wait`. False: it has not posted.
    fn post_and_die(&self, accesses: usize) -> bool {
        let (owes, has_posted) = (Cell::new(false), Cell::new(false));
        let done = modelled::stopped_after(accesses, || {
            // SAFETY: the model keeps the word to its end.
            if unsafe { Word::post_unawaited(&self.word) }.unwrap() {
                has_posted.set(true);
                return;
            }
            modelled::step();
            owes.set(true);
            // SAFETY: the model keeps the word to its end.
            let then = unsafe { Word::post(&self.word) }.unwrap();
            has_posted.set(true);
            modelled::step();
            self.obey(then);
            modelled::step();
            owes.set(false);
        });
        if done.is_none() && owes.get() {
            self.futex.wake(On::Death, 1);
        }
        has_posted.get()
    }

    /// `sem_wait`
    fn wait(&self) {
        if self.word.try_take() {
            return;
        }
        self.word.register(exchange).unwrap();
        while !self.take() {
            self.futex.sleep_on_both(|| self.word.value() == 0);
        }
    }

    fn take(&self) -> bool {
        let taken = self.word.take_registered(exchange).unwrap();
        if taken == Taken::AndMoreAwaited {
            self.futex.wake(On::Awaited, 1);
        }
        taken != Taken::Nothing
    }

    /// `sem_wait` of one that dies after so many accesses: in its sleep it makes none.
    fn wait_and_die(&self, accesses: usize) {
        let owes = Cell::new(false);
        let done = modelled::stopped_after(accesses, || {
            if self.word.try_take() {
                return;
            }
            modelled::step();
            owes.set(true);
            self.word.register(exchange).unwrap();
            while !self.take() {
                self.futex.sleep_on_both(|| self.word.value() == 0);
            }
            modelled::step();
            owes.set(false);
        });
        if done.is_none() && owes.get() {
            self.futex.wake(On::Death, 1);
        }
    }

    /// `sem_timedwait` whose time is up as soon as it sleeps. True: it decremented the value.
    fn wait_briefly(&self) -> bool {
        if self.word.try_take() {
            return true;
        }
        self.word.register(exchange).unwrap();
        while !self.take() {
            if self.enqueue() && self.futex.leave(On::Awaited) {
                self.obey(self.word.deregister(exchange).unwrap());
                return false;
            }
        }
        true
    }

    /// A waiter that is cancelled in its sleep, or just after a wake has come for it.
    fn wait_cancelled(&self) {
        self.word.register(exchange).unwrap();
        if self.enqueue() {
            self.futex.leave(On::Awaited);
        }
        self.obey(self.word.deregister(exchange).unwrap());
    }

    fn assert_idle(&self, value: u32) {
        assert_eq!((self.word.value(), self.word.waiters()), (value, 0));
    }
}

/// Without a bound the casts of three take hours; most protocol errors need two.
const PREEMPTIONS: usize = 2;

fn check(model: impl Fn() + Sync + Send + 'static) {
    explore::check(PREEMPTIONS, model);
}

#[test]
fn two_waiters_two_posters() {
    check(|| {
        let semaphore = Semaphore::new(0);
        let waiters = [(); 2].map(|()| {
            let semaphore = semaphore.clone();
            thread::spawn(move || semaphore.wait())
        });
        let poster = {
            let semaphore = semaphore.clone();
            thread::spawn(move || semaphore.post())
        };
        semaphore.post();
        poster.join().unwrap();
        waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
        semaphore.assert_idle(0);
    });
}

#[test]
fn a_waiter_gives_up_while_a_post_comes() {
    check(|| {
        let semaphore = Semaphore::new(0);
        let brief = {
            let semaphore = semaphore.clone();
            thread::spawn(move || semaphore.wait_briefly())
        };
        let waiter = {
            let semaphore = semaphore.clone();
            thread::spawn(move || semaphore.wait())
        };
        semaphore.post();
        let took = brief.join().unwrap();
        if took {
            semaphore.post();
        }
        waiter.join().unwrap();
        semaphore.assert_idle(0);
    });
}

#[test]
fn a_cancelled_waiter_keeps_no_wake_to_itself() {
    check(|| {
        let semaphore = Semaphore::new(0);
        let cancelled = {
            let semaphore = semaphore.clone();
            thread::spawn(move || semaphore.wait_cancelled())
        };
        let waiter = {
            let semaphore = semaphore.clone();
            thread::spawn(move || semaphore.wait())
        };
        semaphore.post();
        cancelled.join().unwrap();
        waiter.join().unwrap();
        semaphore.assert_idle(0);
    });
}

#[test]
fn what_came_before_the_post_is_seen_after_the_wait() {
    check(|| {
        let semaphore = Semaphore::new(0);
        let data = Arc::new(loom::cell::UnsafeCell::new(0));
        let poster = {
            let (semaphore, data) = (semaphore.clone(), data.clone());
            thread::spawn(move || {
                // SAFETY: the only access before the post.
                data.with_mut(|data| unsafe { *data = 42 });
                semaphore.post();
            })
        };
        semaphore.wait();
        // SAFETY: after the wait no other thread accesses it; loom checks just that.
        assert_eq!(data.with(|data| unsafe { *data }), 42);
        poster.join().unwrap();
    });
}

#[test]
fn the_post_of_a_killed_poster_reaches_a_waiter() {
    explore::check_each_stop(PREEMPTIONS, |accesses| {
        let semaphore = Semaphore::new(0);
        let waiter = {
            let semaphore = semaphore.clone();
            thread::spawn(move || semaphore.wait())
        };
        if !semaphore.post_and_die(accesses) {
            // It died before it incremented the value: another thread posts.
            semaphore.post();
        }
        waiter.join().unwrap();
    });
}

#[test]
fn the_wake_of_a_killed_waiter_reaches_another_one() {
    explore::check_each_stop(PREEMPTIONS, |accesses| {
        let semaphore = Semaphore::new(0);
        let victim = {
            let semaphore = semaphore.clone();
            thread::spawn(move || semaphore.wait_and_die(accesses))
        };
        let waiter = {
            let semaphore = semaphore.clone();
            thread::spawn(move || semaphore.wait())
        };
        semaphore.post();
        semaphore.post();
        victim.join().unwrap();
        waiter.join().unwrap();
    });
}

/// Both wakes may fall on one of them.
#[test]
fn one_is_woken_by_a_poster_and_by_the_death_of_another_one() {
    check(|| {
        let semaphore = Semaphore::new(0);
        let waiters = [(); 2].map(|()| {
            let semaphore = semaphore.clone();
            thread::spawn(move || semaphore.wait())
        });
        let victim = {
            let semaphore = semaphore.clone();
            // SAFETY: the model keeps the word to its end.
            thread::spawn(move || match unsafe { Word::post(&semaphore.word) }.unwrap() {
                // It has announced that it owes a wake, and is killed before it gives it.
                Then::WakeOne => drop(semaphore.futex.wake(On::Death, 1)),
                Then::Nothing => {}
            })
        };
        semaphore.post();
        victim.join().unwrap();
        waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
        semaphore.assert_idle(0);
    });
}
