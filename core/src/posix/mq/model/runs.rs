//! Runs of messages and of free slots, as batches use them: nothing lost or doubled, no slot lost,
//! and the order.

use loom::thread;

use super::{End, Participant, Queue};
use crate::atomic::explore::{check, check_each_stop};

/// Without a tree, with a tree of one level, and with one of two. A lowest node has two slots.
const CAPACITIES: [usize; 3] = [2, 3, 5];

impl Queue {
    /// Receives one run, or a single message where there seems to be no run; the index learns of it
    /// at the end.
    fn receive_run(&self, who: &Participant) -> Vec<u64> {
        let slots = self.slots();
        let mut run = slots.messages_in_a_row();
        let mut bodies = Vec::new();
        let mut last = None;
        while let Some(taken) = slots.take_next(&mut run, who) {
            let number = taken.slot.number;
            let body = self.body(number);
            who.taking.set(Some(body));
            assert!(slots.clear_of_run(taken, who));
            who.taking.set(None);
            self.received.lock().unwrap().push(body);
            bodies.push(body);
            last = Some(number);
        }
        if let Some(number) = last {
            slots.run_is_cleared(number);
        } else {
            bodies.extend(self.receive(who));
        }
        bodies
    }

    /// Sends these in a run, as far as it goes.
    fn send_run(&self, who: &Participant, bodies: &[u64]) -> usize {
        let slots = self.slots();
        let mut run = slots.free_in_a_row(bodies.len());
        let mut sent = 0;
        for &body in bodies {
            let Some(reserved) = slots.reserve_next(&mut run, who) else { break };
            self.write_body(reserved.slot.number, body);
            assert!(slots.publish(reserved, 0, who));
            self.sent.lock().unwrap().push(body);
            sent += 1;
        }
        sent
    }
}

fn filled(capacity: usize, bodies: u64) -> loom::sync::Arc<Queue> {
    let queue = Queue::new(capacity);
    (1..=bodies).for_each(|body| assert!(queue.send(&Participant::new(9), 0, body)));
    queue
}

#[test]
fn a_run_beside_a_sender_keeps_the_order() {
    for (capacity, preemptions) in CAPACITIES.into_iter().zip([3, 2, 1]) {
        check(preemptions, move || {
            // So that a later message may come to lie before an earlier one.
            let queue = filled(capacity, 1);
            let sender = {
                let queue = queue.clone();
                thread::spawn(move || {
                    let who = Participant::new(1);
                    let _ = queue.send(&who, 0, 2) && queue.send(&who, 0, 3);
                })
            };
            let who = Participant::new(2);
            let received: Vec<u64> = (0..3).flat_map(|_| queue.receive_run(&who)).collect();
            assert_eq!(received, (1..=received.len() as u64).collect::<Vec<_>>());
            sender.join().unwrap();
            queue.assert_whole(None);
        });
    }
}

#[test]
fn a_run_of_a_sender_keeps_its_order() {
    for (capacity, preemptions) in CAPACITIES.into_iter().zip([3, 2, 1]) {
        check(preemptions, move || {
            let queue = filled(capacity, 1);
            let sender = {
                let queue = queue.clone();
                thread::spawn(move || queue.send_run(&Participant::new(1), &[2, 3]))
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
fn the_better_message_comes_first_when_its_send_had_returned() {
    for (capacity, preemptions) in CAPACITIES.into_iter().zip([3, 2, 2]) {
        check(preemptions, move || {
            let queue = Queue::new(capacity);
            let sender = {
                let queue = queue.clone();
                thread::spawn(move || {
                    let who = Participant::new(1);
                    assert!(queue.send(&who, 7, 7) && queue.send(&who, 3, 3));
                })
            };
            let received = queue.receive_run(&Participant::new(2));
            assert_ne!(received.first(), Some(&3), "while the better one stays");
            sender.join().unwrap();
            queue.assert_whole(None);
        });
    }
}

/// What one of them takes lies before what the other one takes later.
#[test]
fn two_runs_of_the_same_messages() {
    for (capacity, preemptions) in CAPACITIES.into_iter().zip([3, 2, 1]) {
        check(preemptions, move || {
            let queue = filled(capacity, 2);
            let other = {
                let queue = queue.clone();
                thread::spawn(move || queue.receive_run(&Participant::new(1)))
            };
            let mut received = queue.receive_run(&Participant::new(2));
            assert!(received.is_sorted());
            let others = other.join().unwrap();
            assert!(others.is_sorted());
            received.extend(others);
            received.sort_unstable();
            assert!(received.windows(2).all(|two| two[0] != two[1]), "doubled: {received:?}");
            queue.assert_whole(None);
        });
    }
}

/// Without a tree the keys come back, so the receiver of a run may find one that it has seen.
#[test]
fn a_run_beside_a_thread_that_empties_the_queue_and_fills_it() {
    for (capacity, preemptions) in CAPACITIES.into_iter().zip([2, 2, 1]) {
        check(preemptions, move || {
            let queue = filled(capacity, 2);
            let other = {
                let queue = queue.clone();
                thread::spawn(move || {
                    let who = Participant::new(1);
                    queue.receive(&who);
                    let _ = queue.send(&who, 0, 3) && queue.send(&who, 0, 4);
                })
            };
            let received = queue.receive_run(&Participant::new(2));
            assert!(received.is_sorted(), "{received:?}");
            let (three, four) = (received.contains(&3), received.contains(&4));
            assert!(three || !four, "while an earlier one stays: {received:?}");
            other.join().unwrap();
            queue.assert_whole(None);
        });
    }
}

#[test]
fn a_run_that_stops_anywhere() {
    for end in [End::Killed, End::Unwatched, End::Stopped] {
        for capacity in CAPACITIES {
            check_each_stop(1, move |accesses| {
                let queue = filled(capacity, 2);
                let victim = {
                    let queue = queue.clone();
                    thread::spawn(move || {
                        let who = Participant::ending(1, end);
                        who.until(&queue.ends, accesses, end, |who| queue.receive_run(who));
                    })
                };
                let sender = {
                    let queue = queue.clone();
                    thread::spawn(move || {
                        queue.free_claims_of_the_dead();
                        queue.send(&Participant::new(2), 0, 5)
                    })
                };
                sender.join().unwrap();
                victim.join().unwrap();
                queue.assert_whole(Some(end));
            });
        }
    }
}
