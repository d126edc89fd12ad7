//! The queues that this process has put into sets of epoll, so that they are checked before it
//! sleeps.
//!
//! A few words without a lock. A descriptor that is not a queue's any more is dropped by the next
//! thread that comes across it.

use std::os::fd::RawFd;

use crate::atomic::{AtomicBool, AtomicI32, AtomicU64, AtomicUsize, Ordering};

/// Queues at most that are looked at. The others are brought up to date by the threads that change
/// them.
const LIMIT: usize = 64;

/// 0 = free; otherwise the descriptor plus one.
static INTEREST: [AtomicI32; LIMIT] = [const { AtomicI32::new(0) }; LIMIT];
/// Of each of them, what the last epoll_ctl(2) with it said. Relaxed: the words may be out of date,
/// or not belong together. They only spare a look at what is certain (`answer`).
static SETS: [Set; LIMIT] = [const { Set::none() }; LIMIT];
/// Words that have ever been in use.
static USED: AtomicUsize = AtomicUsize::new(0);
/// There were too many: it must not be assumed that all are looked at.
static IS_FULL: AtomicBool = AtomicBool::new(false);

/// An epoll that has a queue in its set.
struct Set {
    /// Its descriptor plus one; 0 = none, or it is not known.
    epoll: AtomicI32,
    /// What it reports the queue with.
    data: AtomicU64,
}

impl Set {
    const fn none() -> Self {
        Self { epoll: AtomicI32::new(0), data: AtomicU64::new(0) }
    }
}

/// From now on it is looked at.
pub fn add(fd: RawFd) {
    if all().any(|known| known == fd) {
        return;
    }
    let take = |word: &AtomicI32| {
        word.compare_exchange(0, fd + 1, Ordering::Release, Ordering::Relaxed).is_ok()
    };
    match INTEREST.iter().position(take) {
        Some(index) => {
            SETS[index].epoll.store(0, Ordering::Relaxed);
            USED.fetch_max(index + 1, Ordering::Release);
        }
        None => IS_FULL.store(true, Ordering::Relaxed),
    }
}

/// It is none any more.
pub fn remove(fd: RawFd) {
    for word in &INTEREST {
        let _ = word.compare_exchange(fd + 1, 0, Ordering::Relaxed, Ordering::Relaxed);
    }
}

/// It is in the set of this epoll, which reports it with this data. `None`: it is not, or not each
/// time.
pub fn note(fd: RawFd, epoll: RawFd, data: Option<u64>) {
    for (word, set) in INTEREST.iter().zip(&SETS) {
        if word.load(Ordering::Relaxed) == fd + 1 {
            set.data.store(data.unwrap_or(0), Ordering::Relaxed);
            set.epoll.store(data.map_or(0, |_| epoll + 1), Ordering::Relaxed);
        }
    }
}

/// Whether this epoll seems to report several queues with this data.
pub fn seem_shared(epoll: RawFd, data: u64) -> bool {
    let used = USED.load(Ordering::Acquire).min(LIMIT);
    let sharing = INTEREST[..used].iter().zip(&SETS).filter(|(word, set)| {
        word.load(Ordering::Relaxed) != 0
            && set.epoll.load(Ordering::Relaxed) == epoll + 1
            && set.data.load(Ordering::Relaxed) == data
    });
    sharing.take(2).count() == 2
}

/// Those that are looked at.
pub fn all() -> impl Iterator<Item = RawFd> {
    let used = USED.load(Ordering::Acquire).min(LIMIT);
    INTEREST[..used].iter().map(|word| word.load(Ordering::Relaxed) - 1).filter(|&fd| fd >= 0)
}

/// Whether all are.
pub fn are_all() -> bool {
    !IS_FULL.load(Ordering::Relaxed)
}
