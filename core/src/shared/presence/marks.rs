//! Words in shared memory that the kernel marks when the process dies, or begins another program.
//!
//! The kernel marks the words on the robust list of a thread (set_robust_list(2)) as it ends, and
//! wakes one thread that sleeps on each. The lists of the program's threads are the C library's. So
//! a thread of our own registers one and sleeps: a bare one (`os::spawn`), made when the process
//! needs it first, which ends with the process, however that ends (`maker`).
//!
//! The list is in memory of the process, so that no other process can cut it. A word that is marked
//! lies at a fixed distance behind its node on the list. So there is a region of two halves: nodes
//! in the first half, and mappings of the pages that hold the words in the second. The distance is
//! half the length of the region.
//!
//! ```text
//! page 0   the head of the list, and what the thread says of itself
//! page 1   for each page what it is used for
//! page 2.. nodes, each where its word is in its page
//! ```
//!
//! The child of a fork has a copy, and no thread: it makes a region of its own when it needs one.
//! If a handler has forked in the middle of `add`, the child goes on in the copy, to no effect.

use crate::atomic::{AtomicU32, AtomicUsize, Ordering};
use core::ffi::c_void;
use core::ptr;
use std::os::fd::RawFd;

use crate::os::bare;
use crate::os::errno::{Errno, Result, preserved};
use crate::os::filter;
use crate::os::futex::{self, Scope};
use crate::os::process::Process;
use crate::os::spawn;
use crate::os::wiped::{Table, Wiped};
use crate::shared::claim::UNGUARDED;
use crate::shared::pause::Pause;
use crate::shared::presence::maker;

const PAGE: usize = 4096;
/// Pages in a half. The kernel goes through 2048 entries of a list at most.
const PAGES: usize = 1024;
const HALF: usize = PAGES * PAGE;
const FIRST: usize = 2;
/// A look at whether the thread has begun lasts so long, in milliseconds, if it has not.
const LOOK_MS: u32 = 10;
/// From so many looks on the question is whether there still is a thread.
const SURE_LOOKS: usize = 100;
/// Looks at most: for ten seconds. On a busy machine a new thread may get no processor for some.
const LOOKS: usize = 1000;
/// The same for what the thread does next: for two seconds. Before Linux 6.12 it closes copies of
/// the program's files, which a file system may take its time for.
const BRIEF_LOOKS: usize = 200;
/// From linux/futex.h
const HEAD_SIZE: usize = 24;

/// The first page: `struct robust_list_head` of linux/futex.h, and more.
#[repr(C)]
struct Head {
    /// The first node; the address of the head itself is the end.
    list: AtomicUsize,
    futex_offset: usize,
    list_op_pending: usize,
    /// The TID of the thread, once it has registered the list; 0 before.
    tid: AtomicU32,
    /// 1 once it has left the process's table of descriptors, or cannot, or has been waited for in
    /// vain; 0 before.
    table_left: AtomicU32,
    /// It sleeps on this: see `maker`.
    maker: AtomicU32,
}

/// What a page is used for.
///
/// | value | meaning | changed by |
/// |---|---|---|
/// | 0 | nothing yet | a thread that needs a page, to taken |
/// | [`TAKEN`], offset | a word at this offset; its node is linked, or about to be | the thread that took it, to released |
/// | offset and one | nothing; the node at this offset is linked | a thread that needs one for this offset, to taken |
type Pages = [AtomicU32; PAGES];

const TAKEN: u32 = 1 << 31;

/// Of this process.
struct Region {
    /// Its address; [`NONE`], [`IN_THE_MAKING`], [`REFUSED`].
    base: AtomicUsize,
}

const NONE: usize = 0;
const IN_THE_MAKING: usize = 1;
const REFUSED: usize = 2;

// SAFETY: zeros are no region.
unsafe impl Wiped for Region {}

static REGION: Table<Region, 1, 1> = Table::new();

/// A word that is marked when this process dies, until it is released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark(u32);

impl Mark {
    /// To keep in an atomic: never 0.
    pub fn to_bits(self) -> u32 {
        self.0
    }

    /// The reverse of [`Mark::to_bits`]. `None` for 0.
    pub fn from_bits(bits: u32) -> Option<Self> {
        (bits as usize >= FIRST && (bits as usize) < PAGES).then_some(Self(bits))
    }
}

/// Lets the kernel mark a word of this file, in the page at `page_at`, when the process dies, and
/// gives what the word is to hold for that. Nothing is stored to it.
///
/// Errors: ENOSYS, ENOMEM and others: the kernel cannot be asked to. EAGAIN: it cannot be asked
/// now, as another thread has been about to make what that takes for too long, or this is a handler
/// that has interrupted it. Async-signal-safe.
pub fn add(file: RawFd, page_at: usize, offset: usize) -> Result<(Mark, u32)> {
    add_mapped_by(offset, |at| map_at(at, file, page_at))
}

