//! The blocks of the threads, and which thread owns which.
//!
//! Blocks live in memory that the kernel wipes in the child of a fork (`os::wiped`): there they
//! have no owner and no TID, and the thread sets up its block anew. If a handler forks in the
//! middle of an operation, the operation finds another *incarnation* in the child than the one that
//! it began with.
//!
//! The library is not told when a thread ends. A thread-specific key would be one of the program's
//! 1024, might allocate in a signal handler, and would lead into a library that may have been
//! unloaded; a C++ destructor always allocates, and ends the process when it cannot. So a block
//! stays taken until blocks run out, or another thread gets the memory of its owner. Then the
//! blocks whose TID no thread has are freed.
//!
//! The child of a vfork(2) runs on the memory of its parent's thread, and uses its block. If there
//! is none yet, the child makes one that is *borrowed*: it has no TID until the parent takes it
//! over. A child that closes or opens descriptors *lends itself* the block: what is known of
//! descriptors is the parent's, so no operation takes the fast path until the parent is back.

use core::cell::Cell;
use core::ptr;

use super::activation::Activation;
use crate::atomic::{
    AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering, compiler_fence,
};
use crate::os::errno::{Errno, Result, preserved};
use crate::os::filter::Found;
use crate::os::futex;
use crate::os::namespace;
use crate::os::process::Process;
use crate::os::robust;
use crate::os::wiped::{Table, Wiped};
use crate::shared::claim::{self, Holder, holder};

/// Operations within operations of one thread: handlers that interrupt handlers.
const DEPTH: usize = 16;
/// Blocks that are mapped at a time.
const SLAB: usize = 256;
/// Slabs at most: 262,144 threads at a time.
const SLABS: usize = 1024;

/// No address of a pointer has this bit.
const BEGINS: usize = 1;

/// A thread's block. All fields but `owner`, `tid`, `presence` and what `Activation` names are for
/// the thread itself and its signal handlers; they are atomics because a handler may run between
/// any two instructions.
#[repr(C)]
pub struct Thread {
    /// Different each time the block is set up; 0 = it is not. First: then its address is that of
    /// the block, which an operation has in a register.
    pub(super) incarnation: AtomicU64,
    /// Address of the thread's own pointer to this block; 0 = free. [`BEGINS`] is added while the
    /// thread sets it up: a handler then takes another one. (In the child of a fork, the pointer
    /// leads to the old block from the start.)
    owner: AtomicUsize,
    /// 0 while the block has no owner, in the instant before the owner stores it, and while it is
    /// borrowed.
    pub(super) tid: AtomicU32,
    /// What it claims with in the name of the process's presence; 0 = nothing yet.
    pub(super) presence: AtomicU32,
    /// Where claims are announced: `list_op_pending`; `unwatched` of this block where there is
    /// none; `taken` where TIDs mean nothing to others.
    pub(super) claims: AtomicPtr<AtomicUsize>,
    /// The same, if that is `list_op_pending`; otherwise null. While it is not null, `tid` is not
    /// 0.
    pub(super) watched: AtomicPtr<AtomicUsize>,
    /// Where death words are announced: `list_op_pending`, or `taken` where there is none.
    pub(super) deaths: AtomicPtr<AtomicUsize>,
    pub(super) futex_offset: AtomicUsize,
    /// Which calls the thread's waits may make.
    pub filter: Found,
    /// Used instead of `list_op_pending`: never 0, so that nothing is announced.
    pub(super) taken: AtomicUsize,
    /// The same where the thread has no robust list: used as that would be, and seen by no other
    /// thread.
    pub(super) unwatched: AtomicUsize,
    /// The child of a vfork(2) has changed its descriptors. Set by the child, with `claims` leading
    /// to `taken`; cleared by the thread that owns the block.
    is_lent: AtomicBool,
    pub(super) activations: [Activation; DEPTH],
}

/// Used instead of `list_op_pending` for threads whose TID means nothing to others.
pub(super) static TAKEN: AtomicUsize = AtomicUsize::new(1);

static BLOCKS: Table<Thread, SLABS, SLAB> = Table::new();

/// The last incarnation. A child inherits it, and so never uses one that an operation of its parent
/// has seen.
static LAST: AtomicU64 = AtomicU64::new(0);

