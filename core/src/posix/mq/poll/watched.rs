//! The queues that this process has put into sets of epoll, so that they are checked before it
//! sleeps.
//!
//! A few words without a lock. A descriptor that is not a queue's any more is dropped by the next
//! thread that comes across it.

use std::os::fd::RawFd;

use crate::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};

/// Queues at most that are looked at. The others are brought up to date by the threads that change
/// them.
const LIMIT: usize = 64;

/// 0 = free; otherwise the descriptor plus one.
static WATCHED: [AtomicI32; LIMIT] = [const { AtomicI32::new(0) }; LIMIT];
/// Words that have ever been in use.
static USED: AtomicUsize = AtomicUsize::new(0);
/// There were too many: it must not be assumed that all are looked at.
static IS_FULL: AtomicBool = AtomicBool::new(false);

/// From now on it is looked at.
pub fn add(fd: RawFd) {
    if all().any(|known| known == fd) {
        return;
    }
    let take = |word: &AtomicI32| {
        word.compare_exchange(0, fd + 1, Ordering::Release, Ordering::Relaxed).is_ok()
    };
    match WATCHED.iter().position(take) {
        Some(index) => {
            USED.fetch_max(index + 1, Ordering::Release);
        }
        None => IS_FULL.store(true, Ordering::Relaxed),
    }
}

/// It is none any more.
pub fn remove(fd: RawFd) {
    for word in &WATCHED {
        let _ = word.compare_exchange(fd + 1, 0, Ordering::Relaxed, Ordering::Relaxed);
    }
}

/// Those that are looked at.
pub fn all() -> impl Iterator<Item = RawFd> {
    let used = USED.load(Ordering::Acquire).min(LIMIT);
    WATCHED[..used].iter().map(|word| word.load(Ordering::Relaxed) - 1).filter(|&fd| fd >= 0)
}

/// Whether all are.
pub fn are_all() -> bool {
    !IS_FULL.load(Ordering::Relaxed)
}
