//! The readiness of a queue's descriptor, in shared memory: which events are polled for, and how
//! many packets are in the FIFO.
//!
//! `pollers`:
//!
//! | bits | meaning | set by | cleared by |
//! |---|---|---|---|
//! | 0 | messages are polled for | a poller, once it has its lock | a process that finds no lock of a poller |
//! | 1 | space is polled for | the same | the same |
//! | 2 | some of them are told of edges only | the same | the same |
//! | 3 | it is not known what is polled for, or will be | a poller that is refused a lock; `RSIPC_MQ_POLL=always` | never cleared |
//! | 4.. | epoch: the number of times that bits were set | the process that sets bits | never cleared |
//!
//! `packets`: the number of packets lies between two bounds. They differ while a process puts a
//! packet in or takes one out, and after it was killed doing so.
//!
//! | bits | meaning | changed by |
//! |---|---|---|
//! | 0..16 | at least | a process that has put one in: plus; one that is about to take one out: minus |
//! | 16..32 | at most | a process that is about to put one in: plus; one that has taken one out: minus |
//! | 32.. | version: the number of changes | the same, and a process that has counted the packets, which sets both bounds |
//!
//! All accesses are SeqCst unless the code says why less is enough: of a sender that claims a slot
//! and then checks this word, and a poller that sets bits here and then checks the slots, at least
//! one sees the change of the other.

use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::shared::claim::{self, Claimant, Holder};

/// Slots of a FIFO, and so packets that it holds. That many say that the queue is full.
pub const CAPACITY: usize = 16;
/// After so many changes of the number of packets, the next one checks whether the queue is still
/// polled.
const CHANGES_PER_LOOK: u32 = 16;

/// The shared words.
#[repr(C)]
#[derive(Default)]
pub struct Readiness {
    /// See the module.
    pollers: AtomicU64,
    /// See the module.
    packets: AtomicU64,
    /// Held by the process that takes packets out because there is no message, or puts them in
    /// because there is no space: a claim word.
    pub(super) adjuster: AtomicU32,
    /// Changes of the number of packets since the last check whether there are pollers. Relaxed:
    /// it only says how often one looks.
    changes: AtomicU32,
}

/// What the queue is polled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pollers(u64);

impl Pollers {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// For messages.
    pub const MESSAGE: Self = Self(1);
    /// For space.
    pub const SPACE: Self = Self(2);
    /// For edges: `EPOLLET`.
    pub const EDGE: Self = Self(4);
    /// It is not known.
    pub const UNKNOWN: Self = Self(8);
    /// POLLIN, POLLRDNORM, POLLRDBAND; those of epoll are the same.
    const MESSAGE_EVENTS: u32 = 0x1 | 0x40 | 0x80;
    /// POLLOUT, POLLWRNORM, POLLWRBAND.
    const SPACE_EVENTS: u32 = 0x4 | 0x100 | 0x200;
    const FLAGS: u64 = 15;
    const EPOCH: u64 = 16;

    /// Whether it is polled at all.
    #[inline]
    pub fn any(self) -> bool {
        self.0 & Self::FLAGS != 0
    }

    /// Whether it is polled for one of these. Unknown pollers may poll for anything.
    pub fn are(self, some: Self) -> bool {
        self.0 & (some.0 | Self::UNKNOWN.0) != 0
    }

    /// Whether all of these bits are set.
    pub fn has(self, all: Self) -> bool {
        self.0 & all.0 == all.0
    }

    /// As an integer.
    pub fn bits(self) -> u32 {
        (self.0 & Self::FLAGS) as u32
    }

    /// The reverse.
    pub fn from_bits(bits: u32) -> Self {
        Self(u64::from(bits) & Self::FLAGS)
    }

    /// From the events of poll(2) and epoll_ctl(2). A poller of events that a queue never has
    /// counts as a poller of messages.
    pub fn from_events(events: u32) -> Self {
        const EDGE: u32 = 1 << 31;
        let told = Self::told_by(events);
        let who = if told == Self::NONE { Self::MESSAGE } else { told };
        if events & EDGE != 0 { who.and(Self::EDGE) } else { who }
    }

