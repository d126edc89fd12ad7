//! Waiting for a message, and for space: no thread sleeps while there is some, whichever thread is
//! killed on the way to a wake, or with a wake that another one needs. And a thread that has slept
//! for long is served before newcomers.

mod killed;
mod turns;

use core::mem;

use loom::sync::Arc;
use loom::thread;

use super::{End, Participant, Queue};
use crate::atomic::explore::check;
use crate::atomic::modelled::{Futex, On};
use crate::atomic::{AtomicU32, Ordering};
use crate::posix::mq::store::slots::{Look, Wanted};
use crate::shared::baton::Baton;
use crate::shared::event::{Event, Seen};

/// Where one waits for something: `WaitPoint`.
#[derive(Default)]
struct Point {
    event: Event,
    baton: Baton,
    futex: Futex,
}

/// In the model no time passes: a thread on its way is never stalled by the clock.
const NOW: u64 = 1;

impl Point {
    fn wake_one(&self, began_turns: bool) {
        self.event.wake_one(began_turns, |_, count| self.wake(count));
    }

    fn wake(&self, count: i32) -> usize {
        self.futex.wake(On::Awaited, count.unsigned_abs() as usize)
    }

    /// Wakes one, unless one is on its way.
    fn hand_over(&self, began_turns: bool) -> bool {
        self.baton.hand_over(&self.event, began_turns, NOW, |_, count| self.wake(count))
    }

    fn gone(&self, was_woken: bool, is_left: impl FnOnce() -> bool) {
        if was_woken {
            self.baton.put_down();
        }
        self.event.gone(is_left(), true, || self.hand_over(true));
    }

    /// True: it was woken.
    fn sleep(&self, seen: Seen) -> bool {
        self.futex.sleep_on_both(|| self.event.word().load(Ordering::SeqCst) == seen.0)
    }

    /// As `send_as` and `receive_as` of `transfer`: looks between claim and commit, and again after
    /// the commit. `is_waiter`: it has been woken, and owes a wake already.
    fn pass(
        &self,
        who: &Participant,
        is_waiter: bool,
        claim: &AtomicU32,
        commit: &mut dyn FnMut(),
    ) {
        if !self.event.is_awaited() {
            commit();
            if self.event.is_awaited() {
                self.wake_one(false);
            }
            return;
        }
        self.event.will_wake();
        // Any thread that sleeps has slept for long.
        let began_turns = self.event.begin_turns();
        who.owe(&self.futex, (!is_waiter).then_some(claim));
        commit();
        self.hand_over(began_turns);
        if !is_waiter {
            who.owe_nothing();
        }
    }
}

/// A queue whose senders and receivers sleep.
struct Fixture {
    queue: Arc<Queue>,
    message: Point,
    space: Point,
}

/// One that sleeps, as `mq::wait`.
struct Waiter<'r> {
    fixture: &'r Fixture,
    wanted: Wanted,
    has_lain_down: bool,
    is_its_turn: bool,
    was_woken: bool,
    has_slept_long: bool,
}

impl Waiter<'_> {
    fn new(fixture: &Fixture, wanted: Wanted) -> Waiter<'_> {
        Waiter {
            fixture,
            wanted,
            has_lain_down: false,
            is_its_turn: false,
            was_woken: false,
            has_slept_long: false,
        }
    }

    fn sides(&self) -> (&Point, &Point, Wanted) {
        match self.wanted {
            Wanted::Message => (&self.fixture.message, &self.fixture.space, Wanted::Free),
            Wanted::Free => (&self.fixture.space, &self.fixture.message, Wanted::Message),
        }
    }

    fn may_go(&self) -> bool {
        self.is_its_turn || !self.sides().0.event.is_in_turn()
    }

    /// One turn: announces itself, looks, and sleeps.
    fn lie_down(&mut self, who: &Participant) {
        let was_woken = mem::take(&mut self.was_woken);
        let is_stalled = mem::take(&mut self.has_slept_long);
        let queue = &self.fixture.queue;
        let (point, other_side, other) = self.sides();
        if self.has_lain_down {
            if is_stalled {
                other_side.baton.put_down();
            }
            if other_side.event.is_awaited() && queue.seems_ready(other) {
                other_side.hand_over(false);
            }
        }
        if was_woken || is_stalled {
            point.baton.put_down();
        }
        who.owe(&point.futex, None);
        let (_, seen) = point.event.await_it();
        let look = match queue.slots().look(self.wanted) {
            Look::UnderWay if queue.free_claims_of_the_dead() => queue.slots().look(self.wanted),
            found => found,
        };
        let is_called = match look {
            Look::There if self.is_its_turn || !seen.is_in_turn() => false,
            // A sleep of 10 ms, and then no thread has come for it.
            Look::There => {
                thread::yield_now();
                point.event.end_turns();
                true
            }
            // A sleep of half a millisecond.
            Look::UnderWay => {
                thread::yield_now();
                false
            }
            // A sleep of 40 ms, and then that thread is stalled.
            Look::Nothing if point.baton.is_taken() || other_side.baton.is_taken() => {
                thread::yield_now();
                self.has_slept_long = true;
                false
            }
            Look::Nothing => {
                self.was_woken = point.sleep(seen);
                self.was_woken
            }
        };
        self.has_lain_down = true;
        self.is_its_turn |= is_called;
    }

    fn done(&self, who: &Participant) {
        if self.has_lain_down {
            let is_left = || self.fixture.queue.seems_ready(self.wanted);
            self.sides().0.gone(self.was_woken, is_left);
            who.owe_nothing();
        }
    }
}

