//! Descriptors of a queue's FIFO that belong to the library, not to the program.
//!
//! A process loses its registration when it closes any descriptor of the FIFO (`request`),
//! whichever code closes it. So a descriptor of the library's own that is not needed any more stays
//! open while the process is registered with that queue.

use std::os::fd::RawFd;

use super::mutex::Guard;
use super::{notifier, request, signal};
use crate::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use crate::os::file;
use crate::os::reserved::{self, Reserved};

/// At most so many stay open.
const LIMIT: usize = 64;

/// Whether this process, or the one it was forked from, has ever registered. Never cleared.
static HAS_REGISTERED: AtomicBool = AtomicBool::new(false);
/// 0 = free, else `Reserved::to_bits`. What is in here is unused until it is taken out, by CAS.
static DEFERRED: [AtomicU32; LIMIT] = [const { AtomicU32::new(0) }; LIMIT];
/// How many are in there, or about to be.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// This process is about to register.
pub fn note_registration() {
    HAS_REGISTERED.store(true, Ordering::SeqCst);
}

/// Whether this process may be registered with a queue.
pub fn has_registered() -> bool {
    HAS_REGISTERED.load(Ordering::SeqCst)
}

/// Whether this process is registered with the queue of this descriptor, or has been notified and
/// keeps the lock of that registration.
pub fn is_registered_with(fd: RawFd) -> bool {
    has_registered() && request::is_held_by(fd, signal::own_pid())
}

/// Closes a descriptor of the library's own for a FIFO: now, or once that does not end a
/// registration any more. Async-signal-safe.
pub fn close_internal(kept: Reserved) {
    let _guard = Guard::take();
    let may_be_registered = HAS_REGISTERED.load(Ordering::SeqCst);
    if !(may_be_registered && request::is_held_by(kept.fd(), signal::own_pid()) && defer(kept)) {
        kept.release();
    }
}

/// The same for one that the program would have got.
pub fn close_new(fd: RawFd) {
    match reserved::retain(fd) {
        Ok(kept) => close_internal(kept),
        // SAFETY: no other thread knows of it.
        Err(_) => unsafe {
            libc::syscall(libc::SYS_close, fd);
        },
    }
}

fn defer(kept: Reserved) -> bool {
    COUNT.fetch_add(1, Ordering::SeqCst);
    let put = |place: &AtomicU32| {
        place.compare_exchange(0, kept.to_bits(), Ordering::SeqCst, Ordering::SeqCst).is_ok()
    };
    let is_in = DEFERRED.iter().any(put);
    if !is_in {
        COUNT.fetch_sub(1, Ordering::SeqCst);
    }
    is_in
}

/// The program has closed a descriptor of the queue with this FIFO (device and inode), so this
/// process is not registered with it. To be called in the process that owns its memory, not in a
/// child of vfork(2). Async-signal-safe.
pub fn closed(fifo: (u64, u64)) {
    if HAS_REGISTERED.load(Ordering::SeqCst) {
        notifier::dismiss_all(fifo);
        close_deferred(fifo);
    }
}

/// Closes what was left open for the sake of a registration with this queue that is over.
pub fn close_deferred(fifo: (u64, u64)) {
    if COUNT.load(Ordering::SeqCst) == 0 {
        return;
    }
    let _guard = Guard::take();
    for place in &DEFERRED {
        let word = place.load(Ordering::SeqCst);
        if let Some(kept) = Reserved::from_bits(word)
            && file::status(kept.fd()).is_ok_and(|status| file::identity(&status) == fifo)
            && !request::is_held_by(kept.fd(), signal::own_pid())
            && place.compare_exchange(word, 0, Ordering::SeqCst, Ordering::SeqCst).is_ok()
        {
            COUNT.fetch_sub(1, Ordering::SeqCst);
            kept.release();
        }
    }
}
