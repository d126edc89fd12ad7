//! What must hold, whatever happens when.

use std::cell::Cell;

use loom::thread;

use super::{GIVE, HINT, Set, TAKE, Then, Thread, actor};
use crate::atomic::explore::{check, check_each_stop};
use crate::sysv::sem::at_once::perform_at_once;
use crate::sysv::sem::cells::Status;
use crate::sysv::sem::operate::{Array, perform};
use crate::sysv::sem::state::{self, Fact, ROOTS};
use crate::sysv::sem::straight::{Attempt, Permits};

/// The time and the value are the same after it.
fn add(set: &Set, who: &Thread) {
    set.change(who, |draft| {
        perform(draft, &[GIVE], actor(who.tid))?;
        draft.set_fact(Fact::Ctime, draft.member(0)?.value.into());
        Ok(Then::Publish)
    });
}

/// The second change is made in the root that was current before the first one.
fn add_twice(set: &Set) {
    let who = Thread::new(ROOTS as u32);
    add(set, &who);
    add(set, &who);
}

#[test]
fn a_reader_of_a_root_that_is_written_anew_reads_again() {
    check(2, || {
        let set = Set::new(0);
        let adder = {
            let set = set.clone();
            thread::spawn(move || add_twice(&set))
        };
        let seen = state::read(&*set, |view| Ok((view.fact(Fact::Ctime), view.member(0)?.value)));
        let (time, value) = seen.unwrap();
        assert_eq!(time, u64::from(value));
        adder.join().unwrap();
    });
}

#[test]
fn what_a_draft_says_of_a_root_that_is_written_anew_is_not_used() {
    check(2, || {
        let set = Set::new(0);
        let adder = {
            let set = set.clone();
            thread::spawn(move || add_twice(&set))
        };
        let seen = Cell::new((0, 0));
        set.change(&Thread::new(2), |draft| {
            seen.set((draft.fact(Fact::Ctime), draft.member(0)?.value));
            Ok(Then::Leave)
        });
        let (time, value) = seen.get();
        assert_eq!(time, u64::from(value));
        adder.join().unwrap();
    });
}

#[test]
fn no_change_is_lost_and_no_reader_sees_a_part() {
    check(2, || {
        let set = Set::new(0);
        let adders = [1, 2].map(|tid| {
            let set = set.clone();
            thread::spawn(move || add(&set, &Thread::new(tid)))
        });
        let seen = state::read(&*set, |view| Ok((view.fact(Fact::Ctime), view.member(0)?.value)));
        let (time, value) = seen.unwrap();
        assert_eq!(time, u64::from(value));
        adders.into_iter().for_each(|adder| adder.join().unwrap());
        assert_eq!(set.value(), 2);
    });
}

#[test]
fn a_waiter_is_woken() {
    check(3, || {
        let set = Set::new(0);
        let waiter = {
            let set = set.clone();
            thread::spawn(move || set.take(&Thread::new(1)))
        };
        set.give(&Thread::new(2));
        waiter.join().unwrap();
        assert_eq!(set.value(), 0);
    });
}

/// A thread that increments a value, and then dies, is followed by one that does not die.
#[test]
fn a_waiter_is_woken_though_its_waker_dies() {
    check_each_stop(1, |accesses| {
        let set = Set::new(0);
        let waiter = {
            let set = set.clone();
            thread::spawn(move || set.take(&Thread::new(1)))
        };
        Thread::new(2).give_and_die(&set, accesses);
        if set.value() == 0 && set.status() != Status::Granted {
            set.give(&Thread::new(3));
        }
        waiter.join().unwrap();
    });
}

/// In a straight line, beside a thread whose change is larger.
#[test]
fn no_operation_at_once_is_lost() {
    check(2, || {
        let set = Set::new(0);
        let givers = [1, 2].map(|tid| {
            let set = set.clone();
            thread::spawn(move || set.give(&Thread::new(tid)))
        });
        set.change(&Thread::new(3), |draft| {
            perform(draft, &[GIVE], actor(3))?;
            Ok(Then::Publish)
        });
        givers.into_iter().for_each(|giver| giver.join().unwrap());
        assert_eq!(set.value(), 3);
    });
}

