//! Locks that a fork cannot leave locked in the child.
//!
//! The child of a fork(2) has one thread, the one that forked. A lock that another thread held at
//! that moment would stay locked for ever. So all locks of the library are taken before the fork,
//! and released on both sides after it (pthread_atfork(3)). They are the standard library's: one
//! futex word each, and no state elsewhere. `parking_lot` keeps its sleepers in a table of the
//! process, and a fork could catch a bucket of that table locked.
//!
//! Fork handlers of the program and of its other libraries run before and after ours, in an order
//! that depends on which library was loaded first, and may call this library. So the thread that
//! forks may take a lock again that it already holds.
//!
//! A signal handler may fork, too, in the middle of any call. It would wait for ever for a lock
//! that its own thread holds. So a thread that holds one holds back its signals; and a thread whose
//! handler forks between the handlers of another fork keeps the locks until that one is over.

use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::errno::preserved;
use super::process::Process;
use super::set_once::SetOnce;
use super::signals::Blocked;
use crate::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The mutexes, in the order in which they are taken before a fork.
const RANKS: usize = 5;

/// A mutex of this process that is free in the child of a fork.
pub struct ForkMutex<T: 'static> {
    /// Its place in the order, which no other lock has.
    rank: usize,
    is_known: AtomicBool,
    lock: Mutex<T>,
    /// The thread that holds it over a fork, by the address of its `errno`, which is the same in
    /// the child; 0 = none. Only that thread stores, and only while it holds `lock`.
    forking: AtomicUsize,
    /// Forks that the same thread has begun since, in signal handlers. Only it accesses this.
    nested: AtomicUsize,
    /// Its guard. Only accessed by the forking thread.
    held: UnsafeCell<Option<MutexGuard<'static, T>>>,
}

// SAFETY: `held` is only accessed by the thread in `forking`, which holds `lock`; that guards `T`.
unsafe impl<T: Send> Sync for ForkMutex<T> {}

/// Access to what a [`ForkMutex`] guards.
pub enum Guard<T: 'static> {
    /// Until the guard is dropped, and the signals after it.
    Locked(MutexGuard<'static, T>, Blocked),
    /// By a handler of the thread that forks: until our own handlers release it.
    Forking(&'static mut T, Blocked),
}

impl<T: Send> ForkMutex<T> {
    /// A free mutex. `rank` < 5 is its own.
    pub const fn new(rank: usize, value: T) -> Self {
        Self {
            rank,
            is_known: AtomicBool::new(false),
            lock: Mutex::new(value),
            forking: AtomicUsize::new(0),
            nested: AtomicUsize::new(0),
            held: UnsafeCell::new(None),
        }
    }

    /// Waits for the mutex. It is never poisoned: a panic ends the process.
    pub fn lock(&'static self) -> Guard<T> {
        // Relaxed: what it says is only whether there is something to be done.
        if !self.is_known.load(Ordering::Relaxed) {
            self.make_known();
        }
        let blocked = Blocked::all();
        // Relaxed: only this thread stores its own address.
        if self.forking.load(Ordering::Relaxed) == this_thread() {
            // SAFETY: this thread accesses `held`. The calls of a handler follow one another, so
            // that there is one reference at a time.
            if let Some(guard) = unsafe { &mut *self.held.get() } {
                return Guard::Forking(&mut *guard, blocked);
            }
        }
        Guard::Locked(self.wait(), blocked)
    }

    fn wait(&'static self) -> MutexGuard<'static, T> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on it is taken before each fork.
    #[cold]
    fn make_known(&'static self) {
        // Without memory: this time it is not taken.
        let Ok(known) = PROTECTED[self.rank].get_or_set(self) else { return };
        debug_assert!(std::ptr::addr_eq(*known, self), "two mutexes of one rank");
        install();
        self.is_known.store(true, Ordering::Relaxed);
    }
}

impl<T> Deref for Guard<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self {
            Self::Locked(guard, _) => guard,
            Self::Forking(value, _) => value,
        }
    }
}

impl<T> DerefMut for Guard<T> {
    fn deref_mut(&mut self) -> &mut T {
        match self {
            Self::Locked(guard, _) => guard,
            Self::Forking(value, _) => value,
        }
    }
}

/// A mutex, without the type of what it guards.
trait Protected: Sync {
    /// Takes the mutex before the fork.
    fn hold(&'static self);
    /// Releases it after the fork, in the parent and in the child.
    fn release(&'static self);
}

impl<T: Send> Protected for ForkMutex<T> {
    fn hold(&'static self) {
        let _blocked = Blocked::all();
        // Relaxed, as below: only this thread stores its own address, and what belongs to it.
        if self.forking.load(Ordering::Relaxed) == this_thread() {
            self.nested.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let guard = self.wait();
        // SAFETY: this thread holds `lock` now, so no other one is `forking`.
        unsafe { *self.held.get() = Some(guard) };
        self.forking.store(this_thread(), Ordering::Relaxed);
    }

    fn release(&'static self) {
        let _blocked = Blocked::all();
        // Not so if it has become known since the fork began.
        if self.forking.load(Ordering::Relaxed) == this_thread() {
            let nested = self.nested.load(Ordering::Relaxed);
            if nested > 0 {
                self.nested.store(nested - 1, Ordering::Relaxed);
                return;
            }
            self.forking.store(0, Ordering::Relaxed);
            // SAFETY: this thread was `forking`; in the child it is the only one.
            drop(unsafe { (*self.held.get()).take() });
        }
    }
}

fn this_thread() -> usize {
    // SAFETY: takes no arguments.
    unsafe { libc::__errno_location() }.addr()
}

static PROTECTED: [SetOnce<&'static dyn Protected>; RANKS] = [const { SetOnce::new() }; RANKS];

extern "C" fn prepare() {
    preserved(|| {
        for mutex in PROTECTED.iter().filter_map(SetOnce::get) {
            mutex.hold();
        }
    });
}

extern "C" fn release() {
    preserved(|| {
        for mutex in PROTECTED.iter().rev().filter_map(SetOnce::get) {
            mutex.release();
        }
        // The child owns its memory from now on, before it has children by vfork.
        let _ = Process::this();
    });
}

/// Lets the C library call us before and after each fork. Done at load, so that handlers of the
/// program, which it installs later, find our locks free; and by the first lock, if that is
/// earlier.
pub fn install() {
    /// Relaxed: nothing is published through it. Threads that come at the same time each install
    /// the handlers, which then run more than once for a fork: locks that are held are counted.
    static IS_INSTALLED: AtomicBool = AtomicBool::new(false);
    // Not a lock: the child of another thread's fork would wait for it for ever.
    if !IS_INSTALLED.load(Ordering::Relaxed) {
        // SAFETY: the functions are never unloaded. It fails only when there is no memory; forks
        // are then as safe as in any other program.
        unsafe { libc::pthread_atfork(Some(prepare), Some(release), Some(release)) };
        IS_INSTALLED.store(true, Ordering::Relaxed);
    }
}

/// What a child has to do first. Called once, at load.
pub fn first_in_child(act: extern "C" fn()) {
    // SAFETY: the function is never unloaded.
    unsafe { libc::pthread_atfork(None, None, Some(act)) };
}
