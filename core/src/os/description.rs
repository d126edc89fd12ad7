//! Magic numbers on open descriptions: duplicates have them, too, and so do programs after an
//! exec(2). So the library knows what it has opened, wherever the descriptor came from.
//!
//! The magic is the signal number of F_SETSIG, which has no effect without O_ASYNC. 0 is none.
//!
//! | magic | description |
//! |---|---|
//! | 2, 4, 6, 8 | of a queue: `posix/mq/descriptor/inherited.rs` |
//! | 16 | of the file of a presence: `shared/presence/exec.rs` |

use std::os::fd::RawFd;

use super::errno::{Errno, Result};
use super::reserved::PREFERRED;

/// From asm-generic/fcntl.h
const F_SETSIG: i32 = 10;
const F_GETSIG: i32 = 11;

/// Descriptors of a new program that are looked at: so many from 0, and so many from the first one
/// that the library prefers for itself.
const FROM_0: usize = 256;
const PREFERRED_ONES: usize = 64;
/// So many at a time, where all are too many.
const FEW: usize = 64;

/// Writes the magic on the description.
pub fn set_magic(fd: RawFd, magic: i32) -> Result<()> {
    // SAFETY: no pointer. The call itself: our own `fcntl` spares the magic.
    if unsafe { libc::syscall(libc::SYS_fcntl, fd, F_SETSIG, magic) } == 0 {
        Ok(())
    } else {
        Err(Errno::last())
    }
}

/// The magic of a description. `None`: it has none, or the descriptor is not open.
pub fn magic_of(fd: RawFd) -> Option<i32> {
    // SAFETY: no pointer.
    let magic = unsafe { libc::syscall(libc::SYS_fcntl, fd, F_GETSIG) };
    i32::try_from(magic).ok().filter(|&magic| magic > 0)
}

/// At load: tells of each description with a magic that the program has been started with. One
/// system call, and one for each descriptor that is open.
pub fn look_at_inherited(found: impl Fn(RawFd, i32)) {
    let mut asked = [libc::pollfd { fd: -1, events: 0, revents: 0 }; FROM_0 + PREFERRED_ONES];
    // In place: a copy would be the first use of the C library's, in a page of its own.
    for (entry, fd) in asked.iter_mut().zip((0..).take(FROM_0).chain(PREFERRED..)) {
        entry.fd = fd;
    }
    if poll(&mut asked) {
        tell_of_open(&asked, found);
        return;
    }
    // There are more entries than RLIMIT_NOFILE.
    for few in asked.chunks_mut(FEW) {
        poll(few);
        tell_of_open(few, &found);
    }
}

/// Finds out which of these descriptors are open. False: that was refused, and each may be.
fn poll(asked: &mut [libc::pollfd]) -> bool {
    let at_once = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the entries and the time are valid. The call itself, not our own `poll`.
    let answered = unsafe {
        libc::syscall(
            libc::SYS_ppoll,
            asked.as_mut_ptr(),
            asked.len(),
            &raw const at_once,
            core::ptr::null::<libc::sigset_t>(),
            0,
        )
    };
    answered >= 0
}

fn tell_of_open(asked: &[libc::pollfd], found: impl Fn(RawFd, i32)) {
    for entry in asked.iter().filter(|entry| entry.revents & libc::POLLNVAL == 0) {
        if let Some(magic) = magic_of(entry.fd) {
            found(entry.fd, magic);
        }
    }
}
