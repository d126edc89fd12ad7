//! All processes with what their threads sleep in, at one moment.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;

use super::blocker::Blocker;
use super::doubt::Doubt;
use super::place::{Place, Sleeper, Spot};
use super::sets;
use crate::failure::Result;
use crate::objects::file::FileId;
use crate::objects::{Object, memory};
use crate::processes::sleep::{Sleep, Until, Word};
use crate::processes::{Condition, Pid, Process, describe_call};
use crate::survey::{Depth, Entry, Survey, Waiter};
use rsipc_core::posix::sem::ledger::file as ledger;

/// A process.
pub struct Actor {
    pub pid: Pid,
    pub parent: Pid,
    /// None of them, when they may not be seen.
    pub threads: Vec<(Pid, Blocker)>,
    /// What it has open or mapped, and could wake others in.
    pub has: BTreeSet<FileId>,
}

/// How often each thread has begun to run, by process.
type Runs = BTreeMap<Pid, BTreeMap<Pid, u64>>;

/// Processes by their numbers.
pub struct Actors {
    by_pid: BTreeMap<Pid, Actor>,
    having: HashMap<FileId, Vec<Pid>>,
    /// What threads sleep in.
    slept_in: BTreeSet<FileId>,
    runs_before: Runs,
}

impl Actors {
    /// Looks at everything. How often each thread has run is asked first, so that [`Self::moved`]
    /// covers it all.
    pub fn look(depth: Depth) -> Result<(Survey, Self)> {
        let runs_before = count_runs();
        let survey = Survey::take(depth)?;
        let others = survey.processes.values().map(|process| Actor::of(process, &survey));
        let actors = others.chain([Actor::own()]).collect();
        Ok((survey, Self { runs_before, ..Self::of(actors) }))
    }

    pub fn of(actors: Vec<Actor>) -> Self {
        let mut having: HashMap<FileId, Vec<Pid>> = HashMap::new();
        for actor in &actors {
            for file in &actor.has {
                having.entry(*file).or_default().push(actor.pid);
            }
        }
        let blockers = actors.iter().flat_map(|actor| actor.threads.iter());
        let slept_in = blockers.flat_map(|(_, blocker)| blocker.places());
        let slept_in = slept_in.map(|place| place.file).collect();
        let by_pid = actors.into_iter().map(|actor| (actor.pid, actor)).collect();
        Self { by_pid, having, slept_in, runs_before: Runs::new() }
    }

    pub fn pids(&self) -> impl Iterator<Item = Pid> {
        self.by_pid.keys().copied()
    }

    /// Of those processes, the ones of which a thread has run since the look began.
    pub fn moved(&self, pids: &BTreeSet<Pid>) -> BTreeSet<Pid> {
        pids.iter()
            .copied()
            .filter(|pid| self.runs_before.get(pid) != runs_of(*pid).as_ref())
            .collect()
    }

    pub fn blockers(&self, pid: Pid) -> impl Iterator<Item = &Blocker> {
        self.by_pid
            .get(&pid)
            .into_iter()
            .flat_map(|actor| actor.threads.iter().map(|(_, blocker)| blocker))
    }

    /// The processes that have this file.
    pub fn having(&self, file: FileId) -> &[Pid] {
        self.having.get(&file).map_or(&[], Vec::as_slice)
    }

    pub fn has(&self, pid: Pid, file: FileId) -> bool {
        self.by_pid.get(&pid).is_some_and(|actor| actor.has.contains(&file))
    }

    /// All threads of a process, with what each of them sleeps in.
    pub fn threads(&self, pid: Pid) -> impl Iterator<Item = (Pid, &Blocker)> {
        let threads = self.by_pid.get(&pid).into_iter().flat_map(|actor| &actor.threads);
        threads.map(|(tid, blocker)| (*tid, blocker))
    }

    pub fn children(&self, pid: Pid) -> impl Iterator<Item = Pid> {
        self.by_pid.values().filter(move |actor| actor.parent == pid).map(|actor| actor.pid)
    }

    /// The threads of a process that sleep on something shared.
    pub fn sleepers(&self, pid: Pid) -> Vec<Sleeper> {
        let threads = self.by_pid.get(&pid).map_or(&[][..], |actor| &actor.threads);
        let sleepers = threads.iter().flat_map(|(tid, blocker)| {
            let sleeper = |place: &Place, givers: &[Pid]| Sleeper {
                pid,
                tid: *tid,
                place: *place,
                givers: givers.to_vec(),
            };
            match blocker {
                Blocker::Words(places) => places.iter().map(|place| sleeper(place, &[])).collect(),
                Blocker::Semaphore(place, givers) => vec![sleeper(place, givers)],
                _ => Vec::new(),
            }
        });
        sleepers.collect()
    }

