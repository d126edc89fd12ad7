//! The protocol of the word under the model checker: every interleaving of small casts.
//!
//! Run by `make model`. The kernel's part is modelled too.

use loom::sync::Arc;
use loom::thread;

use super::word::{Then, Word};
use crate::shared::modelled::Futex;

struct Semaphore {
    word: Word,
    futex: Futex,
}

impl Semaphore {
    fn new(value: u32) -> Arc<Self> {
        Arc::new(Self { word: Word::new(value), futex: Futex::default() })
    }

    fn enqueue(&self) -> bool {
        self.futex.enqueue(|| self.word.value() == 0)
    }

    fn obey(&self, then: Then) {
        if then == Then::WakeOne {
            self.futex.wake(1);
        }
    }

    fn post(&self) {
        // SAFETY: the semaphore lives as long as the model.
        let then = unsafe { Word::post(&self.word) }.unwrap();
        self.obey(then);
    }

    /// `sem_wait`
    fn wait(&self) {
        if self.word.try_take() {
            return;
        }
        self.word.register();
        while !self.word.take_registered() {
            if self.enqueue() {
                self.futex.sleep();
            }
        }
    }

    /// `sem_timedwait` whose time is up as soon as it sleeps. True: it took a token.
    fn wait_briefly(&self) -> bool {
        if self.word.try_take() {
            return true;
        }
        self.word.register();
        while !self.word.take_registered() {
            if self.enqueue() && self.futex.leave() {
                self.obey(self.word.deregister());
                return false;
            }
        }
        true
    }

    /// A waiter that is cancelled in its sleep, or just after a wake has come for it.
    fn wait_cancelled(&self) {
        self.word.register();
        if self.enqueue() {
            self.futex.leave();
        }
        self.obey(self.word.deregister());
    }

    fn assert_idle(&self, value: u32) {
        assert_eq!((self.word.value(), self.word.waiters()), (value, 0));
    }
}

fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    // Without a bound the casts of three take hours; most protocol errors need two preemptions.
    builder.preemption_bound = Some(2);
    builder.check(model);
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
fn one_gives_up_while_a_token_comes() {
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
        // SAFETY: after the wait nobody else accesses it; loom checks just that.
        assert_eq!(data.with(|data| unsafe { *data }), 42);
        poster.join().unwrap();
    });
}
