//! When the FIFO of a queue is brought up to date (`fifo`), and by whom.
//!
//! That costs system calls at each change of the queue, so it is done only while somebody polls: the *lease*. Who polls
//! holds it and renews it (`keeper`); after the poller's death it runs out.
//!
//! One at a time brings the level up to date, and whoever has changed the queue meanwhile leaves it to that one: it says
//! so, and then finds the bell claimed; the other one gives the claim back, and then looks whether somebody has said so.
//! Between the two steps of each is a full barrier, so one of them sees what the other has done. Who is killed with the
//! claim may leave an old level behind, until the keeper of whoever polls rings.

use crate::shared::atomic::{AtomicU32, AtomicU64, Ordering, fence, thread};
use crate::shared::claim::{self, Claimant};

/// How long a lease lasts that nobody renews, in milliseconds.
pub const LEASE_MS: u64 = 2000;
/// A lease without an end.
const FOR_EVER: u64 = u64::MAX;
/// Changes of the level in one go. More are needed only if the queue keeps changing, and then others ring, too.
const STROKES: usize = if cfg!(loom) { 2 } else { 16 };
/// So often one who finds another one ringing yields to it.
const PATIENCE: usize = if cfg!(loom) { 1 } else { 200 };

/// The shared words of the bell.
#[repr(C)]
#[derive(Default)]
pub struct Bell {
    /// When nobody polls any more, in milliseconds of CLOCK_MONOTONIC; 0 = nobody polls, `u64::MAX` = always.
    /// Pollers raise it; who finds that it has run out sets it to 0.
    lease: AtomicU64,
    /// Held by the one who brings the level up to date: a claim word.
    ringing: AtomicU32,
    /// 1 = the queue has changed since the holder of `ringing` looked. Set by anybody before the claim of `ringing`,
    /// cleared by the holder.
    changed: AtomicU32,
}

impl Bell {
    /// Whether a change of state must be told to the FIFO.
    #[inline]
    pub fn is_armed(&self) -> bool {
        self.lease.load(Ordering::SeqCst) != 0
    }

    /// Somebody polls, for the next [`LEASE_MS`] at least. True if somebody did already.
    pub fn lease(&self, now_ms: u64) -> bool {
        self.lease.fetch_max(now_ms + LEASE_MS, Ordering::SeqCst) > now_ms
    }

    /// Somebody may poll at any time.
    pub fn lease_for_ever(&self) {
        self.lease.store(FOR_EVER, Ordering::SeqCst);
    }

    /// Ends a lease that has run out. False if it has.
    pub fn holds(&self, now_ms: u64) -> bool {
        let until = self.lease.load(Ordering::SeqCst);
        if until > now_ms {
            return true;
        }
        // Who renews it meanwhile wins.
        self.lease.compare_exchange(until, 0, Ordering::SeqCst, Ordering::SeqCst).is_err()
    }

    /// After a change of the queue: sees to it that `update` is called, which brings the level up to date; by us, or by
    /// whoever is at it already.
    pub fn ring(&self, who: &impl Claimant, mut update: impl FnMut()) {
        loop {
            // An exchange and no store: what others have said before is overwritten, so their changes must be seen.
            self.changed.swap(1, Ordering::SeqCst);
            fence(Ordering::SeqCst);
            // Our caller may look at the descriptor next, so it is worth a while. But who holds it may be stopped, or
            // be what we have interrupted.
            if !(0..PATIENCE).any(|_| self.claim(who)) {
                return;
            }
            for _ in 0..STROKES {
                if self.changed.swap(0, Ordering::SeqCst) == 0 {
                    break;
                }
                update();
            }
            claim::release(&self.ringing, who);
            fence(Ordering::SeqCst);
            if self.changed.load(Ordering::SeqCst) == 0 {
                return;
            }
        }
    }

    fn claim(&self, who: &impl Claimant) -> bool {
        let claimed = claim::claim(&self.ringing, who);
        if !claimed {
            thread::yield_now();
        }
        claimed
    }
}

/// CLOCK_MONOTONIC.
#[cfg(not(loom))]
pub fn now_ms() -> u64 {
    crate::os::clock::monotonic_ns() / 1_000_000
}
