//! How it came to a deadlock: whether threads wait for each other.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use super::actors::Actors;
use super::blocker::Blocker;
use super::place::{Place, Sleeper};
use crate::objects::Kind;
use crate::processes::Pid;
use crate::survey::Survey;

/// How it came to that, as far as can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// Some sleep on different words, each for what the others could give.
    Cycle,
    /// All sleep on one word, and no other process has it; or they sleep on several, but not each
    /// for what the others could give.
    Abandoned,
}

/// A thread on several words of a System V queue waits for one thing. The word that the queue knows
/// it by stands for them.
pub fn merge(sleepers: Vec<Sleeper>, survey: &Survey) -> Vec<Sleeper> {
    let mut merged: Vec<Sleeper> = Vec::new();
    for sleeper in sleepers {
        let is_same = |other: &&mut Sleeper| {
            other.tid == sleeper.tid && other.place.file == sleeper.place.file
        };
        let found = merged.iter_mut().find(is_same).filter(|_| is_queue(&sleeper.place, survey));
        match found {
            None => merged.push(sleeper),
            Some(other) => {
                let own = sleeper.known(survey).and_then(|waiter| waiter.offset);
                if own.is_some() && own == sleeper.place.spot.byte() {
                    *other = sleeper;
                }
            }
        }
    }
    merged
}

fn is_queue(place: &Place, survey: &Survey) -> bool {
    survey.object(place.file).is_some_and(|object| object.kind() == Kind::Svmsg)
}

/// Of these sleepers, which are threads of the members.
pub fn of(
    sleepers: &[Sleeper],
    members: &BTreeSet<Pid>,
    actors: &Actors,
    survey: &Survey,
) -> Shape {
    let is_elsewhere = |one: &Sleeper, other: &Sleeper| {
        one.place.file != other.place.file
            || (one.place.spot != other.place.spot && !is_queue(&one.place, survey))
    };
    let known: Vec<OnceCell<BTreeSet<Pid>>> = vec![OnceCell::new(); sleepers.len()];
    let waits_for = |one: usize, other: usize| {
        let awaited = known[one].get_or_init(|| awaited(&sleepers[one], members, actors));
        awaited.contains(&sleepers[other].tid)
    };
    let wait_for_each_other = |(one, other): (usize, usize)| {
        is_elsewhere(&sleepers[one], &sleepers[other])
            && waits_for(one, other)
            && waits_for(other, one)
    };
    let count = sleepers.len();
    let mut pairs = (0..count).flat_map(|one| (one + 1..count).map(move |other| (one, other)));
    if pairs.any(wait_for_each_other) { Shape::Cycle } else { Shape::Abandoned }
}

/// The threads that the sleeper waits for, and those that they wait for, and so on.
fn awaited(sleeper: &Sleeper, members: &BTreeSet<Pid>, actors: &Actors) -> BTreeSet<Pid> {
    let mut reached = BTreeSet::new();
    // Those of whom not all threads have been reached.
    let mut rest = members.clone();
    let mut new = vec![(sleeper.pid, sleeper.tid)];
    while let Some((pid, tid)) = new.pop() {
        let blockers = actors.threads(pid).filter(|(thread, _)| *thread == tid);
        for (_, blocker) in blockers {
            let ends = |other: &Pid| {
                actors.could_end(*other, pid, blocker)
                    || (*blocker == Blocker::Own && *other == pid)
            };
            let found: Vec<Pid> = rest.iter().copied().filter(ends).collect();
            for other in found {
                let threads = actors.threads(other).map(|(thread, _)| thread);
                let others = threads.filter(|thread| (other, *thread) != (pid, tid));
                new.extend(others.filter(|thread| reached.insert(*thread)).map(|it| (other, it)));
                // A thread does not wake itself, but another one may.
                if other != pid || reached.contains(&tid) {
                    rest.remove(&other);
                }
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deadlock::actors::Actor;
    use crate::deadlock::place::Spot;
    use crate::objects::file::FileId;

    fn file(inode: u64) -> FileId {
        FileId { device: 9, inode }
    }

    fn place(inode: u64) -> Place {
        Place { file: file(inode), spot: Spot::Byte(0) }
    }

    fn awaited_by(pid: Pid, actors: Vec<Actor>) -> Vec<Pid> {
        let members = actors.iter().map(|actor| actor.pid).collect();
        let sleeper = Sleeper { pid, tid: pid, place: place(0), givers: Vec::new() };
        awaited(&sleeper, &members, &Actors::of(actors)).into_iter().collect()
    }

    fn actor(pid: Pid, has: &[u64], on: u64) -> Actor {
        let threads = vec![(pid, Blocker::Words(vec![place(on)]))];
        Actor { pid, parent: 1, threads, has: has.iter().map(|inode| file(*inode)).collect() }
    }

    #[test]
    fn who_waits_for_whom() {
        let crossed = || vec![actor(10, &[1, 2], 1), actor(20, &[1, 2], 2)];
        assert_eq!(awaited_by(10, crossed()), [10, 20]);
        assert_eq!(awaited_by(20, crossed()), [10, 20]);
        let chain = || vec![actor(10, &[1], 1), actor(20, &[1, 2], 2)];
        assert_eq!(awaited_by(10, chain()), [20]);
        assert_eq!(awaited_by(20, chain()), [] as [Pid; 0]);
    }
}
