//! Notification: who is registered and has found the queue empty since is told of the next message.
//!
//! membarrier(2) is modelled by a fence in each sender where the real one has none.

use loom::sync::Arc;
use loom::thread;

use super::{End, Participant, Queue, check, check_each_stop};
use crate::posix::mq::notify::registration::{Registered, Registration, Sender};
use crate::posix::mq::store::slots::{Look, Wanted};
use crate::shared::atomic::{AtomicU32, Ordering, fence};
use crate::shared::claim;

const SLOTS: usize = 2;

/// A queue, and who wants to know of messages in it.
struct Watched {
    queue: Arc<Queue>,
    registration: Registration,
    /// What each slot's message notes. Written by who has claimed the slot.
    notes: [AtomicU32; SLOTS],
}

fn watched() -> Arc<Watched> {
    Arc::new(Watched {
        queue: Queue::new(SLOTS),
        registration: Registration::default(),
        notes: Default::default(),
    })
}

impl Watched {
    /// As `try_send` of `queue`.
    fn send(&self, who: &Participant) {
        let slots = self.queue.slots();
        let reserved = slots.reserve(who, |_| {}).expect("room");
        let before = self.registration.registration();
        let note = if before != 0 && slots.count() == 0 { before } else { 0 };
        self.notes[reserved.slot.number].store(note, Ordering::Relaxed);
        slots.publish(reserved, 0, who);
        fence(Ordering::SeqCst);
        let registration = self.registration.registration();
        if registration != 0 && slots.is_oldest(reserved) {
            // The herald looks for itself in the end.
            let _ = self.registration.fire(registration, Sender { pid: who.pid(), uid: 0 });
        }
    }

    fn receive(&self, who: &Participant) -> bool {
        let slots = self.queue.slots();
        let taken = slots.take(who, |_| {});
        taken.map(|taken| slots.clear(taken, who)).is_some()
    }

    /// As `serve` of `herald`.
    fn register(&self, who: &Participant) -> u32 {
        assert!(claim::claim(&self.registration.holder, who));
        let number = self.registration.begin(Registered { pid: who.pid(), how: 0, signal: 0 });
        fence(Ordering::SeqCst);
        number
    }

    /// Receives until there is no more, as `attempt_after_look` of `wait`.
    fn drain(&self, who: &Participant) {
        let may_have = || {
            fence(Ordering::SeqCst);
            self.queue.slots().look(Wanted::Message) == Look::There
        };
        while self.receive(who) || may_have() {}
    }

    /// As `stand` of `herald`, when no sender is at it any more.
    fn stand(&self, registration: u32) {
        let slots = self.queue.slots();
        let overdue = slots.oldest().is_some();
        if overdue && self.registration.registration() == registration {
            let _ = self.registration.fire(registration, Sender { pid: 0, uid: 0 });
        }
    }

    fn is_noted(&self, registration: u32) -> bool {
        let messages =
            self.queue.index().slots().filter(|slot| super::is_message(self.queue.key_of(slot.number)));
        messages.into_iter().any(|slot| self.notes[slot.number].load(Ordering::Relaxed) == registration)
    }
}

#[test]
fn what_comes_after_the_queue_was_empty_is_told() {
    for senders in [1, 2] {
        check(3 - senders.min(1), move || {
            let watched = watched();
            let senders: Vec<_> = (1..=senders as u32)
                .map(|tid| {
                    let watched = watched.clone();
                    thread::spawn(move || watched.send(&Participant::new(tid)))
                })
                .collect();
            let registered = watched.register(&Participant::new(9));
            watched.drain(&Participant::new(8));
            senders.into_iter().for_each(|sender| sender.join().unwrap());
            let is_told = watched.registration.fired(registered).is_some();
            assert!(is_told || watched.queue.slots().count() == 0, "nobody is told");
            assert_eq!(is_told, watched.registration.registration() == 0, "once only");
        });
    }
}

#[test]
fn one_is_told_of_each_message_after_each_registration() {
    check(2, || {
        let watched = watched();
        let sender = {
            let watched = watched.clone();
            thread::spawn(move || {
                watched.send(&Participant::new(1));
                watched.send(&Participant::new(1));
            })
        };
        let (herald, receiver) = (Participant::new(9), Participant::new(8));
        let first = watched.register(&herald);
        watched.drain(&receiver);
        let mut last = first;
        if watched.registration.fired(first).is_some() {
            claim::release(&watched.registration.holder, &herald);
            last = watched.register(&herald);
            assert_ne!(last, first);
            watched.drain(&receiver);
        }
        sender.join().unwrap();
        let is_told = watched.registration.fired(last).is_some();
        assert!(is_told || watched.queue.slots().count() == 0, "nobody is told");
    });
}

#[test]
fn a_sender_that_is_killed_anywhere_leaves_the_telling_to_the_herald() {
    check_each_stop(1, |accesses| {
        let watched = watched();
        let herald = Participant::new(9);
        let registered = watched.register(&herald);
        let victim = {
            let watched = watched.clone();
            thread::spawn(move || {
                let who = Participant::new(1);
                who.until(&watched.queue, accesses, End::Killed, |who| watched.send(who));
            })
        };
        watched.send(&Participant::new(2));
        watched.receive(&Participant::new(3));
        victim.join().unwrap();
        if watched.registration.fired(registered).is_none() {
            // By its note, or since the herald has seen the queue empty: at the latest it looks now.
            watched.stand(registered);
        }
        let is_told = watched.registration.fired(registered).is_some();
        assert!(is_told || watched.queue.slots().count() == 0, "nobody is told");
    });
}

#[test]
fn one_that_is_killed_behind_its_commit_has_left_a_note() {
    check_each_stop(0, |accesses| {
        let watched = watched();
        let registered = watched.register(&Participant::new(9));
        let who = Participant::new(1);
        who.until(&watched.queue, accesses, End::Killed, |who| watched.send(who));
        let is_told = watched.registration.fired(registered).is_some();
        assert!(is_told || watched.queue.slots().count() == 0 || watched.is_noted(registered));
    });
}

#[test]
fn who_is_dead_is_told_nothing_and_its_registration_ends() {
    check(3, || {
        let watched = watched();
        let sender = {
            let watched = watched.clone();
            thread::spawn(move || watched.send(&Participant::new(1)))
        };
        let herald = Participant::new(9);
        herald.until(&watched.queue, usize::MAX, End::Killed, |who| watched.register(who));
        herald.die(&watched.queue);
        sender.join().unwrap();
        watched.send(&Participant::new(2));
        let current = watched.registration.registration();
        assert!(current == 0 || watched.queue.slots().count() > 1);
    });
}
