//! The library's own allocations: from the program's heap, and from a reserve when that is used up.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr;
use std::alloc::System;

use rsipc_core::os::errno::preserved;
use rsipc_core::os::reserve::Reserve;

static RESERVE: Reserve = Reserve::new();

#[global_allocator]
static HEAP: Heap = Heap;

struct Heap;

// SAFETY: each block belongs to one of two allocators, and goes back to the same one.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller says.
        or_reserve(layout, || unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller says.
        let block = or_reserve(layout, || unsafe { System.alloc_zeroed(layout) });
        if RESERVE.owns(block) {
            // SAFETY: the block is new, and as long as that.
            unsafe { block.write_bytes(0, layout.size()) };
        }
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if RESERVE.owns(block) {
            // SAFETY: as the caller says.
            unsafe { RESERVE.give_back(block) };
        } else {
            // SAFETY: as the caller says; it came from there.
            unsafe { System.dealloc(block, layout) };
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !RESERVE.owns(block) {
            // SAFETY: as the caller says; it came from there.
            let new = preserved(|| unsafe { System.realloc(block, layout, size) });
            if !new.is_null() {
                return new;
            }
        }
        // SAFETY: the caller vouches for the size, and the alignment is a block's.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        // SAFETY: no caller reallocates to a size of 0; both blocks are as long as that.
        unsafe {
            let new = self.alloc(wanted);
            if !new.is_null() {
                ptr::copy_nonoverlapping(block, new, layout.size().min(size));
                self.dealloc(block, layout);
            }
            new
        }
    }
}

/// A call that succeeds leaves `errno` alone, and a refusal by the heap is none of the call.
fn or_reserve(layout: Layout, alloc: impl FnOnce() -> *mut u8) -> *mut u8 {
    let block = preserved(alloc);
    if block.is_null() { RESERVE.take(layout) } else { block }
}