    /// From what poll(2) or epoll_wait(2) has answered.
    pub fn told_by(events: u32) -> Self {
        let of = |kind: u32, who: Self| if events & kind != 0 { who } else { Self::NONE };
        of(Self::MESSAGE_EVENTS, Self::MESSAGE).and(of(Self::SPACE_EVENTS, Self::SPACE))
    }

    /// The events of these two kinds.
    pub fn events(self) -> u32 {
        let of = |kind: u32, who: Self| if self.has(who) { kind } else { 0 };
        of(Self::MESSAGE_EVENTS, Self::MESSAGE) | of(Self::SPACE_EVENTS, Self::SPACE)
    }

    /// These without those.
    #[must_use]
    pub fn but(self, those: Self) -> Self {
        Self(self.0 & !those.0)
    }

    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Bounds of the number of packets, at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packets {
    /// At least.
    pub least: usize,
    /// At most.
    pub most: usize,
    version: u32,
}

impl Packets {
    fn from_word(word: u64) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "16 bits are asked for")]
        let field = |shift: u32| usize::from((word >> shift) as u16);
        Self { least: field(0), most: field(16), version: (word >> 32) as u32 }
    }

    fn to_word(self) -> u64 {
        // Bytes that a hostile process leaves here can only make the readiness wrong.
        let field = |number: usize| u64::from(u16::try_from(number).unwrap_or(u16::MAX));
        field(self.least) | field(self.most) << 16 | u64::from(self.version) << 32
    }

    /// Whether the number of packets is known.
    pub fn are_known(self) -> bool {
        self.least == self.most
    }
}

impl Readiness {
    /// What the queue is polled for.
    #[inline]
    pub fn pollers(&self) -> Pollers {
        Pollers(self.pollers.load(Ordering::SeqCst))
    }

    /// These poll, from now on. They have their lock.
    pub fn arm(&self, more: Pollers) {
        let mut now = self.pollers.load(Ordering::Relaxed);
        loop {
            let armed = (now | more.0).wrapping_add(Pollers::EPOCH);
            match self.pollers.compare_exchange(now, armed, Ordering::SeqCst, Ordering::Relaxed) {
                Ok(_) => return,
                Err(changed) => now = changed,
            }
        }
    }

    /// No thread has begun to poll since these were seen: it would have changed the epoch.
    pub fn disarm(&self, seen: Pollers) {
        if !seen.has(Pollers::UNKNOWN) {
            let idle = seen.0 & !Pollers::FLAGS;
            let _ =
                self.pollers.compare_exchange(seen.0, idle, Ordering::SeqCst, Ordering::Relaxed);
        }
    }

    /// The packets in the FIFO.
    pub fn packets(&self) -> Packets {
        Packets::from_word(self.packets.load(Ordering::SeqCst))
    }

    /// So many packets are about to be put in.
    pub(super) fn will_put(&self, count: usize) {
        self.change(|now| Packets { most: now.most + count, ..now });
    }

    /// They are in. The upper bound is raised again, in case the packets were counted in between.
    pub(super) fn has_put(&self, count: usize) {
        self.change(|now| {
            let least = now.least + count;
            Packets { least, most: now.most.max(least), ..now }
        });
    }

    /// They could not be put in.
    pub(super) fn has_not_put(&self, count: usize) {
        self.change(|now| Packets { most: now.most.saturating_sub(count), ..now });
    }

    /// So many packets are about to be taken out, unless their number has changed since
    /// this was seen. False.
    pub(super) fn will_take_from(&self, seen: Packets, count: usize) -> bool {
        self.exchange(seen, Packets { least: seen.least.saturating_sub(count), ..seen })
    }

    /// So many packets are about to be taken out.
    pub(super) fn will_take(&self, count: usize) {
        self.change(|now| Packets { least: now.least.saturating_sub(count), ..now });
    }

