//! What the process knows of a descriptor, and how long the queue stays mapped.
//!
//! An [`Open`] that has left the table stays mapped while an operation uses it (a hazard pointer,
//! `shared::thread`), and while the process has a duplicate that the library does not know yet; it
//! is *retired*. The memory of an `Open` itself is never freed, only reused: a thread with an old
//! pointer reads stale data, and finds out when it checks the table again.

use core::cell::UnsafeCell;
use core::hint::unreachable_unchecked;
use core::ptr;
use std::sync::Arc;

use crate::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use crate::os::file::{self, Status};
use crate::os::fork::ForkMutex;
use crate::os::{filter, membarrier, restartable};
use crate::posix::mq::descriptor::mapping::{self, Mapping};
use crate::posix::mq::descriptor::nonblocking::Nonblocking;
use crate::posix::mq::files::Data;
use crate::posix::mq::layout::Layout;
use crate::posix::mq::permission::Access;
use crate::posix::mq::poll::polling::Polling;
use crate::shared::lull::Lull;
use crate::shared::thread;

/// What a descriptor is to this process.
pub struct Opened {
    /// The mapped queue.
    pub layout: Layout,
    /// Keeps it mapped, and knows what the process keeps in it.
    pub mapping: Arc<Mapping>,
    /// Opened for receiving.
    pub can_receive: bool,
    /// Opened for sending.
    pub can_send: bool,
    /// What is known of `O_NONBLOCK` of the open description.
    pub nonblocking: Nonblocking,
    /// Device and inode of the data file.
    pub data: (u64, u64),
    /// Device and inode of the FIFO that the descriptor really is.
    pub fifo: (u64, u64),
    /// Whether it notes who sent and who received last.
    is_tracked: bool,
    /// How this process polls it.
    pub polling: Polling,
    /// Where the next read(2) of the status line begins.
    pub position: AtomicU64,
    /// Of batches that are sent.
    pub send_lull: Lull,
    /// Of batches that are received.
    pub receive_lull: Lull,
}

impl Opened {
    /// A queue that has been mapped, with the FIFO of its descriptor.
    pub fn new(data: Data, fifo: &Status, access: Access) -> Self {
        let identity = file::identity(&data.status);
        let mapping = mapping::kept_of(identity)
            .or_else(|| mapping_of_closed(identity))
            .unwrap_or_else(|| Arc::new(Mapping::new(data.map, data.layout)));
        Self::of(mapping, identity, file::identity(fifo), access)
    }

    /// The same queue, for another description.
    pub fn again(&self, access: Access) -> Self {
        Self::of(self.mapping.clone(), self.data, self.fifo, access)
    }

    /// All that may be done with it at once.
    fn at_once(&self) -> u8 {
        if self.is_tracked || !self.layout.is_at_home() || !restartable::is_possible() {
            return 0;
        }
        u8::from(self.can_send) * AtOnce::Send as u8
            + u8::from(self.can_receive) * AtOnce::Receive as u8
    }

    fn of(mapping: Arc<Mapping>, data: (u64, u64), fifo: (u64, u64), access: Access) -> Self {
        Self {
            layout: mapping.layout,
            can_receive: access.receive,
            can_send: access.send,
            nonblocking: Nonblocking::unknown(),
            data,
            fifo,
            is_tracked: mapping.layout.track().is_on(),
            polling: Polling::default(),
            position: AtomicU64::new(0),
            send_lull: Lull::default(),
            receive_lull: Lull::default(),
            mapping,
        }
    }

    /// This process sends.
    #[inline(always)]
    pub fn note_sender(&self) {
        if self.is_tracked {
            self.layout.track().sender.is_this_process();
        }
    }

    /// This process receives.
    #[inline(always)]
    pub fn note_receiver(&self) {
        if self.is_tracked {
            self.layout.track().receiver.is_this_process();
        }
    }
}

/// What may be done with a queue in a straight line, because the descriptor is for it, TIDs mean
/// the same to all (`claim`), a commit can be one restartable sequence, and nobody asks who it was.
#[derive(Clone, Copy)]
pub enum AtOnce {
    /// Messages may be sent.
    Send = 1,
    /// Messages may be received.
    Receive = 2,
}

/// The mapping of this data file in which the process keeps something, and whose descriptor a call
/// has closed that may free nothing.
fn mapping_of_closed(data: (u64, u64)) -> Option<Arc<Mapping>> {
    if !Pool::has_retired() {
        return None;
    }
    let is_it = |opened: &Opened| opened.data == data && opened.mapping.is_held();
    POOL.lock().retired(is_it).map(|opened| opened.mapping.clone())
}

