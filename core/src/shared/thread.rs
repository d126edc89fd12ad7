//! What is known of each thread that works on shared objects, and the operations that it is in the middle of.
//!
//! A signal handler may start an operation while the thread is in the middle of another, so operations are a stack.
//! It serves three ends:
//!
//! * the word that an operation is about to claim is announced to the kernel (`robust`), and the announcement of the
//!   interrupted operation comes back when the handler's ends;
//! * the object that it works on is not unmapped meanwhile (a hazard pointer);
//! * an operation that a handler has left for good, by `siglongjmp`, is found and undone by the thread's next one.
//!
//! Blocks live in memory that the kernel wipes in the child of a fork (`MADV_WIPEONFORK`), however it was forked:
//! there they have no owner and no TID, and the thread makes its block anew.

use core::cell::Cell;
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering, compiler_fence};

use crate::os::errno::{Errno, Result};
use crate::os::robust;

/// Operations within operations of one thread: handlers that interrupt handlers.
const DEPTH: usize = 16;
/// Blocks that are mapped at a time.
const SLAB: usize = 256;
/// Slabs at most: 262,144 threads at a time.
const SLABS: usize = 1024;

/// A thread's block. All fields but `owner` and the subjects are for the thread itself and its signal handlers;
/// they are atomics because a handler may run between any two instructions.
#[repr(C)]
pub struct Thread {
    /// Address of the thread's own pointer to this block; 0 = free.
    owner: AtomicUsize,
    tid: AtomicU32,
    /// Bits to add to the TID in a claimed word.
    mark: AtomicU32,
    /// `list_op_pending`, or `no_robust_list` of this block.
    pending: AtomicPtr<AtomicUsize>,
    futex_offset: AtomicUsize,
    no_robust_list: AtomicUsize,
    depth: AtomicUsize,
    operations: [Record; DEPTH],
}

/// An operation that has begun and not ended.
#[repr(C)]
struct Record {
    /// The hazard pointer: nobody unmaps this. Read by other threads.
    subject: AtomicPtr<()>,
    /// Address of the operation's [`Seal`], on its stack frame.
    frame: AtomicUsize,
    /// What the seal holds. It counts on with each operation of this record, from a beginning of the record's own, so
    /// that no two operations of the thread have the same.
    seal: AtomicU64,
    /// The claimed word, or one that is about to be claimed; null = none, as it is between operations.
    claim: AtomicPtr<AtomicU32>,
    /// What `list_op_pending` held before.
    pending_before: AtomicUsize,
}

/// A value on the stack frame of an operation. While the frame lives, it is there.
#[repr(C)]
pub struct Seal(Cell<u64>);

/// The high bits of all seals: few other values on a stack look like one.
const SEALED: u64 = 0xa5 << 56;
/// In a seal, above the part that counts: the number of the record.
const RECORD_SHIFT: u32 = 52;

impl Seal {
    /// Lives on the caller's stack frame for the whole operation.
    #[inline]
    pub fn new() -> Self {
        Self(Cell::new(0))
    }
}

impl Default for Seal {
    fn default() -> Self {
        Self::new()
    }
}

/// What the kernel stores on the stack for a signal handler is larger than this many bytes.
const SIGNAL_FRAME: usize = 1024;

static SLAB_TABLE: [AtomicPtr<Thread>; SLABS] = [const { AtomicPtr::new(ptr::null_mut()) }; SLABS];

/// An operation of the calling thread on one object. Ends when dropped.
pub struct Operation<'t> {
    thread: &'t Thread,
    record: &'t Record,
    level: usize,
    /// The TID that the operation began with: in the child of a fork it is not the thread's any more.
    tid: u32,
}

