//! A short spin before a sleep, only where it pays.
//!
//! A hand-over between two processors costs a fraction of a microsecond when the waiter spins, and tens of
//! microseconds when it sleeps. On one processor a spin only takes time from the thread that it waits for. So two
//! things are remembered beside the word that is waited on:
//!
//! * the processor of the last waker: if that is our own, it cannot run while we spin, and we do not;
//! * how many spins in a row were in vain: after [`GIVE_UP`] only one wait in [`PROBE_EVERY`] tries again.
//!
//! Both are hints. Any value is harmless: the worst that a wrong one can do is a spin in vain or a sleep too early.

use super::atomic::{AtomicU32, Ordering};
use super::{clock, cpu, settings};

/// How long a spin may last, in nanoseconds: near the cost of a sleep and a wake across processors.
const BUDGET_NS: u64 = 20_000;
/// Looks at the word between two looks at the clock.
const LOOKS_PER_CLOCK: u32 = 32;
/// So many spins in vain, one after the other, and we stop to spin.
const GIVE_UP: u32 = 4;
/// Of the waits after that, one in so many spins all the same, to see whether things have changed.
const PROBE_EVERY: u32 = 64;

/// What wakers and waiters know of each other. Lives in shared memory next to the word that is waited on.
///
/// All accesses are `Relaxed`: nothing is published through these words, and a lost update loses a hint.
#[repr(C)]
#[derive(Default)]
pub struct Hint {
    /// The processor of the last waker plus one; 0 = not known. Stored by wakers, read by waiters.
    waker: AtomicU32,
    /// Spins in vain in a row; above [`GIVE_UP`] it goes on counting the waits that did not spin. Stored by waiters.
    vain: AtomicU32,
}

impl Hint {
    /// Leaves word of where the waker runs. Async-signal-safe.
    #[inline]
    pub fn waking(&self) {
        let here = cpu::current().wrapping_add(1);
        // The word seldom changes; not to write it keeps its cache line with those who read it.
        if self.waker.load(Ordering::Relaxed) != here {
            self.waker.store(here, Ordering::Relaxed);
        }
    }

    /// Spins until `ready` gives true. False: it did not happen within what a spin is worth.
    pub fn spin(&self, ready: impl Fn() -> bool) -> bool {
        if !settings::get().spin || self.waker.load(Ordering::Relaxed) == cpu::current().wrapping_add(1) {
            return false;
        }
        let vain = self.vain.load(Ordering::Relaxed);
        if (GIVE_UP..GIVE_UP + PROBE_EVERY).contains(&vain) {
            self.vain.store(vain + 1, Ordering::Relaxed);
            return false;
        }
        let happened = spin_within_budget(ready);
        self.vain.store(if happened { 0 } else { vain.min(GIVE_UP - 1) + 1 }, Ordering::Relaxed);
        happened
    }
}

fn spin_within_budget(ready: impl Fn() -> bool) -> bool {
    let mut end = None;
    loop {
        for _ in 0..LOOKS_PER_CLOCK {
            if ready() {
                return true;
            }
            core::hint::spin_loop();
        }
        let now = clock::monotonic_ns();
        if now >= *end.get_or_insert(now + BUDGET_NS) {
            return false;
        }
    }
}
