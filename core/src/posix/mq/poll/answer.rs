//! Corrects the answer of poll(2) before the program gets it.
//!
//! A packet is put into the FIFO before the message is committed (`level`), so a process that polls
//! may be woken a moment too early, or in vain if the sender is killed in between. So each reported
//! event is checked against the queue. An event that was reported in vain is removed from the
//! answer. If an event was reported too early, and there is nothing else to report, the thread
//! waits for it for a moment; after that the caller removes it, and sleeps a little before it asks
//! the kernel again (`cbits/poll_time.h`). So it does not matter for how long a sender is stopped
//! in the middle, or waits for a processor.
//!
//! An event is removed only if it is the queue's. The program may have closed the descriptor
//! without the library's knowing, and an epoll reports only the data that the program has chosen,
//! which may be the same for several descriptors.
//!
//! An edge-triggered event that is removed would never be reported again. There the caller keeps
//! the answer until it has come true, or there is something else to report.

use std::os::fd::RawFd;

use crate::atomic::{AtomicU32, Ordering};
use crate::os::epoll::{self, Reported};
use crate::os::errno::preserved;
use crate::posix::mq::descriptor::{self, Use};
use crate::posix::mq::poll::interest;
use crate::posix::mq::poll::readiness::{CAPACITY, Pollers};
use crate::posix::mq::store::slots::{Look, Wanted};
use crate::shared::pause::Moment;
use crate::shared::thread::{FrameTag, Thread};

/// What of an answer is not true, or not yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Correction {
    /// There is none.
    pub in_vain: Pollers,
    /// It is about to be there, or it is not and would be reported again at once.
    pub too_early: Pollers,
}

impl Correction {
    const NONE: Self = Self { in_vain: Pollers::NONE, too_early: Pollers::NONE };

    /// All that is not true now.
    pub fn untrue(self) -> Pollers {
        self.in_vain.and(self.too_early)
    }

    /// Whether to ask again after a moment.
    pub fn is_too_early(self) -> bool {
        self.too_early.any()
    }
}

/// Which of these events the queue does not have: a message, space, both. None for a descriptor
/// that is no queue's. `may_wait`: whether it may wait for a moment for what is about to be there.
pub fn correct(thread: &'static Thread, fd: RawFd, told: Pollers, may_wait: bool) -> Correction {
    let tag = FrameTag::new();
    match descriptor::enter(thread, fd, &tag) {
        Ok(queue) => preserved(|| {
            let shown = queue.shown();
            let correction = queue.correct(told, may_wait);
            if correction.untrue().any() && !queue.is_open() {
                return Correction::NONE;
            }
            queue.count_if_changed(correction.in_vain, shown);
            correction
        }),
        Err(_) => Correction::NONE,
    }
}

/// Corrects the answer of this epoll. `change` applies a correction to the events with this data,
/// if there are any. `may_wait` as above. The caller removes an event that becomes empty. True: an
/// event has come too early; it has become empty, or, if it is edge-triggered, is kept.
pub fn correct_epoll(
    thread: &'static Thread,
    epoll: RawFd,
    may_wait: bool,
    mut change: impl FnMut(u64, &mut dyn FnMut(u32) -> u32),
) -> bool {
    let mut is_too_early = false;
    let mut shared = None;
    for fd in interest::all() {
        let tag = FrameTag::new();
        let Ok(queue) = descriptor::enter(thread, fd, &tag) else { continue };
        let Some(data) = queue.queue.polling.data_for(epoll) else { continue };
        if !queue.seems_ready(Wanted::Message) || !queue.seems_ready(Wanted::Free) {
            let by_edges = queue.queue.layout.readiness().pollers().are(Pollers::EDGE);
            let mut all_told = 0;
            change(data, &mut |told| {
                all_told |= told;
                told
            });
            if all_told == 0 {
                continue;
            }
            let shown = queue.shown();
            let correction = preserved(|| queue.correct(Pollers::told_by(all_told), may_wait));
            if !correction.untrue().any() || !queue.is_reported_by(epoll, data, &mut shared) {
                continue;
            }
            preserved(|| queue.count_if_changed(correction.in_vain, shown));
            change(data, &mut |told| {
                let true_now = told & !correction.untrue().events();
                is_too_early |= correction.is_too_early() && true_now == 0;
                let untrue = if by_edges { correction.in_vain } else { correction.untrue() };
                told & !untrue.events()
            });
        }
    }
    is_too_early
}

