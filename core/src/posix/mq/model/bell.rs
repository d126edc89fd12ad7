//! The bell: when everybody is done, the level of the FIFO is that of the queue.

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

use super::{End, Participant, Queue, check, check_each_stop};
use crate::posix::mq::poll::bell::Bell;
use crate::shared::atomic::{AtomicU32, Ordering};
use crate::shared::modelled;

/// Something that is polled all the time.
struct Polled {
    bell: Bell,
    /// How it is: the number of changes.
    state: AtomicU32,
    /// What poll(2) says. Two who change it at once are found by loom.
    level: UnsafeCell<u32>,
    ground: Arc<Queue>,
}

// SAFETY: the level is protected by the claim of the bell, which loom checks.
unsafe impl Sync for Polled {}
// SAFETY: the same.
unsafe impl Send for Polled {}

impl Polled {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            bell: Bell::default(),
            state: AtomicU32::new(0),
            level: UnsafeCell::new(0),
            ground: Queue::new(1),
        })
    }

    fn ring(&self, who: &Participant) {
        self.bell.ring(who, || {
            let state = self.state.load(Ordering::Relaxed);
            modelled::step();
            // SAFETY: we hold the bell; loom looks whether that is enough.
            self.level.with_mut(|level| unsafe { *level = state });
        });
    }

    fn change(&self, who: &Participant) {
        // Relaxed: the bell has to see to the rest.
        self.state.fetch_add(1, Ordering::Relaxed);
        self.ring(who);
    }

    fn assert_up_to_date(&self) {
        // SAFETY: all others have ended.
        let level = self.level.with(|level| unsafe { *level });
        assert_eq!(level, self.state.load(Ordering::Relaxed), "poll(2) tells of the past");
    }
}

#[test]
fn two_changes() {
    check(4, || {
        let polled = Polled::new();
        let other = {
            let polled = polled.clone();
            thread::spawn(move || polled.change(&Participant::new(1)))
        };
        polled.change(&Participant::new(2));
        other.join().unwrap();
        polled.assert_up_to_date();
    });
}

#[test]
fn three_changes() {
    check(2, || {
        let polled = Polled::new();
        let others = [1, 2].map(|tid| {
            let polled = polled.clone();
            thread::spawn(move || polled.change(&Participant::new(tid)))
        });
        polled.change(&Participant::new(3));
        others.into_iter().for_each(|other| other.join().unwrap());
        polled.assert_up_to_date();
    });
}

#[test]
fn one_is_killed_anywhere_and_the_keeper_makes_it_good() {
    check_each_stop(2, |accesses| {
        let polled = Polled::new();
        let victim = {
            let polled = polled.clone();
            thread::spawn(move || {
                let who = Participant::new(1);
                who.until(&polled.ground, accesses, End::Killed, |who| polled.change(who));
            })
        };
        polled.change(&Participant::new(2));
        victim.join().unwrap();
        polled.ring(&Participant::new(3));
        polled.assert_up_to_date();
    });
}

/// Nobody waits for it for ever; and if it had nothing to do with the bell, the level is right.
#[test]
fn one_is_stopped_anywhere_and_holds_nobody_up() {
    check_each_stop(2, |accesses| {
        let polled = Polled::new();
        let victim = {
            let polled = polled.clone();
            thread::spawn(move || {
                let who = Participant::new(1);
                who.until(&polled.ground, accesses, End::Stopped, |who| polled.change(who));
                who.has_claim()
            })
        };
        polled.change(&Participant::new(2));
        if !victim.join().unwrap() {
            polled.ring(&Participant::new(3));
            polled.assert_up_to_date();
        }
    });
}
