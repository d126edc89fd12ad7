//! A few entries that are not in use, for threads that open queues.
//!
//! The lock of [`POOL`] takes two system calls, because a thread that holds it holds back its
//! signals. A thread takes a spare by one exchange instead, which a handler can neither divide nor
//! wait for. The thread that finds none left provides new ones, with the lock.

use core::ptr;

use crate::atomic::{AtomicPtr, Ordering};
use crate::posix::mq::descriptor::open::{Open, Opened, POOL};

/// Queues that are opened in a row without the lock.
const COUNT: usize = 8;

/// Null, or an entry that nobody uses. Filled by the holder of [`POOL`] alone; any thread may take
/// what is there, by exchange. A thread that a handler leaves by siglongjmp, or that is not in the
/// child of a fork, takes its entry with it: that one is not used again.
static SPARE: [AtomicPtr<Open>; COUNT] = [const { AtomicPtr::new(ptr::null_mut()) }; COUNT];

/// An entry for this queue, with one descriptor. No other thread has seen it.
pub(super) fn take(opened: Opened) -> *mut Open {
    let open = take_one().unwrap_or_else(provide);
    // SAFETY: the exchange, or the pool, has given it to this thread alone.
    unsafe { open.begin(opened) };
    ptr::from_ref(open).cast_mut()
}

fn take_one() -> Option<&'static Open> {
    let filled = SPARE.iter().filter(|spare| !spare.load(Ordering::Relaxed).is_null());
    // Acquire, with the Release of `provide`: it is found as it was left.
    let mut taken = filled.map(|spare| spare.swap(ptr::null_mut(), Ordering::Acquire));
    // SAFETY: entries are never freed.
    taken.find_map(|open| unsafe { open.as_ref() })
}

#[cold]
fn provide() -> &'static Open {
    let mut pool = POOL.lock();
    for spare in SPARE.iter().filter(|spare| spare.load(Ordering::Relaxed).is_null()) {
        // Only the holder of the pool stores anything but null, so nothing is lost.
        spare.store(ptr::from_ref(pool.free_or_new()).cast_mut(), Ordering::Release);
    }
    pool.free_or_new()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    #[test]
    fn no_two_threads_have_the_same_one() {
        const EACH: usize = 500 * COUNT;
        static BEGIN: Barrier = Barrier::new(4);
        let one = || ptr::from_ref(take_one().unwrap_or_else(provide)).addr();
        let many = move || {
            BEGIN.wait();
            (0..EACH).map(|_| one()).collect::<Vec<_>>()
        };
        let threads = [(); 4].map(|()| thread::spawn(many));
        let taken: BTreeSet<usize> =
            threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect();
        assert_eq!(taken.len(), 4 * EACH);
    }

    #[test]
    fn of_nine_in_a_row_one_takes_the_lock() {
        // In a process of its own: other tests take them, too.
        // SAFETY: the child runs on its copy of this thread alone, and ends.
        let child = unsafe { libc::fork() };
        if child == 0 {
            while take_one().is_some() {}
            provide();
            let ready = (0..=COUNT).take_while(|_| take_one().is_some()).count();
            // SAFETY: ends the process.
            unsafe { libc::_exit(i32::from(ready != COUNT)) };
        }
        assert!(child > 0, "fork failed");
        let mut status = -1;
        // SAFETY: valid for writing.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert_eq!(status, 0);
    }
}
