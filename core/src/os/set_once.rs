//! A value that is set once: by any thread, in a signal handler, or in the child of a fork that a
//! handler or another thread has made in the middle.
//!
//! `OnceLock` would not do: a thread that comes while another one sets the value waits for that
//! one, which may be the frame below the handler, or have stayed in the parent. Here each thread
//! makes a value of its own, and the first one to publish it has set it.

use core::ptr;

use super::errno::{Errno, Result};
use crate::atomic::{AtomicPtr, Ordering};

/// Such a value. It is never dropped.
pub struct SetOnce<T> {
    /// NULL, or where it is. Stored once, by compare-and-exchange.
    place: AtomicPtr<T>,
}

impl<T: Copy + Send + Sync + 'static> SetOnce<T> {
    /// One that is not set.
    #[expect(clippy::new_without_default, reason = "it stands in a static")]
    pub const fn new() -> Self {
        Self { place: AtomicPtr::new(ptr::null_mut()) }
    }

    /// The value, if it is set.
    pub fn get(&self) -> Option<&'static T> {
        // Acquire, with the Release of `get_or_set`: the value is whole.
        // SAFETY: what has been published is neither changed nor unmapped.
        unsafe { self.place.load(Ordering::Acquire).as_ref() }
    }

    /// The value, which is this one if none was set. ENOMEM. Async-signal-safe.
    pub fn get_or_set(&self, value: T) -> Result<&'static T> {
        if let Some(found) = self.get() {
            return Ok(found);
        }
        let new = map(value)?;
        let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
        match self.place.compare_exchange(ptr::null_mut(), new, success, failure) {
            // SAFETY: what has been published is neither changed nor unmapped.
            Ok(_) => Ok(unsafe { &*new }),
            Err(found) => {
                // SAFETY: `new` was mapped above, and nobody else has its address; `found` has been
                // published, and is neither changed nor unmapped.
                unsafe {
                    libc::syscall(libc::SYS_munmap, new, size_of::<T>());
                    Ok(&*found)
                }
            }
        }
    }
}

/// Memory of its own for the value.
fn map<T>(value: T) -> Result<*mut T> {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: new memory at an address of the kernel's choice, aligned to a page.
    unsafe {
        let place = libc::mmap(ptr::null_mut(), size_of::<T>(), protection, flags, -1, 0);
        if place == libc::MAP_FAILED {
            return Err(Errno::ENOMEM);
        }
        place.cast::<T>().write(value);
        Ok(place.cast())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_value_stays() {
        static VALUE: SetOnce<[u64; 3]> = SetOnce::new();
        assert_eq!(VALUE.get(), None);
        let found = std::thread::scope(|scope| {
            let set = |value| scope.spawn(move || *VALUE.get_or_set([value; 3]).unwrap());
            let threads: Vec<_> = (1..5).map(set).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        assert!(found.iter().all(|one| one == &found[0] && Some(one) == VALUE.get()));
        assert_eq!(VALUE.get_or_set([9; 3]).ok(), VALUE.get());
    }
}
