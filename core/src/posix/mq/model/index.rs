//! The tree: all threads see a change that has been finished, whatever other threads change, and
//! wherever they stop.

use loom::thread;

use super::{End, Participant, Queue, message};
use crate::atomic::explore::{check, check_each_stop};
use crate::posix::mq::store::key;

/// Three slots have one level of nodes above them, five have two.
const CAPACITIES: [usize; 2] = [3, 5];

#[test]
fn a_finished_change_is_seen_beside_another_one() {
    for capacity in CAPACITIES {
        check(3, move || {
            let queue = Queue::new(capacity);
            let changer = {
                let queue = queue.clone();
                thread::spawn(move || {
                    queue.set_key(1, message(5, 1));
                    assert!(queue.index().best().is_some_and(|(_, best)| best >= message(5, 1)));
                })
            };
            queue.set_key(0, message(3, 1));
            assert!(queue.index().best().is_some_and(|(_, best)| best >= message(3, 1)));
            changer.join().unwrap();
            assert_eq!(queue.index().best(), Some((1, message(5, 1))));
        });
    }
}

#[test]
fn a_message_that_goes_leaves_the_other_ones_seen() {
    for capacity in CAPACITIES {
        check(3, move || {
            let queue = Queue::new(capacity);
            queue.set_key(0, message(9, 1));
            let receiver = {
                let queue = queue.clone();
                thread::spawn(move || queue.set_key(0, key::FREE))
            };
            queue.set_key(1, message(3, 1));
            assert!(queue.index().best().is_some_and(|(_, best)| best >= message(3, 1)));
            receiver.join().unwrap();
            assert_eq!(queue.index().best(), Some((1, message(3, 1))));
            assert_ne!(queue.index().free(), Some(1));
            assert!(queue.index().free().is_some());
        });
    }
}

#[test]
fn a_thread_that_stops_in_the_middle_hides_nothing_that_is_finished() {
    for capacity in CAPACITIES {
        check_each_stop(2, move |accesses| {
            let queue = Queue::new(capacity);
            queue.set_key(0, message(9, 1));
            let victim = {
                let queue = queue.clone();
                thread::spawn(move || {
                    Participant::new(1).until(&queue.ends, accesses, End::Stopped, |_| {
                        queue.set_key(0, key::FREE)
                    });
                })
            };
            queue.set_key(1, message(3, 1));
            assert!(queue.index().best().is_some_and(|(_, best)| best >= message(3, 1)));
            victim.join().unwrap();
            let best = queue.index().best();
            let (slot, best) = best.unwrap();
            assert!(best >= message(3, 1) && queue.key_of(slot) == best);
        });
    }
}

#[test]
fn a_finished_change_is_seen_beside_two_that_follow_each_other() {
    check(4, || {
        let queue = Queue::new(3);
        let changer = {
            let queue = queue.clone();
            thread::spawn(move || {
                queue.set_key(0, message(3, 1));
                queue.set_key(0, key::FREE);
            })
        };
        queue.set_key(1, message(5, 1));
        assert_eq!(queue.index().best(), Some((1, message(5, 1))));
        changer.join().unwrap();
        assert_eq!(queue.index().best(), Some((1, message(5, 1))));
    });
}

#[test]
fn a_late_refresh_puts_nothing_old_back() {
    check(3, || {
        let queue = Queue::new(3);
        queue.set_key(0, message(9, 1));
        queue.set_key(2, message(8, 1));
        let late = {
            let queue = queue.clone();
            thread::spawn(move || queue.index().refresh(0))
        };
        queue.set_key(1, message(3, 1));
        queue.set_key(1, key::FREE);
        late.join().unwrap();
        assert_eq!(
            (queue.index().best(), queue.index().free()),
            (Some((0, message(9, 1))), Some(1))
        );
    });
}

#[test]
fn three_changers_of_one_node() {
    check(2, || {
        let queue = Queue::new(4);
        let changers = [(0, 4), (2, 6)].map(|(slot, priority)| {
            let queue = queue.clone();
            thread::spawn(move || queue.set_key(slot, message(priority, 1)))
        });
        queue.set_key(1, message(5, 1));
        assert!(queue.index().best().is_some_and(|(_, best)| best >= message(5, 1)));
        changers.into_iter().for_each(|changer| changer.join().unwrap());
        assert_eq!(queue.index().best(), Some((2, message(6, 1))));
    });
}
