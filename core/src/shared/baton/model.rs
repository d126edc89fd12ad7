//! Threads that wait for one of two places to be filled, and one that fills them: no wake is left
//! to a thread that does not give it. No sleep here has a time limit.
//!
//! Seen to fail when the holder looks for what is left before it puts the baton down, or keeps it
//! when it sleeps again, and without the fences.

use loom::sync::Arc;
use loom::thread;

use super::Baton;
use crate::atomic::explore::check;
use crate::atomic::modelled::{Futex, On};
use crate::atomic::{AtomicU32, Ordering};
use crate::shared::event::Event;

/// No time passes.
const NOW: u64 = 1;

#[derive(Default)]
struct Fixture {
    event: Event,
    baton: Baton,
    futex: Futex,
    /// 1: filled.
    places: [AtomicU32; 2],
}

impl Fixture {
    fn wake(&self, count: i32) -> usize {
        self.futex.wake(On::Awaited, count.unsigned_abs() as usize)
    }

    fn hand_over(&self) -> bool {
        self.baton.hand_over(&self.event, false, NOW, |_, count| self.wake(count))
    }

    fn fill(&self, place: usize) {
        if self.event.is_awaited() {
            self.event.will_wake();
            self.places[place].store(1, Ordering::Release);
            self.hand_over();
            return;
        }
        self.places[place].store(1, Ordering::SeqCst);
        if self.event.is_awaited() {
            self.event.wake_one(false, |_, count| self.wake(count));
        }
    }

    fn is_filled(&self) -> bool {
        self.places.iter().any(|place| place.load(Ordering::SeqCst) == 1)
    }

    fn take(&self) {
        let mut was_woken = false;
        while !self.try_take() {
            if was_woken {
                self.baton.put_down();
            }
            let (_, seen) = self.event.await_it();
            was_woken = !self.is_filled()
                && self.futex.sleep_on_both(|| self.event.word().load(Ordering::SeqCst) == seen.0);
        }
        if was_woken {
            self.baton.put_down();
        }
        self.event.gone(self.is_filled(), true, || self.hand_over());
    }

    fn try_take(&self) -> bool {
        self.places
            .iter()
            .any(|place| place.compare_exchange(1, 0, Ordering::SeqCst, Ordering::Relaxed).is_ok())
    }
}

#[test]
fn no_wake_is_left_to_a_thread_that_does_not_give_it() {
    check(3, || {
        let fixture = Arc::new(Fixture::default());
        let takers = [(), ()].map(|()| {
            let fixture = fixture.clone();
            thread::spawn(move || fixture.take())
        });
        fixture.fill(0);
        fixture.fill(1);
        takers.into_iter().for_each(|taker| taker.join().unwrap());
        assert!(!fixture.is_filled());
    });
}

/// One takes a place without having slept, so that one that was woken finds nothing.
#[test]
fn a_thread_that_was_woken_in_vain_leaves_the_next_wake_to_others() {
    check(2, || {
        let fixture = Arc::new(Fixture::default());
        let taker = {
            let fixture = fixture.clone();
            thread::spawn(move || fixture.take())
        };
        let newcomer = {
            let fixture = fixture.clone();
            thread::spawn(move || fixture.try_take())
        };
        fixture.fill(0);
        if newcomer.join().unwrap() {
            fixture.fill(1);
        }
        taker.join().unwrap();
    });
}