impl Thread {
    /// The calling thread's block, if it has one. `slot` is its thread-local pointer to it.
    #[inline(always)]
    pub fn current(slot: &Cell<*const Thread>) -> Option<&'static Thread> {
        // SAFETY: blocks are never unmapped.
        let thread = unsafe { slot.get().as_ref() }?;
        // Not so in the child of a fork. Relaxed: the thread itself stored it.
        (thread.owner.load(Ordering::Relaxed) == ptr::from_ref(slot).addr()).then_some(thread)
    }

    /// Takes a free block for the calling thread. ENOMEM. Async-signal-safe.
    #[cold]
    pub fn adopt(slot: &Cell<*const Thread>) -> Result<&'static Thread> {
        let owner = ptr::from_ref(slot).addr();
        for slab in &SLAB_TABLE {
            let slab = load_or_map(slab)?;
            for index in 0..SLAB {
                // SAFETY: within the slab; all zeros is a free block.
                let thread = unsafe { &*slab.add(index) };
                if thread.owner.load(Ordering::Relaxed) == 0
                    && thread.owner.compare_exchange(0, owner, Ordering::AcqRel, Ordering::Relaxed).is_ok()
                {
                    thread.set_up();
                    slot.set(thread);
                    return Ok(thread);
                }
            }
        }
        Err(Errno::ENOMEM)
    }

    fn set_up(&self) {
        // SAFETY: takes no arguments.
        let tid = unsafe { libc::syscall(libc::SYS_gettid) };
        self.tid.store(u32::try_from(tid).unwrap_or(0), Ordering::Relaxed);
        self.depth.store(0, Ordering::Relaxed);
        let (field, offset, mark) = match robust::pending() {
            Some(pending) => (pending.field, pending.offset, 0),
            None => (&raw const self.no_robust_list, 0, crate::shared::claim::UNGUARDED),
        };
        self.pending.store(field.cast_mut(), Ordering::Relaxed);
        self.futex_offset.store(offset.cast_unsigned(), Ordering::Relaxed);
        self.mark.store(mark, Ordering::Relaxed);
        for (record, number) in self.operations.iter().zip(0_u64..) {
            record.seal.store(SEALED | number << RECORD_SHIFT, Ordering::Relaxed);
        }
    }

    /// The thread ends, and so does the use of its block.
    pub fn retire(&self) {
        for record in &self.operations {
            record.claim.store(ptr::null_mut(), Ordering::Relaxed);
            record.subject.store(ptr::null_mut(), Ordering::Relaxed);
        }
        self.owner.store(0, Ordering::Release);
    }

    /// Begins an operation on `subject`. The thread is in the middle of no other one, unless this is a handler that has
    /// interrupted it: so what is on this same stretch of the stack has been left for good. EAGAIN: [`DEPTH`] handlers are in the middle of one already. EINTR: this is the
    /// child of a fork in a handler.
    #[inline(always)]
    pub fn begin<'t>(&'t self, subject: *const (), seal: &Seal) -> Result<Operation<'t>> {
        let mut level = self.depth.load(Ordering::Relaxed);
        if level > 0 {
            level = self.undo_abandoned(level);
        }
        let record = self.operations.get(level).ok_or(Errno::EAGAIN)?;
        // A handler that comes before the depth is stored uses this same record, and leaves its marks in it.
        loop {
            let number = record.seal.load(Ordering::Relaxed) + 1;
            record.seal.store(number, Ordering::Relaxed);
            seal.0.set(number);
            record.subject.store(subject.cast_mut(), Ordering::Relaxed);
            record.frame.store(ptr::from_ref(seal).addr(), Ordering::Relaxed);
            compiler_fence(Ordering::SeqCst);
            self.depth.store(level + 1, Ordering::Relaxed);
            compiler_fence(Ordering::SeqCst);
            // A handler would have counted on.
            if record.seal.load(Ordering::Relaxed) == number {
                break;
            }
        }
        let operation = Operation { thread: self, record, level, tid: self.tid.load(Ordering::Relaxed) };
        // A handler has forked since the block was found, and this is the child.
        if operation.tid == 0 { Err(Errno::EINTR) } else { Ok(operation) }
    }

    /// Ends the innermost operations whose frames are gone. Returns the depth that is left.
    #[cold]
    fn undo_abandoned(&self, mut depth: usize) -> usize {
        while depth > 0 && self.operations[depth - 1].is_abandoned() {
            depth -= 1;
            self.undo(&self.operations[depth]);
            self.depth.store(depth, Ordering::Relaxed);
        }
        depth
    }

    fn undo(&self, record: &Record) {
        let claim = record.claim.load(Ordering::Relaxed);
        if !claim.is_null() {
            let mine = self.tid.load(Ordering::Relaxed);
            // SAFETY: the subject that the word belongs to is still protected by this record.
            let word = unsafe { &*claim };
            let held = word.load(Ordering::Relaxed);
            if held & !crate::shared::claim::UNGUARDED == mine {
                word.store(0, Ordering::Release);
            }
            self.put_pending_back(record);
            record.claim.store(ptr::null_mut(), Ordering::Relaxed);
        }
        record.subject.store(ptr::null_mut(), Ordering::Release);
    }

    fn put_pending_back(&self, record: &Record) {
        let before = record.pending_before.load(Ordering::Relaxed);
        self.pending().store(before, Ordering::Relaxed);
    }

    fn pending(&self) -> &AtomicUsize {
        // SAFETY: set up to a field that lives as long as the thread.
        unsafe { &*self.pending.load(Ordering::Relaxed) }
    }
}

