//! The end of a process whose only thread is not the C library's.
//!
//! A thread of the C library ends its process by `exit_group`, which ends threads of our own as
//! well. The child of clone(2) does not: when its function returns, the C library makes the bare
//! system call `exit`, and the process would live on with our thread alone. So the thread that
//! makes ours has the kernel clear a word when it ends (set_tid_address(2)), and ours sleeps on
//! that word. This is for the first thread of a process alone, and only if nothing else has asked
//! for its end: the C library does, for all threads that it makes, and for children of its `fork`.
//! The process ends with the status of its first thread, as without ours.
//!
//! | value | meaning | stored by |
//! |---|---|---|
//! | 0 | the first thread has ended | the kernel |
//! | [`FOLLOWED`] | it is followed | that thread, before there is ours |
//! | [`NOBODY`] | no thread is | the thread that makes ours, before that |

use core::ffi::c_int;
use core::mem;
use core::ptr;

use crate::atomic::{AtomicU32, Ordering};
use crate::os::bare;
use crate::os::robust;

const FOLLOWED: u32 = 1;
const NOBODY: u32 = 2;

/// From linux/prctl.h
const PR_GET_TID_ADDRESS: c_int = 40;
/// The path is absolute.
const NO_DIRECTORY: usize = 0;
/// Links of /proc/self/task with two threads: the first one, which stays until the process has
/// ended, and ours.
const BOTH: libc::nlink_t = 4;

/// From now on the word tells of the end of the calling thread, if it is one that has to be
/// followed.
pub fn follow(word: &AtomicU32) {
    word.store(NOBODY, Ordering::Relaxed);
    // The C library registers such a list for all of its threads.
    if robust::pending().is_some() {
        return;
    }
    let mut asked = 1_usize;
    // SAFETY: plain system calls, a word of our own, and one that outlives the thread.
    unsafe {
        let is_first = libc::syscall(libc::SYS_gettid) == libc::syscall(libc::SYS_getpid);
        if is_first && libc::prctl(PR_GET_TID_ADDRESS, &raw mut asked) == 0 && asked == 0 {
            word.store(FOLLOWED, Ordering::Relaxed);
            libc::syscall(libc::SYS_set_tid_address, ptr::from_ref(word));
        }
    }
}

/// Sleeps, and ends the process when it has no other thread. Bare.
pub fn sleep_while_needed(word: &AtomicU32) -> ! {
    loop {
        let state = word.load(Ordering::Acquire);
        if state == 0 && is_alone() {
            // Since Linux 6.2 the thread that ends last says how the process has ended.
            let status = status_of_first().unwrap_or(0);
            // SAFETY: nothing of this thread is needed any more.
            unsafe { bare::call(libc::SYS_exit, [status, 0, 0, 0]) };
        }
        // Not a private futex: the kernel's wake is none.
        let operation = libc::FUTEX_WAIT as usize;
        let sleep = [ptr::from_ref(word).expose_provenance(), operation, state as usize, 0];
        // SAFETY: a word in memory of the process that is never unmapped.
        unsafe { bare::call(libc::SYS_futex, sleep) };
    }
}

/// Whether the first thread, which has ended, and the calling one are all. False without /proc.
/// Bare.
fn is_alone() -> bool {
    let path = c"/proc/self/task";
    // SAFETY: zeros are a valid value of this structure, which is as the kernel writes it.
    unsafe {
        let mut status: libc::stat = mem::zeroed();
        let arguments = [
            NO_DIRECTORY,
            path.as_ptr().expose_provenance(),
            (&raw mut status).expose_provenance(),
            0,
        ];
        bare::call(libc::SYS_newfstatat, arguments) == 0 && status.st_nlink == BOTH
    }
}

/// What the first thread has given to `exit`, from /proc. Bare.
fn status_of_first() -> Option<usize> {
    /// More than such a line can have.
    const LINE: usize = 2048;
    let mut line = [0_u8; LINE];
    let path = c"/proc/self/stat";
    // SAFETY: a path, and memory of the size that is told.
    let length = unsafe {
        let path = path.as_ptr().expose_provenance();
        let flags = (libc::O_RDONLY | libc::O_CLOEXEC) as usize;
        let file = bare::call(libc::SYS_openat, [NO_DIRECTORY, path, flags, 0]);
        let file = usize::try_from(file).ok()?;
        let into = line.as_mut_ptr().expose_provenance();
        let length = bare::call(libc::SYS_read, [file, into, LINE, 0]);
        // Another process may have the table of descriptors in common with this one.
        bare::call(libc::SYS_close, [file, 0, 0, 0]);
        length
    };
    exit_status(line.get(..usize::try_from(length).ok()?)?)
}

/// The last of the fields that proc_pid_stat(5) lists, as given to `exit`. The second one is the
/// name of the program, in parentheses, which may hold any byte.
fn exit_status(line: &[u8]) -> Option<usize> {
    /// Fields after the name, before the wanted one.
    const BEFORE: usize = 49;
    let name_end = line.iter().rposition(|&byte| byte == b')')?;
    let mut fields = line.get(name_end + 1..)?.split(u8::is_ascii_whitespace).skip(1);
    let digits = fields.nth(BEFORE)?;
    let value = digits.iter().try_fold(0_usize, |value, &digit| match digit {
        b'0'..=b'9' => value.checked_mul(10)?.checked_add(usize::from(digit - b'0')),
        _ => None,
    })?;
    Some(value >> 8 & 0xff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_is_the_52nd_field() {
        let line = |name: &str, last: &str| {
            let others: String = (4..52).map(|_| "0 ").collect();
            format!("7 ({name}) Z {others}{last}\n")
        };
        assert_eq!(exit_status(line("a", "1792").as_bytes()), Some(7));
        assert_eq!(exit_status(line("a) b (", "65280").as_bytes()), Some(255));
        assert_eq!(exit_status(line("a", "0").as_bytes()), Some(0));
        assert_eq!(exit_status(line("a", "-1").as_bytes()), None);
        assert_eq!(exit_status(b"7 (a) Z 1 2"), None);
        assert_eq!(exit_status(b""), None);
        assert!(status_of_first().is_some());
    }
}
