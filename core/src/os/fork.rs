//! Locks that a fork cannot leave locked in the child.
//!
//! A child of fork(2) has one thread, the one that forked. A lock that another thread held at that moment would
//! stay locked for ever, so all of ours are taken before the fork and released on both sides of it
//! (pthread_atfork(3)). The lock is the standard library's: one futex word, no state elsewhere. One that keeps its
//! sleepers in a table of the process (`parking_lot`) could be caught with a bucket of that table locked.

use std::cell::UnsafeCell;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// A mutex of this process that is free in the child of a fork. Must be named in the call of [`protect`].
pub struct ForkMutex<T: 'static> {
    lock: Mutex<T>,
    /// The guard that the forking thread holds over the fork. Only accessed by the thread that holds `lock`.
    held: UnsafeCell<Option<MutexGuard<'static, T>>>,
}

// SAFETY: `held` is only accessed while `lock` is held by the accessing thread; `T` is guarded by `lock`.
unsafe impl<T: Send> Sync for ForkMutex<T> {}

impl<T> ForkMutex<T> {
    /// A free mutex.
    pub const fn new(value: T) -> Self {
        Self { lock: Mutex::new(value), held: UnsafeCell::new(None) }
    }

    /// Waits for the mutex. It is never poisoned: a panic ends the process.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What [`protect`] needs of a mutex, whatever it guards.
pub trait Protected: Sync {
    /// Takes the mutex before the fork.
    fn hold(&'static self);
    /// Releases it after the fork, in the parent and in the child.
    fn release(&'static self);
}

impl<T: Send> Protected for ForkMutex<T> {
    fn hold(&'static self) {
        let guard = self.lock();
        // SAFETY: this thread holds `lock` now.
        unsafe { *self.held.get() = Some(guard) };
    }

    fn release(&'static self) {
        // SAFETY: the thread that forked holds `lock` since `hold`; in the child it is the only thread.
        drop(unsafe { (*self.held.get()).take() });
    }
}

static PROTECTED: OnceLock<&'static [&'static dyn Protected]> = OnceLock::new();

extern "C" fn prepare() {
    for mutex in PROTECTED.get().into_iter().copied().flatten() {
        mutex.hold();
    }
}

extern "C" fn release() {
    for mutex in PROTECTED.get().into_iter().copied().flatten().rev() {
        mutex.release();
    }
}

/// Names all the mutexes, in the order in which they may be taken, and what else a child has to do first. Called once,
/// while the library is loaded.
pub fn protect(mutexes: &'static [&'static dyn Protected], in_child: extern "C" fn()) {
    if PROTECTED.set(mutexes).is_ok() {
        // SAFETY: the three functions live as long as the library, and glibc forgets them when it is unloaded.
        // It fails only without memory, and then forks are as safe as anybody else's.
        unsafe {
            libc::pthread_atfork(None, None, Some(in_child));
            libc::pthread_atfork(Some(prepare), Some(release), Some(release));
        }
    }
}