/// The same for a word in a shared mapping of this process, aligned to 8 bytes.
///
/// # Safety
/// The page of the word is part of a shared mapping.
pub unsafe fn add_word(word: &AtomicU32) -> Result<(Mark, u32)> {
    let address = ptr::from_ref(word).expose_provenance();
    let (page, offset) = (address & !(PAGE - 1), address & (PAGE - 1));
    // SAFETY: as the caller says.
    add_mapped_by(offset, |at| unsafe { duplicate_at(at, page) })
}

fn add_mapped_by(offset: usize, map: impl FnOnce(usize) -> Result<()>) -> Result<(Mark, u32)> {
    preserved(|| {
        let base = region()?;
        let index = take_page(base, offset).ok_or(Errno::ENOMEM)?;
        let mark = Mark(u32::try_from(index).unwrap_or(0));
        map(base + HALF + index * PAGE).inspect_err(|_| release(mark))?;
        // SAFETY: within the region, which is never unmapped.
        let head = unsafe { &*(base as *const Head) };
        Ok((mark, head.tid.load(Ordering::Acquire) | UNGUARDED))
    })
}

/// The word is not marked any more. It is one that this process has added: in the child of a fork a
/// mark of the parent may name another word.
pub fn release(Mark(index): Mark) {
    let base = REGION.iter().next().map_or(NONE, |region| region.base.load(Ordering::Acquire));
    if base > REFUSED {
        // The node stays where it is, and its word says nothing to the kernel.
        let _ = preserved(|| map_at(base + HALF + index as usize * PAGE, -1, 0));
        let page = &pages(base)[index as usize];
        let offset = page.load(Ordering::Relaxed) & !TAKEN;
        page.store(offset, Ordering::Release);
    }
}

fn pages(base: usize) -> &'static Pages {
    // SAFETY: the second page of the region, which is never unmapped.
    unsafe { &*((base + PAGE) as *const Pages) }
}

/// A page for a word at this offset, whose node is linked.
fn take_page(base: usize, offset: usize) -> Option<usize> {
    let pages = pages(base);
    let linked = u32::try_from(offset + 1).ok()?;
    let take = |from: u32| {
        (FIRST..PAGES).find(|&index| {
            let order = Ordering::AcqRel;
            pages[index].compare_exchange(from, TAKEN | linked, order, Ordering::Relaxed).is_ok()
        })
    };
    if let Some(index) = take(linked) {
        return Some(index);
    }
    let index = take(0)?;
    link(base, base + index * PAGE + offset);
    Some(index)
}

/// Puts a node at the front of the list. The kernel may go through it at any moment.
fn link(base: usize, node: usize) {
    // SAFETY: within the region, which is never unmapped.
    let (head, next) = unsafe { (&*(base as *const Head), &*(node as *const AtomicUsize)) };
    let mut first = head.list.load(Ordering::Acquire);
    loop {
        next.store(first, Ordering::Relaxed);
        match head.list.compare_exchange(first, node, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => return,
            Err(other) => first = other,
        }
    }
}

/// Maps the page that is mapped at `page` once more, over what is there.
///
/// # Safety
/// It is part of a shared mapping; `address` is a page of the region.
unsafe fn duplicate_at(address: usize, page: usize) -> Result<()> {
    let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
    let at = ptr::with_exposed_provenance_mut::<c_void>(address);
    let from = ptr::with_exposed_provenance_mut::<c_void>(page);
    // SAFETY: a length of 0 leaves the first mapping as it is; the rest is as the caller says.
    let mapped = unsafe { libc::mremap(from, 0, PAGE, flags, at) };
    if mapped == libc::MAP_FAILED { Err(Errno::last()) } else { Ok(()) }
}

/// Maps a page of a file, or, with -1, no memory, over what is there.
fn map_at(address: usize, file: RawFd, page_at: usize) -> Result<()> {
    let kind = if file < 0 { libc::MAP_PRIVATE | libc::MAP_ANONYMOUS } else { libc::MAP_SHARED };
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let at = libc::off_t::try_from(page_at).map_err(|_| Errno::EOVERFLOW)?;
    let address = ptr::with_exposed_provenance_mut::<c_void>(address);
    // SAFETY: a page of the region, whose words only the kernel accesses.
    unsafe {
        if libc::mmap(address, PAGE, protection, kind | libc::MAP_FIXED, file, at)
            == libc::MAP_FAILED
        {
            return Err(Errno::last());
        }
    }
    Ok(())
}

/// The region, with its thread.
fn region() -> Result<usize> {
    if REGION.iter().next().is_none() {
        // Another thread may be faster: there is one.
        let _ = REGION.grow();
    }
    let region = &REGION.iter().next().ok_or(Errno::ENOMEM)?.base;
    let mut pause = Pause::default();
    loop {
        match region.load(Ordering::Acquire) {
            NONE if !Process::owns_memory() => return Err(Errno::EAGAIN),
            NONE => {
                let (order, lost) = (Ordering::AcqRel, Ordering::Relaxed);
                if region.compare_exchange(NONE, IN_THE_MAKING, order, lost).is_ok() {
                    let made = make();
                    region.store(made.unwrap_or(REFUSED), Ordering::Release);
                    return made.map(await_table);
                }
            }
            // By another thread, or by the one that this handler has interrupted.
            IN_THE_MAKING if pause.wait() => {}
            IN_THE_MAKING => return Err(Errno::EAGAIN),
            REFUSED => return Err(Errno::ENOSYS),
            base => return Ok(await_table(base)),
        }
    }
}

