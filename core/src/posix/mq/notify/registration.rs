//! The shared words of `mq_notify`: whether a process is registered, and which process notifies it.
//!
//! | word | value | meaning | stored by |
//! |---|---|---|---|
//! | `sequence` | 4k | no process is registered | a process that has notified, withdraws, or finds the lock gone |
//! | | 4k + 1 | registration k is in force | the process that registers, under its lock, by CAS |
//! | | 4k + 2 | its notification is on its way, and the place is free | the notifying process, by CAS |
//! | `notifying` | a claim word | a thread notifies | see `shared::claim` |
//! | `left` | 4k + 1 | the notification is left to a thread of the registered process | the notifying process |
//! | `sender` | pid, real user | the sender of the message | the notifying process, before the other two |
//! | `unreached` | 0, 1 | a sender could not reach a registered process | that sender |
//!
//! Which process is registered, and for what, is not kept in memory that all users of the queue may
//! write to: the kernel keeps it (`request`). So a registration is in force only if `sequence` says
//! so *and* the process has the lock.
//!
//! A sender that finds a registration in force, and the queue empty, notes the registration in its
//! message, commits, and then notifies. If it is killed in between, the notification is *missed*;
//! if it is killed while it notifies, `sequence` is left at 4k + 2, and `notifying` is not held any
//! more. In both cases the next process that sends or receives notifies in its place (`sender`). If
//! the signal was sent before the sender was killed, the process receives it twice. It always
//! receives it at least once.
//!
//! All accesses are SeqCst: except for one load of `sequence`, none is on the path of a message
//! that no process waits to be notified of.

use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::os::errno::preserved;
use crate::shared::claim::{self, Claimant};

/// How often a claim may be lost to another thread that notifies, and is done by the time it is
/// looked at.
const RACES: usize = 4;
/// From one registration to the next.
const STEP: u32 = 4;

/// See the module.
#[repr(C)]
#[derive(Default)]
pub struct Registration {
    pub(super) sequence: AtomicU32,
    notifying: AtomicU32,
    left: AtomicU32,
    unreached: AtomicU32,
    sender: AtomicU64,
}

/// The sender of the message that a notification is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sender {
    /// Its process.
    pub pid: u32,
    /// Its real user.
    pub uid: u32,
}

/// What is known of the registration to an observer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registered {
    /// The PID of the registered process in the PID namespace of the observer; 0 = it has none
    /// there.
    pub pid: u32,
    /// `SIGEV_SIGNAL`, `SIGEV_NONE` or `SIGEV_THREAD`.
    pub how: u32,
    /// The signal, for `SIGEV_SIGNAL`.
    pub signal: u32,
}

/// How a process is notified.
pub trait Delivery {
    /// Looks whether it can be done, and does all that can be done beforehand.
    fn prepare(&mut self) -> Prepared;
    /// Does it, in as few instructions as there can be.
    fn send(&mut self);
}

/// What came of [`Delivery::prepare`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prepared {
    /// Everything is ready to send.
    Ready,
    /// Nothing is to be sent.
    Done,
    /// The process is not registered any more.
    Gone,
    /// The caller cannot do it. Another process may.
    Failed,
}

/// What a process does that finds another one notifying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Looks again.
    Wait,
    /// Leaves it to that one.
    Leave,
    /// Notifies as well: that one is stopped.
    TakeOver,
}

/// Whether a sequence number is that of a registration, whose notification is not on its way.
pub fn is_in_force(sequence: u32) -> bool {
    sequence % STEP == 1
}

fn is_on_its_way(sequence: u32) -> bool {
    sequence % STEP == 2
}

/// The sequence number of the registration that follows when no process is registered.
pub fn next_after(sequence: u32) -> u32 {
    (sequence.wrapping_add(STEP - 1) & !(STEP - 1)).wrapping_add(1)
}

/// The sequence number of a registration.
pub fn ordinal(sequence: u32) -> u32 {
    sequence / STEP
}

impl Sender {
    /// This process. Leaves `errno` alone, also where a filter refuses to tell.
    pub fn this() -> Self {
        // SAFETY: take no arguments.
        let (pid, uid) = preserved(|| unsafe { (libc::getpid(), libc::getuid()) });
        Self { pid: pid.cast_unsigned(), uid }
    }

    fn to_word(self) -> u64 {
        u64::from(self.pid) | u64::from(self.uid) << 32
    }

    fn from_word(word: u64) -> Self {
        let half = |half: u64| u32::try_from(half & u64::from(u32::MAX)).unwrap_or(0);
        Self { pid: half(word), uid: half(word >> 32) }
    }
}

impl Registration {
    /// The sequence number of the registration that is in force, or whose notification is on its
    /// way; 0 = neither.
    #[inline]
    pub fn active(&self) -> u32 {
        let sequence = self.sequence.load(Ordering::SeqCst);
        if sequence.is_multiple_of(STEP) { 0 } else { sequence }
    }

