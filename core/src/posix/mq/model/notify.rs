//! Notification: a process that is registered and has found the queue empty since is notified of
//! the next message.
//!
//! membarrier(2) is modelled by a fence in each sender where the real one has none, the kernel's
//! locks by a list behind a lock of loom's.

use loom::sync::{Arc, Mutex};
use loom::thread;

use super::{End, Participant, Queue};
use crate::atomic::explore::{check, check_each_stop};
use crate::atomic::{AtomicU32, Ordering, fence};
use crate::posix::mq::notify::registration::{
    Delivery, Patience, Prepared, Registration, Sender, is_in_force, next_after,
};
use crate::posix::mq::store::slots::{Look, Wanted};

const SLOTS: usize = 2;

/// A queue, and the process that wants to know of messages in it.
struct Observed {
    queue: Arc<Queue>,
    registration: Registration,
    /// What each slot's message notes. Written by the thread that has claimed the slot.
    notes: [AtomicU32; SLOTS],
    /// Sequence numbers of registrations, and the processes that have their locks.
    locks: Mutex<Vec<(u32, u32)>>,
    /// Sequence numbers of registrations whose process has been notified.
    notified: Mutex<Vec<u32>>,
    /// Whether a thread that notifies is waited for, however long that takes.
    is_patient: bool,
}

fn observed(is_patient: bool) -> Arc<Observed> {
    Arc::new(Observed {
        queue: Queue::new(SLOTS),
        registration: Registration::default(),
        notes: Default::default(),
        locks: Mutex::default(),
        notified: Mutex::default(),
        is_patient,
    })
}

impl Observed {
    /// As `try_send` of `transfer`.
    fn send(&self, who: &Participant) {
        let slots = self.queue.slots();
        let reserved = slots.reserve(who, |_| {}).expect("a free slot");
        let before = self.registration.active();
        let note = if is_in_force(before) && slots.count() == 0 { before } else { 0 };
        self.notes[reserved.slot.number].store(note, Ordering::Relaxed);
        slots.publish(reserved, 0, who);
        fence(Ordering::SeqCst);
        if self.registration.active() == 0 {
            return;
        }
        let number = self.registration.in_force();
        if number != 0 && (slots.is_oldest(reserved) || self.is_missed(number)) {
            self.notify(who, number, true);
        }
        self.take_up(who, true);
    }

    fn take_up(&self, who: &Participant, waits: bool) {
        if let Some((number, _)) = self.registration.on_its_way() {
            self.notify(who, number, waits);
        }
    }

    /// As `look_for_missed` of `sender`.
    fn look(&self, who: &Participant) {
        let number = self.registration.in_force();
        if number != 0 && self.is_missed(number) {
            self.notify(who, number, false);
        }
        self.take_up(who, false);
    }

    /// As `try_receive` of `transfer`.
    fn receive(&self, who: &Participant) -> bool {
        let slots = self.queue.slots();
        let Some(taken) = slots.take(who, |_| {}) else { return false };
        let note = self.notes[taken.slot.number].load(Ordering::Relaxed);
        slots.clear(taken, who);
        if note != 0 && self.registration.in_force() == note {
            self.notify(who, note, false);
        }
        true
    }

    /// As `missed` of `sender`.
    fn is_missed(&self, number: u32) -> bool {
        let oldest = self.queue.slots().oldest();
        oldest.is_some_and(|slot| self.notes[slot].load(Ordering::Relaxed) == number)
    }

    /// As `notify` of `sender`.
    fn notify(&self, who: &Participant, number: u32, waits: bool) {
        let patience = |_: &AtomicU32| {
            thread::yield_now();
            match (waits, self.is_patient) {
                (false, _) => Patience::Leave,
                (true, true) => Patience::Wait,
                (true, false) => Patience::TakeOver,
            }
        };
        let mut delivery = ToRegistered { observed: self, number };
        self.registration.notify(number, Sender { pid: 0, uid: 0 }, who, patience, &mut delivery);
    }

