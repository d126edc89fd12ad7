//! The largest set of processes that only they themselves could wake.

use std::collections::BTreeSet;

use super::actors::Actors;
use super::blocker::Blocker;
use crate::processes::Pid;

/// All processes that sleep for ever, if those in `awake` do not.
///
/// It begins with all of them and leaves out those that somebody who was left out could wake, until
/// nobody is left out any more. What stays is the largest such set, so no deadlock is missed.
pub fn stuck(actors: &Actors, awake: &BTreeSet<Pid>) -> BTreeSet<Pid> {
    let mut stuck: BTreeSet<Pid> = actors.pids().filter(|pid| !awake.contains(pid)).collect();
    loop {
        let woken: Vec<Pid> =
            stuck.iter().copied().filter(|pid| !stays_asleep(actors, *pid, &stuck)).collect();
        if woken.is_empty() {
            return stuck;
        }
        for pid in woken {
            stuck.remove(&pid);
        }
    }
}

fn stays_asleep(actors: &Actors, pid: Pid, stuck: &BTreeSet<Pid>) -> bool {
    let mut blockers = actors.blockers(pid).peekable();
    blockers.peek().is_some()
        && blockers.all(|blocker| match blocker {
            Blocker::Words(places) => places
                .iter()
                .all(|place| actors.having(place.file).iter().all(|holder| stuck.contains(holder))),
            Blocker::Own => true,
            Blocker::Child(Some(child)) => stuck.contains(child),
            Blocker::Child(None) => {
                let mut children = actors.children(pid).peekable();
                children.peek().is_some() && children.all(|child| stuck.contains(&child))
            }
            Blocker::Nothing => false,
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deadlock::actors::Actor;
    use crate::deadlock::place::Place;
    use crate::objects::file::FileId;

    const A: u64 = 1;
    const B: u64 = 2;

    fn on(inode: u64) -> Blocker {
        Blocker::Words(vec![Place { file: file(inode), offset: 0 }])
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
        stuck(&Actors::of(actors), &BTreeSet::new()).into_iter().collect()
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
    fn who_moves_is_awake() {
        let actors = Actors::of(vec![
            actor(10, 1, &[A, B], vec![on(A)]),
            actor(20, 1, &[A, B], vec![on(B)]),
        ]);
        assert!(stuck(&actors, &BTreeSet::from([20])).is_empty());
    }
}
