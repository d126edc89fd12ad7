//! Whether the stack frame of an operation still exists, or has been abandoned (siglongjmp(3)).
//!
//! The order of addresses does not show that: a handler may run on an alternate stack, and a
//! coroutine on any memory. But a live frame keeps its memory. So an operation leaves a *frame tag*
//! there, a value that no other operation of the thread has used. The frame is gone if the tag has
//! been overwritten, if its memory is unmapped, or if it lies in the part of a stack that the
//! caller itself uses. In doubt the frame exists.

use core::cell::Cell;
use core::ffi::c_int;
use core::mem::MaybeUninit;
use core::ptr;

use crate::os::errno::{self, Errno};

/// A value on the stack frame of an operation. While the frame lives, it is there.
#[repr(C)]
pub struct FrameTag(Cell<MaybeUninit<u64>>);

impl FrameTag {
    /// Lives on the caller's stack frame for the whole operation, which sets it.
    #[inline]
    pub fn new() -> Self {
        Self(Cell::new(MaybeUninit::uninit()))
    }

    #[inline(always)]
    pub(crate) fn set(&self, value: u64) {
        self.0.set(MaybeUninit::new(value));
    }

    /// Where it is.
    #[inline]
    pub(crate) fn address(&self) -> usize {
        ptr::from_ref(self).expose_provenance()
    }
}

impl Default for FrameTag {
    fn default() -> Self {
        Self::new()
    }
}

/// Bytes below the stack pointer that any call of ours may use: there is no other frame in them.
const BELOW: usize = 1024;
/// Bytes above the tag of the new operation that belong to the calls that lead to it. An operation
/// that a handler has interrupted is farther away: what the kernel stores for a signal handler
/// takes more than that.
const ABOVE: usize = 1024;
/// The most bytes between that tag and this frame, if both are on the same stack: frames of this
/// library's calls.
const BETWEEN: usize = 16 << 10;

/// Whether the frame with this tag at this address is known to be gone. `own`: the address of the
/// tag of the operation that begins, which is in a frame of a caller. Async-signal-safe, leaves
/// `errno` alone.
#[cold]
pub fn is_gone(tag: usize, value: u64, own: usize) -> bool {
    let here = 0_u8;
    let here = ptr::from_ref(&here).addr();
    let is_here = (here..here.saturating_add(BETWEEN)).contains(&own);
    let top = if is_here { own } else { here };
    (here.saturating_sub(BELOW)..top.saturating_add(ABOVE)).contains(&tag)
        || halves(value)
            .into_iter()
            .zip([tag, tag.wrapping_add(4)])
            .any(|(half, at)| !holds(at, half))
}

/// As they lie in memory.
fn halves(value: u64) -> [u32; 2] {
    let bytes = value.to_ne_bytes();
    let (halves, _) = bytes.as_chunks::<4>();
    [u32::from_ne_bytes(halves[0]), u32::from_ne_bytes(halves[1])]
}

/// Whether a word of this thread's memory is what it was. It may be unmapped meanwhile, so the
/// kernel is asked to compare it, which it does before it wakes, here none. True in doubt.
fn holds(address: usize, expected: u32) -> bool {
    const NONE: c_int = 0;
    let operation = libc::FUTEX_CMP_REQUEUE | libc::FUTEX_PRIVATE_FLAG;
    let elsewhere = 0_u32;
    // SAFETY: the kernel looks whether it may read at the first address, and does not access the
    // second.
    let failed = errno::preserved(|| unsafe {
        let result = libc::syscall(
            libc::SYS_futex,
            address,
            operation,
            NONE,
            ptr::without_provenance::<u32>(0),
            &raw const elsewhere,
            expected,
        );
        (result < 0).then(Errno::last)
    });
    !matches!(failed, Some(Errno::EAGAIN | Errno::EFAULT))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBER: u64 = 0xa500_1234_0000_5678;

    fn here() -> usize {
        let here = 0_u8;
        ptr::from_ref(&here).addr()
    }

    /// Where no frame of this thread is.
    #[expect(clippy::unnecessary_box_returns, reason = "it must not lie on this stack")]
    fn elsewhere() -> Box<FrameTag> {
        let tag = Box::new(FrameTag::new());
        tag.set(NUMBER);
        tag
    }

    #[test]
    fn a_tag_that_is_there_may_be_that_of_a_live_frame() {
        let tag = elsewhere();
        assert!(!is_gone(ptr::from_ref(&*tag).addr(), NUMBER, here()));
    }

    #[test]
    fn an_overwritten_tag_is_that_of_a_frame_that_is_gone() {
        let tag = elsewhere();
        for other in [0, NUMBER + 1, NUMBER ^ 1 << 60] {
            tag.set(other);
            assert!(is_gone(ptr::from_ref(&*tag).addr(), NUMBER, here()));
        }
    }

    #[test]
    fn no_frame_is_in_memory_that_is_gone_or_in_our_own_frames() {
        let own = FrameTag::new();
        own.set(NUMBER);
        assert!(is_gone(ptr::from_ref(&own).addr(), NUMBER, here()));
        assert!(is_gone(8, NUMBER, here()));
    }

    #[test]
    fn the_frames_that_lead_to_the_operation_that_begins_are_our_own() {
        // The tag of an operation that was left, 8 KiB above the frames of the look, and near to
        // that of the one that begins.
        let frame = [const { Cell::new(0_u64) }; 1200];
        let left = &frame[1100];
        left.set(NUMBER);
        let (left, near) = (ptr::from_ref(left).addr(), ptr::from_ref(&frame[1050]).addr());
        assert!(is_gone(left, NUMBER, near));
        assert!(!is_gone(left, NUMBER, here()));
    }
}
