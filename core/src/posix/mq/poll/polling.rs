//! How this process polls a queue through a description. Private to the process.

use std::os::fd::RawFd;

use crate::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering};
use crate::os::lock::{self, Kind, Owner};
use crate::posix::mq::poll::fifo::{OwnDescription, POLLERS_BYTE};
use crate::posix::mq::poll::readiness::{Pollers, Readiness};

/// See the module.
#[derive(Default)]
pub struct Polling {
    /// Bits: [`LOCKED`], [`LAZY`], [`OUT_OF_SIGHT`].
    state: AtomicU32,
    /// What an epoll waits for: `Pollers::bits`. Added to by the thread that puts it into a set.
    events: AtomicU32,
    /// The epoll that has it in its set; -1 = several. From 0 it is stored by the thread that puts
    /// it there.
    epoll: AtomicI32,
    /// What that epoll tells of it: `epoll_data_t`.
    data: AtomicU64,
    /// Of which events that epoll tells: `Pollers::bits`.
    told: AtomicU32,
    /// The epoll into whose set it was put last, plus one.
    set: AtomicI32,
    /// For the system calls on the FIFO.
    pub own: OwnDescription,
}

/// The description has its lock, and the word says so. Set once.
const LOCKED: u32 = 1;
/// The process has waited for the queue by a call that looks before it sleeps, and will do so
/// again: so the packet may stay for that call to take out. Set by that call; cleared by the thread
/// that leaves a packet.
const LAZY: u32 = 2;
/// An epoll reports it that does not look at it: no packet may stay. Set once.
const OUT_OF_SIGHT: u32 = 4;

impl Polling {
    /// This process will look before it sleeps.
    pub fn will_look(&self) {
        self.state.fetch_or(LAZY, Ordering::Relaxed);
    }

    /// Whether a packet may stay for the next call that looks.
    pub fn may_be_lazy(&self) -> bool {
        self.state.fetch_and(!LAZY, Ordering::Relaxed) & (LAZY | OUT_OF_SIGHT) == LAZY
    }

    /// The descriptor has been closed that an epoll reports it by, and others lead to it.
    pub fn put_out_of_sight(&self) {
        self.state.fetch_or(OUT_OF_SIGHT, Ordering::Relaxed);
    }

    /// An epoll is going to wait for these events.
    pub fn watch(&self, wanted: Pollers) {
        self.events.fetch_or(wanted.bits(), Ordering::Relaxed);
    }

    /// It is in the set of this epoll, which tells of these events with this data. `None`: it
    /// reports only once (`EPOLLONESHOT`), so that each event counts.
    pub fn is_reported(&self, epoll: RawFd, told: Pollers, data: Option<u64>) {
        self.set.store(epoll + 1, Ordering::Relaxed);
        let known = self.epoll.load(Ordering::Relaxed);
        let is_only_one = known == 0 || known == epoll + 1;
        self.data.store(data.unwrap_or(0), Ordering::Relaxed);
        self.told.store(told.bits(), Ordering::Relaxed);
        self.epoll
            .store(if is_only_one && data.is_some() { epoll + 1 } else { -1 }, Ordering::Release);
    }

    /// It is not in the set of this epoll any more.
    pub fn is_not_reported(&self, epoll: RawFd) {
        if self.epoll.load(Ordering::Relaxed) == epoll + 1 {
            self.told.store(Pollers::NONE.bits(), Ordering::Relaxed);
        }
    }

    /// The data with which this epoll reports it. `None`: it does not watch it, is not the only
    /// one, or reports only once.
    pub fn data_for(&self, epoll: RawFd) -> Option<u64> {
        (self.epoll.load(Ordering::Acquire) == epoll + 1).then(|| self.data.load(Ordering::Relaxed))
    }

    /// The events that this epoll has to report again and again, as long as the queue has them.
    /// Where several epolls have it in their sets, or one that reports only once, it is any that
    /// has ever been waited for.
    pub fn told_by(&self, epoll: RawFd) -> Pollers {
        let known = self.epoll.load(Ordering::Acquire);
        let told = match known {
            0 => return Pollers::NONE,
            ..0 => self.events(),
            _ if known - 1 == epoll => Pollers::from_bits(self.told.load(Ordering::Relaxed)),
            _ => return Pollers::NONE,
        };
        if told.has(Pollers::EDGE) { Pollers::NONE } else { told }
    }

    /// The epoll into whose set it was put last; -1: none.
    pub fn set(&self) -> RawFd {
        self.set.load(Ordering::Relaxed) - 1
    }

    /// What epolls wait for.
    pub fn events(&self) -> Pollers {
        Pollers::from_bits(self.events.load(Ordering::Relaxed))
    }

    /// Whether the description has its lock, and the word says that the queue is polled for this.
    pub fn is_announced(&self, readiness: &Readiness, wanted: Pollers) -> bool {
        self.state.load(Ordering::Relaxed) & LOCKED != 0 && readiness.pollers().has(wanted)
    }

    /// Takes the lock of the description, which is the queue's, and says that the queue is polled.
    pub fn announce(&self, fd: RawFd, readiness: &Readiness, wanted: Pollers) {
        let locked = lock::try_lock(fd, Owner::Description, Kind::Read, POLLERS_BYTE);
        // Another process may have a write lock, or the kernel may have no lock to give: then no
        // process will notice when this one has ended.
        let who = if locked == Ok(true) { wanted } else { wanted.and(Pollers::UNKNOWN) };
        readiness.arm(who);
        self.state.fetch_or(LOCKED, Ordering::Relaxed);
    }
}
