//! Loom checks that a piece is written by one thread while no other thread reads it.
//!
//! Seen to fail when the key is read before the claim; the claim, or the long word, is not looked
//! at; that word is stored after the piece is taken, or by a thread that has not looked at the key;
//! the holder of the slot that had the piece takes it for another one's.

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

use super::Queue;
use crate::atomic::explore::{check, check_each_stop};
use crate::atomic::modelled;
use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::shared::claim::Claimant;
use crate::shared::participant::{End, Participant};
use crate::sysv::msg::owner::{Owner, Slot, is_in_use};

/// A queue with one piece of fixture.
struct Fixture {
    queue: Arc<Queue>,
    longs: [AtomicU32; super::SLOTS],
    owner: AtomicU64,
    body: UnsafeCell<u64>,
}

// SAFETY: the owner of the piece alone writes there; loom looks whether that is so.
unsafe impl Sync for Fixture {}
// SAFETY: any thread may own the piece; loom looks whether one alone does.
unsafe impl Send for Fixture {}

impl Fixture {
    fn new() -> Arc<Self> {
        let (longs, owner) = (Default::default(), AtomicU64::default());
        Arc::new(Self { queue: Queue::new(), longs, owner, body: UnsafeCell::new(0) })
    }

    /// `body::take_piece_of`
    fn take_piece(&self, who: &Participant, owner: Owner) -> bool {
        let queue = &self.queue;
        let find = |slot: usize| {
            let (claim, key, long) = (&queue.claims[slot], &queue.keys[slot], &self.longs[slot]);
            Ok(Some(Slot { claim, key, long }))
        };
        let before = self.owner.load(Ordering::Acquire);
        !is_in_use(before, owner, find).unwrap() && who.exchange(&self.owner, before, owner.word())
    }

    /// `reserve::reserve`, `Claimed::begin_long`
    fn begin(&self, who: &Participant, slot: usize) -> Option<Owner> {
        let owner = Owner { slot, arrival: self.queue.reserve(who, slot)? };
        let nothing = AtomicU64::new(0);
        who.commit((&nothing, 0), (&self.longs[slot], owner.low_half()));
        Some(owner)
    }

    /// True: it was there, and is committed.
    fn send(&self, who: &Participant, slot: usize) -> bool {
        let Some(owner) = self.begin(who, slot) else { return false };
        let arrival = owner.arrival;
        if !self.take_piece(who, owner) {
            crate::shared::claim::release(&self.queue.claims[slot], who);
            return false;
        }
        modelled::step();
        // SAFETY: loom looks.
        self.body.with_mut(|body| unsafe { *body = arrival });
        self.queue.publish(who, slot, arrival);
        true
    }

    fn receive(&self, who: &Participant) -> bool {
        self.queue.messages().into_iter().any(|(slot, arrival)| {
            self.queue.receive_from(who, (slot, arrival), || {
                modelled::step();
                // SAFETY: loom looks.
                assert_eq!(self.body.with(|body| unsafe { *body }), arrival, "another body");
            })
        })
    }
}

#[test]
fn a_piece_is_reused_while_its_slot_is_claimed_anew() {
    check(3, || {
        let fixture = Fixture::new();
        assert!(fixture.send(&Participant::new(3), 0));
        let same_slot = {
            let fixture = fixture.clone();
            thread::spawn(move || {
                let who = Participant::new(1);
                fixture.receive(&who);
                fixture.send(&who, 0);
            })
        };
        fixture.send(&Participant::new(2), 1);
        fixture.receive(&Participant::new(2));
        same_slot.join().unwrap();
        while fixture.receive(&Participant::new(3)) {}
        assert!(fixture.send(&Participant::new(3), 1), "the piece is lost");
    });
}

#[test]
fn a_piece_is_free_whichever_thread_dies() {
    for receives in [false, true] {
        check_each_stop(2, move |accesses| {
            let fixture = Fixture::new();
            if receives {
                assert!(fixture.send(&Participant::new(3), 0));
            }
            let victim = {
                let fixture = fixture.clone();
                thread::spawn(move || {
                    let who = Participant::new(1);
                    who.until(&fixture.queue.ends, accesses, End::Killed, |who| {
                        if receives { fixture.receive(who) } else { fixture.send(who, 0) }
                    });
                })
            };
            fixture.send(&Participant::new(2), 1);
            victim.join().unwrap();
            while fixture.receive(&Participant::new(3)) {}
            assert!(fixture.send(&Participant::new(3), 1), "the piece is lost");
        });
    }
}

/// One holds the slot that had the piece, and has not taken it, for however long.
#[test]
fn a_piece_is_free_while_its_slot_waits_for_another_message() {
    check(3, || {
        let fixture = Fixture::new();
        assert!(fixture.send(&Participant::new(3), 0));
        assert!(fixture.receive(&Participant::new(3)));
        assert!(fixture.begin(&Participant::new(3), 0).is_some());
        let other = {
            let fixture = fixture.clone();
            thread::spawn(move || {
                assert!(fixture.send(&Participant::new(1), 1), "the piece is kept")
            })
        };
        fixture.receive(&Participant::new(2));
        other.join().unwrap();
    });
}
