//! Waiting for a message, and for room: nobody sleeps while there is one, and it is the last look that decides.

use loom::sync::Arc;
use loom::thread;

use super::{End, Participant, Queue, check, check_each_stop};
use crate::posix::mq::event::Event;
use crate::posix::mq::store::slots::{Look, Wanted};
use crate::shared::atomic::Ordering;
use crate::shared::modelled::Futex;

/// Where one waits for something.
#[derive(Default)]
struct Door {
    event: Event,
    futex: Futex,
}

impl Door {
    /// As `try_send` and `try_receive` of `queue`: looks between claim and commit, and again after the commit.
    fn pass(&self, commit: &mut dyn FnMut()) -> bool {
        let before = self.event.is_awaited();
        commit();
        before | self.event.is_awaited()
    }

    fn wake_one(&self) {
        self.event.wake_one(|_, count| self.futex.wake(count.unsigned_abs() as usize));
    }

    /// As `lie_down` of `wait`. True: it is asleep.
    fn lie_down(&self, queue: &Queue, wanted: Wanted) -> bool {
        let expected = self.event.await_it();
        let look = queue.slots().look(wanted);
        let sleeps = look == Look::Nothing
            && self.futex.enqueue(|| self.event.word().load(Ordering::SeqCst) == expected);
        if !sleeps && look != Look::There {
            // A sleep of half a millisecond, or the word has changed.
            thread::yield_now();
        }
        sleeps
    }
}

/// A queue whose senders and receivers sleep.
struct Room {
    queue: Arc<Queue>,
    message: Door,
    room: Door,
}

impl Room {
    fn new(capacity: usize) -> Arc<Self> {
        Arc::new(Self { queue: Queue::new(capacity), message: Door::default(), room: Door::default() })
    }

    fn send(&self, who: &Participant, body: u64) {
        loop {
            let mut is_awaited = false;
            if self.queue.send_around(who, 0, body, |commit| is_awaited = self.message.pass(commit)) {
                if is_awaited {
                    self.message.wake_one();
                }
                return;
            }
            if self.room.lie_down(&self.queue, Wanted::Free) {
                self.room.futex.sleep();
            }
        }
    }

    fn receive(&self, who: &Participant) -> u64 {
        loop {
            let mut is_awaited = false;
            let received = self.queue.receive_around(who, |commit| is_awaited = self.room.pass(commit));
            if let Some(received) = received {
                if is_awaited {
                    self.room.wake_one();
                }
                return received;
            }
            if self.message.lie_down(&self.queue, Wanted::Message) {
                self.message.futex.sleep();
            }
        }
    }

    /// One that is killed in its sleep. True if a wake has gone to it.
    fn die_waiting(&self) -> bool {
        self.message.lie_down(&self.queue, Wanted::Message) && !self.message.futex.leave()
    }

    fn assert_whole(&self) {
        self.queue.assert_whole(None);
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
fn one_waits_for_room_and_one_for_messages() {
    check(2, || {
        let room = Room::new(1);
        let sender = {
            let room = room.clone();
            thread::spawn(move || {
                let who = Participant::new(1);
                room.send(&who, 1);
                room.send(&who, 2);
            })
        };
        let who = Participant::new(2);
        assert_eq!([room.receive(&who), room.receive(&who)], [1, 2]);
        sender.join().unwrap();
        room.assert_whole();
    });
}

#[test]
fn a_waiter_that_is_killed_in_its_sleep_takes_no_wake_but_its_own() {
    check(2, || {
        let room = Room::new(2);
        let victim = {
            let room = room.clone();
            thread::spawn(move || {
                if room.die_waiting() {
                    room.message.futex.time_out();
                }
            })
        };
        let sender = {
            let room = room.clone();
            thread::spawn(move || room.send(&Participant::new(2), 1))
        };
        assert_eq!(room.receive(&Participant::new(3)), 1);
        sender.join().unwrap();
        victim.join().unwrap();
        // What it leaves behind is gone after one wake in vain.
        room.message.wake_one();
        assert!(!room.message.event.is_awaited());
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
                Participant::new(1).until(&room.queue, accesses, End::Killed, |who| room.send(who, 1));
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
                let sent =
                    Participant::new(1).until(&room.queue, accesses, End::Killed, |who| room.send(who, 1));
                if sent.is_none() && room.queue.slots().count() == 0 {
                    // It died before the commit, and nobody has received it: somebody else sends.
                    if room.queue.received.lock().unwrap().is_empty() {
                        room.send(&Participant::new(3), 2);
                    }
                }
                room.message.futex.time_out();
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
        assert_eq!(room.message.event.await_it(), 1);
        let victim = {
            let room = room.clone();
            thread::spawn(move || {
                let who = Participant::new(1);
                // It has been woken, or is about to sleep.
                who.until(&room.queue, accesses, End::Killed, |who| room.queue.receive(who));
                room.message.futex.time_out();
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
        victim.join().unwrap();
        room.assert_whole();
    });
}