#[test]
fn to_give_up_or_to_be_granted() {
    check(3, || {
        let set = Set::new(0);
        let waiter = {
            let set = set.clone();
            thread::spawn(move || set.take_briefly(&Thread::new(1)))
        };
        set.give(&Thread::new(2));
        let granted = waiter.join().unwrap();
        assert_eq!(set.value(), u16::from(!granted));
    });
}

/// A change of nothing.
fn publish(set: &Set, who: &Thread) {
    set.change(who, |_| Ok(Then::Publish));
}

/// As [`add`], but the draft is given up.
fn add_in_vain(set: &Set, who: &Thread) {
    set.change(who, |draft| {
        perform(draft, &[GIVE], actor(who.tid))?;
        Ok(Then::Leave)
    });
}

/// What is current refers to a buffer of the first root that `act` tries. The root that it copies
/// is written anew meanwhile, and refers to another one, but does not become current.
fn spares_what_is_current(act: impl Fn(&Set) + Sync + Send + Copy + 'static) {
    check(1, move || {
        let set = Set::new(0);
        let (other, last) = (Thread::new(2), Thread::new(ROOTS as u32));
        add(&set, &Thread::new(HINT as u32));
        publish(&set, &other);
        let others = {
            let set = set.clone();
            thread::spawn(move || {
                publish(&set, &last);
                add_in_vain(&set, &other);
            })
        };
        act(&set);
        others.join().unwrap();
        assert_eq!(set.value(), 3);
    });
}

#[test]
fn a_draft_of_a_root_that_is_written_anew_spares_what_is_current() {
    spares_what_is_current(|set| {
        set.change(&Thread::new((HINT + ROOTS) as u32), |draft| {
            perform(draft, &[GIVE, GIVE], actor(1))?;
            Ok(Then::Publish)
        });
    });
}

#[test]
fn an_operation_at_once_on_a_root_that_is_written_anew_spares_what_is_current() {
    let at_once = |set: &Set| assert!(set.attempt_at_once(&Thread::new(7), &[GIVE, GIVE]));
    spares_what_is_current(at_once);
}

/// Another thread takes something in vain, in the buffer from which the value is read: it is less
/// there, and there alone.
struct Meanwhile<'s>(&'s Set);

impl Permits for Meanwhile<'_> {
    /// Asked once the operation has read which buffer is current.
    fn permits(&self, _: u64, _: u64) -> bool {
        let Self(set) = self;
        add(set, &Thread::new(2));
        set.change(&Thread::new(ROOTS as u32), |draft| {
            perform(draft, &[TAKE, TAKE], actor(ROOTS as u32))?;
            Ok(Then::Leave)
        });
        true
    }
}

#[test]
fn a_value_that_is_never_current_blocks_no_operation_at_once() {
    check(1, || {
        let set = Set::new(1);
        let array = Array::new(&[TAKE]);
        let take = (&array, actor(1));
        let attempt = perform_at_once(&*set, &Thread::new(7), HINT, take, &Meanwhile(&set));
        assert_eq!(attempt, Attempt::Beaten);
        assert_eq!(set.value(), 2);
    });
}

#[test]
fn a_draft_is_not_made_in_a_root_that_has_become_current() {
    check(2, || {
        let set = Set::new(0);
        let adders = [1, 1 + ROOTS as u32].map(|tid| {
            let set = set.clone();
            thread::spawn(move || add(&set, &Thread::new(tid)))
        });
        let seen = state::read(&*set, |view| Ok((view.fact(Fact::Ctime), view.member(0)?.value)));
        let (time, value) = seen.unwrap();
        assert_eq!(time, u64::from(value));
        adders.into_iter().for_each(|adder| adder.join().unwrap());
        assert_eq!(set.value(), 2);
    });
}
