//! No message comes, or is left, below a floor that a look has found.
//!
//! Seen to fail when
//! * a look takes an empty slot for free without its claim;
//! * it reads the last number after the slots.

use loom::sync::Arc;
use loom::thread;

use super::Queue;
use crate::atomic::explore::check;
use crate::shared::participant::Participant;

/// At rest, and after what comes next.
fn assert_none_below(queue: &Queue, floor: u64) {
    let is_below = |arrival: u64| arrival < floor;
    assert!(!queue.messages().iter().any(|(_, arrival)| is_below(*arrival)), "below {floor}");
}

fn looks(queue: &Arc<Queue>) -> thread::JoinHandle<u64> {
    let queue = queue.clone();
    thread::spawn(move || queue.floor())
}

/// The block is closed before, or a bit of it is set.
#[test]
fn messages_come_while_one_looks() {
    for is_open in [false, true] {
        check(3, move || {
            let queue = Queue::new();
            if is_open {
                queue.leave_bits_set(&Participant::new(3));
            }
            let looker = looks(&queue);
            queue.send(&Participant::new(2), 1).unwrap();
            queue.send(&Participant::new(2), 0).unwrap();
            assert_none_below(&queue, looker.join().unwrap());
        });
    }
}

#[test]
fn two_senders_beside_a_look() {
    check(2, || {
        let queue = Queue::new();
        queue.leave_bits_set(&Participant::new(3));
        let looker = looks(&queue);
        let other = {
            let queue = queue.clone();
            thread::spawn(move || queue.send(&Participant::new(1), 0).unwrap())
        };
        queue.send(&Participant::new(2), 1).unwrap();
        other.join().unwrap();
        assert_none_below(&queue, looker.join().unwrap());
    });
}

/// A slot is emptied and filled again.
#[test]
fn a_message_goes_and_another_one_comes_while_one_looks() {
    check(3, || {
        let queue = Queue::new();
        let first = queue.send(&Participant::new(3), 0).unwrap();
        let looker = looks(&queue);
        let who = Participant::new(2);
        assert!(queue.receive_from(&who, (0, first), || {}));
        queue.send(&who, 0).unwrap();
        assert_none_below(&queue, looker.join().unwrap());
    });
}

#[test]
fn a_message_has_its_number_and_is_not_committed() {
    check(2, || {
        let queue = Queue::new();
        let who = Participant::new(1);
        let arrival = queue.reserve(&who, 1).unwrap();
        let looker = looks(&queue);
        queue.send(&Participant::new(2), 0).unwrap();
        queue.publish(&who, 1, arrival);
        assert_none_below(&queue, looker.join().unwrap());
    });
}