    /// Whether one could wake the other.
    pub fn are_linked(&self, one: Pid, other: Pid) -> bool {
        self.could_wake(one, other) || self.could_wake(other, one)
    }

    fn could_wake(&self, one: Pid, other: Pid) -> bool {
        self.blockers(other).any(|blocker| self.could_end(one, other, blocker))
    }

    /// Whether the process `one` could end this sleep of a thread of `other`. A parent that waits
    /// counts only where it has something itself that a thread sleeps in: the children of a shell
    /// have nothing to do with each other.
    pub fn could_end(&self, one: Pid, other: Pid, blocker: &Blocker) -> bool {
        match blocker {
            Blocker::Words(places) => places.iter().any(|place| self.has(one, place.file)),
            Blocker::Semaphore(place, givers) if givers.is_empty() => self.has(one, place.file),
            Blocker::Semaphore(_, givers) => givers.contains(&one),
            Blocker::Child(child) => {
                let is_child = match child {
                    Some(child) => *child == one,
                    None => self.by_pid.get(&one).is_some_and(|actor| actor.parent == other),
                };
                let has_part = self.by_pid.get(&other);
                is_child && has_part.is_some_and(|actor| !actor.has.is_disjoint(&self.slept_in))
            }
            Blocker::Own | Blocker::Idle(_) | Blocker::Stopped | Blocker::Nothing => false,
        }
    }

    /// Why a process might be woken, or wake another one, after all: its threads that sit in a
    /// call, and whether it is stopped.
    pub fn doubts(&self, pid: Pid) -> Vec<Doubt> {
        let threads = self.by_pid.get(&pid).map_or(&[][..], |actor| &actor.threads);
        let is_alone = threads.len() == 1;
        let doubts = threads.iter().filter_map(|(tid, blocker)| match blocker {
            Blocker::Idle(call) => {
                Some(Doubt::Idle { pid, tid: (!is_alone).then_some(*tid), call })
            }
            Blocker::Child(_) if is_alone => {
                Some(Doubt::Idle { pid, tid: None, call: "waiting for a child" })
            }
            Blocker::Stopped => Some(Doubt::Stopped { pid }),
            _ => None,
        });
        let mut doubts: Vec<Doubt> = doubts.collect();
        doubts.dedup();
        doubts
    }
}

impl Actor {
    /// This process, which is awake: a process that waits for it to end will be woken.
    fn own() -> Self {
        let pid = std::process::id().cast_signed();
        // SAFETY: takes no arguments, and only asks.
        let parent = unsafe { libc::getppid() };
        Self { pid, parent, threads: vec![(pid, Blocker::Nothing)], has: BTreeSet::new() }
    }

    fn of(process: &Process, survey: &Survey) -> Self {
        let memory = File::open(format!("/proc/{}/mem", process.witness));
        let is_stopped = matches!(process.condition, Condition::Stopped | Condition::Traced);
        let of_sleep = |sleep: Option<Sleep>| match sleep {
            Some(Sleep::Futex { words, until }) => match in_sysv(process, &words, survey) {
                Some((entry, waiter)) if entry.object.set().is_some() => {
                    waiter.map_or(Blocker::Nothing, |waiter| in_set(entry, waiter, &words, &memory))
                }
                Some((_, Some(waiter))) => {
                    let until = waiter.ends.then_some(Until::Timed);
                    // The other words change also by messages that it does not want.
                    let is_own = |word: &&Word| {
                        let mapping = process.mapping_at(word.address);
                        mapping.map(|mapping| mapping.file_offset(word.address)) == waiter.offset
                    };
                    let words = words.iter().filter(is_own).copied().collect();
                    blocker(process, Sleep::Futex { words, until }, survey, &memory)
                }
                _ => blocker(process, Sleep::Futex { words, until }, survey, &memory),
            },
            Some(sleep) => blocker(process, sleep, survey, &memory),
            None => Blocker::Nothing,
        };
        let blocker = |sleep| match of_sleep(sleep) {
            Blocker::Idle(_) | Blocker::Nothing if is_stopped => Blocker::Stopped,
            other => other,
        };
        let threads = process.threads().unwrap_or_default().into_iter();
        Self {
            pid: process.pid,
            parent: process.parent,
            threads: threads.map(|thread| (thread.tid, blocker(thread.sleep))).collect(),
            has: process.files().chain(in_memory(process.pid, survey)).collect(),
        }
    }
}

/// Semaphores without a name that only this process has.
fn in_memory(pid: Pid, survey: &Survey) -> impl Iterator<Item = FileId> {
    let is_its = move |object: &&Object| object.memory.as_ref().is_some_and(|it| it.pid == pid);
    survey.entries.iter().map(|entry| &entry.object).filter(is_its).map(|object| object.id)
}

