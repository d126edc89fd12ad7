//! Readiness: whichever thread ends, and wherever, no thread is left asleep in poll(2) while there
//! is a message, or space. And once all living threads are done, an empty queue is not readable,
//! and a full one not writable.

use loom::sync::Arc;
use loom::thread;

use super::{End, Participant, Queue};
use crate::atomic::explore::{check, check_each_stop};
use crate::atomic::{AtomicU32, Ordering, fence};
use crate::posix::mq::poll::level::Fifo;
use crate::posix::mq::poll::readiness::{CAPACITY, Pollers, Readiness};
use crate::posix::mq::store::slots::{Look, Wanted};

/// The kernel's FIFO: each call is one step.
#[derive(Default)]
struct Pipe(AtomicU32);

impl Fifo for Pipe {
    fn put(&self, count: usize) -> usize {
        let added = u32::try_from(count).unwrap();
        let before = self.0.fetch_add(added, Ordering::SeqCst);
        assert!(before as usize + count <= CAPACITY, "the pipe is never too small");
        count
    }

    fn take(&self, count: usize) {
        let mut now = self.0.load(Ordering::SeqCst);
        loop {
            let left = now.saturating_sub(u32::try_from(count).unwrap());
            match self.0.compare_exchange(now, left, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => return,
                Err(changed) => now = changed,
            }
        }
    }

    fn count(&self) -> Option<usize> {
        Some(self.0.load(Ordering::SeqCst) as usize)
    }

    fn capacity(&self) -> usize {
        CAPACITY
    }
}

/// A queue that is polled.
struct Polled {
    queue: Arc<Queue>,
    readiness: Readiness,
    pipe: Pipe,
    /// Descriptions that have their lock.
    locks: AtomicU32,
}

impl Polled {
    /// With so many packets, and so many messages from before.
    fn new(capacity: usize, packets: usize, messages: u64) -> Arc<Self> {
        let polled = Self {
            queue: Queue::new(capacity),
            readiness: Readiness::default(),
            pipe: Pipe::default(),
            locks: AtomicU32::new(0),
        };
        polled.readiness.arm(Pollers::MESSAGE.and(Pollers::SPACE));
        polled.pipe.put(packets);
        assert!(polled.readiness.counted(polled.readiness.packets(), packets));
        for body in 0..messages {
            assert!(polled.queue.send(&Participant::new(90), 0, 100 + body));
        }
        Arc::new(polled)
    }

    fn look(&self, wanted: Wanted) -> Look {
        // As `Use::look`.
        fence(Ordering::SeqCst);
        self.queue.slots().look(wanted)
    }

    fn send(&self, who: &Participant, body: u64) {
        self.queue.send_around(who, 0, body, |_, commit| {
            if self.readiness.pollers().any() {
                self.readiness.raise_message(&self.pipe);
            }
            commit();
        });
    }

    fn receive(&self, who: &Participant) -> Option<u64> {
        self.queue.receive_around(who, |_, commit| {
            if self.readiness.pollers().any() {
                self.readiness.raise_space(&self.pipe);
            }
            commit();
        })
    }

    fn find_empty(&self, who: &Participant) {
        self.readiness.lower_message(who, &self.pipe, |wanted| self.look(wanted));
    }

    fn find_full(&self, who: &Participant) {
        self.readiness.lower_space(who, &self.pipe, |wanted| self.look(wanted));
    }

    fn drain(&self, who: &Participant) {
        while self.receive(who).is_some() {}
        self.find_empty(who);
    }

    /// No living thread is in the middle of anything.
    fn assert_no_sleeper_beside(&self, wanted: Wanted) {
        let packets = self.pipe.count().unwrap();
        let is_there = self.look(wanted) == Look::There;
        match wanted {
            Wanted::Message => {
                assert!(!is_there || packets > 0, "a message, and it is not reported")
            }
            Wanted::Free => {
                assert!(!is_there || packets < CAPACITY, "space, and it is not reported")
            }
        }
        let bounds = self.readiness.packets();
        assert!((bounds.least..=bounds.most).contains(&packets), "{packets} packets, {bounds:?}");
    }

    /// What a thread repairs that comes by and finds nothing.
    fn assert_level_at_rest(&self) {
        let who = Participant::new(98);
        while self.queue.receive_surely(&who).is_some() {}
        self.find_empty(&who);
        assert_eq!(self.pipe.count(), Some(0), "readable in vain");
    }
}

fn both(
    polled: &Arc<Polled>,
    other: impl FnOnce(&Polled) + Send + 'static,
    this: impl FnOnce(&Polled),
) {
    let other = {
        let polled = polled.clone();
        thread::spawn(move || other(&polled))
    };
    this(polled);
    other.join().unwrap();
}

#[test]
fn a_message_comes_while_packets_are_taken_back() {
    for packets in [1, 2] {
        check(3, move || {
            let polled = Polled::new(1, packets, 0);
            both(
                &polled,
                |p| p.send(&Participant::new(1), 1),
                |p| p.find_empty(&Participant::new(2)),
            );
            polled.assert_no_sleeper_beside(Wanted::Message);
            polled.assert_level_at_rest();
        });
    }
}

