//! The mapping of a queue in this process, and what the process keeps in it beyond its calls.
//!
//! The mapping lives as long as a descriptor leads to it. If the last descriptor goes while the
//! process keeps something, it lives for ever: that memory is in use. A later open of the queue
//! gets the same mapping, and can give back what is kept.

use core::ptr;
use std::sync::Arc;

use memmap2::MmapRaw;

use crate::atomic::{AtomicPtr, AtomicU32, Ordering};
use crate::os::fork::ForkMutex;
use crate::os::futex::{self, Scope};
use crate::os::own::ProcessLocal;
use crate::os::process::Process;
use crate::os::{Errno, Result};
use crate::posix::mq::layout::Layout;
use crate::posix::mq::store::holders::{Entry, HOLDERS};
use crate::shared::pause::Pause;
use crate::shared::presence;
use crate::shared::presence::marks::{self, Mark};

/// A mapped queue.
pub struct Mapping {
    /// Unmapped with this.
    _map: MmapRaw,
    /// Where everything is in it.
    pub layout: Layout,
    /// See [`Own`]; 0 = none. Stored by the thread that has taken the entry, under [`TAKING`].
    own: ProcessLocal,
    /// Loans of this process: [`Count`].
    pub loans: Count,
    /// Messages that this process has borrowed.
    pub borrowed: Count,
    /// The last registration for a signal that this process has begun; 0 = none. Relaxed: the
    /// number in shared memory tells what has become of it.
    registered: ProcessLocal,
}

/// Held by the thread that takes a entry. No handler interrupts it: the child of a fork in there
/// would write to the parent's entry. And no other thread of the process takes a entry that is
/// half taken for one of an earlier process with the same number.
static TAKING: ForkMutex<()> = ForkMutex::new(3, ());

/// A number of things that the process keeps. The child of a fork begins at 0.
#[derive(Default)]
pub struct Count(ProcessLocal);

/// What the process has taken in the queue.
///
/// | bits | meaning |
/// |---|---|
/// | 27..32 | the number of its entry |
/// | 17..27 | what the entry's mark is to the kernel: `Mark::to_bits` |
/// | 0..17 | the number of its presence |
#[derive(Clone, Copy)]
struct Own(u32);

const ENTRY_SHIFT: u32 = 27;
const MARK_SHIFT: u32 = 17;
const _: () = assert!(HOLDERS <= 32 && presence::NUMBERS <= 1 << MARK_SHIFT);

impl Count {
    /// One more, if there are fewer than this. False: there are not.
    pub fn add_below(&self, limit: u32) -> bool {
        self.0.change(|count| (count < limit).then_some(count + 1))
    }

    /// Whether there are fewer than this.
    pub fn are_below(&self, limit: u32) -> bool {
        self.0.load(Ordering::SeqCst) < limit
    }

    /// One less.
    pub fn remove(&self) {
        self.0.change(|count| count.checked_sub(1));
    }

    fn is_any(&self) -> bool {
        self.0.load(Ordering::SeqCst) > 0
    }
}

impl Own {
    fn new(entry: usize, mark: Mark, number: u32) -> Self {
        let entry = u32::try_from(entry).unwrap_or(0);
        Self(entry << ENTRY_SHIFT | mark.to_bits() << MARK_SHIFT | number)
    }

    fn entry(self) -> usize {
        (self.0 >> ENTRY_SHIFT) as usize
    }

    fn mark(self) -> Option<Mark> {
        Mark::from_bits(self.0 >> MARK_SHIFT & 0x3ff)
    }

    fn held(self) -> u32 {
        presence::held_by(self.0 & ((1 << MARK_SHIFT) - 1))
    }
}

impl Mapping {
    /// A queue that has just been mapped.
    pub fn new(map: MmapRaw, layout: Layout) -> Self {
        Self {
            _map: map,
            layout,
            own: ProcessLocal::default(),
            loans: Count::default(),
            borrowed: Count::default(),
            registered: ProcessLocal::default(),
        }
    }

    /// This process is about to register for a signal, under this sequence number; 0: it takes that
    /// back.
    pub fn note_registration(&self, number: u32) {
        self.registered.store(number, Ordering::Relaxed);
    }

    /// The sequence number of the last one; 0 = there was none, or it was taken back.
    pub fn registered(&self) -> u32 {
        self.registered.load(Ordering::Relaxed)
    }

    /// What this process holds slots with, if it has held any.
    pub fn held_by_own(&self) -> Option<u32> {
        self.own().map(Own::held)
    }

    /// The number of the entry of this process.
    pub fn own_entry(&self) -> Option<usize> {
        self.own().map(Own::entry)
    }