    /// The sequence number of the registration in force; 0 = there is none.
    pub fn in_force(&self) -> u32 {
        let sequence = self.sequence();
        if is_in_force(sequence) { sequence } else { 0 }
    }

    /// See the module.
    pub fn sequence(&self) -> u32 {
        self.sequence.load(Ordering::SeqCst)
    }

    /// The registration with the sequence number after this one, at which no process was
    /// registered, begins. The caller has its lock. False: another one began first.
    #[must_use]
    pub fn begin(&self, after: u32) -> bool {
        self.change(after, next_after(after))
    }

    /// Gives up the sequence number after this one, whose lock cannot be had.
    pub fn skip(&self, after: u32) {
        self.change(after, next_after(after).wrapping_add(STEP - 1));
    }

    /// A registration is over, unless it is already. True: by this call.
    pub fn end(&self, sequence: u32) -> bool {
        self.change(sequence, sequence.wrapping_add(STEP - 1))
    }

    fn change(&self, from: u32, to: u32) -> bool {
        self.sequence.compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// Notifies the process of this registration of a message of this sender, if no other thread
    /// has yet. True: the registration is over, by this call.
    ///
    /// One thread at a time notifies. `patience` decides whether to wait for another one that is
    /// notifying.
    pub fn notify(
        &self,
        sequence: u32,
        sender: Sender,
        who: &impl Claimant,
        mut patience: impl FnMut(&AtomicU32) -> Patience,
        delivery: &mut impl Delivery,
    ) -> bool {
        let claimed = self.claim_notifying(sequence, who, &mut patience);
        let ended = claimed != Claimed::ByAnother && self.notify_alone(sequence, sender, delivery);
        if claimed == Claimed::ByUs {
            claim::release(&self.notifying, who);
        }
        ended
    }

    fn claim_notifying(
        &self,
        sequence: u32,
        who: &impl Claimant,
        patience: &mut impl FnMut(&AtomicU32) -> Patience,
    ) -> Claimed {
        for _ in 0..RACES {
            if claim::claim(&self.notifying, who) {
                return Claimed::ByUs;
            }
            while !claim::is_free(self.notifying.load(Ordering::SeqCst)) {
                if !self.is_due(sequence) {
                    return Claimed::ByAnother;
                }
                match patience(&self.notifying) {
                    Patience::Wait => {}
                    Patience::Leave => return Claimed::ByAnother,
                    Patience::TakeOver => return Claimed::NotAtAll,
                }
            }
        }
        // There is no way for this caller to claim.
        Claimed::NotAtAll
    }

    /// Whether this registration is in force, or its notification on its way.
    pub fn is_due(&self, sequence: u32) -> bool {
        let now = self.sequence();
        now == sequence || now == sequence.wrapping_add(1)
    }

    fn notify_alone(&self, sequence: u32, sender: Sender, delivery: &mut impl Delivery) -> bool {
        if !self.is_due(sequence) {
            return false;
        }
        let on_its_way = sequence.wrapping_add(1);
        match delivery.prepare() {
            Prepared::Ready => {
                self.sender.store(sender.to_word(), Ordering::SeqCst);
                if !self.change(sequence, on_its_way) && self.sequence() != on_its_way {
                    return false;
                }
                delivery.send();
                self.change(on_its_way, sequence.wrapping_add(STEP - 1))
            }
            Prepared::Done | Prepared::Gone => {
                self.end(sequence) || self.change(on_its_way, sequence.wrapping_add(STEP - 1))
            }
            Prepared::Failed => false,
        }
    }

    /// A registration whose notification is on its way, and which process sent the message. The
    /// notifying thread may have been killed.
    pub fn on_its_way(&self) -> Option<(u32, Sender)> {
        let sequence = self.sequence();
        is_on_its_way(sequence).then(|| {
            (sequence.wrapping_sub(1), Sender::from_word(self.sender.load(Ordering::SeqCst)))
        })
    }

    /// Leaves the notification to a thread of the registered process, which is called when the
    /// registration is over.
    pub fn leave(&self, sequence: u32, sender: Sender) {
        self.sender.store(sender.to_word(), Ordering::SeqCst);
        self.left.store(sequence, Ordering::SeqCst);
    }

    /// For that thread, when the registration is over: the sender, if the notification was left to
    /// it.
    #[inline]
    pub fn left(&self, sequence: u32) -> Option<Sender> {
        (self.left.load(Ordering::SeqCst) == sequence)
            .then(|| Sender::from_word(self.sender.load(Ordering::SeqCst)))
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

/// The notifying process.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Claimed {
    ByUs,
    ByAnother,
    /// We do, all the same.
    NotAtAll,
}