#[test]
fn two_messages_come_while_packets_are_taken_back() {
    check(1, || {
        let polled = Polled::new(2, 1, 0);
        let other = {
            let polled = polled.clone();
            thread::spawn(move || polled.send(&Participant::new(3), 3))
        };
        both(&polled, |p| p.send(&Participant::new(1), 1), |p| p.find_empty(&Participant::new(2)));
        other.join().unwrap();
        polled.assert_no_sleeper_beside(Wanted::Message);
        polled.assert_level_at_rest();
    });
}

#[test]
fn a_receiver_drains_while_a_message_comes() {
    check(2, || {
        let polled = Polled::new(2, 1, 1);
        both(&polled, |p| p.send(&Participant::new(1), 1), |p| p.drain(&Participant::new(2)));
        polled.assert_no_sleeper_beside(Wanted::Message);
        polled.assert_level_at_rest();
    });
}

#[test]
fn the_sender_ends_anywhere() {
    for end in [End::Killed, End::Stopped] {
        check_each_stop(2, move |accesses| {
            let polled = Polled::new(1, 1, 0);
            both(
                &polled,
                move |p| {
                    let who = Participant::new(1);
                    who.until(&p.queue.ends, accesses, end, |who| p.send(who, 1));
                },
                |p| p.find_empty(&Participant::new(2)),
            );
            polled.assert_no_sleeper_beside(Wanted::Message);
            if end == End::Killed {
                polled.assert_level_at_rest();
            }
        });
    }
}

#[test]
fn the_thread_that_takes_packets_back_ends_anywhere() {
    for end in [End::Killed, End::Stopped] {
        check_each_stop(2, move |accesses| {
            let polled = Polled::new(1, 1, 0);
            both(
                &polled,
                move |p| {
                    let who = Participant::new(1);
                    who.until(&p.queue.ends, accesses, end, |who| p.find_empty(who));
                },
                |p| p.send(&Participant::new(2), 2),
            );
            polled.assert_no_sleeper_beside(Wanted::Message);
            if end == End::Killed {
                polled.assert_level_at_rest();
            }
        });
    }
}

#[test]
fn room_comes_while_the_fifo_is_filled_up() {
    for packets in [CAPACITY - 1, CAPACITY] {
        check(3, move || {
            let polled = Polled::new(1, packets, 1);
            let receive = |p: &Polled| {
                p.receive(&Participant::new(1));
            };
            both(&polled, receive, |p| p.find_full(&Participant::new(2)));
            polled.assert_no_sleeper_beside(Wanted::Free);
        });
    }
}

#[test]
fn the_receiver_ends_anywhere() {
    for end in [End::Killed, End::Stopped] {
        check_each_stop(2, move |accesses| {
            let polled = Polled::new(1, CAPACITY - 1, 1);
            both(
                &polled,
                move |p| {
                    let who = Participant::new(1);
                    who.until(&p.queue.ends, accesses, end, |who| p.receive(who));
                },
                |p| p.find_full(&Participant::new(2)),
            );
            polled.assert_no_sleeper_beside(Wanted::Free);
        });
    }
}

#[test]
fn the_thread_that_fills_up_ends_anywhere() {
    for end in [End::Killed, End::Stopped] {
        check_each_stop(2, move |accesses| {
            let polled = Polled::new(1, CAPACITY - 1, 1);
            both(
                &polled,
                move |p| {
                    let who = Participant::new(1);
                    who.until(&p.queue.ends, accesses, end, |who| p.find_full(who));
                },
                |p| {
                    p.receive(&Participant::new(2));
                },
            );
            polled.assert_no_sleeper_beside(Wanted::Free);
        });
    }
}

/// As `Use::be_polled`.
fn begin_to_poll(polled: &Polled) {
    polled.locks.fetch_add(1, Ordering::SeqCst);
    polled.readiness.arm(Pollers::MESSAGE);
    match polled.look(Wanted::Message) {
        Look::Nothing => polled.find_empty(&Participant::new(3)),
        Look::There | Look::UnderWay => _ = polled.readiness.raise_message(&polled.pipe),
    }
}

#[test]
fn one_begins_to_poll_while_a_message_comes() {
    check(3, || {
        let polled = Polled::new(1, 0, 0);
        polled.readiness.disarm(polled.readiness.pollers());
        both(&polled, |p| p.send(&Participant::new(1), 1), begin_to_poll);
        polled.assert_no_sleeper_beside(Wanted::Message);
    });
}

/// As `Use::look_for_pollers`.
fn look_for_pollers(polled: &Polled) {
    let seen = polled.readiness.pollers();
    if polled.locks.load(Ordering::SeqCst) == 0 {
        polled.readiness.disarm(seen);
    }
}

#[test]
fn a_thread_begins_to_poll_while_another_finds_no_poller() {
    check(3, || {
        let polled = Polled::new(1, 0, 0);
        both(&polled, look_for_pollers, begin_to_poll);
        assert!(polled.readiness.pollers().any(), "the poller will not be told");
    });
}