fn make() -> Result<usize> {
    // SAFETY: new memory at an address of the kernel's choice, which no other thread knows yet.
    unsafe {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let region = libc::mmap(ptr::null_mut(), 2 * HALF, protection, flags, -1, 0);
        if region == libc::MAP_FAILED {
            return Err(Errno::ENOMEM);
        }
        let base = region.expose_provenance();
        let head = &mut *region.cast::<Head>();
        head.list.store(base, Ordering::Relaxed);
        head.futex_offset = HALF;
        maker::follow(&head.maker);
        let keeper = Keeper { base, is_confined: filter::is_confined() };
        let thread = spawn::bare(keep, keeper).inspect_err(|_| {
            libc::munmap(region, 2 * HALF);
        })?;
        match wait_for(&(*region.cast::<Head>()).tid, LOOKS, || futex::is_dead(thread)) {
            0 | UNGUARDED => Err(Errno::ENOSYS),
            _ => Ok(base),
        }
    }
}

/// Waits until the thread has left the table of descriptors to the program, which may be about to
/// leave it. If that takes long, a program that unshares it meanwhile loses its locks at the next
/// exec.
fn await_table(base: usize) -> usize {
    // SAFETY: the region is never unmapped.
    let head = unsafe { &*(base as *const Head) };
    if head.table_left.load(Ordering::Acquire) == 0
        && wait_for(&head.table_left, BRIEF_LOOKS, || false) == 0
    {
        // Once is enough. Relaxed: nothing is published through it.
        head.table_left.store(1, Ordering::Relaxed);
    }
    base
}

/// What the thread stores to this word; 0: nothing, in so many looks, or as it is gone.
fn wait_for(word: &AtomicU32, most: usize, is_gone: impl Fn() -> bool) -> u32 {
    let look = || futex::wait(word, 0, Scope::Private, Some(LOOK_MS));
    wait_by(look, word, most, is_gone)
}

/// The same. `look` lasts a moment if it has not stored anything yet.
fn wait_by(look: impl Fn(), word: &AtomicU32, most: usize, is_gone: impl Fn() -> bool) -> u32 {
    for looks in 0..most {
        let is_stored = word.load(Ordering::Acquire) != 0;
        if is_stored || (looks >= SURE_LOOKS && is_gone()) {
            break;
        }
        look();
    }
    word.load(Ordering::Acquire)
}

/// For the thread.
#[derive(Clone, Copy)]
struct Keeper {
    base: usize,
    /// A filter may kill for a call that the C library does not make.
    is_confined: bool,
}

/// What the thread does. Bare.
fn keep(&Keeper { base, is_confined }: &Keeper) {
    // SAFETY: the region outlives the thread; the calls get what they expect.
    unsafe {
        let head = &*(base as *const Head);
        let failed = bare::call(libc::SYS_set_robust_list, [base, HEAD_SIZE, 0, 0]) != 0;
        let tid = bare::call(libc::SYS_gettid, [0; 4]);
        let tid = if failed { UNGUARDED } else { u32::try_from(tid).unwrap_or(UNGUARDED) };
        tell(&head.tid, tid);
        if failed {
            return;
        }
        if !is_confined {
            // The process's locks belong to its table of descriptors. If the program unshares that,
            // or, before Linux 5.11, begins another program, and has no thread but this one, it is
            // to take the table with it.
            let all = [0, u32::MAX as usize, libc::CLOSE_RANGE_UNSHARE as usize, 0];
            bare::call(libc::SYS_close_range, all);
        }
        tell(&head.table_left, 1);
        maker::sleep_while_needed(&head.maker);
    }
}

/// Stores a value that the maker waits for. Bare.
fn tell(word: &AtomicU32, value: u32) {
    word.store(value, Ordering::Release);
    let operation = (libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG).cast_unsigned() as usize;
    let at = ptr::from_ref(word).expose_provenance();
    // SAFETY: only an address is given.
    unsafe { bare::call(libc::SYS_futex, [at, operation, i32::MAX as usize, 0]) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::cell::Cell;

    #[test]
    fn a_thread_that_begins_late_is_waited_for_while_there_is_one() {
        let (tid, looks) = (AtomicU32::new(0), Cell::new(0));
        let begins_after = |late: usize| {
            looks.set(0);
            tid.store(0, Ordering::Relaxed);
            let (tid, looks) = (&tid, &looks);
            move || {
                looks.set(looks.get() + 1);
                if looks.get() == late {
                    tid.store(7, Ordering::Relaxed);
                }
            }
        };
        assert_eq!(wait_by(begins_after(5 * SURE_LOOKS), &tid, LOOKS, || false), 7);
        assert_eq!(wait_by(begins_after(usize::MAX), &tid, LOOKS, || false), 0);
        assert_eq!(looks.get(), LOOKS);
        assert_eq!(wait_by(begins_after(usize::MAX), &tid, LOOKS, || true), 0);
        assert_eq!(looks.get(), SURE_LOOKS);
    }
}