impl Record {
    /// Whether the stack frame of the operation is gone. In doubt it is not: then it holds what it holds until something
    /// else is on that place of the stack.
    fn is_abandoned(&self) -> bool {
        let frame = self.frame.load(Ordering::Relaxed);
        let here = 0_u8;
        let now = ptr::from_ref(&here).addr();
        // The stack grows down, and above us is what the kernel has stored for the handler that we are in. On the
        // alternate stack of a handler addresses say nothing.
        if frame < now + SIGNAL_FRAME && !on_alternate_stack() {
            return true;
        }
        let number = self.seal.load(Ordering::Relaxed);
        read_memory(frame).is_some_and(|seal| seal != number)
    }
}

fn on_alternate_stack() -> bool {
    // SAFETY: `stack` is valid for writing; NULL asks for the present one.
    unsafe {
        let mut stack: libc::stack_t = core::mem::zeroed();
        libc::sigaltstack(ptr::null(), &raw mut stack) == 0 && stack.ss_flags & libc::SS_ONSTACK != 0
    }
}

/// What a seal at this address holds; `None` where there is no memory any more.
fn read_memory(address: usize) -> Option<u64> {
    let mut found = 0_u64;
    let length = size_of_val(&found);
    let into = libc::iovec { iov_base: (&raw mut found).cast(), iov_len: length };
    let from = libc::iovec { iov_base: ptr::with_exposed_provenance_mut(address), iov_len: length };
    // SAFETY: the kernel checks the remote address, and writes at most `length` bytes into `found`.
    let read = unsafe { libc::process_vm_readv(libc::getpid(), &raw const into, 1, &raw const from, 1, 0) };
    (usize::try_from(read) == Ok(length)).then_some(found)
}

impl Operation<'_> {
    /// Whether this is the child of a fork that happened in the middle of the operation. What it has claimed is the
    /// parent's then.
    #[inline]
    pub fn is_orphan(&self) -> bool {
        self.thread.tid.load(Ordering::Relaxed) != self.tid
    }
}

