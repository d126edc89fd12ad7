//! No wake is lost between a thread that goes to sleep, threads that send, and threads that find no
//! waiter.
//!
//! Seen to fail when
//! * a sender does not look at the flag, looks before it claims, or does not change it before its
//!   commit; a waiter does not set it before the look, or does not sleep on it;
//! * a waiter does not look at what is under way, or keeps what it knows of that when the flag has
//!   been cleared;
//! * a thread that clears the flag does not look again, or does not call the waiters that it has
//!   found.

use loom::sync::Arc;
use loom::thread;

use super::Queue;
use crate::atomic::explore::{check, check_each_stop};
use crate::atomic::modelled::{Futex, On};
use crate::atomic::{Ordering, fence};
use crate::shared::participant::{End, Participant};
use crate::sysv::msg::flag::{Flag, Seen};
use crate::sysv::msg::record::{Record, call};
use crate::sysv::msg::under_way::UnderWay;

/// A queue for which one waits.
struct Awaited {
    queue: Arc<Queue>,
    flag: Flag,
    record: Record,
    futex: Futex,
}

impl Awaited {
    fn new() -> Arc<Self> {
        let (queue, flag) = (Queue::new(), Flag::default());
        Arc::new(Self { queue, flag, record: Record::default(), futex: Futex::default() })
    }

    /// `wait`, up to a message.
    fn wait(&self) {
        self.record.ticket.store(1, Ordering::SeqCst);
        let (mut seen, mut under_way) = (Seen::default(), None);
        loop {
            // `lie`
            self.record.call.store(call::ASLEEP, Ordering::Release);
            fence(Ordering::SeqCst);
            // `Outlook::announce`
            let before = seen.cleared;
            seen = self.flag.set();
            if seen.cleared != before {
                under_way = None;
            }
            let mut known: UnderWay = under_way.unwrap_or_else(|| self.queue.under_way());
            let is_under_way = known.remains_after_a_moment(|slot| self.queue.claims.get(slot));
            under_way = Some(known);
            if !self.queue.messages().is_empty() {
                break;
            }
            if is_under_way {
                self.free_claims_of_the_dead();
                // The short sleep ends.
                thread::yield_now();
                continue;
            }
            let is_asleep = || self.record.call.load(Ordering::Relaxed) == call::ASLEEP;
            self.futex.sleep_on_both(|| self.flag.is(seen) && is_asleep());
        }
        self.record.ticket.store(0, Ordering::SeqCst);
    }

    fn is_any_there(&self) -> bool {
        self.record.ticket.load(Ordering::SeqCst) != 0
    }

    /// `tell::call_one`
    fn call(&self) {
        let (from, to) = (call::ASLEEP, call::CALLED);
        let order = Ordering::SeqCst;
        if self.record.call.compare_exchange(from, to, order, order).is_ok() {
            self.futex.wake(On::Awaited, 1);
        }
    }

    /// `tell::receivers`
    fn tell(&self, who: &Participant) {
        fence(Ordering::SeqCst);
        if self.is_any_there() {
            self.call();
            return;
        }
        self.forget(who);
    }

    /// `tell::forget`
    fn forget(&self, who: &Participant) {
        let was_due = !who.owed.get().is_null();
        if !was_due {
            who.owe(&self.futex, None);
        }
        if self.flag.forget(|| Ok::<_, ()>(self.is_any_there()), who).unwrap() {
            self.call();
        }
        if !was_due {
            who.owe_nothing();
        }
    }

    /// `wait::look_after_all`
    fn free_claims_of_the_dead(&self) {
        for claim in &self.queue.claims {
            let is_dead = |holder| self.queue.ends.dead.lock().unwrap().contains(&holder);
            crate::shared::claim::free_if(claim, is_dead);
        }
    }

    /// `Transfer::send`
    fn send(&self, who: &Participant, slot: usize) {
        let Some(arrival) = self.queue.reserve(who, slot) else { return };
        if self.flag.is_set() {
            who.owe(&self.futex, Some(&self.queue.claims[slot]));
            self.flag.change();
            self.queue.publish(who, slot, arrival);
            self.tell(who);
            who.owe_nothing();
            return;
        }
        self.queue.publish(who, slot, arrival);
        if self.flag.is_set() {
            self.tell(who);
        }
    }
}

fn waits(awaited: &Arc<Awaited>) -> thread::JoinHandle<()> {
    let awaited = awaited.clone();
    thread::spawn(move || awaited.wait())
}

#[test]
fn a_message_comes_while_one_lies_down() {
    check(4, || {
        let awaited = Awaited::new();
        let waiter = waits(&awaited);
        awaited.send(&Participant::new(2), 0);
        waiter.join().unwrap();
    });
}

/// A thread has looked, and no thread waited; it may die before it has found which thread waits
/// now.
#[test]
fn the_flag_is_cleared_while_one_lies_down() {
    check_each_stop(2, |accesses| {
        let awaited = Awaited::new();
        awaited.flag.set();
        let clearer = {
            let awaited = awaited.clone();
            thread::spawn(move || {
                let who = Participant::new(1);
                let forget = |who: &Participant| awaited.forget(who);
                who.until(&awaited.queue.ends, accesses, End::Killed, forget);
            })
        };
        let sender = {
            let awaited = awaited.clone();
            thread::spawn(move || awaited.send(&Participant::new(2), 0))
        };
        // Here, as it comes to its sleep without a preemption.
        awaited.wait();
        clearer.join().unwrap();
        sender.join().unwrap();
    });
}

/// A thread that dies is followed by one that sends.
#[test]
fn one_is_woken_whichever_thread_dies() {
    for clears in [false, true] {
        check_each_stop(2, move |accesses| {
            let awaited = Awaited::new();
            awaited.flag.set();
            let waiter = waits(&awaited);
            let who = Participant::new(1);
            who.until(&awaited.queue.ends, accesses, End::Killed, |who| {
                if clears { awaited.tell(who) } else { awaited.send(who, 0) }
            });
            awaited.free_claims_of_the_dead();
            if awaited.queue.messages().is_empty() {
                awaited.send(&Participant::new(2), 1);
            }
            waiter.join().unwrap();
        });
    }
}
