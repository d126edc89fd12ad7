//! A call that a child makes for this thread: it shares the memory, but has limits of its own, and
//! a table of descriptors of its own if the errand needs one. So the call can do what the limits of
//! this process forbid, and no other thread notices.

use core::ffi::{c_int, c_void};
use core::ptr;
use std::os::fd::RawFd;

use super::errno::{Errno, Result};
use super::signals::Blocked;

/// Bytes of the child's stack: it makes a few system calls.
const STACK: usize = 64 * 1024;
/// For a child that sends no signal when it ends, so that only a wait that names it finds it. From
/// sched.h
const WCLONE: c_int = libc::__WCLONE;
/// Descriptors that are freed in the child where the table is full: more than a call opens.
const FREED: RawFd = 64;

/// What the child is told, and tells.
struct Errand<'a> {
    call: &'a mut dyn FnMut() -> Result<()>,
    /// `None`: the child has not come to it.
    result: Option<Result<()>>,
}

/// Makes a call without this process's soft limit on the size of files. The call makes system
/// calls, and nothing else of effect outside what it has borrowed. `None`: there can be no child,
/// or it did not come to the end.
///
/// All signals have to be blocked.
pub fn without_file_limit(call: &mut dyn FnMut() -> Result<()>) -> Option<Result<()>> {
    run(libc::CLONE_FILES, &mut || {
        raise(libc::RLIMIT_FSIZE);
        call()
    })
}

/// Makes a call as it is, and once more where that is EMFILE: in a child with a copy of the table
/// of descriptors, in which the first ones have been closed. The call uses none of this process's,
/// and closes what it opens.
pub fn with_free_descriptors(call: &mut dyn FnMut() -> Result<()>) -> Result<()> {
    match call() {
        Err(Errno::EMFILE) => {}
        result => return result,
    }
    // No handler of the program runs in the child.
    let _blocked = Blocked::all();
    let result = run(0, &mut || {
        raise(libc::RLIMIT_NOFILE);
        for fd in 0..FREED {
            // SAFETY: the child's own table. To the kernel its locks (fcntl(2)) are its own, too,
            // so those of this process stay.
            unsafe { libc::syscall(libc::SYS_close, fd) };
        }
        call()
    });
    result.unwrap_or(Err(Errno::EMFILE))
}

/// `None`: there can be no child, or something else has ended it.
fn run(shared: c_int, call: &mut dyn FnMut() -> Result<()>) -> Option<Result<()>> {
    let mut stack = vec![0_u128; STACK / size_of::<u128>()];
    let mut errand = Errand { call, result: None };
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_FS | shared;
    // SAFETY: the stack and the errand live until the child has ended: this thread sleeps until
    // then (CLONE_VFORK). All signals are blocked, so that no handler of the program runs in the
    // child.
    let child = unsafe {
        let top = stack.as_mut_ptr().add(stack.len());
        libc::clone(begin, top.cast(), flags, (&raw mut errand).cast())
    };
    if child < 0 {
        return None;
    }
    // SAFETY: the status is not needed, so NULL. Not C's `waitpid`, which is a cancellation point.
    while unsafe { libc::syscall(libc::SYS_wait4, child, ptr::null_mut::<c_int>(), WCLONE, 0) } < 0
        && Errno::last() == Errno::EINTR
    {}
    errand.result
}

extern "C" fn begin(errand: *mut c_void) -> c_int {
    // SAFETY: what `run` gave, and only this thread uses it meanwhile.
    let errand = unsafe { &mut *errand.cast::<Errand<'_>>() };
    errand.result = Some((errand.call)());
    // SAFETY: ends the child alone, without the exit procedures of the program.
    unsafe { libc::syscall(libc::SYS_exit, 0) };
    0
}

/// Raises a limit as far as possible, for the child alone.
fn raise(resource: libc::__rlimit_resource_t) {
    let mut limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: valid for writing, and then for reading.
    unsafe {
        libc::getrlimit(resource, &raw mut limit);
        let highest = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
        if resource == libc::RLIMIT_FSIZE && libc::setrlimit(resource, &raw const highest) == 0 {
            return;
        }
        let allowed = libc::rlimit { rlim_cur: limit.rlim_max, ..limit };
        libc::setrlimit(resource, &raw const allowed);
    }
}