impl crate::shared::claim::Claimant for Operation<'_> {
    #[inline]
    fn identity(&self) -> u32 {
        self.tid | self.thread.mark.load(Ordering::Relaxed)
    }

    #[inline]
    fn announce(&self, word: &AtomicU32) {
        if self.level > 0 {
            self.thread.unguard_interrupted(self.level, self.tid);
        }
        let (record, pending) = (self.record, self.thread.pending());
        record.pending_before.store(pending.load(Ordering::Relaxed), Ordering::Relaxed);
        let address = ptr::from_ref(word).expose_provenance();
        let entry = address.wrapping_sub(self.thread.futex_offset.load(Ordering::Relaxed));
        compiler_fence(Ordering::SeqCst);
        record.claim.store(ptr::from_ref(word).cast_mut(), Ordering::Relaxed);
        pending.store(entry, Ordering::Relaxed);
        // The claim itself is an atomic exchange, which no store passes.
    }

    #[inline]
    fn withdraw(&self) {
        compiler_fence(Ordering::SeqCst);
        self.thread.put_pending_back(self.record);
        self.record.claim.store(ptr::null_mut(), Ordering::Relaxed);
    }
}

impl Thread {
    /// The kernel watches one word of a thread. That of the interrupted operation gets a mark, by which others know
    /// that they must look for themselves whether its thread lives.
    #[cold]
    fn unguard_interrupted(&self, level: usize, tid: u32) {
        for record in self.operations.iter().take(level) {
            let claim = record.claim.load(Ordering::Relaxed);
            if !claim.is_null() {
                // SAFETY: the record protects the object that the word is in.
                let word = unsafe { &*claim };
                // By CAS: the word may be about to be claimed only, and another thread's.
                let _ = word.compare_exchange(
                    tid,
                    tid | crate::shared::claim::UNGUARDED,
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                );
            }
        }
    }
}

impl Drop for Operation<'_> {
    #[inline]
    fn drop(&mut self) {
        // Release: all accesses to the subject are over when another thread sees that it is free to go.
        self.record.subject.store(ptr::null_mut(), Ordering::Release);
        compiler_fence(Ordering::SeqCst);
        self.thread.depth.store(self.level, Ordering::Relaxed);
    }
}

/// Whether some thread is in the middle of an operation on `subject`. Only certain once the subject can be found by
/// nobody any more, and every thread has passed a barrier since.
pub fn is_in_use(subject: *const ()) -> bool {
    let slabs = SLAB_TABLE.iter().map(|slab| slab.load(Ordering::Acquire)).take_while(|slab| !slab.is_null());
    slabs.flat_map(|slab| (0..SLAB).map(move |index| slab.wrapping_add(index))).any(|thread| {
        // SAFETY: within a slab, which is never unmapped.
        let thread = unsafe { &*thread };
        thread.owner.load(Ordering::Acquire) != 0
            && thread.operations.iter().any(|record| ptr::eq(record.subject.load(Ordering::SeqCst), subject))
    })
}

fn load_or_map(slab: &AtomicPtr<Thread>) -> Result<*mut Thread> {
    let known = slab.load(Ordering::Acquire);
    if !known.is_null() {
        return Ok(known);
    }
    let length = SLAB * size_of::<Thread>();
    // SAFETY: new memory, all zeros, at an address of the kernel's choice.
    let new = unsafe {
        let new = libc::mmap(
            ptr::null_mut(),
            length,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        );
        if new == libc::MAP_FAILED {
            return Err(Errno::ENOMEM);
        }
        // Where the kernel cannot (before 4.14), `forget_threads` does it after a fork.
        libc::madvise(new, length, libc::MADV_WIPEONFORK);
        new.cast::<Thread>()
    };
    match slab.compare_exchange(ptr::null_mut(), new, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => Ok(new),
        Err(theirs) => {
            // SAFETY: nobody else knows this mapping.
            unsafe { libc::munmap(new.cast(), length) };
            Ok(theirs)
        }
    }
}

/// In the child of a fork: no block has an owner. The kernel has done it already, unless it is an old one.
pub extern "C" fn forget_threads() {
    let slabs = SLAB_TABLE.iter().map(|slab| slab.load(Ordering::Acquire)).take_while(|slab| !slab.is_null());
    for slab in slabs {
        // SAFETY: the slab is mapped, and the only thread of the process is here.
        unsafe { ptr::write_bytes(slab, 0, SLAB) };
    }
}
