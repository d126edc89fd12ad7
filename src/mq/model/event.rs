//! Waiting for a message: nobody sleeps while there is one, and it is the last look that decides.

use loom::sync::Arc;
use loom::thread;

use super::{End, Participant, Queue, check, check_each_stop};
use crate::mq::event::Event;
use crate::mq::slots::{Look, Wanted};
use crate::sys::atomic::Ordering;
use crate::sys::modelled::Futex;

/// A queue whose receivers sleep.
struct Room {
    queue: Arc<Queue>,
    event: Event,
    futex: Futex,
}

impl Room {
    fn new(capacity: usize) -> Arc<Self> {
        Arc::new(Self { queue: Queue::new(capacity), event: Event::default(), futex: Futex::default() })
    }

    /// As `try_send` of `queue`.
    fn send(&self, who: &Participant, body: u64) {
        let mut is_awaited = false;
        let sent = self.queue.send_around(who, 0, body, |commit| {
            is_awaited = self.event.is_awaited();
            commit();
            is_awaited |= self.event.is_awaited();
        });
        assert!(sent, "no room");
        if is_awaited {
            self.event.wake_one(|_, count| self.futex.wake(count.unsigned_abs() as usize));
        }
    }

    /// As `Wait` of `wait`.
    fn receive(&self, who: &Participant) -> u64 {
        loop {
            if let Some(received) = self.queue.receive(who) {
                return received;
            }
            let expected = self.event.await_it();
            match self.queue.slots().look(Wanted::Message) {
                Look::There => {}
                // A sleep of half a millisecond.
                Look::UnderWay => thread::yield_now(),
                Look::Nothing => {
                    if self.futex.enqueue(|| self.event.word().load(Ordering::SeqCst) == expected) {
                        self.futex.sleep();
                    } else {
                        thread::yield_now();
                    }
                }
            }
        }
    }

    fn assert_whole(&self) {
        self.queue.assert_whole(0);
    }
}

#[test]
fn one_waits_and_one_sends() {
    for capacity in [2, 3] {
        check(3, move || {
            let room = Room::new(capacity);
            let sender = {
                let room = room.clone();
                thread::spawn(move || room.send(&Participant::new(1), 1))
            };
            assert_eq!(room.receive(&Participant::new(2)), 1);
            sender.join().unwrap();
            room.assert_whole();
        });
    }
}

#[test]
fn two_wait_and_one_sends_twice() {
    check(2, || {
        let room = Room::new(2);
        let waiter = {
            let room = room.clone();
            thread::spawn(move || room.receive(&Participant::new(1)))
        };
        let sender = {
            let room = room.clone();
            thread::spawn(move || {
                let who = Participant::new(2);
                room.send(&who, 1);
                room.send(&who, 2);
            })
        };
        let (mine, other) = (room.receive(&Participant::new(3)), waiter.join().unwrap());
        assert_ne!(mine, other);
        sender.join().unwrap();
        room.assert_whole();
    });
}

#[test]
fn a_sender_that_is_killed_anywhere_keeps_no_wake_of_another_one() {
    check_each_stop(1, |accesses| {
        let room = Room::new(2);
        let victim = {
            let room = room.clone();
            thread::spawn(move || {
                Participant::new(1).until(accesses, End::Killed, |who| room.send(who, 1));
            })
        };
        let sender = {
            let room = room.clone();
            thread::spawn(move || room.send(&Participant::new(2), 2))
        };
        room.receive(&Participant::new(3));
        victim.join().unwrap();
        sender.join().unwrap();
        room.assert_whole();
    });
}

#[test]
fn what_a_killed_sender_has_committed_is_found_when_the_sleep_is_over() {
    check_each_stop(2, |accesses| {
        let room = Room::new(2);
        let victim = {
            let room = room.clone();
            thread::spawn(move || {
                let sent = Participant::new(1).until(accesses, End::Killed, |who| room.send(who, 1));
                if sent.is_none() && room.queue.slots().count() == 0 {
                    // It died before the commit, and nobody has received it: somebody else sends.
                    if room.queue.received.lock().unwrap().is_empty() {
                        room.send(&Participant::new(3), 2);
                    }
                }
                room.futex.time_out();
            })
        };
        room.receive(&Participant::new(2));
        victim.join().unwrap();
        room.assert_whole();
    });
}

#[test]
fn a_wake_that_dies_with_its_waiter_is_made_good_when_the_sleep_is_over() {
    check_each_stop(1, |accesses| {
        let room = Room::new(2);
        assert_eq!(room.event.await_it(), 1);
        let victim = {
            let room = room.clone();
            thread::spawn(move || {
                let who = Participant::new(1);
                // It has been woken, or is about to sleep.
                let received = who.until(accesses, End::Killed, |who| room.queue.receive(who));
                room.futex.time_out();
                received.is_some()
            })
        };
        let sender = {
            let room = room.clone();
            thread::spawn(move || {
                let who = Participant::new(2);
                room.send(&who, 1);
                room.send(&who, 2);
            })
        };
        room.receive(&Participant::new(3));
        sender.join().unwrap();
        let survived = victim.join().unwrap();
        if !survived && room.queue.slots().count() == 0 {
            // It died between the commit and the end of its call.
            room.queue.sent.lock().unwrap().clear();
        }
        room.assert_whole();
    });
}
