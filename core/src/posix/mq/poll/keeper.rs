//! The thread that keeps the bells of polled queues: it renews their leases, and now and then rings them itself, for
//! the sake of a sender that was killed between its message and the bell.
//!
//! It is made when this process first polls a queue, and sleeps while the process polls none.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::os::fd::RawFd;

use crate::os::Result;
use crate::os::cancel::uncancelled;
use crate::os::futex::{self, Scope};
use crate::os::spawn;
use crate::posix::mq::descriptor;
use crate::posix::mq::notify::registration::Sender;
use crate::posix::mq::poll::bell::{LEASE_MS, now_ms};
use crate::posix::mq::store::slots::{Look, Wanted};
use crate::shared::thread::{FrameTag, Thread};

/// Between two rounds, in milliseconds.
const ROUND_MS: u32 = 400;
/// Looks for operations under way that began before the lease.
const LOOKS: u32 = 1000;

/// The process whose keeper runs; 0 = none yet. Changed by who makes it, before it runs.
static KEEPER: AtomicU32 = AtomicU32::new(0);
/// Counts the calls that the keeper must see. It sleeps on it.
static CALLS: AtomicU32 = AtomicU32::new(0);

/// How this process polls a queue. Private to the process.
#[derive(Default)]
pub struct Polled {
    /// Calls of poll(2) and the like that are under way.
    calls: AtomicU32,
    /// When the last one was over, in milliseconds of CLOCK_MONOTONIC.
    last: AtomicU64,
    /// 1 = it is in the set of an epoll.
    watched: AtomicU32,
}

/// How a queue is going to be polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Poll {
    /// By one call, until [`end`].
    Call,
    /// From now on, by an epoll.
    Watch,
}

impl Polled {
    fn is_active(&self) -> bool {
        self.calls.load(Ordering::SeqCst) > 0
            || self.watched.load(Ordering::SeqCst) != 0
            || self.last.load(Ordering::SeqCst) + LEASE_MS > now_ms()
    }
}

/// The queue of `fd` is going to be polled: from now on its FIFO tells the truth.
pub fn begin(thread: &'static Thread, fd: RawFd, how: Poll) -> Result<()> {
    let tag = FrameTag::new();
    let queue = descriptor::enter(thread, fd, &tag)?;
    let polled = &queue.queue.polled;
    let was_active = polled.is_active();
    match how {
        Poll::Call => polled.calls.fetch_add(1, Ordering::SeqCst),
        Poll::Watch => polled.watched.swap(1, Ordering::SeqCst),
    };
    if queue.queue.layout.bell().lease(now_ms()) && was_active {
        return Ok(());
    }
    uncancelled(|| {
        call_keeper();
        // An operation that began before the lease may not ring.
        for _ in 0..LOOKS {
            if queue.look(Wanted::Message) != Look::UnderWay {
                break;
            }
            core::hint::spin_loop();
        }
    });
    queue.ring();
    Ok(())
}

/// A call that [`begin`] announced is over.
pub fn end(thread: &'static Thread, fd: RawFd) {
    let tag = FrameTag::new();
    if let Ok(queue) = descriptor::enter(thread, fd, &tag) {
        let polled = &queue.queue.polled;
        polled.last.store(now_ms(), Ordering::SeqCst);
        // Never below 0: the number may be that of another queue by now.
        let _ = polled.calls.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |calls| calls.checked_sub(1));
    }
}

fn call_keeper() {
    let this = Sender::this().pid;
    let before = KEEPER.swap(this, Ordering::SeqCst);
    if before != this && spawn::background("rsipc-keeper", run).is_err() {
        // The next one who polls tries again. Until then others ring.
        KEEPER.store(0, Ordering::SeqCst);
    }
    CALLS.fetch_add(1, Ordering::SeqCst);
    futex::wake(CALLS.as_ptr(), 1, Scope::Private);
}

fn run() {
    let slot = core::cell::Cell::new(core::ptr::null());
    let Ok(thread) = Thread::adopt(&slot) else { return };
    loop {
        let calls = CALLS.load(Ordering::SeqCst);
        let mut active = false;
        for fd in descriptor::all() {
            active |= keep(thread, fd);
        }
        futex::wait(&CALLS, calls, Scope::Private, active.then_some(ROUND_MS));
    }
}

fn keep(thread: &'static Thread, fd: RawFd) -> bool {
    let tag = FrameTag::new();
    let Ok(queue) = descriptor::enter(thread, fd, &tag) else { return false };
    let active = queue.queue.polled.is_active();
    if active {
        queue.queue.layout.bell().lease(now_ms());
        queue.ring();
    }
    active
}
