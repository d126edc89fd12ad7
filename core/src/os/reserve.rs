//! Memory for a process whose heap is used up.
//!
//! Rust ends a process whose allocation fails, so a call of the library would end a program whose
//! plain call fails with ENOMEM. What the heap cannot give comes from a reserve instead. A call
//! that gets so far fails at its next mapping, which is larger, or needs none and succeeds.
//!
//! What is taken here is given back by the end of the call, but for the little that a new object
//! keeps. So the reserve is a stack that is only emptied as a whole: by the last block's return.

use core::alloc::Layout;
use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::ptr;

use crate::atomic::{AtomicU64, Ordering};

/// Bytes. The stack of a child that makes a call for the library takes a quarter of it.
const SIZE: usize = 256 * 1024;

/// The largest alignment.
const ALIGNMENT: usize = 4096;

#[repr(C, align(4096))]
struct Bytes(UnsafeCell<MaybeUninit<[u8; SIZE]>>);

/// The reserve. In the library it takes up addresses, and no memory before it is used.
pub struct Reserve {
    bump: Bump,
    bytes: Bytes,
}

// SAFETY: the bump gives no byte to two blocks at a time.
unsafe impl Sync for Reserve {}

impl Reserve {
    /// A reserve of which nothing is in use.
    #[cfg(not(loom))]
    #[expect(clippy::new_without_default, reason = "it is made once, as a static")]
    pub const fn new() -> Self {
        let bump = Bump { state: AtomicU64::new(0) };
        Self { bump, bytes: Bytes(UnsafeCell::new(MaybeUninit::uninit())) }
    }

    /// A block. Null: there is not so much left.
    pub fn take(&self, layout: Layout) -> *mut u8 {
        let start = self.bump.take(layout);
        start.map_or(ptr::null_mut(), |start| self.base().wrapping_add(start))
    }

    /// Whether the block came from here.
    pub fn owns(&self, block: *const u8) -> bool {
        (block as usize).wrapping_sub(self.base() as usize) < SIZE
    }

    /// Returns a block.
    ///
    /// # Safety
    /// It came from here, and nothing uses it any more.
    pub unsafe fn give_back(&self, _block: *mut u8) {
        self.bump.give_back();
    }

    fn base(&self) -> *mut u8 {
        self.bytes.0.get().cast()
    }
}

/// Which bytes are in use.
#[cfg_attr(loom, derive(Default))]
struct Bump {
    /// Blocks that are in use (upper half), and the end of the last one that was taken, in bytes
    /// (lower half). 0: none is in use.
    ///
    /// Any thread exchanges it, also in a signal handler. Release to return a block, Acquire to
    /// take one: bytes are given anew only after all their blocks have been returned, and each
    /// exchange in between goes on with the release sequence of those returns.
    state: AtomicU64,
}

impl Bump {
    /// Where the block begins, in bytes from the start.
    fn take(&self, layout: Layout) -> Option<usize> {
        if layout.align() > ALIGNMENT {
            return None;
        }
        let start = |state| (used(state) + layout.align() - 1) & !(layout.align() - 1);
        let before = self.exchange(Ordering::Acquire, |state| {
            let end = start(state).checked_add(layout.size()).filter(|end| *end <= SIZE)?;
            Some(packed(blocks(state) + 1, end))
        });
        before.map(start)
    }

    fn give_back(&self) {
        self.exchange(Ordering::Release, |state| {
            let left = blocks(state).checked_sub(1)?;
            Some(if left == 0 { 0 } else { packed(left, used(state)) })
        });
    }

    /// What it was before. `None`: it has not been changed.
    fn exchange(&self, order: Ordering, change: impl Fn(u64) -> Option<u64>) -> Option<u64> {
        // Relaxed: the exchange finds out whether it still is so.
        let mut before = self.state.load(Ordering::Relaxed);
        loop {
            match self.state.compare_exchange(before, change(before)?, order, Ordering::Relaxed) {
                Ok(before) => return Some(before),
                Err(now) => before = now,
            }
        }
    }
}

fn blocks(state: u64) -> u64 {
    state >> 32
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half")]
fn used(state: u64) -> usize {
    state as u32 as usize
}

fn packed(blocks: u64, used: usize) -> u64 {
    blocks << 32 | used as u64
}

#[cfg(all(test, loom))]
mod model {
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;
    use loom::thread;

    use super::{Bump, Layout, SIZE};
    use crate::atomic::explore::check;

    /// A third of the reserve: with two more it is full.
    const BLOCK: usize = SIZE / 3;

    #[derive(Default)]
    struct Fixture {
        bump: Bump,
        /// Loom complains if two threads access one of them at the same time.
        thirds: [UnsafeCell<u32>; 3],
    }

    impl Fixture {
        fn use_block(&self) {
            let layout = Layout::from_size_align(BLOCK, 1).unwrap();
            let Some(start) = self.bump.take(layout) else { return };
            // SAFETY: the block is ours; the model checks it.
            self.thirds[start / BLOCK].with_mut(|third| unsafe { *third += 1 });
            self.bump.give_back();
        }
    }

    /// Seen to fail with Relaxed in the place of Acquire or of Release, and when the last return
    /// but one empties the reserve.
    #[test]
    fn no_byte_is_in_two_blocks() {
        check(3, || {
            let all = Arc::new(Fixture::default());
            let other = Arc::clone(&all);
            let other = thread::spawn(move || (0..2).for_each(|_| other.use_block()));
            (0..2).for_each(|_| all.use_block());
            other.join().unwrap();
            assert_eq!(all.bump.state.load(super::Ordering::Relaxed), 0);
        });
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{ALIGNMENT, Layout, Reserve, SIZE};

    static RESERVE: Reserve = Reserve::new();

    #[test]
    fn what_is_returned_is_given_anew() {
        let take = |size, align| RESERVE.take(Layout::from_size_align(size, align).unwrap());
        let small = take(1, 1);
        assert!(RESERVE.owns(small) && !RESERVE.owns((&raw const small).cast()));
        let aligned = take(100, ALIGNMENT);
        assert!(RESERVE.owns(aligned) && aligned.addr() % ALIGNMENT == 0 && aligned != small);
        assert!(take(SIZE, 1).is_null() && take(1, 2 * ALIGNMENT).is_null());
        // SAFETY: they came from there.
        unsafe {
            RESERVE.give_back(small);
            assert!(take(SIZE, 1).is_null(), "one block is still in use");
            RESERVE.give_back(aligned);
        }
        assert_eq!(take(SIZE, 1), small);
    }
}
