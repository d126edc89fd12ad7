//! The largest set of processes that only they themselves could wake.

use std::collections::BTreeSet;

use super::actors::Actors;
use super::blocker::Blocker;
use crate::processes::Pid;

/// Which processes are thought to let the waiters of a semaphore set go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wakers {
    /// All that have the set: none that could is left out.
    AllWhoCould,
    /// Those that have taken from the semaphore what will be undone, where they are known: only
    /// the taker of a lock gives it back.
    Holders,
    /// All but those that sit in poll or in a wait, or are stopped: these are not about to post.
    Active,
}

/// All processes that sleep for ever, if those in `awake` do not.
///
/// It begins with all of them and leaves out those that one already left out could wake, until
/// none is left out any more. What stays is the largest such set, so no deadlock is missed.
pub fn stuck(actors: &Actors, awake: &BTreeSet<Pid>, wakers: Wakers) -> BTreeSet<Pid> {
    let mut stuck: BTreeSet<Pid> = actors.pids().filter(|pid| !awake.contains(pid)).collect();
    loop {
        let wakes = |pid: &Pid| !stays_asleep(actors, *pid, &stuck, wakers);
        let woken: Vec<Pid> = stuck.iter().copied().filter(wakes).collect();
        if woken.is_empty() {
            return stuck;
        }
        for pid in woken {
            stuck.remove(&pid);
        }
    }
}

