//! Whether a thread is stopped, by a signal or by a tracer.

use core::mem::MaybeUninit;
use std::io::Write;

/// Whether proc(5) says that it is stopped. False for a thread that does not exist, or cannot be
/// seen. Async-signal-safe.
pub fn is_stopped(tid: u32) -> bool {
    let mut path = [0_u8; 32];
    let mut stat = [MaybeUninit::<u8>::uninit(); 128];
    if write!(&mut path[..], "/proc/{tid}/stat\0").is_err() {
        return false;
    }
    let flags = libc::O_RDONLY | libc::O_CLOEXEC;
    // SAFETY: a C string; space for the bytes; the descriptor is ours.
    let length = unsafe {
        let file = libc::syscall(libc::SYS_openat, libc::AT_FDCWD, path.as_ptr(), flags);
        if file < 0 {
            return false;
        }
        let length = libc::syscall(libc::SYS_read, file, stat.as_mut_ptr(), stat.len());
        libc::syscall(libc::SYS_close, file);
        length
    };
    let Ok(length) = usize::try_from(length) else { return false };
    // SAFETY: the kernel has written so many bytes.
    let stat = unsafe { core::slice::from_raw_parts(stat.as_ptr().cast::<u8>(), length) };
    // The name, in parentheses, may be of any bytes.
    let after_name = stat.iter().rposition(|&byte| byte == b')').map(|at| at + 2);
    matches!(after_name.and_then(|at| stat.get(at)), Some(b'T' | b't'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_stopped_process_is_stopped() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let pid = child.id();
        assert!(!is_stopped(pid) && !is_stopped(std::process::id()));
        // SAFETY: a child of our own.
        unsafe { libc::kill(pid.cast_signed(), libc::SIGSTOP) };
        while !is_stopped(pid) {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!is_stopped(pid));
    }
}