    /// What this process holds slots with. The first time it takes a entry.
    ///
    /// Errors: ENOSYS: the kernel would tell no other process of its death; EUSERS: there is no
    /// free entry.
    #[inline]
    pub fn hold(&self, mend: impl FnMut() -> bool) -> Result<u32> {
        self.held_by_own().map_or_else(|| self.take_entry(mend), Ok)
    }

    fn own(&self) -> Option<Own> {
        let own = self.own.load(Ordering::Acquire);
        // A mark is never 0.
        (own != 0).then_some(Own(own))
    }

    /// `mend` gives back what dead processes hold, and their entries, and says whether one of them
    /// may be about to end.
    #[cold]
    fn take_entry(&self, mut mend: impl FnMut() -> bool) -> Result<u32> {
        let _taking = TAKING.lock();
        if let Some(held) = self.held_by_own() {
            return Ok(held);
        }
        let process = presence::of_holder().ok_or(Errno::ENOSYS)?;
        let held = presence::held_by(process);
        self.forget_earlier(held);
        let holders = self.layout.holders();
        let mut pause = Pause::default();
        let number = loop {
            let may_be_soon = mend();
            match holders.take(held) {
                Some(number) => break number,
                None if may_be_soon && pause.wait() => {}
                None => return Err(Errno::EUSERS),
            }
        };
        let entry = holders.entry(number).ok_or(Errno::EUSERS)?;
        let (mark, value) = add_mark(entry).inspect_err(|_| entry.give_back(held))?;
        entry.begin(value, Process::pid_of_memory());
        // Those who sleep know of the entry from now on, and sleep until its mark, too. Before
        // any thread of the process holds something.
        self.layout.message().wake_all();
        self.layout.space().wake_all();
        self.own.store(Own::new(number, mark, process).0, Ordering::Release);
        Ok(held)
    }

    /// A process that had the number of this one before may have left something.
    fn forget_earlier(&self, held: u32) {
        let is_earlier = |entry: &&Entry| entry.owner() == held && entry.is_marked();
        for entry in self.layout.holders().used().iter().filter(is_earlier) {
            self.layout.slots().free_held(held);
            entry.give_back(held);
        }
    }

    /// Whether the process keeps something there.
    pub fn is_held(&self) -> bool {
        self.loans.is_any() || self.borrowed.is_any()
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        let Some(own) = self.own() else { return };
        if let Some(entry) = self.layout.holders().entry(own.entry()) {
            entry.give_back(own.held());
        }
        if let Some(mark) = own.mark() {
            marks::release(mark);
        }
    }
}

/// A mapping that stays. Never freed.
struct Stays {
    mapping: Arc<Mapping>,
    /// Device and inode of the data file. The mapping keeps the inode from being used again.
    data: (u64, u64),
    next: *const Stays,
}

/// The mappings that stay, chained. Any thread may put one in front.
static STAY: AtomicPtr<Stays> = AtomicPtr::new(ptr::null_mut());

/// A descriptor of the mapping goes. If the process keeps something there, the mapping stays.
pub fn keep_if_held(mapping: &Arc<Mapping>, data: (u64, u64)) {
    let is_last = Arc::strong_count(mapping) == 1;
    if !is_last || !mapping.is_held() {
        return;
    }
    let mut first = STAY.load(Ordering::Acquire);
    let stays = Box::leak(Box::new(Stays { mapping: mapping.clone(), data, next: first }));
    while let Err(now) = STAY.compare_exchange(first, stays, Ordering::AcqRel, Ordering::Acquire) {
        first = now;
        stays.next = first;
    }
}

/// The mapping of this data file that stays.
pub fn kept_of(data: (u64, u64)) -> Option<Arc<Mapping>> {
    let mut next: *const Stays = STAY.load(Ordering::Acquire);
    // SAFETY: never freed, and not changed once it is in the chain.
    while let Some(stays) = unsafe { next.as_ref() } {
        if stays.data == data {
            return Some(stays.mapping.clone());
        }
        next = stays.next;
    }
    None
}

/// The kernel marks the entry when the process dies. ENOSYS: it does not.
fn add_mark(entry: &Entry) -> Result<(Mark, u32)> {
    // SAFETY: the entry is in the first page of the mapping, which is shared.
    unsafe { marks::add_word(entry.mark()) }.map_err(|_| Errno::ENOSYS)
}

/// Wakes all who sleep on a mark.
pub fn wake_all(mark: &AtomicU32) {
    futex::wake(mark.as_ptr(), i32::MAX, Scope::Shared);
}

/// The entries of other processes, which a sleeper of this process waits for.
pub fn others(mapping: &Mapping) -> impl Iterator<Item = &Entry> {
    let own = mapping.own_entry();
    let used = mapping.layout.holders().used().iter().enumerate();
    used.filter(move |(number, entry)| Some(*number) != own && entry.owner() != 0)
        .map(|(_, entry)| entry)
}