    fn has_lock(&self, number: u32) -> bool {
        self.locks.lock().unwrap().iter().any(|&(locked, _)| locked == number)
    }

    /// The kernel's part, for another process than the one that has the lock.
    fn lock(&self, number: u32, process: u32) -> bool {
        let mut locks = self.locks.lock().unwrap();
        let is_free = locks.iter().all(|&(locked, by)| locked != number || by == process);
        if is_free {
            locks.push((number, process));
        }
        is_free
    }

    fn unlock_all(&self, process: u32) {
        self.locks.lock().unwrap().retain(|&(_, by)| by != process);
    }

    /// As `register` of `register`. `None`: EBUSY.
    fn register(&self, who: &Participant) -> Option<u32> {
        loop {
            let now = self.registration.sequence();
            let number = next_after(now);
            if is_in_force(now) {
                if self.has_lock(now) {
                    return None;
                }
                self.registration.end(now);
            } else if !self.lock(number, who.pid()) {
                // A process is about to take this sequence number, or has ended.
                thread::yield_now();
            } else if self.registration.begin(now) {
                fence(Ordering::SeqCst);
                return Some(number);
            } else {
                self.unlock_all(who.pid());
            }
        }
    }

    /// Receives until there is no more, as `attempt_after_look` of `wait`.
    fn drain(&self, who: &Participant) {
        let may_have = || {
            fence(Ordering::SeqCst);
            self.queue.slots().look(Wanted::Message) == Look::There
        };
        while self.receive(who) || may_have() {}
    }

    fn notifications(&self, number: u32) -> usize {
        self.notified.lock().unwrap().iter().filter(|&&notified| notified == number).count()
    }

    fn is_empty(&self) -> bool {
        self.queue.slots().count() == 0
    }
}

/// The registered process.
struct ToRegistered<'w> {
    observed: &'w Observed,
    number: u32,
}

impl Delivery for ToRegistered<'_> {
    fn prepare(&mut self) -> Prepared {
        if self.observed.has_lock(self.number) { Prepared::Ready } else { Prepared::Gone }
    }

    fn send(&mut self) {
        self.observed.notified.lock().unwrap().push(self.number);
    }
}

#[test]
fn what_comes_after_the_queue_was_empty_is_notified_of() {
    for senders in [1, 2] {
        check(3 - senders.min(1), move || {
            let observed = observed(true);
            let senders: Vec<_> = (1..=senders as u32)
                .map(|tid| {
                    let observed = observed.clone();
                    thread::spawn(move || observed.send(&Participant::new(tid)))
                })
                .collect();
            let number = observed.register(&Participant::new(9)).unwrap();
            observed.drain(&Participant::new(8));
            senders.into_iter().for_each(|sender| sender.join().unwrap());
            let count = observed.notifications(number);
            assert!(count == 1 || count == 0 && observed.is_empty(), "notified {count} times");
            assert_eq!(count == 1, observed.registration.in_force() == 0, "once only");
        });
    }
}

#[test]
fn one_is_notified_of_each_message_after_each_registration() {
    check(2, || {
        let observed = observed(true);
        let sender = {
            let observed = observed.clone();
            thread::spawn(move || {
                observed.send(&Participant::new(1));
                observed.send(&Participant::new(1));
            })
        };
        let (registrant, receiver) = (Participant::new(9), Participant::new(8));
        let mut last = observed.register(&registrant).unwrap();
        observed.drain(&receiver);
        if observed.registration.in_force() == 0 {
            observed.unlock_all(registrant.pid());
            let next = observed.register(&registrant).unwrap();
            assert_ne!(next, last);
            last = next;
            observed.drain(&receiver);
        }
        sender.join().unwrap();
        assert!(observed.notifications(last) == 1 || observed.is_empty(), "not notified");
    });
}

