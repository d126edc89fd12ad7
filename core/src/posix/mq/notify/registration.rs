//! The shared words of `mq_notify`: whether a process is registered, and who notifies it.
//!
//! | word | value | meaning | who stores it |
//! |---|---|---|---|
//! | `number` | even | nobody is registered | who ends the registration before: one more, by CAS |
//! | | odd | this registration is in force | the process that registers, under the lock: one more, by CAS |
//! | `notifying` | a claim word | somebody notifies | see `shared::claim` |
//! | `left` | a number | its notification is left to a thread of the registered process | who notifies |
//! | `sender` | pid, real user | who sent the message, for that thread | who notifies, before `left` |
//! | `unreached` | 0, 1 | a sender could not reach a registered process | that sender |
//!
//! Who is registered, and for what, is not told by memory that all users of the queue may write to, but by the kernel:
//! see `record`. So a registration is in force only if `number` is odd *and* the process still has the lock.
//!
//! A sender that finds a registration in force, and the queue empty, notes the registration in its message, commits,
//! and then notifies. If it is killed in between, the message is a *missed notification*: whoever comes next, to send
//! or to receive, notifies in its place (`sender`). If it is killed when it has notified and `number` is still odd,
//! the process is notified a second time; it is never left without.
//!
//! All accesses are SeqCst: none is on the path of a message that nobody wants to know of, but for one load of `number`.

use crate::shared::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::shared::claim::{self, Claimant};

/// So often a claim is lost to others who notify, and are done when one looks.
const RACES: usize = 4;

/// See the module.
#[repr(C)]
#[derive(Default)]
pub struct Registration {
    pub(super) number: AtomicU32,
    notifying: AtomicU32,
    left: AtomicU32,
    unreached: AtomicU32,
    sender: AtomicU64,
}

/// Who sent the message that a notification is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sender {
    /// Its process.
    pub pid: u32,
    /// Its real user.
    pub uid: u32,
}

/// What is known of the registration to one who only looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registered {
    /// The registered process, as the PID namespace of the one who looks knows it; 0 = not at all.
    pub pid: u32,
    /// `SIGEV_SIGNAL`, `SIGEV_NONE` or `SIGEV_THREAD`.
    pub how: u32,
    /// The signal, for `SIGEV_SIGNAL`.
    pub signal: u32,
}

/// What came of an attempt to notify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The process is notified, or its thread is about to do it.
    Notified,
    /// The process is not registered any more.
    Gone,
    /// The caller cannot do it. Somebody else may.
    Failed,
}

/// Whether a number is that of a registration, rather than of the time between two.
pub fn is_in_force(number: u32) -> bool {
    number % 2 == 1
}

impl Sender {
    /// This process.
    pub fn this() -> Self {
        // SAFETY: take no arguments.
        unsafe { Self { pid: libc::getpid().cast_unsigned(), uid: libc::getuid() } }
    }
}

impl Registration {
    /// The number of the registration in force; 0 = there is none.
    #[inline]
    pub fn in_force(&self) -> u32 {
        let number = self.number.load(Ordering::SeqCst);
        if is_in_force(number) { number } else { 0 }
    }

    /// The number of the registration in force, or of the time between two.
    pub fn number(&self) -> u32 {
        self.number.load(Ordering::SeqCst)
    }

    /// The registration with the number after this even one begins. The caller has its lock. False: it was not to be.
    #[must_use]
    pub fn begin(&self, between: u32) -> bool {
        self.step(between, 1)
    }

    /// Gives up the number after this even one, whose lock cannot be had.
    pub fn skip(&self, between: u32) {
        self.step(between, 2);
    }

    /// A registration is over, unless it is already. True: by this call.
    pub fn end(&self, number: u32) -> bool {
        self.step(number, 1)
    }

    fn step(&self, from: u32, steps: u32) -> bool {
        let to = from.wrapping_add(steps);
        self.number.compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// Notifies the process of this registration, if it is still in force, by `deliver`; that asks [`Self::in_force`]
    /// again as late as it can. When this returns, the process is notified, by us or by somebody else, unless that failed.
    /// True: the registration is over, by this call.
    ///
    /// One at a time notifies. Whoever is found at it is waited for, as long as `waits`; then it is taken for stopped,
    /// and this caller notifies as well.
    pub fn notify(
        &self,
        number: u32,
        who: &impl Claimant,
        mut waits: impl FnMut(&AtomicU32) -> bool,
        deliver: impl FnOnce() -> Outcome,
    ) -> bool {
        let is_claimed = self.claim_notifying(number, who, &mut waits);
        let is_over = self.in_force() == number && deliver() != Outcome::Failed;
        let ended = is_over && self.end(number);
        if is_claimed {
            claim::release(&self.notifying, who);
        }
        ended
    }

    /// False: somebody else notifies, and has been waited for in vain; or there is no way for this caller to claim.
    fn claim_notifying(
        &self,
        number: u32,
        who: &impl Claimant,
        waits: &mut impl FnMut(&AtomicU32) -> bool,
    ) -> bool {
        for _ in 0..RACES {
            if claim::claim(&self.notifying, who) {
                return true;
            }
            while !claim::is_free(self.notifying.load(Ordering::SeqCst)) {
                if self.in_force() != number || !waits(&self.notifying) {
                    return false;
                }
            }
        }
        false
    }

    /// Leaves the notification to a thread of the registered process, which is called when the registration is over.
    pub fn leave(&self, number: u32, sender: Sender) {
        self.sender.store(u64::from(sender.pid) | u64::from(sender.uid) << 32, Ordering::SeqCst);
        self.left.store(number, Ordering::SeqCst);
    }

    /// For that thread, when the registration is over: the sender, if the notification was left to it.
    #[inline]
    pub fn left(&self, number: u32) -> Option<Sender> {
        (self.left.load(Ordering::SeqCst) == number).then(|| {
            let sender = self.sender.load(Ordering::SeqCst);
            let half = |half: u64| u32::try_from(half & u64::from(u32::MAX)).unwrap_or(0);
            Sender { pid: half(sender), uid: half(sender >> 32) }
        })
    }

    /// A process that was registered here could not be reached by a sender.
    pub fn note_unreached(&self) {
        self.unreached.store(1, Ordering::SeqCst);
    }

    /// Whether that has happened.
    pub fn was_unreached(&self) -> bool {
        self.unreached.load(Ordering::SeqCst) != 0
    }
}
