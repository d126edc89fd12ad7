//! The tables of the run, and their lock.

use std::sync::atomic::{AtomicPtr, Ordering};

use watch_run::tables::{Book, Gap, Tables};

use crate::{memory, system, who};

/// Null: nothing is watched. Stored once, at load.
static TABLES: AtomicPtr<Tables> = AtomicPtr::new(std::ptr::null_mut());

/// A thread that is killed while it has the book is found dead by the next one. One that is stopped
/// is not waited for longer than this, in nanoseconds.
const PATIENCE: u64 = 2_000_000_000;

/// After the first time that this patience ended.
const IMPATIENCE: u64 = 100_000_000;

/// One that may run is waited for, however many others want the processor; this is for what /proc
/// does not tell of, as a frozen cgroup.
const LONG: u64 = 60_000_000_000;

/// A thread with a processor seldom keeps the book as long: from then on the state of the thread
/// that has it is read, so often.
const SHORT: u64 = 1_000_000;

/// The tables, if this process is watched.
pub fn current() -> Option<&'static Tables> {
    let tables = TABLES.load(Ordering::Acquire);
    // SAFETY: the mapping is as large as the tables, and stays until the process ends.
    unsafe { tables.as_ref() }
}

/// # Safety
/// The tables are mapped, and stay so.
pub unsafe fn set(tables: *mut Tables) {
    // Release: what has been written there.
    TABLES.store(tables, Ordering::Release);
}

pub fn has_mode(run: &Tables, bit: u32) -> bool {
    run.head.modes.load(Ordering::Relaxed) & bit != 0
}

/// All signals that can be are blocked while this lives: no handler of this thread finds the book
/// taken.
struct Blocked(libc::sigset_t);

impl Blocked {
    fn new() -> Self {
        // SAFETY: both sets are there to be written; nothing else changes.
        unsafe {
            let (mut all, mut before) = (std::mem::zeroed(), std::mem::zeroed());
            libc::sigfillset(&raw mut all);
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
            Self(before)
        }
    }

    /// Those that were blocked before, the first one in the lowest bit.
    fn signals(&self) -> u64 {
        // SAFETY: the set is larger, and its first word has the signals from 1 to 64.
        unsafe { (&raw const self.0).cast::<u64>().read() }
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        // SAFETY: the set is the one that was there before.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, std::ptr::null_mut());
        }
    }
}

/// Does something with the book, alone. None if it could not be had.
pub fn with_book<R>(run: &Tables, work: impl FnOnce(&mut Book) -> R) -> Option<R> {
    let blocked = Blocked::new();
    let tid = who::tid();
    if !lock(run, tid) {
        note_missed(run, Gap::Kept);
        return None;
    }
    // SAFETY: signals are blocked.
    unsafe { memory::own() }.mask = blocked.signals();
    // SAFETY: the holder of the lock is alone; all that follow its rules see what it wrote (Acquire
    // and Release below).
    let result = work(unsafe { &mut *run.book.get() });
    run.head.lock.store(0, Ordering::Release);
    Some(result)
}

/// The book does not have everything.
pub fn note_missed(run: &Tables, gap: Gap) {
    run.head.missed[gap as usize].fetch_add(1, Ordering::Relaxed);
}

fn lock(run: &Tables, tid: i32) -> bool {
    let word = &run.head.lock;
    let mut start = None;
    loop {
        let taken = word.compare_exchange(0, tid, Ordering::Acquire, Ordering::Relaxed);
        let Err(owner) = taken else { return true };
        let now = system::now();
        let since = *start.get_or_insert(now);
        if now - since < SHORT {
            system::yield_now();
            continue;
        }
        // It has been killed, and perhaps its parent has not waited for it yet. What it left is odd
        // at most in the one entry that it was writing.
        if owner != 0
            && system::has_ended(owner)
            && word.compare_exchange(owner, tid, Ordering::Acquire, Ordering::Relaxed).is_ok()
        {
            return true;
        }
        let patience = if run.head.missed[Gap::Kept as usize].load(Ordering::Relaxed) == 0 {
            PATIENCE
        } else {
            IMPATIENCE
        };
        let waited = now - since;
        if waited > LONG || (waited > patience && system::is_stopped(owner)) {
            return false;
        }
        system::sleep(SHORT / 4);
    }
}
