//! Corrects the answer of poll(2) before the program gets it.
//!
//! A packet is put into the FIFO before the message is committed (`level`), so a process that polls
//! may be woken a moment too early, or in vain if the sender is killed in between. If there is
//! nothing else to report, the call waits for the commit, and takes back an answer that was in
//! vain. Only where the sender is stopped in the middle is the message reported all the same, after
//! a while.

use std::os::fd::RawFd;

use crate::os::errno::preserved;
use crate::posix::mq::descriptor::{self, Use};
use crate::posix::mq::poll::readiness::Pollers;
use crate::posix::mq::poll::watched;
use crate::posix::mq::store::slots::{Look, Wanted};
use crate::shared::pause::Pause;
use crate::shared::thread::{FrameTag, Thread};

/// What is believed of something that is about to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnderWay {
    /// It is there soon; it is waited for.
    WaitedFor,
    /// The program is told of something else now, and will be told of this the next time.
    NotYet,
    /// It counts as if it were there: the program is told of edges, and would never hear of this
    /// again.
    There,
}

/// What of this is not true of the queue: a message, room, both. What is no queue is always right.
pub fn in_vain(thread: &'static Thread, fd: RawFd, told: Pollers, under_way: UnderWay) -> Pollers {
    let tag = FrameTag::new();
    match descriptor::enter(thread, fd, &tag) {
        Ok(queue) => preserved(|| queue.in_vain(told, under_way)),
        Err(_) => Pollers::NONE,
    }
}

/// Corrects the answer of this epoll. `change` is told how to change the events of those of which
/// the program is told by some data, if there are any. `is_alone`: there is one event. An event
/// that becomes empty is the caller's to take out.
pub fn correct_epoll(
    thread: &'static Thread,
    epoll: RawFd,
    is_alone: bool,
    mut change: impl FnMut(u64, &dyn Fn(u32) -> u32),
) {
    for fd in watched::all() {
        let tag = FrameTag::new();
        let Ok(queue) = descriptor::enter(thread, fd, &tag) else { continue };
        let Some(data) = queue.queue.polling.data_for(epoll) else { continue };
        if !queue.seems_ready(Wanted::Message) || !queue.seems_ready(Wanted::Free) {
            let pollers = queue.queue.layout.readiness().pollers();
            let under_way = match (is_alone, pollers.are(Pollers::EDGE)) {
                (true, _) => UnderWay::WaitedFor,
                (false, true) => UnderWay::There,
                (false, false) => UnderWay::NotYet,
            };
            change(data, &|told| {
                let in_vain = preserved(|| queue.in_vain(Pollers::told_by(told), under_way));
                told & !in_vain.events()
            });
        }
    }
}

impl Use<'_> {
    fn in_vain(&self, told: Pollers, under_way: UnderWay) -> Pollers {
        let mut in_vain = Pollers::NONE;
        if told.has(Pollers::MESSAGE) && self.is_refuted(Wanted::Message, under_way) {
            self.take_packets_back();
            in_vain = in_vain.and(Pollers::MESSAGE);
        }
        if told.has(Pollers::ROOM) && self.is_refuted(Wanted::Free, under_way) {
            self.fill_up();
            in_vain = in_vain.and(Pollers::ROOM);
        }
        in_vain
    }

    /// Whether there is none.
    fn is_refuted(&self, wanted: Wanted, under_way: UnderWay) -> bool {
        let mut pause = Pause::without_spins();
        loop {
            if self.seems_ready(wanted) {
                return false;
            }
            match (self.look(wanted), under_way) {
                (Look::There, _) | (Look::UnderWay, UnderWay::There) => return false,
                (Look::Nothing, _) | (Look::UnderWay, UnderWay::NotYet) => return true,
                (Look::UnderWay, UnderWay::WaitedFor) => {}
            }
            if !pause.turn() {
                return false;
            }
        }
    }
}