/// The thread of a process that uses a semaphore robustly: `rsipc_core::posix::sem::ledger`.
fn is_in_ledger(process: &Process, word: &Word, survey: &Survey) -> bool {
    let Some(mapping) = process.mapping_at(word.address) else { return false };
    let has_its_name = |name: &OsStr| ledger::number_of(name.as_encoded_bytes()).is_some();
    survey.ledgers.contains(&mapping.id) || mapping.path.file_name().is_some_and(has_its_name)
}

fn blocker(process: &Process, sleep: Sleep, survey: &Survey, memory: &io::Result<File>) -> Blocker {
    match sleep {
        Sleep::Child(child) => Blocker::Child(child),
        Sleep::Poll(_) => Blocker::Idle("in poll"),
        Sleep::Signal => Blocker::Idle("waiting for a signal"),
        Sleep::Sit(call) => Blocker::Idle(describe_call(Some(call))),
        Sleep::Futex { until: Some(Until::Timed), .. } => Blocker::Nothing,
        Sleep::Futex { words, .. } => {
            // A word that has changed means that a wake is under way.
            if !words.iter().all(|word| holds_expected(word, memory)) {
                return Blocker::Nothing;
            }
            // A keeper watches for deaths, and wakes no living process.
            if words.iter().any(|word| is_in_ledger(process, word, survey)) {
                return Blocker::Own;
            }
            let place = |word: &Word| {
                if let Some(mapping) = process.mapping_at(word.address) {
                    let spot = Spot::Byte(mapping.file_offset(word.address));
                    return Some(Place { file: mapping.id, spot });
                }
                let file = memory::id(process.pid, word.address);
                survey.object(file).map(|_| Place { file, spot: Spot::Byte(0) })
            };
            // With a word of its own among several, the others still need another process.
            let shared: Vec<Place> = words.iter().filter_map(place).collect();
            if shared.is_empty() { Blocker::Own } else { Blocker::Words(shared) }
        }
    }
}

/// The set, or the System V queue, that the thread sleeps in, and what stands there of its wait.
/// That knows whether the thread sleeps for ever, whatever the time is at which it looks again.
fn in_sysv<'s>(
    process: &Process,
    words: &[Word],
    survey: &'s Survey,
) -> Option<(&'s Entry, Option<&'s Waiter>)> {
    let place = |word: &Word| {
        let mapping = process.mapping_at(word.address)?;
        let entry = survey.entries.iter().find(|entry| entry.object.id == mapping.id)?;
        if entry.object.set().is_none() && entry.object.messages().is_none() {
            return None;
        }
        let offset = Some(mapping.file_offset(word.address));
        Some((entry, entry.waiters.iter().find(|waiter| waiter.offset == offset)))
    };
    // A waiter sleeps on a word of its own there, beside others.
    let places = || words.iter().filter_map(place);
    places().find(|(_, waiter)| waiter.is_some()).or_else(|| places().next())
}

fn in_set(entry: &Entry, waiter: &Waiter, words: &[Word], memory: &io::Result<File>) -> Blocker {
    let (Some(wish), Some(set)) = (&waiter.wish, entry.object.set()) else {
        return Blocker::Nothing;
    };
    if waiter.ends || !words.iter().all(|word| holds_expected(word, memory)) {
        return Blocker::Nothing;
    }
    let place = Place { file: entry.object.id, spot: Spot::Semaphore(wish.member) };
    Blocker::Semaphore(place, sets::givers(set, waiter))
}

fn holds_expected(word: &Word, memory: &io::Result<File>) -> bool {
    let mut value = [0; 4];
    memory.as_ref().is_ok_and(|memory| memory.read_exact_at(&mut value, word.address).is_ok())
        && u32::from_ne_bytes(value) == word.expected
}

fn count_runs() -> Runs {
    let Ok(entries) = fs::read_dir("/proc") else { return Runs::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| Some((pid, runs_of(pid)?))).collect()
}

/// None when the process is gone.
fn runs_of(pid: Pid) -> Option<BTreeMap<Pid, u64>> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let threads = threads.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    threads.map(|tid| Some((tid, runs_of_thread(pid, tid)?))).collect()
}

/// A thread that has slept and ran again was switched to in between, which the kernel counts as a
/// switch away.
fn runs_of_thread(pid: Pid, tid: Pid) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/task/{tid}/status")).ok()?;
    let counts = status.lines().filter_map(|line| line.split_once("ctxt_switches:"));
    Some(counts.filter_map(|(_, count)| count.trim().parse::<u64>().ok()).sum())
}