impl Drop for Opened {
    fn drop(&mut self) {
        mapping::keep_if_held(&self.mapping, self.data);
    }
}

/// What an entry of the table leads to.
#[derive(Default)]
pub struct Open {
    /// Set by the thread that has taken it out of the unused ones, and emptied by the holder of
    /// [`POOL`]. The table does not lead here then, and no thread works on it.
    opened: UnsafeCell<Option<Opened>>,
    /// Which of [`AtOnce`] may be done with it; 0 where `opened` is `None`. It changes with that,
    /// and under the same rules, so Relaxed is enough: what makes `opened` visible, and keeps it as
    /// it is, does so for this.
    at_once: AtomicU8,
    /// Entries of the table that lead here. From 0 it never rises again until the `Open` is used
    /// anew.
    descriptors: AtomicUsize,
    /// The next one that is retired.
    next: AtomicPtr<Open>,
    /// The queue itself, where the descriptor may mean another file in some thread: then `opened`
    /// is `None`. This one has a share in it. Stored before the table leads here.
    behind: AtomicPtr<Open>,
    /// The one that was made before it. Never changes.
    #[expect(dead_code, reason = "only a checker for leaks follows it")]
    earlier: Option<&'static Open>,
}

// SAFETY: `opened` is only changed while no thread can read it, as its comment says.
unsafe impl Sync for Open {}
// SAFETY: nothing in it belongs to a thread.
unsafe impl Send for Open {}

impl Open {
    /// One that is no queue, for a special entry of the table.
    pub(super) const fn empty() -> Self {
        Self {
            opened: UnsafeCell::new(None),
            at_once: AtomicU8::new(0),
            descriptors: AtomicUsize::new(0),
            next: AtomicPtr::new(ptr::null_mut()),
            behind: AtomicPtr::new(ptr::null_mut()),
            earlier: None,
        }
    }

    /// The queue of a descriptor of which each thread has to see for itself whether it still is
    /// that queue's.
    pub(super) fn behind(&self) -> Option<&'static Self> {
        // SAFETY: entries are never freed.
        unsafe { self.behind.load(Ordering::Acquire).as_ref() }
    }

    /// # Safety
    /// Either the caller's hazard pointer protects it, and the table led here after that
    /// was visible; or the caller holds [`POOL`].
    pub(super) unsafe fn opened(&self) -> Option<&Opened> {
        // SAFETY: no thread changes it meanwhile, says the caller.
        unsafe { (*self.opened.get()).as_ref() }
    }

    /// The same, if this may be done with it at once.
    ///
    /// # Safety
    /// As there.
    #[inline(always)]
    pub(super) unsafe fn opened_for(&self, what: AtOnce) -> Option<&Opened> {
        if self.at_once.load(Ordering::Relaxed) & what as u8 == 0 {
            return None;
        }
        // SAFETY: no thread changes it meanwhile, says the caller.
        match unsafe { &*self.opened.get() } {
            // SAFETY: `at_once` is 0 then.
            None => unsafe { unreachable_unchecked() },
            opened => opened.as_ref(),
        }
    }

    /// Makes it that of a queue, with one descriptor.
    ///
    /// # Safety
    /// The caller has taken it out of the unused ones, and has not put it into the table yet.
    pub(super) unsafe fn begin(&self, opened: Opened) {
        self.at_once.store(opened.at_once(), Ordering::Relaxed);
        // SAFETY: no other thread reads it, says the caller.
        unsafe { *self.opened.get() = Some(opened) };
        self.descriptors.store(1, Ordering::Relaxed);
    }

    /// One more entry leads here. False: none does any more.
    pub(super) fn share(&self) -> bool {
        let more = |descriptors: usize| (descriptors > 0).then_some(descriptors + 1);
        self.descriptors.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more).is_ok()
    }

    /// One entry less leads here. Async-signal-safe: what is not needed any more is freed later.
    pub(super) fn unshare(&'static self) {
        if self.descriptors.fetch_sub(1, Ordering::SeqCst) == 1 {
            retire(ptr::from_ref(self).cast_mut());
            IS_NEW_RETIRED.store(true, Ordering::Relaxed);
        }
    }
}

/// Entries that are not in use.
#[derive(Default)]
pub struct Pool {
    free: Vec<&'static Open>,
    /// The one that was made last, and so all of them. A checker for leaks that knows nothing of
    /// the table's memory finds them here.
    all: Option<&'static Open>,
}

