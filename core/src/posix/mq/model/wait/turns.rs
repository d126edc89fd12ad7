//! Whose turn it is: a thread that has slept for long is served before newcomers, and a dead one
//! holds up no other.

use super::{Fixture, spawn, until_killed};
use crate::atomic::explore::{check, check_each_stop};
use crate::atomic::{Ordering, fence};
use crate::posix::mq::model::Participant;
use crate::posix::mq::store::slots::Wanted;

#[test]
fn a_newcomer_leaves_the_message_to_a_thread_that_has_slept() {
    check(2, || {
        let fixture = Fixture::new(2);
        let receiver = spawn(&fixture, 1, |fixture, who| fixture.receive(who));
        let newcomer = spawn(&fixture, 2, |fixture, who| {
            let is_asleep = fixture.message.futex.has_sleeper();
            let is_there = fixture.queue.seems_ready(Wanted::Message);
            // A thread that has seen the commit sees whose turn it is.
            fence(Ordering::Acquire);
            if is_asleep && is_there && !fixture.message.event.is_in_turn() {
                assert_eq!(fixture.try_receive(who, false), None, "before its turn");
            }
        });
        fixture.send(&Participant::new(3), 1);
        newcomer.join().unwrap();
        assert_eq!(receiver.join().unwrap(), 1);
        fixture.assert_whole();
    });
}

/// The thread whose turn it is may be dead: that holds up no other for ever.
#[test]
fn a_newcomer_is_served_when_those_before_it_are_dead() {
    check_each_stop(1, |accesses| {
        let fixture = Fixture::new(2);
        let victim = spawn(&fixture, 1, move |fixture, victim| {
            until_killed(fixture, victim, accesses, |fixture, who| {
                fixture.receive(who);
            });
            // Now a thread needs a message.
            fixture.send(&Participant::new(4), 2);
        });
        let who = Participant::new(2);
        fixture.send(&who, 1);
        fixture.receive(&who);
        // For the victim, if it lives and has found nothing.
        fixture.send(&who, 3);
        victim.join().unwrap();
        fixture.assert_whole();
    });
}
