//! RLIMIT_FSIZE, the limit on the size of files, where it is below the size of an object.
//!
//! The limit does not apply to a kernel queue, and hardly to a semaphore of 32 bytes, so an object
//! is made in spite of it wherever that is possible. A process may raise its soft limit up to the
//! hard limit, or beyond with CAP_SYS_RESOURCE. But limits belong to all threads of a process, and
//! other threads may rely on them. So a child that shares memory and descriptors with this process,
//! but has limits of its own, makes the file longer.
//!
//! A size that the limit still forbids is EFBIG. The signal SIGXFSZ, which would end the process,
//! is blocked meanwhile and discarded.

use core::mem;
use core::ptr;
use std::fs::File;
use std::os::fd::AsRawFd;

use super::errand;
use super::errno::{Errno, Result, preserved};
use super::signals::Blocked;

/// Makes a call that lets a file grow to `size` bytes. The call makes system calls, and nothing
/// else of effect outside what it has borrowed.
///
/// Errors: EFBIG where there is no way around the limit; those of the call.
pub fn beyond_limit(size: u64, mut call: impl FnMut() -> Result<()>) -> Result<()> {
    if size <= limit().rlim_cur {
        return call();
    }
    let _blocked = Blocked::all();
    match errand::without_file_limit(&mut call) {
        Some(result) => result,
        None => without_signal(&mut call),
    }
}

/// Makes a file that long, and reserves its blocks now, so that a full file system is ENOSPC here
/// and not SIGBUS later. EFBIG: see [`beyond_limit`]. EOVERFLOW.
pub fn reserve(file: &File, size: usize) -> Result<()> {
    reserve_from(file, 0, size)
}

/// The same for so many bytes from `start` on: what is before has been reserved.
pub fn reserve_from(file: &File, start: usize, size: usize) -> Result<()> {
    let offset = libc::off_t::try_from(start).map_err(|_| Errno::EOVERFLOW)?;
    let length = libc::off_t::try_from(size).map_err(|_| Errno::EOVERFLOW)?;
    let end = offset.checked_add(length).ok_or(Errno::EOVERFLOW)?.unsigned_abs();
    beyond_limit(end, || {
        let Err(error) = allocate(file, offset, length) else { return Ok(()) };
        match error {
            // The file system cannot reserve, or a filter refuses the call: files of ours are not
            // sealed, so there is no other reason for EPERM. A hole is what there is to offer.
            // Another process may have made the file longer meanwhile.
            Errno::ENOTSUP | Errno::ENOSYS | Errno::EPERM if file.metadata()?.len() < end => {
                Ok(file.set_len(end)?)
            }
            Errno::ENOTSUP | Errno::ENOSYS | Errno::EPERM => Ok(()),
            error => Err(error),
        }
    })
}

/// fallocate(2). A signal does not end it: no call on an object fails with EINTR for it on Linux.
/// The tmpfs of older kernels gives that error for any signal, and begins anew: large files would
/// never be made beside a timer. So then it is made with signals held back. Leaves `errno` alone.
fn allocate(file: &File, offset: libc::off_t, length: libc::off_t) -> Result<()> {
    // SAFETY: takes no pointer. It is not `posix_fallocate`, which writes where the file system
    // cannot reserve.
    let call = || match unsafe { libc::fallocate(file.as_raw_fd(), 0, offset, length) } {
        0 => Ok(()),
        _ => Err(Errno::last()),
    };
    preserved(|| {
        let mut done = call();
        if done == Err(Errno::EINTR) {
            let _blocked = Blocked::all();
            while done == Err(Errno::EINTR) {
                done = call();
            }
        }
        done
    })
}

/// Bytes of the longest file that [`beyond_limit`] lets through without privileges.
pub fn longest() -> u64 {
    limit().rlim_max
}

fn limit() -> libc::rlimit {
    let mut limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: `limit` is valid for writing.
    unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, &raw mut limit) };
    limit
}

/// With all signals blocked: what comes of SIGXFSZ is taken back.
fn without_signal(call: &mut dyn FnMut() -> Result<()>) -> Result<()> {
    let was_pending = is_pending();
    let result = call();
    if !was_pending && is_pending() {
        let (signal, at_once) = (just_the_signal(), libc::timespec { tv_sec: 0, tv_nsec: 0 });
        // SAFETY: all are valid for reading.
        unsafe { libc::sigtimedwait(&raw const signal, ptr::null_mut(), &raw const at_once) };
    }
    result
}

fn just_the_signal() -> libc::sigset_t {
    // SAFETY: any bytes are a set, and it is made empty first.
    unsafe {
        let mut set: libc::sigset_t = mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGXFSZ);
        set
    }
}

fn is_pending() -> bool {
    // SAFETY: `set` is valid for writing, and then for reading.
    unsafe {
        let mut set: libc::sigset_t = mem::zeroed();
        libc::sigpending(&raw mut set) == 0 && libc::sigismember(&raw const set, libc::SIGXFSZ) == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// In a process of its own: the limit is that of all threads.
    fn in_limited_child(limit: libc::rlimit, check: impl FnOnce() -> bool) {
        // SAFETY: the child runs on its copy of this thread alone, and ends without the exit
        // procedures.
        let child = unsafe { libc::fork() };
        assert!(child >= 0, "fork failed");
        if child == 0 {
            // SAFETY: valid for reading.
            unsafe {
                libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit);
                libc::_exit(i32::from(!check()));
            }
        }
        let mut status = 0;
        // SAFETY: valid for writing.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert_eq!(status, 0, "exit status, or the signal that ended it");
    }

    fn scratch(name: &str) -> File {
        let path =
            std::env::temp_dir().join(format!("rsipc-file-size-{}-{name}", std::process::id()));
        let file = File::create(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        file
    }

    #[test]
    fn the_soft_limit_is_no_obstacle_and_stays() {
        let mut file = scratch("soft");
        in_limited_child(libc::rlimit { rlim_cur: 4, rlim_max: 100 }, || {
            beyond_limit(32, || Ok(file.write_all(&[1; 32])?)) == Ok(()) && limit().rlim_cur == 4
        });
        assert_eq!(file.metadata().unwrap().len(), 32);
    }

    #[test]
    fn a_hard_limit_is_an_error_and_no_signal() {
        let mut file = scratch("hard");
        in_limited_child(libc::rlimit { rlim_cur: 4, rlim_max: 4 }, || {
            // SAFETY: becomes a user without privileges.
            unsafe { libc::setuid(61999) };
            let fails = |result| result == Err(Errno::EFBIG);
            let in_child = beyond_limit(32, || Ok(file.write_all(&[1; 32])?));
            let blocked = Blocked::all();
            let here = without_signal(&mut || Ok(scratch("here").write_all(&[1; 32])?));
            drop(blocked);
            fails(in_child) && fails(here)
        });
    }
}