#[test]
fn a_sender_that_is_killed_anywhere_leaves_it_to_the_next() {
    check_each_stop(1, |accesses| {
        let observed = observed(true);
        let number = observed.register(&Participant::new(9)).unwrap();
        let victim = {
            let observed = observed.clone();
            thread::spawn(move || {
                let who = Participant::new(1);
                who.until(&observed.queue.ends, accesses, End::Killed, |who| observed.send(who));
            })
        };
        observed.send(&Participant::new(2));
        observed.receive(&Participant::new(3));
        victim.join().unwrap();
        // The next process.
        observed.look(&Participant::new(4));
        while observed.receive(&Participant::new(4)) {}
        assert!(
            observed.notifications(number) > 0,
            "not notified: the second one came into the queue"
        );
    });
}

#[test]
fn the_next_look_makes_up_for_one_that_was_killed_behind_its_commit() {
    check_each_stop(0, |accesses| {
        let observed = observed(true);
        let number = observed.register(&Participant::new(9)).unwrap();
        let who = Participant::new(1);
        who.until(&observed.queue.ends, accesses, End::Killed, |who| observed.send(who));
        observed.look(&Participant::new(2));
        assert!(observed.notifications(number) > 0 || observed.is_empty());
        assert!(observed.is_empty() || observed.registration.active() == 0);
    });
}

#[test]
fn one_that_stops_anywhere_does_not_keep_the_notification_from_the_next() {
    check_each_stop(0, |accesses| {
        let observed = observed(false);
        let number = observed.register(&Participant::new(9)).unwrap();
        let who = Participant::new(1);
        who.until(&observed.queue.ends, accesses, End::Stopped, |who| observed.send(who));
        observed.send(&Participant::new(2));
        assert!(observed.notifications(number) > 0);
        assert_eq!(observed.registration.active(), 0);
    });
}

#[test]
fn one_that_was_notified_can_register_whatever_becomes_of_the_sender() {
    for end in [End::Killed, End::Stopped] {
        check_each_stop(0, move |accesses| {
            let observed = observed(true);
            let number = observed.register(&Participant::new(9)).unwrap();
            let who = Participant::new(1);
            who.until(&observed.queue.ends, accesses, end, |who| observed.send(who));
            if observed.notifications(number) > 0 {
                observed.unlock_all(9);
                let next = observed.register(&Participant::new(9)).expect("free");
                assert_eq!(observed.registration.in_force(), next);
            }
        });
    }
}

#[test]
fn a_dead_process_is_not_notified_and_its_registration_ends() {
    check(3, || {
        let observed = observed(true);
        let sender = {
            let observed = observed.clone();
            thread::spawn(move || observed.send(&Participant::new(1)))
        };
        let number = observed.register(&Participant::new(9)).unwrap();
        observed.unlock_all(9);
        sender.join().unwrap();
        let before = observed.notifications(number);
        observed.drain(&Participant::new(3));
        observed.send(&Participant::new(2));
        assert_eq!(observed.notifications(number), before);
        assert_eq!(observed.registration.in_force(), 0);
    });
}

#[test]
fn of_two_that_register_at_once_one_succeeds() {
    check(3, || {
        let observed = observed(true);
        let other = {
            let observed = observed.clone();
            thread::spawn(move || observed.register(&Participant::new(1)))
        };
        let one = observed.register(&Participant::new(2));
        let other = other.join().unwrap();
        assert!(one.is_some() != other.is_some(), "{one:?} {other:?}");
    });
}

#[test]
fn one_that_is_killed_while_it_registers_leaves_the_place_free() {
    check_each_stop(1, |accesses| {
        let observed = observed(true);
        let victim = {
            let observed = observed.clone();
            thread::spawn(move || {
                let who = Participant::new(1);
                who.until(&observed.queue.ends, accesses, End::Killed, |who| {
                    for _ in 0..2 {
                        if let Some(number) = observed.register(who) {
                            observed.registration.end(number);
                            observed.unlock_all(1);
                        }
                    }
                });
                observed.unlock_all(1);
            })
        };
        observed.register(&Participant::new(2));
        victim.join().unwrap();
        observed.unlock_all(2);
        assert!(observed.register(&Participant::new(3)).is_some());
    });
}
