//! Claim, commit, release: nothing lost, doubled or torn, no slot lost, and the order.

use loom::thread;

use super::{End, Participant, Queue};
use crate::atomic::explore::{check, check_each_stop};
use crate::posix::mq::store::key;
use crate::posix::mq::store::slots::Slots;

/// Flat, and with a tree of one level.
const CAPACITIES: [usize; 2] = [2, 3];

fn endings() -> impl Iterator<Item = (usize, End)> {
    let ends = [End::Killed, End::Unwatched, End::Stopped];
    CAPACITIES.into_iter().flat_map(move |capacity| ends.map(|end| (capacity, end)))
}

#[test]
fn two_senders_and_a_receiver() {
    // The tree makes many more interleavings.
    for (capacity, preemptions) in CAPACITIES.into_iter().zip([2, 1]) {
        check(preemptions, move || {
            let queue = Queue::new(capacity);
            let senders = [1, 2].map(|number| {
                let queue = queue.clone();
                thread::spawn(move || {
                    assert!(queue.send(&Participant::new(number), 0, number.into()))
                })
            });
            let receiver = Participant::new(3);
            queue.receive(&receiver);
            queue.receive(&receiver);
            senders.into_iter().for_each(|sender| sender.join().unwrap());
            queue.assert_whole(None);
        });
    }
}

#[test]
fn two_receivers_of_one_message() {
    for capacity in CAPACITIES {
        check(3, move || {
            let queue = Queue::new(capacity);
            assert!(queue.send(&Participant::new(1), 0, 1));
            let other = {
                let queue = queue.clone();
                thread::spawn(move || queue.receive(&Participant::new(2)))
            };
            let mine = queue.receive(&Participant::new(3));
            assert!(mine.is_some() != other.join().unwrap().is_some());
            queue.assert_whole(None);
        });
    }
}

#[test]
fn a_sender_that_stops_anywhere() {
    for (capacity, end) in endings() {
        check_each_stop(1, move |accesses| {
            let queue = Queue::new(capacity);
            let victim = {
                let queue = queue.clone();
                thread::spawn(move || {
                    let who = Participant::ending(1, end);
                    who.until(&queue.ends, accesses, end, |who| queue.send(who, 0, 1));
                })
            };
            let sender = {
                let queue = queue.clone();
                thread::spawn(move || assert!(queue.send(&Participant::new(2), 0, 2)))
            };
            if end == End::Unwatched {
                queue.free_claims_of_the_dead();
            }
            // The tree makes many more interleavings, so one less takes part.
            if capacity == CAPACITIES[0] {
                queue.receive(&Participant::new(3));
            }
            sender.join().unwrap();
            victim.join().unwrap();
            queue.assert_whole(Some(end));
        });
    }
}

#[test]
fn a_receiver_that_stops_anywhere() {
    for (capacity, end) in endings() {
        check_each_stop(1, move |accesses| {
            let queue = Queue::new(capacity);
            assert!(
                queue.send(&Participant::new(9), 0, 1) && queue.send(&Participant::new(9), 0, 2)
            );
            let victim = {
                let queue = queue.clone();
                thread::spawn(move || {
                    let who = Participant::ending(1, end);
                    who.until(&queue.ends, accesses, end, |who| queue.receive(who));
                })
            };
            let receiver = {
                let queue = queue.clone();
                thread::spawn(move || {
                    queue.free_claims_of_the_dead();
                    queue.receive(&Participant::new(2))
                })
            };
            receiver.join().unwrap();
            victim.join().unwrap();
            queue.assert_whole(Some(end));
        });
    }
}

/// No other thread refreshes the tree.
#[test]
fn what_a_dead_sender_has_committed_is_found_and_what_a_dead_receiver_has_freed() {
    for capacity in [2, 3, 5] {
        check_each_stop(0, move |accesses| {
            let queue = Queue::new(capacity);
            let who = Participant::new(1);
            let sent = who.until(&queue.ends, accesses, End::Killed, |who| queue.send(who, 0, 1));
            let committed = queue.slots().count() == 1;
            assert!(committed || sent.is_none());
            assert_eq!(queue.receive_surely(&Participant::new(2)), committed.then_some(1));
            queue.assert_whole(None);
        });
        check_each_stop(0, move |accesses| {
            let queue = Queue::new(capacity);
            let other = Participant::new(2);
            (0..capacity).for_each(|body| assert!(queue.send(&other, 0, body as u64)));
            let who = Participant::new(1);
            who.until(&queue.ends, accesses, End::Killed, |who| queue.receive(who));
            let committed = queue.slots().count() < capacity;
            assert_eq!(queue.send_surely(&other, 9), committed);
            queue.assert_whole(None);
        });
    }
}

#[test]
fn what_was_sent_first_comes_first() {
    for (capacity, preemptions) in CAPACITIES.into_iter().zip([2, 1]) {
        check(preemptions, move || {
            let queue = Queue::new(capacity);
            // So that a later message may come to lie before an earlier one.
            assert!(queue.send(&Participant::new(1), 0, 1));
            let sender = {
                let queue = queue.clone();
                thread::spawn(move || {
                    let who = Participant::new(1);
                    let _ = queue.send(&who, 0, 2) && queue.send(&who, 0, 3);
                })
            };
            let who = Participant::new(2);
            let received: Vec<u64> = (0..3).filter_map(|_| queue.receive(&who)).collect();
            assert_eq!(received, (1..=received.len() as u64).collect::<Vec<_>>());
            sender.join().unwrap();
            queue.assert_whole(None);
        });
    }
}

#[test]
fn the_higher_priority_comes_first_when_its_send_had_returned() {
    for capacity in CAPACITIES {
        check(2, move || {
            let queue = Queue::new(capacity);
            let sender = {
                let queue = queue.clone();
                thread::spawn(move || {
                    let who = Participant::new(1);
                    assert!(queue.send(&who, 7, 7) && queue.send(&who, 3, 3));
                })
            };
            assert_ne!(queue.receive(&Participant::new(2)), Some(3), "while the better one stays");
            sender.join().unwrap();
            queue.assert_whole(None);
        });
    }
}

/// The registered process is told of one of them, even if the other one is received at once.
#[test]
fn one_of_two_came_into_the_empty_queue() {
    for (capacity, preemptions) in CAPACITIES.into_iter().zip([2, 1]) {
        check(preemptions, move || {
            let queue = Queue::new(capacity);
            let senders = [1, 2].map(|tid| {
                let queue = queue.clone();
                thread::spawn(move || queue.send_and_look(&Participant::new(tid), 0))
            });
            queue.slots().take(&Participant::new(3), |_| {}).map(|taken| {
                queue.slots().clear(taken, &Participant::new(3));
            });
            let told = senders.map(|sender| sender.join().unwrap());
            assert!(told[0] || told[1], "the process is not told");
        });
    }
}

#[test]
fn one_that_came_behind_another_one_did_not_come_into_the_empty_queue() {
    for capacity in CAPACITIES {
        check(2, move || {
            let queue = Queue::new(capacity);
            assert!(queue.send_and_look(&Participant::new(1), 0));
            let sender = {
                let queue = queue.clone();
                thread::spawn(move || queue.send_and_look(&Participant::new(2), 7))
            };
            // The better one only: the first one stays.
            let who = Participant::new(3);
            if let Some(taken) = queue.slots().take(&who, |_| {}) {
                let is_better = key::priority(taken.key) == 7;
                if is_better {
                    assert!(queue.slots().clear(taken, &who));
                } else {
                    Slots::put_back(taken, &who);
                }
            }
            assert!(!sender.join().unwrap());
        });
    }
}