/// Finds the calling thread's own pointer to its block: a C function without arguments.
pub type FindSlot = unsafe extern "C" fn() -> *const Cell<*const Thread>;

/// Null until the library is loaded.
static FIND_SLOT: AtomicPtr<()> = AtomicPtr::new(ptr::null_mut());

// SAFETY: zeros are a free block, and `Activation` is made of atomics, too.
unsafe impl Wiped for Thread {}

impl Thread {
    /// The calling thread's block, if it has one. `slot` is its thread-local pointer to it.
    #[inline(always)]
    pub fn current(slot: &Cell<*const Thread>) -> Option<&'static Thread> {
        // SAFETY: blocks are never unmapped.
        let thread = unsafe { slot.get().as_ref() }?;
        // Not so in the child of a fork. Relaxed: the thread itself stored it.
        (thread.owner.load(Ordering::Relaxed) == ptr::from_ref(slot).addr()).then_some(thread)
    }

    /// Memory for the blocks of the first threads, so that they need none in the middle of a call.
    /// ENOMEM. Async-signal-safe.
    pub fn prepare() -> Result<()> {
        if BLOCKS.iter().next().is_none() { BLOCKS.grow() } else { Ok(()) }
    }

    /// Takes a free block for the calling thread. ENOMEM. Async-signal-safe.
    #[inline]
    pub fn assign(slot: &Cell<*const Thread>) -> Result<&'static Thread> {
        Self::find_free(slot).ok_or(Errno::ENOMEM)
    }

    #[cold]
    fn find_free(slot: &Cell<*const Thread>) -> Option<&'static Thread> {
        preserved(|| {
            let owner = ptr::from_ref(slot).addr();
            // This memory may have been that of a thread that has ended.
            BLOCKS.iter().filter(|thread| thread.belongs_to(owner)).for_each(|thread| {
                thread.reclaim();
            });
            // In the child of a fork its old one: an operation that it was in the middle of has yet
            // to end. SAFETY: blocks are never unmapped.
            let old = unsafe { slot.get().as_ref() };
            loop {
                let mut candidates = old.into_iter().chain(BLOCKS.iter());
                if let Some(thread) = candidates.find(|thread| thread.is_taken_by(owner)) {
                    thread.set_up();
                    // Release: for those that look whether it is in use.
                    thread.owner.store(owner, Ordering::Release);
                    slot.set(thread);
                    return Some(thread);
                }
                if !reclaim_all() {
                    BLOCKS.grow().ok()?;
                }
            }
        })
    }

    /// The calling thread's block, made if there is none: for a thread that finds, in the middle of
    /// a call, that this is the child of a fork. ENOMEM; ERESTART before [`find_slots_with`].
    #[cold]
    pub fn calling() -> Result<&'static Thread> {
        let slot = calling_slot().ok_or(Errno::ERESTART)?;
        Self::current(slot).map_or_else(|| Self::assign(slot), Ok)
    }

    fn belongs_to(&self, owner: usize) -> bool {
        self.owner.load(Ordering::Relaxed) == owner
    }

    /// Takes the block, if it is free, to set it up.
    fn is_taken_by(&self, owner: usize) -> bool {
        let (success, failure) = (Ordering::AcqRel, Ordering::Relaxed);
        self.belongs_to(0)
            && self.owner.compare_exchange(0, owner | BEGINS, success, failure).is_ok()
    }

    fn set_up(&self) {
        self.taken.store(1, Ordering::Relaxed);
        self.unwatched.store(0, Ordering::Relaxed);
        self.presence.store(0, Ordering::Relaxed);
        self.filter.forget();
        for (activation, index) in self.activations.iter().zip(0_u64..) {
            activation.set_up(index);
        }
        self.identify();
        let incarnation = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        self.incarnation.store(incarnation, Ordering::Relaxed);
    }

    /// Records which thread this is, and what the kernel watches of it.
    pub(super) fn identify(&self) {
        let is_borrowed = !Process::owns_memory();
        let robust = robust::pending();
        let field_or = |own| robust.map_or(own, |pending| pending.field);
        let taken = &raw const self.taken;
        let deaths = field_or(taken);
        // Users of the queues in another PID namespace would take our TIDs for their own.
        let is_abroad = is_borrowed || namespace::is_inherited();
        let claims = if is_abroad { taken } else { field_or(&raw const self.unwatched) };
        let offset = robust.map_or(0, |pending| pending.offset);
        self.futex_offset.store(offset.cast_unsigned(), Ordering::Relaxed);
        self.deaths.store(deaths.cast_mut(), Ordering::Relaxed);
        self.claims.store(claims.cast_mut(), Ordering::Relaxed);
        self.tid.store(if is_borrowed { 0 } else { this_tid() }, Ordering::Relaxed);
        self.is_lent.store(is_borrowed, Ordering::Relaxed);
        let is_watched = !is_abroad && robust.is_some();
        let watched = if is_watched { claims.cast_mut() } else { ptr::null_mut() };
        compiler_fence(Ordering::SeqCst);
        self.watched.store(watched, Ordering::Relaxed);
    }

    /// In the child of a vfork(2): its descriptors differ from its parent's from now on. Does
    /// nothing where the thread has no block yet; one that the child makes is lent from the start.
    /// Async-signal-safe.
    #[cold]
    pub fn lend_calling() {
        if let Some(slot) = calling_slot()
            && let Some(thread) = Self::current(slot)
        {
            thread.lend();
        }
    }

    fn lend(&self) {
        self.is_lent.store(true, Ordering::Relaxed);
        self.watched.store(ptr::null_mut(), Ordering::Relaxed);
        self.claims.store((&raw const self.taken).cast_mut(), Ordering::Relaxed);
    }

    /// Whether the child of a vfork(2) has, or had, the block, with descriptors of its own.
    #[inline]
    pub fn is_lent(&self) -> bool {
        // Relaxed: the thread itself stored it, or the child for which it waited.
        self.is_lent.load(Ordering::Relaxed)
    }

    /// The thread that owns the block has it back.
    #[cold]
    pub fn take_back(&self) {
        preserved(|| self.identify());
    }

    /// The thread makes no use of its block any more, and is in the middle of nothing.
    pub fn retire(&self) {
        self.watched.store(ptr::null_mut(), Ordering::Relaxed);
        compiler_fence(Ordering::SeqCst);
        self.tid.store(0, Ordering::Relaxed);
        self.clear();
    }

    /// Takes the block back, if its thread has ended.
    fn reclaim(&self) -> bool {
        let tid = self.tid.load(Ordering::Relaxed);
        // One of the threads that find this takes it back. (The kernel does not reuse the TID
        // before it has used all others, so the block belongs to no new thread.)
        let reclaims = tid != 0
            && futex::is_dead(tid)
            && self.tid.compare_exchange(tid, 0, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if reclaims {
            let identities = [tid, self.presence.load(Ordering::Relaxed)];
            let claimed =
                self.activations.iter().filter_map(|activation| self.claim_of(activation));
            claimed.for_each(|word| claim::free_of_dead(word, identities));
            self.clear();
        }
        reclaims
    }

    /// The word that an operation has claimed, or is about to.
    pub(super) fn claim_of(&self, activation: &Activation) -> Option<&AtomicU32> {
        let entry = activation.entry.load(Ordering::Relaxed);
        let word = entry.wrapping_add(self.futex_offset.load(Ordering::Relaxed));
        // SAFETY: the subject that the word belongs to is protected by this activation.
        (entry != 0).then(|| unsafe { &*ptr::with_exposed_provenance::<AtomicU32>(word) })
    }

    /// Whether this is what the thread has stored in some word.
    pub(super) fn is_own(&self, held: u32) -> bool {
        match holder(held) {
            Holder::None => false,
            Holder::Thread(tid) => tid == self.tid(),
            Holder::Presence(_) => held == self.presence(),
        }
    }

    /// `list_op_pending`, or, where there is none, a word that is never 0.
    pub(super) fn pending(&self) -> &AtomicUsize {
        // SAFETY: null in a wiped block, else a field that lives as long as the thread.
        unsafe { self.deaths.load(Ordering::Relaxed).as_ref() }.unwrap_or(&TAKEN)
    }

    /// What leads from `list_op_pending` to this word.
    #[inline]
    pub(super) fn entry_of(&self, word: &AtomicU32) -> usize {
        let address = ptr::from_ref(word).expose_provenance();
        address.wrapping_sub(self.futex_offset.load(Ordering::Relaxed))
    }

    /// The operation of this activation has been left for good: it owes no wake.
    pub(super) fn forget_wake(&self, activation: &Activation) {
        let owed = activation.owed.swap(0, Ordering::Relaxed);
        let pending = self.pending();
        if owed != 0 && pending.load(Ordering::Relaxed) == owed {
            pending.store(0, Ordering::Relaxed);
        }
    }

    fn clear(&self) {
        self.watched.store(ptr::null_mut(), Ordering::Relaxed);
        self.incarnation.store(0, Ordering::Relaxed);
        self.presence.store(0, Ordering::Relaxed);
        self.activations.iter().for_each(Activation::clear);
        self.owner.store(0, Ordering::Release);
    }

    /// Another value each time that the block is set up: in the child of a fork it differs from the
    /// parent's.
    pub fn incarnation(&self) -> u64 {
        self.incarnation.load(Ordering::Relaxed)
    }

    /// The word of it, for exchanges that the child of a fork does not make.
    pub fn incarnation_word(&self) -> &AtomicU64 {
        &self.incarnation
    }

    /// The TID; 0 while there is none.
    pub(in crate::shared) fn tid(&self) -> u32 {
        self.tid.load(Ordering::Relaxed)
    }

    /// What it claims with in the name of the process's presence; 0 = nothing yet.
    pub(in crate::shared) fn presence(&self) -> u32 {
        self.presence.load(Ordering::SeqCst)
    }

    pub(in crate::shared) fn set_presence(&self, identity: u32) {
        self.presence.store(identity, Ordering::SeqCst);
    }

    /// Whether it is in the middle of a claim in the name of the presence.
    pub(in crate::shared) fn claims_by_presence(&self) -> bool {
        self.activations.iter().any(|activation| activation.by_presence.load(Ordering::SeqCst))
    }

    /// Whether it has an owner that may still use it.
    fn is_in_use(&self) -> bool {
        // Acquire: what the owner before has stored is over.
        self.owner.load(Ordering::Acquire) != 0
    }

    fn protects(&self, subject: *const ()) -> bool {
        self.is_in_use()
            && self
                .activations
                .iter()
                .any(|activation| ptr::eq(activation.subject.load(Ordering::SeqCst), subject))
    }
}