    /// They are out. The lower bound is lowered again, in case the packets were counted in between.
    pub(super) fn has_taken(&self, count: usize) {
        self.change(|now| {
            let most = now.most.saturating_sub(count);
            Packets { most, least: now.least.min(most), ..now }
        });
    }

    /// So many packets are about to be put in, unless their number has changed since this
    /// was seen. False.
    pub(super) fn will_put_to(&self, seen: Packets, count: usize) -> bool {
        self.exchange(seen, Packets { most: seen.most + count, ..seen })
    }

    /// There were so many packets after this was seen, and no thread has changed their number
    /// since: false if one has.
    pub fn counted(&self, seen: Packets, count: usize) -> bool {
        self.exchange(seen, Packets { least: count, most: count, ..seen })
    }

    /// Whether it is time to check whether the queue is still polled. Then the next time is later.
    pub(super) fn is_time_to_look(&self) -> bool {
        let is_time = self.changes.load(Ordering::Relaxed) >= CHANGES_PER_LOOK;
        if is_time {
            self.changes.store(0, Ordering::Relaxed);
        }
        is_time
    }

    /// Whether a process takes packets out because there is no message, or puts them in because
    /// there is no space, and may be about to do so once more.
    pub(super) fn is_being_adjusted(&self) -> bool {
        !claim::is_free(self.adjuster.load(Ordering::SeqCst))
    }

    /// False: another one does.
    pub(super) fn begin_to_adjust(&self, who: &impl Claimant) -> bool {
        claim::claim(&self.adjuster, who)
    }

    /// Frees the claim of a holder that has ended.
    pub(super) fn free_adjuster(&self, has_ended: impl Fn(Holder) -> bool) {
        claim::free_if(&self.adjuster, has_ended);
    }

    pub(super) fn end_to_adjust(&self, who: &impl Claimant) {
        claim::release(&self.adjuster, who);
    }

    fn change(&self, to: impl Fn(Packets) -> Packets) {
        self.changes.fetch_add(1, Ordering::Relaxed);
        let mut now = self.packets();
        while !self.exchange(now, to(now)) {
            now = self.packets();
        }
    }

    fn exchange(&self, old: Packets, new: Packets) -> bool {
        let new = Packets { version: old.version.wrapping_add(1), ..new };
        self.packets
            .compare_exchange(old.to_word(), new.to_word(), Ordering::SeqCst, Ordering::Relaxed)
            .is_ok()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_poller_that_comes_during_the_look_keeps_the_queue_armed() {
        let readiness = Readiness::default();
        readiness.arm(Pollers::MESSAGE);
        let seen = readiness.pollers();
        readiness.arm(Pollers::MESSAGE);
        readiness.disarm(seen);
        assert!(readiness.pollers().any());
        readiness.disarm(readiness.pollers());
        assert!(!readiness.pollers().any());
    }

    #[test]
    fn unknown_pollers_poll_for_ever() {
        let readiness = Readiness::default();
        readiness.arm(Pollers::UNKNOWN);
        readiness.disarm(readiness.pollers());
        assert!(
            readiness.pollers().are(Pollers::MESSAGE) && readiness.pollers().are(Pollers::SPACE)
        );
    }

    #[test]
    fn the_bounds_enclose_what_a_killed_thread_may_have_done() {
        let readiness = Readiness::default();
        readiness.will_put(1);
        assert_eq!((readiness.packets().least, readiness.packets().most), (0, 1));
        readiness.has_put(1);
        readiness.will_take(1);
        assert_eq!((readiness.packets().least, readiness.packets().most), (0, 1));
        readiness.has_taken(1);
        assert!(readiness.packets().are_known());
    }

    #[test]
    fn any_bytes_are_harmless() {
        let readiness = Readiness::default();
        readiness.packets.store(u64::MAX, Ordering::SeqCst);
        readiness.will_put(3);
        readiness.has_put(3);
        readiness.will_take(99);
        readiness.has_taken(99);
        assert!(readiness.counted(readiness.packets(), 0));
        assert_eq!(readiness.packets().most, 0);
    }
}
