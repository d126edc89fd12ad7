//! The objects of a family that this process has mapped, by their ids.
//!
//! The table is looked up without a lock, and changed without one, as signal handlers do both. An
//! entry stays mapped while an operation is in the middle of it (a hazard pointer, see
//! `shared::thread`). The memory of an entry is never given back, only used again.
//!
//! | state of an entry | meaning | changed by |
//! |---|---|---|
//! | 0 free | not in use | a thread that needs one takes it to 1, by exchange |
//! | 1 in hand | its taker fills or empties it | the taker, to 2 or 0 |
//! | 2 attached | the table leads to it | a thread that finds the object removed takes it to 3, by exchange |
//! | 3 detached | no look-up finds it any more | a thread that sees that no operation is in it takes it to 1, by exchange |

use crate::atomic::{AtomicI32, AtomicPtr, AtomicU32, AtomicUsize, Ordering};
use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::ptr;

use crate::os::{Errno, Result, filter, membarrier};
use crate::shared::thread::{self, FrameTag, Operation, Thread};

/// Places of the table. More objects than three quarters of it are ENOMEM: the kernel's limits let
/// a process use 32,000 of each family, and here it is not to meet one earlier.
const PLACES: usize = 1 << 16;
/// Neighbours whose entries are in one piece of memory.
const GROUP: usize = 32;
/// Places that are looked at for an id.
const PROBES: usize = 256;
/// Objects that are attached between two looks for those that are gone, at least.
const FEW: u32 = 256;

mod state {
    pub const FREE: u32 = 0;
    pub const IN_HAND: u32 = 1;
    pub const ATTACHED: u32 = 2;
    pub const DETACHED: u32 = 3;
}

struct Entry<T> {
    state: AtomicU32,
    /// The object's id. Written in hand.
    id: AtomicI32,
    object: UnsafeCell<MaybeUninit<T>>,
}

/// See the module.
pub struct Attached<T: 'static> {
    table: [AtomicPtr<[Entry<T>; GROUP]>; PLACES / GROUP],
    /// How many more will be attached before the next [`Attached::sweep`]. Relaxed: a hint.
    until_sweep: AtomicU32,
    /// No object is further from its first place than this. Only grows: raised by a thread that is
    /// about to attach one there. Relaxed: a thread that knows of an object knows of it by the
    /// store that attached it, or one that followed.
    furthest: AtomicUsize,
}

// SAFETY: `object` is only written by the thread that has the entry in hand, while no thread reads
// it.
unsafe impl<T: Send + Sync> Sync for Attached<T> {}

/// An operation on an object, which stays mapped until it is dropped.
pub struct Use<T: 'static> {
    /// What the operation may claim with.
    pub operation: Operation<'static>,
    /// The object.
    pub object: &'static T,
}

impl<T: Send + Sync> Attached<T> {
    /// None.
    pub const fn new() -> Self {
        let table = [const { AtomicPtr::new(ptr::null_mut()) }; PLACES / GROUP];
        Self { table, until_sweep: AtomicU32::new(FEW), furthest: AtomicUsize::new(0) }
    }

    /// Begins an operation on the object with this id, which is attached by `attach` if need be.
    pub fn enter(
        &'static self,
        mut thread: &'static Thread,
        id: i32,
        tag: &FrameTag,
        attach: impl Fn() -> Result<T>,
    ) -> Result<Use<T>> {
        loop {
            match self.enter_attached(thread, id, tag) {
                Ok(Some(entered)) => return Ok(entered),
                Ok(None) => self.insert(id, attach()?)?,
                // This is the child of a fork, and the block was its parent's.
                Err(Errno::ERESTART) => thread = Thread::calling()?,
                Err(error) => return Err(error),
            }
        }
    }