/// Held while entries are made and freed; never by an operation on a queue. Most threads that open
/// one do without (`spare`).
pub static POOL: ForkMutex<Pool> = ForkMutex::new(1, Pool { free: Vec::new(), all: None });

/// Entries that have left the table, chained by `next`. Any thread may put one in front; the holder
/// of [`POOL`] takes all.
static RETIRED: AtomicPtr<Open> = AtomicPtr::new(ptr::null_mut());

/// One of them has come since the holder of [`POOL`] has last looked. Relaxed: a hint.
static IS_NEW_RETIRED: AtomicBool = AtomicBool::new(false);

fn retire(open: *mut Open) {
    let mut first = RETIRED.load(Ordering::Relaxed);
    loop {
        // SAFETY: entries are never freed, and no other thread uses this one now.
        unsafe { (*open).next.store(first, Ordering::Relaxed) };
        match RETIRED.compare_exchange_weak(first, open, Ordering::AcqRel, Ordering::Relaxed) {
            Ok(_) => return,
            Err(now) => first = now,
        }
    }
}

impl Pool {
    /// One that is not in use. It is the caller's.
    pub(super) fn free_or_new(&mut self) -> &'static Open {
        self.free.pop().unwrap_or_else(|| {
            let new = Box::leak(Box::new(Open { earlier: self.all, ..Open::empty() }));
            self.all = Some(new);
            new
        })
    }

    /// An entry for a descriptor that leads to this queue in some threads, and has a share in it
    /// already.
    pub(super) fn take_in_front_of(&mut self, queue: &'static Open) -> *mut Open {
        let open = self.free_or_new();
        open.behind.store(ptr::from_ref(queue).cast_mut(), Ordering::Release);
        open.descriptors.store(1, Ordering::Relaxed);
        ptr::from_ref(open).cast_mut()
    }

    /// An entry that no other thread has seen.
    pub(super) fn give_back(&mut self, unseen: *mut Open) {
        // SAFETY: entries are never freed.
        let open = unsafe { &*unseen };
        open.behind.store(ptr::null_mut(), Ordering::Release);
        self.free.push(open);
    }

    /// A retired queue for which this is true. The pool is held as long as it is looked at.
    #[expect(clippy::unused_self, reason = "the borrow keeps the pool held")]
    pub(super) fn retired(&self, is_it: impl Fn(&Opened) -> bool) -> Option<&Opened> {
        let mut next = RETIRED.load(Ordering::Acquire);
        // SAFETY: entries are never freed, and only the holder of the pool takes one out of the
        // chain, or frees its queue.
        while let Some(open) = unsafe { next.as_ref() } {
            // SAFETY: the pool is held, so no thread frees the queue.
            if let Some(opened) = unsafe { open.opened() }
                && is_it(opened)
            {
                return Some(opened);
            }
            next = open.next.load(Ordering::Acquire);
        }
        None
    }

    /// Whether something could be freed.
    pub(super) fn has_retired() -> bool {
        !RETIRED.load(Ordering::Relaxed).is_null()
    }

    /// Whether something may be freed that could not be the last time.
    pub(super) fn has_newly_retired() -> bool {
        IS_NEW_RETIRED.load(Ordering::Relaxed)
    }

    /// Unmaps the retired queues that no operation is in the middle of, but for those that are
    /// still needed.
    pub(super) fn free_unused(&mut self, is_needed: impl Fn(&Opened) -> bool) {
        IS_NEW_RETIRED.store(false, Ordering::Relaxed);
        if !Self::has_retired() || !membarrier::may_call(filter::is_confined) {
            return;
        }
        let mut next = RETIRED.swap(ptr::null_mut(), Ordering::AcqRel);
        if next.is_null() {
            return;
        }
        membarrier::heavy();
        // SAFETY: entries are never freed; those in the chain are ours since the swap.
        while let Some(open) = unsafe { next.as_ref() } {
            let this = next;
            next = open.next.load(Ordering::Relaxed);
            // SAFETY: we have the pool.
            let stays = unsafe { open.opened() }.is_some_and(&is_needed);
            let is_in_use = !stays && thread::is_in_use(this.cast());
            if stays || is_in_use {
                retire(this);
                IS_NEW_RETIRED.fetch_or(is_in_use, Ordering::Relaxed);
                continue;
            }
            open.at_once.store(0, Ordering::Relaxed);
            // SAFETY: the table has not led here since before the barrier, and no hazard pointer
            // does.
            unsafe { *open.opened.get() = None };
            if let Some(queue) = open.behind() {
                open.behind.store(ptr::null_mut(), Ordering::Release);
                queue.unshare();
            }
            self.free.push(open);
        }
    }
}