impl Fixture {
    fn new(capacity: usize) -> Arc<Self> {
        Arc::new(Self {
            queue: Queue::new(capacity),
            message: Point::default(),
            space: Point::default(),
        })
    }

    fn send(&self, who: &Participant, body: u64) {
        let mut waiter = Waiter::new(self, Wanted::Free);
        while !(waiter.may_go() && self.try_send(who, body, waiter.has_lain_down)) {
            waiter.lie_down(who);
        }
        waiter.done(who);
    }

    fn try_send(&self, who: &Participant, body: u64, is_waiter: bool) -> bool {
        self.queue.send_around(who, 0, body, |claim, commit| {
            self.message.pass(who, is_waiter, claim, commit)
        })
    }

    fn receive(&self, who: &Participant) -> u64 {
        let mut waiter = Waiter::new(self, Wanted::Message);
        loop {
            if waiter.may_go()
                && let Some(received) = self.try_receive(who, waiter.has_lain_down)
            {
                waiter.done(who);
                return received;
            }
            waiter.lie_down(who);
        }
    }

    fn try_receive(&self, who: &Participant, is_waiter: bool) -> Option<u64> {
        self.queue
            .receive_around(who, |claim, commit| self.space.pass(who, is_waiter, claim, commit))
    }

    /// One that is killed in its sleep, or as it wakes up.
    fn die_waiting(&self, who: &Participant) {
        who.owe(&self.message.futex, None);
        let (_, seen) = self.message.event.await_it();
        if self.queue.slots().look(Wanted::Message) == Look::Nothing {
            self.message.futex.enqueue(On::Death, || true);
            let is_as_expected = || self.message.event.word().load(Ordering::SeqCst) == seen.0;
            if self.message.futex.enqueue(On::Awaited, is_as_expected) {
                thread::yield_now();
                self.message.futex.leave(On::Awaited);
            }
            self.message.futex.leave(On::Death);
        }
        who.die(&self.queue.ends);
    }

    /// Sends, and is killed before it has woken any thread.
    fn die_after_commit(&self, who: &Participant, body: u64) {
        self.queue.send_around(who, 0, body, |claim, commit| {
            let is_awaited = self.message.event.is_awaited();
            if is_awaited {
                self.message.event.will_wake();
                who.owe(&self.message.futex, Some(claim));
            }
            commit();
        });
        who.die(&self.queue.ends);
    }

    fn assert_whole(&self) {
        self.queue.assert_whole(None);
    }
}

/// A thread with a participant of this TID.
fn spawn<R: 'static>(
    fixture: &Arc<Fixture>,
    tid: u32,
    run: impl FnOnce(&Fixture, &Participant) -> R + 'static,
) -> thread::JoinHandle<R> {
    let fixture = fixture.clone();
    thread::spawn(move || run(&fixture, &Participant::new(tid)))
}

/// A thread with participant 1, which is killed after so many accesses.
fn spawn_victim(
    fixture: &Arc<Fixture>,
    accesses: usize,
    run: impl FnOnce(&Fixture, &Participant) + 'static,
) -> thread::JoinHandle<()> {
    spawn(fixture, 1, move |fixture, victim| {
        until_killed(fixture, victim, accesses, run);
    })
}

/// False: it was killed before it was done.
fn until_killed(
    fixture: &Fixture,
    victim: &Participant,
    accesses: usize,
    run: impl FnOnce(&Fixture, &Participant),
) -> bool {
    victim.until(&fixture.queue.ends, accesses, End::Killed, |who| run(fixture, who)).is_some()
}

#[test]
fn one_waits_and_one_sends() {
    for capacity in [2, 3] {
        check(2, move || {
            let fixture = Fixture::new(capacity);
            let sender = spawn(&fixture, 1, |fixture, who| fixture.send(who, 1));
            assert_eq!(fixture.receive(&Participant::new(2)), 1);
            sender.join().unwrap();
            fixture.assert_whole();
        });
    }
}

#[test]
fn two_wait_and_one_sends_twice() {
    check(1, || {
        let fixture = Fixture::new(2);
        let waiter = spawn(&fixture, 1, |fixture, who| fixture.receive(who));
        let sender = spawn(&fixture, 2, |fixture, who| {
            fixture.send(who, 1);
            fixture.send(who, 2);
        });
        let (mine, other) = (fixture.receive(&Participant::new(3)), waiter.join().unwrap());
        assert_ne!(mine, other);
        sender.join().unwrap();
        fixture.assert_whole();
    });
}

#[test]
fn one_waits_for_space_and_one_for_messages() {
    check(1, || {
        let fixture = Fixture::new(1);
        let sender = spawn(&fixture, 1, |fixture, who| {
            fixture.send(who, 1);
            fixture.send(who, 2);
        });
        let who = Participant::new(2);
        assert_eq!([fixture.receive(&who), fixture.receive(&who)], [1, 2]);
        sender.join().unwrap();
        fixture.assert_whole();
    });
}

#[test]
fn a_waiter_that_is_killed_takes_no_wake_but_its_own() {
    check(1, || {
        let fixture = Fixture::new(2);
        let victim = spawn(&fixture, 1, |fixture, who| fixture.die_waiting(who));
        let sender = spawn(&fixture, 2, |fixture, who| fixture.send(who, 1));
        assert_eq!(fixture.receive(&Participant::new(3)), 1);
        sender.join().unwrap();
        victim.join().unwrap();
        // What it leaves behind is gone after one wake in vain.
        fixture.message.wake_one(true);
        assert!(!fixture.message.event.is_awaited());
        fixture.assert_whole();
    });
}
