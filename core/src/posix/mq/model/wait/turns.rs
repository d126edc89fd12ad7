//! Whose turn it is: who has slept for long is served before those who come new, and the dead hold
//! up nobody.

use super::{Room, spawn, until_killed};
use crate::atomic::explore::{check, check_each_stop};
use crate::atomic::{Ordering, fence};
use crate::posix::mq::model::Participant;
use crate::posix::mq::store::slots::Wanted;

#[test]
fn who_comes_new_leaves_the_message_to_one_who_has_slept() {
    check(2, || {
        let room = Room::new(2);
        let receiver = spawn(&room, 1, |room, who| room.receive(who));
        let newcomer = spawn(&room, 2, |room, who| {
            let is_asleep = room.message.futex.has_sleeper();
            let is_there = room.queue.seems_ready(Wanted::Message);
            // Whoever has seen the commit sees whose turn it is.
            fence(Ordering::Acquire);
            if is_asleep && is_there && !room.message.event.is_in_turn() {
                assert_eq!(room.try_receive(who, false), None, "before its turn");
            }
        });
        room.send(&Participant::new(3), 1);
        newcomer.join().unwrap();
        assert_eq!(receiver.join().unwrap(), 1);
        room.assert_whole();
    });
}

/// Whose turn it is may be dead: that holds up nobody for ever.
#[test]
fn who_comes_new_is_served_when_those_before_it_are_dead() {
    check_each_stop(1, |accesses| {
        let room = Room::new(2);
        let victim = spawn(&room, 1, move |room, victim| {
            until_killed(room, victim, accesses, |room, who| {
                room.receive(who);
            });
            // Now somebody needs a message.
            room.send(&Participant::new(4), 2);
        });
        let who = Participant::new(2);
        room.send(&who, 1);
        room.receive(&who);
        // For the victim, if it lives and has found nothing.
        room.send(&who, 3);
        victim.join().unwrap();
        room.assert_whole();
    });
}
