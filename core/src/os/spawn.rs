//! Threads of the library's own in a program that does not know of them.

use core::ffi::{c_int, c_void};
use core::ptr;
use std::thread::Builder;

use super::bare;
use super::errno::{Errno, Result};
use super::process;
use super::signals::Blocked;
use crate::atomic::{AtomicU32, Ordering};

/// Enough for what such a thread does; the stack is only used where it is touched.
const STACK: usize = 128 * 1024;
/// The same for a bare thread.
const BARE_STACK: usize = 32 * 1024;

/// Starts a thread that no signal of the program is delivered to. EAGAIN when there can be no more
/// threads.
pub fn background(name: &str, run: impl FnOnce() + Send + 'static) -> Result<()> {
    let _blocked = Blocked::all();
    let started = Builder::new().name(name.into()).stack_size(STACK).spawn(run);
    started.map(drop).map_err(|error| Errno(error.raw_os_error().unwrap_or(libc::EAGAIN)))
}

/// What a bare thread finds at the top of its stack.
struct Start<T> {
    run: fn(&T),
    argument: T,
    stack: *mut c_void,
    /// Of the threads like this one.
    number: &'static AtomicU32,
}

/// Starts a thread that the C library does not know of: the process ends without it, and ends when
/// its last other thread does; it keeps the user and group that it begins with; no signal is
/// delivered to it. Async-signal-safe.
///
/// It has no thread-local memory of its own, so `run` makes bare system calls only, and nothing
/// that could panic. The result is its TID.
///
/// Errors: EAGAIN when there can be no more threads; EINVAL after unshare(2) with a new PID
/// namespace for children; ENOMEM; ENOSYS on an architecture without bare calls.
pub fn bare<T: Copy + Send + 'static>(run: fn(&T), argument: T) -> Result<u32> {
    const { assert!(size_of::<Start<T>>() <= 1024 && align_of::<Start<T>>() <= 16) };
    if !bare::IS_SUPPORTED {
        return Err(Errno::ENOSYS);
    }
    let stack = map_stack()?;
    let number = process::own_threads();
    // SAFETY: the top of the new stack, aligned to 16 bytes, which no other thread knows yet.
    let top = unsafe {
        let top = stack.byte_add(BARE_STACK - size_of::<Start<T>>().next_multiple_of(16));
        top.cast::<Start<T>>().write(Start { run, argument, stack, number });
        top
    };
    let flags = libc::CLONE_VM
        | libc::CLONE_FS
        | libc::CLONE_FILES
        | libc::CLONE_SIGHAND
        | libc::CLONE_THREAD
        | libc::CLONE_SYSVSEM;
    let _blocked = Blocked::all();
    // SAFETY: `begin` gets what it expects, and a stack of its own below that.
    let tid = unsafe { libc::clone(begin::<T>, top, flags, top) };
    if tid > 0 {
        // Only now: no more threads may be counted than there are, or another thread would take
        // the program for alone. One that is over already has made the number wrap, which is not
        // taken for that either. Relaxed, as in `begin`: nothing is published through it.
        number.fetch_add(1, Ordering::Relaxed);
        return Ok(tid.cast_unsigned());
    }
    let error = Errno::last();
    // SAFETY: there is no thread that uses it.
    unsafe { libc::munmap(stack, BARE_STACK) };
    Err(error)
}

fn map_stack() -> Result<*mut c_void> {
    // SAFETY: new memory at an address of the kernel's choice.
    unsafe {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK;
        let stack = libc::mmap(ptr::null_mut(), BARE_STACK, protection, flags, -1, 0);
        if stack == libc::MAP_FAILED {
            return Err(Errno::ENOMEM);
        }
        // The child of a fork does not have the thread.
        libc::madvise(stack, BARE_STACK, libc::MADV_DONTFORK);
        Ok(stack)
    }
}

/// Bare, too.
extern "C" fn begin<T: Copy>(start: *mut c_void) -> c_int {
    // SAFETY: what `bare` has written, for this thread alone.
    let (run, argument, stack, number) = unsafe {
        let start = &*start.cast::<Start<T>>();
        (start.run, start.argument, start.stack, start.number)
    };
    run(&argument);
    number.fetch_sub(1, Ordering::Relaxed);
    // SAFETY: the stack is this thread's own.
    unsafe { bare::unmap_and_exit(stack.addr(), BARE_STACK) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::atomic::{AtomicU32, Ordering};

    static CALLS: AtomicU32 = AtomicU32::new(0);

    fn count(by: &[u32; 4]) {
        CALLS.fetch_add(by[2], Ordering::SeqCst);
    }

    #[test]
    fn a_bare_thread_runs_and_leaves_nothing_behind() {
        let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
        let before = threads();
        for _ in 0..100 {
            bare(count, [0, 0, 3, 0]).unwrap();
        }
        while CALLS.load(Ordering::SeqCst) < 300 || threads() > before {
            std::thread::yield_now();
        }
    }
}
