//! Claim, commit, release: nothing lost, doubled or torn, no slot lost, and the order.

use loom::thread;

use super::{End, Participant, Queue, check, check_each_stop};

/// Flat, and with a tree of one level.
const CAPACITIES: [usize; 2] = [2, 3];

#[test]
fn two_senders_and_a_receiver() {
    for capacity in CAPACITIES {
        check(2, move || {
            let queue = Queue::new(capacity);
            let senders = [1, 2].map(|number| {
                let queue = queue.clone();
                thread::spawn(move || assert!(queue.send(&Participant::new(number), 0, number.into())))
            });
            let receiver = Participant::new(3);
            queue.receive(&receiver);
            queue.receive(&receiver);
            senders.into_iter().for_each(|sender| sender.join().unwrap());
            queue.assert_whole(0);
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
            queue.assert_whole(0);
        });
    }
}

#[test]
fn a_sender_that_stops_anywhere() {
    for capacity in CAPACITIES {
        for end in [End::Killed, End::Stopped] {
            check_each_stop(1, move |accesses| {
                let queue = Queue::new(capacity);
                let victim = {
                    let queue = queue.clone();
                    thread::spawn(move || {
                        Participant::new(1).until(accesses, end, |who| queue.send(who, 0, 1)).is_some()
                    })
                };
                let sender = {
                    let queue = queue.clone();
                    thread::spawn(move || assert!(queue.send(&Participant::new(2), 0, 2)))
                };
                queue.receive(&Participant::new(3));
                sender.join().unwrap();
                let survived = victim.join().unwrap();
                queue.assert_whole(usize::from(!survived && end == End::Stopped));
            });
        }
    }
}

#[test]
fn a_receiver_that_stops_anywhere() {
    for capacity in CAPACITIES {
        for end in [End::Killed, End::Stopped] {
            check_each_stop(1, move |accesses| {
                let queue = Queue::new(capacity);
                assert!(queue.send(&Participant::new(9), 0, 1) && queue.send(&Participant::new(9), 0, 2));
                let victim = {
                    let queue = queue.clone();
                    thread::spawn(move || {
                        Participant::new(1).until(accesses, end, |who| queue.receive(who)).is_some()
                    })
                };
                let receiver = {
                    let queue = queue.clone();
                    thread::spawn(move || queue.receive(&Participant::new(2)))
                };
                receiver.join().unwrap();
                let survived = victim.join().unwrap();
                let before = queue.received.lock().unwrap().clone();
                if !survived {
                    // It may have taken the message with it, or hold it. Which one that is follows from the order.
                    let who = Participant::new(3);
                    while queue.receive_surely(&who).is_some() {}
                    let after = queue.received.lock().unwrap().clone();
                    let gone = [1, 2].into_iter().filter(|body| !after.contains(body)).collect::<Vec<_>>();
                    assert!(gone.len() <= 1, "gone: {gone:?}, of which {before:?} were received");
                    gone.into_iter().for_each(|body| queue.forgive(body));
                }
                queue.assert_whole(usize::from(!survived && end == End::Stopped));
            });
        }
    }
}

#[test]
fn what_was_sent_first_comes_first() {
    for capacity in CAPACITIES {
        check(2, move || {
            let queue = Queue::new(capacity);
            let sender = {
                let queue = queue.clone();
                thread::spawn(move || {
                    let who = Participant::new(1);
                    assert!(queue.send(&who, 0, 1) && queue.send(&who, 0, 2));
                })
            };
            let who = Participant::new(2);
            let received = [queue.receive(&who), queue.receive(&who)];
            assert_ne!(received[0], Some(2), "while the first one stays");
            assert!(received[0].is_none() || received[1] != Some(1));
            sender.join().unwrap();
            queue.assert_whole(0);
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
            queue.assert_whole(0);
        });
    }
}
