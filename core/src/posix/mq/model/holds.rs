//! Loans and borrowed messages: nothing lost, doubled or torn, whenever their process dies, and
//! whichever process gives back what it had.

use loom::sync::Arc;
use loom::thread;

use super::{End, Participant, Queue};
use crate::atomic::explore::{check, check_each_stop};
use crate::atomic::{Ordering, modelled};
use crate::posix::mq::store::holders::Entry;
use crate::posix::mq::store::slots::Slots;
use crate::shared::claim::{self, NO_TID, OWNER_DIED, PROCESS, UNGUARDED};

/// Flat, and with a tree of one level.
const CAPACITIES: [usize; 2] = [2, 3];

/// A process that keeps slots.
#[derive(Clone, Copy)]
struct Process {
    number: u32,
    held: u32,
}

impl Process {
    /// One that has its entry.
    fn new(queue: &Queue, number: u32) -> Self {
        let process = Self::without_entry(number);
        process.take_entry(queue);
        process
    }

    fn without_entry(number: u32) -> Self {
        Self { number, held: UNGUARDED | NO_TID | number << 12 | PROCESS }
    }

    /// As `Mapping::hold`.
    fn take_entry(self, queue: &Queue) {
        let entry = queue.holders.take(self.held).expect("a free entry");
        queue.holders.entry(entry).unwrap().begin(self.number | UNGUARDED, self.number);
    }

    /// What the kernel does as the process ends: after what it does for the thread.
    fn ends(self, queue: &Queue) {
        queue.ended.store(self.held, Ordering::SeqCst);
        let (mark, died) = (self.number | UNGUARDED, OWNER_DIED | UNGUARDED);
        for entry in queue.holders.used() {
            let _ = entry.mark().compare_exchange(mark, died, Ordering::SeqCst, Ordering::Relaxed);
        }
    }

    /// Lets a thread of it do something, up to so many accesses to memory; then it is killed.
    fn until(self, queue: &Arc<Queue>, accesses: usize, act: impl FnOnce(&Participant)) {
        let who = Participant::ending(1, End::Killed);
        if who.until(&queue.ends, accesses, End::Killed, act).is_none() {
            self.ends(queue);
        }
    }
}

impl Queue {
    fn borrow(&self, who: &Participant, process: Process) -> Option<usize> {
        let taken = self.slots().take(who, |_| {})?;
        self.body(taken.slot.number);
        claim::hold(taken.slot.claim(), process.held, who).then_some(taken.slot.number)
    }

    fn release(&self, who: &Participant, process: Process, slot: usize) -> bool {
        let Some(taken) = self.slots().adopt(slot, process.held, who) else { return false };
        let body = self.body(slot);
        who.taking.set(Some(body));
        assert!(self.slots().clear(taken, who));
        who.taking.set(None);
        self.received.lock().unwrap().push(body);
        true
    }

    fn give_back(&self, who: &Participant, process: Process, slot: usize) -> bool {
        let Some(taken) = self.slots().adopt(slot, process.held, who) else { return false };
        if taken.has_message() {
            return self.slots().publish(Slots::as_it_was(taken), 0, who);
        }
        self.slots().clear(taken, who)
    }

    fn loan(&self, who: &Participant, process: Process) -> Option<usize> {
        let slot = self.slots().reserve_for_loan(who, |_| {})?;
        claim::hold(slot.claim(), process.held, who).then_some(slot.number)
    }

    fn commit(&self, who: &Participant, process: Process, slot: usize, body: u64) {
        for half in &self.bodies[slot] {
            modelled::step();
            // SAFETY: the slot is on loan; loom looks whether that is enough.
            half.with_mut(|half| unsafe { *half = body });
        }
        let taken = self.slots().adopt(slot, process.held, who).expect("its own");
        let message = self.slots().as_newest(taken.slot);
        assert!(self.slots().publish(message, 0, who));
        self.sent.lock().unwrap().push(body);
    }

    /// As `Use::mend`.
    fn mend(&self) {
        let has_ended = |entry: &Entry, held| {
            entry.notice(|_| {});
            self.ended.load(Ordering::SeqCst) == held
        };
        let free = |held| _ = self.slots().free_held(held);
        self.holders.mend(Entry::is_being_taken, has_ended, free);
        self.holders.mend(Entry::is_marked, has_ended, free);
    }
}