    /// The same for one that is attached already.
    #[inline(always)]
    pub fn enter_attached(
        &'static self,
        thread: &'static Thread,
        id: i32,
        tag: &FrameTag,
    ) -> Result<Option<Use<T>>> {
        let Some(entry) = self.find(id) else { return Ok(None) };
        let operation = thread.begin(ptr::from_ref(entry).cast(), tag)?;
        membarrier::light();
        if entry.is(id) {
            // SAFETY: the entry was attached after the hazard pointer was visible, so the object
            // stays until the operation ends.
            let object = unsafe { (*entry.object.get()).assume_init_ref() };
            return Ok(Some(Use { operation, object }));
        }
        Ok(None)
    }

    /// The ids of all that are attached. Allocates nothing.
    pub fn ids(&'static self) -> impl Iterator<Item = i32> {
        // SAFETY: groups are never freed.
        let groups = self.table.iter().filter_map(|group| unsafe {
            let group: *const [Entry<T>; GROUP] = group.load(Ordering::Acquire);
            group.as_ref()
        });
        groups.flatten().filter_map(|entry| {
            let id = entry.id.load(Ordering::Relaxed);
            entry.is(id).then_some(id)
        })
    }

    /// One more is about to be attached. Detaches those that are gone, if as many have been
    /// attached since the last time, and not detached, as were left then. An object that another
    /// process has removed is found here alone: no call names it any more, but it would keep its
    /// place, its mapping and its memory.
    pub fn sweep(&'static self, thread: &'static Thread, is_gone: impl Fn(&T) -> bool) {
        let (set, read) = (Ordering::Relaxed, Ordering::Relaxed);
        if self.until_sweep.fetch_update(set, read, |left| left.checked_sub(1)).is_err() {
            let stay = self.detach_those(thread, is_gone);
            self.until_sweep.store(stay.max(FEW), Ordering::Relaxed);
        }
    }

    /// The number of those that stay.
    #[cold]
    #[inline(never)]
    fn detach_those(&'static self, thread: &'static Thread, is_gone: impl Fn(&T) -> bool) -> u32 {
        let mut stay = 0;
        for id in self.ids() {
            let tag = FrameTag::new();
            // It may be detached meanwhile; the child of a fork leaves it to a later call.
            let Ok(Some(entered)) = self.enter_attached(thread, id, &tag) else { continue };
            let gone = is_gone(entered.object);
            drop(entered);
            if gone {
                self.detach(id, thread);
            } else {
                stay += 1;
            }
        }
        stay
    }