fn stays_asleep(actors: &Actors, pid: Pid, stuck: &BTreeSet<Pid>, wakers: Wakers) -> bool {
    let are_stuck = |pids: &[Pid]| pids.iter().all(|pid| stuck.contains(pid));
    let mut blockers = actors.blockers(pid).peekable();
    blockers.peek().is_some()
        && blockers.all(|blocker| match blocker {
            Blocker::Words(places) => {
                places.iter().all(|place| are_stuck(actors.having(place.file)))
            }
            Blocker::Semaphore(place, givers) => {
                let others_count = givers.is_empty() || wakers == Wakers::AllWhoCould;
                // Some of the givers may not have the set any more: they run another program.
                are_stuck(givers) && (!others_count || are_stuck(actors.having(place.file)))
            }
            Blocker::Own => true,
            Blocker::Idle(_) | Blocker::Stopped | Blocker::Child(_) if wakers == Wakers::Active => {
                true
            }
            Blocker::Child(Some(child)) => stuck.contains(child),
            Blocker::Child(None) => {
                let mut children = actors.children(pid).peekable();
                children.peek().is_some() && children.all(|child| stuck.contains(&child))
            }
            Blocker::Idle(_) | Blocker::Stopped | Blocker::Nothing => false,
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deadlock::actors::Actor;
    use crate::deadlock::place::{Place, Spot};
    use crate::objects::file::FileId;

    const A: u64 = 1;
    const B: u64 = 2;

    fn on(inode: u64) -> Blocker {
        Blocker::Words(vec![Place { file: file(inode), spot: Spot::Byte(0) }])
    }

    fn file(inode: u64) -> FileId {
        FileId { device: 9, inode }
    }

    fn actor(pid: Pid, parent: Pid, has: &[u64], blockers: Vec<Blocker>) -> Actor {
        let threads =
            blockers.into_iter().zip(pid..).map(|(blocker, tid)| (tid, blocker)).collect();
        Actor { pid, parent, threads, has: has.iter().map(|&inode| file(inode)).collect() }
    }

    fn stuck_of(actors: Vec<Actor>) -> Vec<Pid> {
        stuck(&Actors::of(actors), &BTreeSet::new(), Wakers::AllWhoCould).into_iter().collect()
    }

    #[test]
    fn two_that_wait_for_each_other() {
        let crossed = vec![actor(10, 1, &[A, B], vec![on(A)]), actor(20, 1, &[A, B], vec![on(B)])];
        assert_eq!(stuck_of(crossed), [10, 20]);
    }

    #[test]
    fn one_who_is_awake_saves_them() {
        let saved = vec![
            actor(10, 1, &[A, B], vec![on(A)]),
            actor(20, 1, &[A, B], vec![on(B)]),
            actor(30, 1, &[B], vec![Blocker::Nothing]),
        ];
        assert_eq!(stuck_of(saved), [] as [Pid; 0], "30 may wake 20, and then 20 may wake 10");
    }

    #[test]
    fn a_second_thread_that_is_awake_saves_them_too() {
        let saved = vec![actor(10, 1, &[A], vec![on(A), Blocker::Nothing])];
        assert_eq!(stuck_of(saved), [] as [Pid; 0]);
    }

    #[test]
    fn the_last_receiver() {
        assert_eq!(stuck_of(vec![actor(10, 1, &[A], vec![on(A)])]), [10]);
    }

    #[test]
    fn a_parent_that_waits_for_its_children_is_stuck_with_them() {
        let family = |other: Blocker| {
            vec![
                actor(5, 1, &[A, B], vec![Blocker::Child(None)]),
                actor(10, 5, &[A, B], vec![on(A)]),
                actor(20, 5, &[A, B], vec![other]),
            ]
        };
        assert_eq!(stuck_of(family(on(B))), [5, 10, 20]);
        assert_eq!(stuck_of(family(Blocker::Nothing)), [] as [Pid; 0]);
    }

    #[test]
    fn a_parent_without_children_is_woken_at_once() {
        assert_eq!(stuck_of(vec![actor(5, 1, &[A], vec![Blocker::Child(None)])]), [] as [Pid; 0]);
    }

    #[test]
    fn threads_that_are_joined() {
        assert_eq!(stuck_of(vec![actor(10, 1, &[A], vec![Blocker::Own, on(A)])]), [10]);
    }

    #[test]
    fn one_whose_threads_are_hidden_is_not_stuck() {
        assert_eq!(stuck_of(vec![actor(10, 1, &[A], vec![])]), [] as [Pid; 0]);
    }

    #[test]
    fn holders_by_undo_are_stuck_although_another_one_has_the_set() {
        let of_set = |number, giver| {
            let place = Place { file: file(A), spot: Spot::Semaphore(number) };
            Blocker::Semaphore(place, vec![giver])
        };
        let actors = |third| {
            Actors::of(vec![
                actor(10, 1, &[A], vec![of_set(1, 20)]),
                actor(20, 1, &[], vec![of_set(0, 10)]),
                actor(30, 1, &[A], vec![third]),
            ])
        };
        let found =
            |third: &Blocker, wakers| stuck(&actors(third.clone()), &BTreeSet::new(), wakers);
        assert_eq!(found(&Blocker::Nothing, Wakers::Holders), BTreeSet::from([10, 20]));
        assert!(found(&Blocker::Nothing, Wakers::AllWhoCould).is_empty());
        assert_eq!(found(&of_set(0, 10), Wakers::AllWhoCould), BTreeSet::from([10, 20, 30]));
        assert!(found(&of_set(0, 40), Wakers::AllWhoCould).is_empty(), "40 is none of them");
    }

    #[test]
    fn who_sits_in_poll_or_is_stopped_saves_them_only_perhaps() {
        for idle in [Blocker::Idle("in poll"), Blocker::Stopped, Blocker::Child(None)] {
            let actors = Actors::of(vec![
                actor(10, 5, &[A, B], vec![on(A)]),
                actor(20, 5, &[A, B], vec![on(B)]),
                actor(5, 1, &[A, B], vec![idle]),
                actor(7, 5, &[], vec![Blocker::Nothing]),
            ]);
            let found = |wakers| stuck(&actors, &BTreeSet::new(), wakers);
            assert!(found(Wakers::AllWhoCould).is_empty());
            assert_eq!(found(Wakers::Active), BTreeSet::from([5, 10, 20]));
        }
    }

    #[test]
    fn who_moves_is_awake() {
        let actors = Actors::of(vec![
            actor(10, 1, &[A, B], vec![on(A)]),
            actor(20, 1, &[A, B], vec![on(B)]),
        ]);
        let awake = BTreeSet::from([20]);
        assert!(stuck(&actors, &awake, Wakers::AllWhoCould).is_empty());
    }
}