/// That queues share their data is believed without a look, but for one call in so many, a power of
/// two: another process may have taken one of them out of the set, or the epoll may be another one
/// by now. Until then the program may be told too early, no more.
const BELIEVED: u32 = 64;

fn is_time_to_look() -> bool {
    static ASKED: AtomicU32 = AtomicU32::new(1);
    // Relaxed: it is about how often. Not each time after as many: several epolls that are asked in
    // turn would not all have theirs. The upper bits of multiples of an odd number are as good as
    // random (Knuth's multiplicative hash).
    let asked = ASKED.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9);
    asked >> (u32::BITS - BELIEVED.ilog2()) == 0
}

const KINDS: [(Pollers, Wanted); 2] =
    [(Pollers::MESSAGE, Wanted::Message), (Pollers::SPACE, Wanted::Free)];

impl Use<'_> {
    /// Whether what the epoll reports with this data is this queue, and nothing else. False if that
    /// cannot be found out. `shared`: the data that several descriptors were last found to have.
    #[cold]
    fn is_reported_by(&self, epoll: RawFd, data: u64, shared: &mut Option<u64>) -> bool {
        if *shared == Some(data) {
            return false;
        }
        let what = if interest::seem_shared(epoll, data) && !is_time_to_look() {
            Some(Reported::Several)
        } else {
            // A filter may kill for opening a file.
            let may_open = !self.thread().filter.is_confined();
            let look = || epoll::reported_with(epoll, data, self.fd, self.queue.fifo);
            if may_open { preserved(look) } else { None }
        };
        if what == Some(Reported::Several) {
            *shared = Some(data);
        }
        what == Some(Reported::Only)
    }

    fn correct(&self, told: Pollers, may_wait: bool) -> Correction {
        let mut correction = Correction::NONE;
        for (kind, wanted) in KINDS {
            match told.has(kind).then(|| self.look_and_take_back(kind, wanted, may_wait)) {
                Some(Look::Nothing) => correction.in_vain = correction.in_vain.and(kind),
                Some(Look::UnderWay) => correction.too_early = correction.too_early.and(kind),
                Some(Look::There) | None => {}
            }
        }
        correction
    }

    /// Under way is also what is not there, and would be reported again at once: another process
    /// has stopped in the middle of taking it back, or the FIFO is too small to show it.
    fn look_and_take_back(&self, kind: Pollers, wanted: Wanted, may_wait: bool) -> Look {
        let found = self.look_after(wanted, may_wait);
        if found != Look::Nothing {
            return found;
        }
        self.take_back(wanted);
        if !self.shown().has(kind) {
            return Look::Nothing;
        }
        // It may have come meanwhile.
        if self.seems_ready(wanted) { Look::There } else { Look::UnderWay }
    }

    fn take_back(&self, wanted: Wanted) {
        match wanted {
            Wanted::Message => self.take_packets_back(),
            Wanted::Free => self.fill_up(),
        }
    }

    /// What the kernel reports by the number of packets.
    fn shown(&self) -> Pollers {
        let packets = self.queue.layout.readiness().packets();
        let of = |is_shown, kind| if is_shown { kind } else { Pollers::NONE };
        of(packets.most > 0, Pollers::MESSAGE).and(of(packets.least < CAPACITY, Pollers::SPACE))
    }

    /// What has been reported in vain although the number of packets said otherwise would be
    /// reported again at once: the contents of the FIFO were changed around us (`untold`).
    /// `shown`: what it said before the answer was corrected.
    fn count_if_changed(&self, in_vain: Pollers, shown: Pollers) {
        let changed = in_vain.but(shown);
        if changed.any() {
            self.queue.layout.readiness().correct(&self.channel());
        }
        for (kind, wanted) in KINDS {
            if changed.has(kind) {
                self.take_back(wanted);
            }
        }
    }

    fn look_after(&self, wanted: Wanted, may_wait: bool) -> Look {
        let mut moment = Moment::default();
        loop {
            if self.seems_ready(wanted) {
                return Look::There;
            }
            let found = self.look(wanted);
            if found != Look::UnderWay || !may_wait || !moment.wait() {
                return found;
            }
        }
    }
}
