//! The activation of an operation that has begun and not ended.

use core::ptr;

use super::frame::{self, FrameTag};
use crate::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering, compiler_fence};

/// See the module. It is for the thread itself and its signal handlers; others read `subject` and
/// `by_presence`.
#[repr(C)]
#[derive(Default)]
pub(super) struct Activation {
    /// The hazard pointer: no thread unmaps this. Null = the activation is free.
    pub subject: AtomicPtr<()>,
    /// Address of the operation's frame tag.
    pub frame: AtomicUsize,
    /// The value of the tag. It is incremented with each operation of this activation, from a start
    /// value of the activation's own, so that no two operations of the thread have the same.
    pub tag_value: AtomicU64,
    /// The value for `list_op_pending` that leads to the claimed word, or to one that is about to
    /// be claimed; 0 = none.
    pub entry: AtomicUsize,
    /// The value for `list_op_pending` that leads to the death word on which the operation owes a
    /// wake (`wake`); 0 = none.
    pub owed: AtomicUsize,
    /// Whether its claim is in the name of the process's presence.
    pub by_presence: AtomicBool,
    /// The tag value of the last operation that was doubted ([`Activation::doubt`]).
    doubted: AtomicU64,
}

/// The high bits of all tags: few other values on a stack look like one.
const TAGGED: u64 = 0xa5 << 56;
/// In a tag, above the part that counts: which activation it is.
const ACTIVATION_SHIFT: u32 = 52;

impl Activation {
    pub fn set_up(&self, index: u64) {
        self.clear();
        self.trust();
        self.tag_value.store(TAGGED | index << ACTIVATION_SHIFT, Ordering::Relaxed);
    }

    /// For an operation that begins, whose tag it sets. Gives the tag's value.
    #[inline(always)]
    pub fn take(&self, subject: *const (), tag: &FrameTag) -> u64 {
        let value = self.tag_value.load(Ordering::Relaxed) + 1;
        self.tag_value.store(value, Ordering::Relaxed);
        tag.set(value);
        self.frame.store(ptr::from_ref(tag).addr(), Ordering::Relaxed);
        compiler_fence(Ordering::SeqCst);
        self.subject.store(subject.cast_mut(), Ordering::Relaxed);
        compiler_fence(Ordering::SeqCst);
        value
    }

    /// A handler that came before the activation was taken has used it, too, and incremented the
    /// value; in the child of a fork it starts anew.
    #[inline(always)]
    pub fn is_undisturbed(&self, value: u64) -> bool {
        self.tag_value.load(Ordering::Relaxed) == value
    }

    /// A handler that has interrupted the operation has changed what it leads to.
    pub fn doubt(&self) {
        self.doubted.store(self.tag_value.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// What it leads to is looked at now.
    pub fn trust(&self) {
        self.doubted.store(0, Ordering::Relaxed);
    }

    /// Whether that has happened to the operation that has begun. No other one has its tag value.
    pub fn is_doubted(&self) -> bool {
        self.doubted.load(Ordering::Relaxed) == self.tag_value.load(Ordering::Relaxed)
    }

    /// The operation has ended.
    #[inline(always)]
    pub fn give_back(&self) {
        // Release: all accesses to the subject are over when another thread sees that it is free to
        // go.
        self.subject.store(ptr::null_mut(), Ordering::Release);
    }

    /// Whether it is of an operation that has begun.
    pub fn is_taken(&self) -> bool {
        !self.subject.load(Ordering::SeqCst).is_null()
    }

    /// Whether the operation has been left for good. `own`: the tag of the one that begins.
    pub fn is_abandoned(&self, own: &FrameTag) -> bool {
        let (tag, value) = (&self.frame, &self.tag_value);
        let own = ptr::from_ref(own).addr();
        frame::is_gone(tag.load(Ordering::Relaxed), value.load(Ordering::Relaxed), own)
    }

    pub fn clear(&self) {
        self.entry.store(0, Ordering::Relaxed);
        self.owed.store(0, Ordering::Relaxed);
        self.by_presence.store(false, Ordering::Relaxed);
        self.give_back();
    }
}