/// The bare call: glibc remembers the TID of the thread whose memory this is.
pub(super) fn this_tid() -> u32 {
    // SAFETY: takes no arguments.
    u32::try_from(unsafe { libc::syscall(libc::SYS_gettid) }).unwrap_or(0)
}

/// Takes back the blocks of all threads that have ended, and what they have claimed. False: there
/// was none. The child of a vfork(2), which may be in another PID namespace, takes nothing.
#[cold]
pub fn reclaim_all() -> bool {
    preserved(Process::owns_memory) && BLOCKS.iter().filter(|thread| thread.reclaim()).count() > 0
}

/// Whether some thread is in the middle of an operation on `subject`. Reliable only once the
/// subject cannot be found any more, and every thread has passed a barrier since.
pub fn is_in_use(subject: *const ()) -> bool {
    // A thread may have ended in the middle.
    BLOCKS.iter().any(|thread| {
        thread.protects(subject) && !(preserved(Process::owns_memory) && thread.reclaim())
    })
}

/// The blocks that have an owner.
pub(in crate::shared) fn in_use() -> impl Iterator<Item = &'static Thread> {
    BLOCKS.iter().filter(|thread| thread.is_in_use())
}

/// The calling thread's own pointer to its block. `None` before [`find_slots_with`].
fn calling_slot() -> Option<&'static Cell<*const Thread>> {
    let find = FIND_SLOT.load(Ordering::Acquire);
    if find.is_null() {
        return None;
    }
    // SAFETY: only `find_slots_with` stores it, and the variable lives as long as the thread.
    Some(unsafe { &*core::mem::transmute::<*mut (), FindSlot>(find)() })
}

/// Says how a thread's own pointer is found. Called once, while the library is loaded.
pub fn find_slots_with(find: FindSlot) {
    FIND_SLOT.store(find as *mut (), Ordering::Release);
}
