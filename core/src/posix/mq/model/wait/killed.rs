//! Wakes that die with the thread that has to give them, or was given them.

use super::{Fixture, spawn, spawn_victim, until_killed};
use crate::atomic::explore::{check, check_each_stop};
use crate::posix::mq::model::Participant;

#[test]
fn a_sender_that_is_killed_anywhere_keeps_no_wake_of_another_one() {
    check_each_stop(1, |accesses| {
        let fixture = Fixture::new(2);
        let victim = spawn_victim(&fixture, accesses, |fixture, who| {
            fixture.send(who, 1);
        });
        let sender = spawn(&fixture, 2, |fixture, who| fixture.send(who, 2));
        fixture.receive(&Participant::new(3));
        victim.join().unwrap();
        sender.join().unwrap();
        fixture.assert_whole();
    });
}

#[test]
fn what_a_killed_sender_has_committed_wakes_a_receiver() {
    check_each_stop(1, |accesses| {
        let fixture = Fixture::new(2);
        let victim = spawn(&fixture, 1, move |fixture, victim| {
            let has_sent =
                until_killed(fixture, victim, accesses, |fixture, who| fixture.send(who, 1));
            // No other participant may run while one has the lock, so it is taken last.
            let is_lost = || {
                fixture.queue.slots().count() == 0
                    && fixture.queue.received.lock().unwrap().is_empty()
            };
            // It died before the commit: another thread sends.
            if !has_sent && is_lost() {
                fixture.send(&Participant::new(3), 2);
            }
        });
        fixture.receive(&Participant::new(2));
        victim.join().unwrap();
        fixture.assert_whole();
    });
}

#[test]
fn a_wake_that_dies_with_its_receiver_goes_to_another_one() {
    check_each_stop(1, |accesses| {
        let fixture = Fixture::new(2);
        let victim = spawn_victim(&fixture, accesses, |fixture, who| {
            fixture.receive(who);
        });
        let sender = spawn(&fixture, 2, |fixture, who| {
            fixture.send(who, 1);
            fixture.send(who, 2);
        });
        fixture.receive(&Participant::new(3));
        sender.join().unwrap();
        victim.join().unwrap();
        fixture.assert_whole();
    });
}

/// It has found nothing, and the sender that it has not seen ends before it sleeps.
#[test]
fn a_receiver_on_its_way_to_sleep_is_not_left_by_a_sender_that_is_killed() {
    check(3, || {
        let fixture = Fixture::new(2);
        let victim = spawn(&fixture, 1, |fixture, who| fixture.die_after_commit(who, 1));
        assert_eq!(fixture.receive(&Participant::new(2)), 1);
        victim.join().unwrap();
        fixture.assert_whole();
    });
}

/// Both wakes may fall on one of them.
#[test]
fn one_is_woken_by_a_sender_and_by_the_death_of_another_one() {
    check(1, || {
        let fixture = Fixture::new(2);
        let receivers = [1, 2].map(|tid| spawn(&fixture, tid, |fixture, who| fixture.receive(who)));
        let victim = spawn(&fixture, 3, |fixture, who| fixture.die_after_commit(who, 1));
        fixture.send(&Participant::new(4), 2);
        victim.join().unwrap();
        let mut received = receivers.map(|receiver| receiver.join().unwrap());
        received.sort_unstable();
        assert_eq!(received, [1, 2]);
        fixture.assert_whole();
    });
}
