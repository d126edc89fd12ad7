//! No message is invisible, and what is in use is what the messages amount to.
//!
//! Seen to fail when
//! * a receiver clears the bit of a closed block although the word of the queue has changed, or
//!   that word counts no changes; a sender opens a block before it has set its bit there;
//! * a recount looks at a claim only before the key, or corrects a word that has changed since
//!   before it;
//! * a thread that claims a slot of the dead does not count the death, or a recount that was not
//!   exact is taken for its correction.

use loom::thread;

use super::{BOUND, LENGTH, Queue};
use crate::atomic::explore::{check, check_each_stop};
use crate::shared::participant::{End, Participant};
use crate::sysv::msg::usage::Amount;

#[test]
fn a_block_is_closed_while_a_sender_opens_it() {
    check(4, || {
        let queue = Queue::new();
        queue.send(&Participant::new(3), 0).unwrap();
        let receiver = {
            let queue = queue.clone();
            thread::spawn(move || assert!(queue.receive_from(&Participant::new(1), (0, 1), || {})))
        };
        let arrival = queue.send(&Participant::new(2), 1).unwrap();
        assert!(queue.has(arrival), "beside the receiver");
        receiver.join().unwrap();
        assert!(queue.has(arrival), "after it");
        assert!(queue.receive(&Participant::new(3)));
        let again = queue.send(&Participant::new(3), 1).unwrap();
        assert!(queue.has(again), "after it was closed");
    });
}

/// A thread that dies is followed by one that sends, in the same slot or another one.
#[test]
fn a_block_is_open_whichever_thread_dies() {
    for slot in 0..super::SLOTS {
        for victim_sends in [true, false] {
            check_each_stop(2, move |accesses| {
                let queue = Queue::new();
                queue.send(&Participant::new(3), 0).unwrap();
                let victim = {
                    let queue = queue.clone();
                    thread::spawn(move || {
                        let who = Participant::new(1);
                        who.until(&queue.ends, accesses, End::Killed, |who| {
                            if victim_sends {
                                queue.send(who, 1);
                            } else {
                                queue.receive_from(who, (0, 1), || {});
                            }
                        });
                    })
                };
                if victim_sends {
                    queue.receive_from(&Participant::new(2), (0, 1), || {});
                }
                let sent = queue.send(&Participant::new(2), slot);
                assert!(sent.is_none_or(|arrival| queue.has(arrival)), "beside it");
                victim.join().unwrap();
                assert!(sent.is_none_or(|arrival| queue.has(arrival)), "after it");
                while queue.receive(&Participant::new(3)) {}
                let last = queue.send(&Participant::new(3), slot).unwrap();
                assert!(queue.has(last), "in the end");
            });
        }
    }
}

/// What is in use is too high before, as after a death.
#[test]
fn a_recount_beside_senders_and_receivers() {
    for sends in [true, false] {
        for is_high in [true, false] {
            check(3, move || {
                let queue = Queue::new();
                queue.send(&Participant::new(3), 0).unwrap();
                if !sends {
                    queue.send(&Participant::new(3), 1).unwrap();
                }
                if is_high {
                    let (one, none) = (Amount::of(LENGTH), Amount::default());
                    assert!(queue.usage.add(one, BOUND, none, &Participant::new(3)));
                }
                let other = {
                    let queue = queue.clone();
                    thread::spawn(move || {
                        let who = Participant::new(1);
                        if sends {
                            queue.send(&who, 1).unwrap();
                        } else {
                            assert!(queue.receive(&who));
                        }
                    })
                };
                queue.recount(&Participant::new(2));
                other.join().unwrap();
                let (used, amount) = (queue.usage.seen().amount(), queue.amount());
                // Of one that had claimed a slot, and not written the length yet, a part is known.
                let may_be =
                    amount.plus(if is_high { Amount::of(LENGTH) } else { Amount::default() });
                assert!(amount.fits(used) && used.fits(may_be), "{used:?}, not {amount:?}");
                queue.recount(&Participant::new(2));
                assert_eq!(queue.usage.seen().amount(), amount, "at rest");
            });
        }
    }
}

/// Sends into the second slot, or receives, and ends after so many accesses to memory.
fn ends(queue: &Queue, accesses: usize, end: End, sends: bool) {
    let who = Participant::new(1);
    who.until(&queue.ends, accesses, end, |who| {
        if sends {
            queue.send(who, 1);
        } else {
            queue.receive(who);
        }
    });
}

#[test]
fn a_recount_after_a_death() {
    for sends in [true, false] {
        check_each_stop(2, move |accesses| {
            let queue = Queue::new();
            queue.send(&Participant::new(3), 0).unwrap();
            let victim = {
                let queue = queue.clone();
                thread::spawn(move || ends(&queue, accesses, End::Killed, sends))
            };
            queue.recount_if_needed(&Participant::new(2));
            victim.join().unwrap();
            let used = queue.usage.seen().amount();
            assert_eq!(used, used.plus(queue.amount().minus(used)), "too low");
            queue.recount_if_needed(&Participant::new(2));
            assert_eq!(queue.usage.seen().amount(), queue.amount());
        });
    }
}

/// The slot of the dead is used again before, or while, a recount looks at it.
#[test]
fn a_recount_after_a_death_that_others_have_covered() {
    for sends in [true, false] {
        check_each_stop(2, move |accesses| {
            let queue = Queue::new();
            queue.send(&Participant::new(3), 0).unwrap();
            ends(&queue, accesses, End::Killed, sends);
            let other = {
                let queue = queue.clone();
                thread::spawn(move || {
                    let who = Participant::new(4);
                    queue.send(&who, usize::from(sends));
                    queue.receive(&who);
                })
            };
            queue.recount_if_needed(&Participant::new(2));
            other.join().unwrap();
            queue.recount_if_needed(&Participant::new(2));
            assert_eq!(queue.usage.seen().amount(), queue.amount());
        });
    }
}

/// One is stopped for ever, and what is in use is too high besides: a recount leaves the message
/// that the stopped one has in hand, and no more.
#[test]
fn a_recount_beside_a_stopped_one() {
    for sends in [true, false] {
        check_each_stop(2, move |accesses| {
            let queue = Queue::new();
            queue.send(&Participant::new(3), 0).unwrap();
            let (one, none) = (Amount::of(LENGTH), Amount::default());
            assert!(queue.usage.add(one, BOUND, none, &Participant::new(3)));
            ends(&queue, accesses, End::Stopped, sends);
            queue.recount(&Participant::new(2));
            let used = queue.usage.seen().amount();
            assert_eq!(used, used.plus(queue.amount().minus(used)), "too low");
            let in_hand = if queue.is_under_way() { one } else { none };
            assert!(used.fits(queue.amount().plus(in_hand)), "{used:?}");
        });
    }
}
