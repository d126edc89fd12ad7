//! A look that was quiet misses no message that was there all the time.
//!
//! Seen to fail when
//! * a look counts before which a slot was claimed and empty, or after which the usage is another
//!   one.

use loom::thread;

use super::{Queue, SLOTS};
use crate::atomic::Ordering;
use crate::atomic::explore::check;
use crate::shared::claim;
use crate::shared::participant::Participant;
use crate::sysv::msg::quiet::Quiet;

impl Queue {
    /// `store::is_pending`
    fn is_pending(&self) -> bool {
        self.used_slots().into_iter().any(|slot| {
            !claim::is_free(self.claims[slot].load(Ordering::SeqCst))
                && self.keys[slot].load(Ordering::SeqCst) == 0
        })
    }

    /// `search::find_in_quiet`, one turn of it: whether nothing is there.
    fn is_empty(&self) -> bool {
        let (usage, arrivals) = (&self.usage, &self.arrivals);
        let quiet = Quiet::begin(usage, arrivals, || Ok(self.is_pending())).unwrap();
        self.messages().is_empty() && quiet.lasts(usage, arrivals)
    }
}

/// The second message comes before the first one is taken.
#[test]
fn one_of_two_messages_is_always_there() {
    for (first, second) in [(0, 1), (1, 0)] {
        check(4, move || {
            let queue = Queue::new();
            queue.leave_bits_set(&Participant::new(3));
            assert_eq!(SLOTS, 2);
            let arrival = queue.send(&Participant::new(3), first).unwrap();
            let worker = {
                let queue = queue.clone();
                thread::spawn(move || {
                    let who = Participant::new(1);
                    queue.send(&who, second).unwrap();
                    assert!(queue.receive_from(&who, (first, arrival), || {}));
                })
            };
            assert!(!queue.is_empty());
            worker.join().unwrap();
            assert!(!queue.is_empty());
        });
    }
}

/// The sender and the receiver are two threads, and the sender has begun.
#[test]
fn a_message_comes_from_one_that_has_begun() {
    check(3, || {
        let queue = Queue::new();
        queue.leave_bits_set(&Participant::new(3));
        let first = queue.send(&Participant::new(3), 1).unwrap();
        let second = queue.reserve(&Participant::new(1), 0).unwrap();
        let worker = {
            let queue = queue.clone();
            thread::spawn(move || {
                queue.publish(&Participant::new(1), 0, second);
                assert!(queue.receive_from(&Participant::new(2), (1, first), || {}));
            })
        };
        assert!(!queue.is_empty());
        worker.join().unwrap();
    });
}
