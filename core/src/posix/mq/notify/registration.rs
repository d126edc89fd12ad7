//! Who wants to know when a message comes into the empty queue: the shared words of `mq_notify`.
//!
//! A registration lives as long as a thread of the registered process, its *herald* (`herald`), holds the claim word.
//! So the kernel ends it, at once, when the process ends, whatever ends it.
//!
//! A sender that finds a registration, and that its message came into the empty queue, notes the registration in the
//! message, commits, and then fires. If it is killed in between, the herald finds the message, and fires in its place;
//! or a later one, if that has been received.

use crate::shared::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::shared::claim;

/// See the module. All accesses are SeqCst: none is on the path of a message that nobody wants to know of, but for
/// one load of `current`.
#[repr(C)]
#[derive(Default)]
pub struct Registration {
    /// Claimed by the herald for as long as it is registered.
    pub(in crate::posix::mq) holder: AtomicU32,
    /// The number of the registration in force; 0 = none. Set by the holder; set to 0 by the holder or by who has
    /// fired, or found the holder dead.
    current: AtomicU32,
    /// The last number given. Changed by the holder.
    last: AtomicU32,
    /// The last number that has been fired. Changed from another number to `current` by senders; the one who succeeds
    /// has fired.
    fired: AtomicU32,
    /// Counts what a herald must look at. The herald sleeps on it.
    pub(super) changes: AtomicU32,
    /// For those who look: the registered process, `sigev_notify` and the signal number. Stored by the holder.
    pub(super) pid: AtomicU32,
    pub(super) how: AtomicU32,
    pub(super) signal: AtomicU32,
    /// Process and real user of the sender, in the low and the high half. Stored before `fired`.
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
    /// The registered process, in its own PID namespace.
    pub pid: u32,
    /// `SIGEV_SIGNAL`, `SIGEV_NONE` or `SIGEV_THREAD`.
    pub how: u32,
    /// The signal, for `SIGEV_SIGNAL`.
    pub signal: u32,
}

impl Sender {
    /// This process.
    pub fn this() -> Self {
        // SAFETY: take no arguments.
        unsafe { Self { pid: libc::getpid().cast_unsigned(), uid: libc::getuid() } }
    }
}

impl Registration {
    /// The number of the registration; 0 = there is none.
    #[inline]
    pub fn registration(&self) -> u32 {
        self.current.load(Ordering::SeqCst)
    }

    /// Who is registered, if anybody alive is.
    pub fn registered(&self) -> Option<Registered> {
        let is_held = !claim::is_free(self.holder.load(Ordering::SeqCst));
        (is_held && self.registration() != 0).then(|| Registered {
            pid: self.pid.load(Ordering::SeqCst),
            how: self.how.load(Ordering::SeqCst),
            signal: self.signal.load(Ordering::SeqCst),
        })
    }

    /// Notifies the holder of this registration, once. True: we have, and the herald must be called.
    #[must_use]
    pub fn fire(&self, registration: u32, sender: Sender) -> bool {
        if claim::is_free(self.holder.load(Ordering::SeqCst)) {
            self.end(registration);
            return false;
        }
        let before = self.fired.load(Ordering::SeqCst);
        if before == registration || self.current.load(Ordering::SeqCst) != registration {
            return false;
        }
        self.sender.store(u64::from(sender.pid) | u64::from(sender.uid) << 32, Ordering::SeqCst);
        let fired =
            self.fired.compare_exchange(before, registration, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        if fired {
            self.end(registration);
        }
        fired
    }

    /// The registration is over, unless there is another one already.
    pub fn end(&self, registration: u32) {
        let _ = self.current.compare_exchange(registration, 0, Ordering::SeqCst, Ordering::SeqCst);
    }

    /// A registration begins, of the one who holds `holder`.
    pub fn begin(&self, as_seen: Registered) -> u32 {
        self.pid.store(as_seen.pid, Ordering::SeqCst);
        self.how.store(as_seen.how, Ordering::SeqCst);
        self.signal.store(as_seen.signal, Ordering::SeqCst);
        let last = self.last.load(Ordering::SeqCst);
        // Never 0, and never what `fired` holds.
        let number = [1, 2, 3].map(|step| last.wrapping_add(step)).into_iter();
        let fired = self.fired.load(Ordering::SeqCst);
        let number = number.into_iter().find(|&number| number != 0 && number != fired).unwrap_or(1);
        self.last.store(number, Ordering::SeqCst);
        self.current.store(number, Ordering::SeqCst);
        number
    }

    /// The sender, if this registration has been fired.
    pub fn fired(&self, registration: u32) -> Option<Sender> {
        (self.fired.load(Ordering::SeqCst) == registration).then(|| {
            let sender = self.sender.load(Ordering::SeqCst);
            let half = |half: u64| u32::try_from(half & u64::from(u32::MAX)).unwrap_or(0);
            Sender { pid: half(sender), uid: half(sender >> 32) }
        })
    }
}
