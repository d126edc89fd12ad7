//! Whether the process has descriptors that the library must know of: one word, which the C entries
//! read without a call.
//!
//! Most programs have no queue. In those, `close`, `dup2`, `poll` and `select` go straight to the
//! kernel after one load of this word.
//!
//! | bit | meaning | set by |
//! |---|---|---|
//! | [`QUEUES`] | the process has, or had, a descriptor of a queue | the thread that makes it known, before it is used |
//! | [`IN_EPOLL`] | a queue is, or was, in the set of an epoll | the thread that puts it there, before that |
//! | [`RESERVED`] | the process has, or had, a descriptor of the library's own (`reserved`) | the thread that reserves it, before that |
//!
//! Bits are never cleared.

use super::process::Process;
use crate::atomic::{AtomicU32, Ordering};

pub use crate::cbits::{IN_EPOLL, QUEUES, RESERVED};

/// `cbits/concern.h`
#[unsafe(no_mangle)]
static rsipc_concern: AtomicU32 = AtomicU32::new(0);

/// From now on descriptors concern us.
pub fn set(bits: u32) {
    if !is_set(bits) {
        // The process that asks first owns the memory. The child of a vfork must not be that
        // process.
        let _ = Process::this();
        // SeqCst: the descriptor that it is about is handed out after this.
        rsipc_concern.fetch_or(bits, Ordering::SeqCst);
    }
}

/// Whether all of these bits are set.
pub fn is_set(bits: u32) -> bool {
    // Relaxed: a thread that asks about a descriptor got it, directly or not, from one that set the
    // bit.
    rsipc_concern.load(Ordering::Relaxed) & bits == bits
}