#[test]
fn a_borrower_that_is_killed_anywhere() {
    for capacity in CAPACITIES {
        check_each_stop(1, move |accesses| {
            let queue = Queue::new(capacity);
            let process = Process::new(&queue, 1);
            let sender = Participant::new(9);
            assert!(queue.send(&sender, 0, 1) && queue.send(&sender, 0, 2));
            let victim = {
                let queue = queue.clone();
                thread::spawn(move || {
                    process.until(&queue, accesses, |who| {
                        if let Some(slot) = queue.borrow(who, process) {
                            queue.release(who, process, slot);
                        }
                    });
                })
            };
            queue.mend();
            queue.receive(&Participant::new(2));
            victim.join().unwrap();
            queue.mend();
            queue.assert_whole(None);
        });
    }
}

#[test]
fn one_with_a_loan_that_is_killed_anywhere() {
    for capacity in CAPACITIES {
        check_each_stop(1, move |accesses| {
            let queue = Queue::new(capacity);
            let process = Process::new(&queue, 1);
            let victim = {
                let queue = queue.clone();
                thread::spawn(move || {
                    process.until(&queue, accesses, |who| {
                        let slot = queue.loan(who, process).expect("a free slot");
                        queue.commit(who, process, slot, 1);
                    });
                })
            };
            queue.mend();
            assert!(queue.send(&Participant::new(2), 0, 2));
            victim.join().unwrap();
            queue.mend();
            queue.assert_whole(None);
        });
    }
}

/// Another thread sees it take its entry, and may find it dead only once it has borrowed a message.
#[test]
fn one_that_is_killed_anywhere_from_the_taking_of_its_entry_on() {
    for capacity in CAPACITIES {
        check_each_stop(2, move |accesses| {
            let queue = Queue::new(capacity);
            assert!(queue.send(&Participant::new(9), 0, 1));
            let process = Process::without_entry(1);
            let victim = {
                let queue = queue.clone();
                thread::spawn(move || {
                    process.until(&queue, accesses, |who| {
                        process.take_entry(&queue);
                        if let Some(slot) = queue.borrow(who, process) {
                            queue.release(who, process, slot);
                        }
                    });
                })
            };
            queue.mend();
            victim.join().unwrap();
            queue.mend();
            queue.assert_whole(None);
        });
    }
}

/// They free the same claims at the same time, and a living process has the slot then.
#[test]
fn two_that_mend_and_one_that_borrows_anew() {
    for capacity in CAPACITIES {
        check(2, move || {
            let queue = Queue::new(capacity);
            let (dead, living) = (Process::new(&queue, 1), Process::new(&queue, 2));
            assert!(queue.send(&Participant::new(9), 0, 1));
            assert!(queue.borrow(&Participant::new(1), dead).is_some());
            dead.ends(&queue);
            let other = {
                let queue = queue.clone();
                thread::spawn(move || queue.mend())
            };
            queue.mend();
            let who = Participant::new(2);
            let slot = queue.borrow(&who, living).expect("what the dead one had");
            other.join().unwrap();
            assert!(queue.release(&who, living, slot), "it is still held");
            queue.assert_whole(None);
        });
    }
}

#[test]
fn what_a_dead_borrower_had_comes_before_later_messages() {
    for capacity in CAPACITIES {
        check(1, move || {
            let queue = Queue::new(capacity);
            let process = Process::new(&queue, 1);
            let sender = Participant::new(9);
            assert!(queue.send(&sender, 0, 1) && queue.send(&sender, 0, 2));
            assert!(queue.borrow(&Participant::new(1), process).is_some());
            process.ends(&queue);
            let who = Participant::new(2);
            assert_eq!((queue.receive(&who), queue.receive(&who)), (Some(1), Some(2)));
        });
    }
}

#[test]
fn two_threads_that_give_back_the_same_message() {
    for capacity in CAPACITIES {
        check(2, move || {
            let queue = Queue::new(capacity);
            let process = Process::new(&queue, 1);
            assert!(queue.send(&Participant::new(9), 0, 1));
            let slot = queue.borrow(&Participant::new(1), process).unwrap();
            let other = {
                let queue = queue.clone();
                thread::spawn(move || queue.release(&Participant::new(2), process, slot))
            };
            let mine = queue.give_back(&Participant::new(1), process, slot);
            assert!(mine != other.join().unwrap(), "one of the two");
            queue.assert_whole(None);
        });
    }
}

#[test]
fn a_receiver_beside_one_that_borrows_and_returns() {
    for capacity in CAPACITIES {
        check(2, move || {
            let queue = Queue::new(capacity);
            let process = Process::new(&queue, 1);
            assert!(queue.send(&Participant::new(9), 0, 1));
            let borrower = {
                let queue = queue.clone();
                thread::spawn(move || {
                    let who = Participant::new(1);
                    if let Some(slot) = queue.borrow(&who, process) {
                        assert!(queue.give_back(&who, process, slot));
                    }
                })
            };
            queue.receive(&Participant::new(2));
            borrower.join().unwrap();
            queue.assert_whole(None);
        });
    }
}