    #[inline(always)]
    fn find(&'static self, id: i32) -> Option<&'static Entry<T>> {
        // Nearly always.
        let first = self.entry(first_place(id)).filter(|entry| entry.is(id));
        first.or_else(|| self.find_further(id))
    }

    #[cold]
    fn find_further(&'static self, id: i32) -> Option<&'static Entry<T>> {
        let furthest = self.furthest.load(Ordering::Relaxed);
        let further = places(id).take(furthest + 1).skip(1);
        further.filter_map(|place| self.entry(place)).find(|entry| entry.is(id))
    }

    #[inline(always)]
    fn entry(&'static self, place: usize) -> Option<&'static Entry<T>> {
        // SAFETY: groups are never freed.
        let group = unsafe { self.table[place / GROUP].load(Ordering::Acquire).as_ref() }?;
        Some(&group[place % GROUP])
    }

    /// Lets the object with this id be found. ENOMEM.
    pub fn insert(&'static self, id: i32, object: T) -> Result<()> {
        for (probe, place) in places(id).enumerate() {
            let group = &self.table[place / GROUP];
            if group.load(Ordering::Acquire).is_null() {
                fill(group)?;
            }
            let Some(entry) = self.entry(place) else { continue };
            entry.recycle(filter::is_confined);
            if entry.take(state::FREE) {
                // SAFETY: the entry is in hand.
                unsafe { (*entry.object.get()).write(object) };
                entry.id.store(id, Ordering::Relaxed);
                self.furthest.fetch_max(probe, Ordering::Relaxed);
                // Release: a thread that finds it attached finds the object.
                entry.state.store(state::ATTACHED, Ordering::Release);
                return Ok(());
            }
        }
        Err(Errno::ENOMEM)
    }

    /// From now on no look-up finds the object with this id. It is unmapped when no operation is in
    /// the middle of it.
    pub fn detach(&'static self, id: i32, thread: &Thread) {
        // Two threads may have attached it at the same time.
        while let Some(entry) = self.find(id) {
            if entry.exchange(state::ATTACHED, state::DETACHED) {
                self.until_sweep.fetch_add(1, Ordering::Relaxed);
                entry.recycle(|| thread.filter.is_confined());
            }
        }
    }
}

impl<T> Entry<T> {
    fn is(&self, id: i32) -> bool {
        // Acquire: with the store of `insert`.
        self.state.load(Ordering::Acquire) == state::ATTACHED
            && self.id.load(Ordering::Relaxed) == id
    }

    fn exchange(&self, from: u32, to: u32) -> bool {
        self.state.compare_exchange(from, to, Ordering::SeqCst, Ordering::Relaxed).is_ok()
    }

    fn take(&self, from: u32) -> bool {
        self.exchange(from, state::IN_HAND)
    }

    /// Unmaps what is detached, if no operation is in the middle of it. `is_confined`: see
    /// [`membarrier::may_call`].
    fn recycle(&self, is_confined: impl FnOnce() -> bool) {
        let is_detached = self.state.load(Ordering::Relaxed) == state::DETACHED;
        if !is_detached || !membarrier::may_call(is_confined) {
            return;
        }
        membarrier::heavy();
        if thread::is_in_use(ptr::from_ref(self).cast()) || !self.take(state::DETACHED) {
            return;
        }
        // SAFETY: it was attached once, the entry is in hand, and no hazard pointer leads here.
        unsafe { (*self.object.get()).assume_init_drop() };
        self.state.store(state::FREE, Ordering::Release);
    }
}

/// Ids are random integers.
fn first_place(id: i32) -> usize {
    usize::try_from(id).unwrap_or(0) % PLACES
}

fn places(id: i32) -> impl Iterator<Item = usize> {
    (0..PROBES).map(move |probe| (first_place(id) + probe) % PLACES)
}

fn fill<T>(group: &AtomicPtr<[Entry<T>; GROUP]>) -> Result<()> {
    let new = new_group()?;
    let null = ptr::null_mut();
    if group.compare_exchange(null, new, Ordering::AcqRel, Ordering::Relaxed).is_err() {
        // SAFETY: no other thread has seen it.
        unsafe { libc::munmap(new.cast(), size_of::<[Entry<T>; GROUP]>()) };
    }
    Ok(())
}

/// Free entries, in memory of their own: no allocation, as a handler may have interrupted one.
fn new_group<T>() -> Result<*mut [Entry<T>; GROUP]> {
    // SAFETY: new memory, all zeros, which are free entries.
    let new = unsafe {
        libc::mmap(
            ptr::null_mut(),
            size_of::<[Entry<T>; GROUP]>(),
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    if new == libc::MAP_FAILED { Err(Errno::ENOMEM) } else { Ok(new.cast()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_as_the_kernel_has_are_found() {
        static TABLE: Attached<i32> = Attached::new();
        // Ids are random; these are the same ones each time.
        let mut state = 1_u64;
        let ids: Vec<i32> = (0..32_000)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                i32::try_from(state >> 33).unwrap_or(0)
            })
            .collect();
        for (count, id) in ids.iter().enumerate() {
            assert_eq!(TABLE.insert(*id, *id), Ok(()), "after {count}");
        }
        assert!(ids.iter().all(|id| TABLE.find(*id).is_some()));
        assert_eq!(TABLE.ids().count(), ids.len());
    }
}
