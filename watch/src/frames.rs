//! The calls that a thread is in, one in a signal handler that has interrupted the other.
//!
//! A handler may leave its call by siglongjmp(3), which tells nobody. The next call of the thread
//! finds out: a call has a tag on its stack, which others overwrite once the stack is used anew. In
//! doubt the call counts as under way. The order of addresses proves nothing, because handlers run
//! on alternate stacks.
//!
//! A handler may run between any two steps here. It leaves the places from its own depth on empty,
//! as it has found them, unless it leaves by siglongjmp itself; then its calls are found as above.

use std::sync::atomic::{Ordering, compiler_fence};

use watch_run::tables::Tables;

use crate::call::Call;
use crate::chaos::mix;
use crate::memory::{self, FRAMES, Frame};
use crate::{peek, slots};

const EMPTY: Frame = Frame { call: 0, tag: 0, slot: -1 };

/// Enters a call. The slot is noted by [`set_slot`].
pub fn enter(run: &Tables, call: &mut Call) {
    let before = depth(run);
    call.tag = mix(call.began, (&raw const *call).addr() as u64) | 1;
    let frame = Frame { call: (&raw const *call).addr() as u64, tag: call.tag, slot: -1 };
    // SAFETY: a handler that interrupts this leaves what is below its own depth alone.
    let own = unsafe { memory::own() };
    own.depth = before + 1;
    // The place is ours before it has something.
    compiler_fence(Ordering::SeqCst);
    if let Some(place) = own.frames.get_mut(before as usize) {
        *place = frame;
    }
}

/// The thread's slot in the table belongs to this call, and goes with it.
pub fn set_slot(call: &mut Call, slot: i32) {
    call.slot = slot;
    // SAFETY: the block is this thread's, and a handler leaves what is below its depth alone.
    let own = unsafe { memory::own() };
    let address = (&raw const *call).addr() as u64;
    if let Some(frame) = own.frames.iter_mut().rev().find(|frame| frame.call == address) {
        frame.slot = slot;
    }
}

/// Leaves a call, and with it those that handlers have left in it.
pub fn leave(run: &Tables, call: &Call) {
    // SAFETY: the block is this thread's, and a handler leaves what is below its depth alone.
    let own = unsafe { memory::own() };
    let address = (&raw const *call).addr() as u64;
    let place = own.frames.iter().rposition(|frame| frame.call == address);
    match place {
        Some(place) => {
            while own.depth as usize > place + 1 {
                abandon(run, own);
            }
            own.frames[place] = EMPTY;
            compiler_fence(Ordering::SeqCst);
            own.depth = u32::try_from(place).unwrap_or(0);
        }
        // One that had no room.
        None if own.depth as usize > FRAMES => own.depth -= 1,
        // It counts as over already.
        None => {}
    }
}

/// How many calls the thread is in, without those that have been left.
pub fn depth(run: &Tables) -> u32 {
    // SAFETY: the block is this thread's, and a handler leaves what is below its depth alone.
    let own = unsafe { memory::own() };
    while let Some(last) = own.depth.checked_sub(1) {
        let Some(frame) = own.frames.get(last as usize) else {
            // Those without room stand and fall with the last one that has some.
            if is_under_way(&own.frames[FRAMES - 1]) {
                break;
            }
            own.depth = last;
            continue;
        };
        if is_under_way(frame) {
            break;
        }
        abandon(run, own);
    }
    own.depth
}

fn is_under_way(frame: &Frame) -> bool {
    let tag = frame.call + std::mem::offset_of!(Call, tag) as u64;
    frame.call == 0 || peek::value::<u64>(tag) == Some(frame.tag)
}

/// Forgets the last call.
fn abandon(run: &Tables, own: &mut memory::Memory) {
    let Some(last) = own.depth.checked_sub(1) else { return };
    if let Some(frame) = own.frames.get_mut(last as usize) {
        if frame.call != 0 {
            slots::leave(run, frame.slot);
        }
        *frame = EMPTY;
    }
    compiler_fence(Ordering::SeqCst);
    own.depth = last;
}
