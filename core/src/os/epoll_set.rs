//! What is in the set of an epoll, as /proc shows (proc_pid_fdinfo(5)).
//!
//! Async-signal-safe: bare system calls, and memory on the stack.

use core::ops::ControlFlow;
use std::os::fd::RawFd;

use super::errno::Result;
use super::lines::each_line;
use super::maps::Name;

/// Bytes of a line, at most.
const LINE: usize = 256;

/// A descriptor that an epoll waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its number when it was put in. By now it may mean another file.
    pub fd: RawFd,
    /// What the epoll tells of it: `epoll_data_t`.
    pub data: u64,
    /// The inode of the file. `None`: the kernel does not tell (before Linux 5.4).
    pub inode: Option<u64>,
}

impl Member {
    /// A line of the file: `tfd: 5 events: 19 data: 1f  pos:0 ino:2a sdev:1b`.
    fn read(line: &[u8]) -> Option<Self> {
        let line = core::str::from_utf8(line).ok()?;
        let field = |name: &str| line.split_once(name)?.1.split_ascii_whitespace().next();
        let hex = |text| u64::from_str_radix(text, 16).ok();
        Some(Self {
            fd: field("tfd:")?.parse().ok()?,
            data: field("data:").and_then(hex)?,
            inode: field("ino:").and_then(hex),
        })
    }
}

/// Shows all that this epoll waits for. Without /proc: ENOENT.
pub fn each_of(epoll: RawFd, mut look: impl FnMut(Member)) -> Result<()> {
    // Threads may have descriptors of their own.
    let path = Name::new(format_args!("/proc/thread-self/fdinfo/{epoll}"));
    each_line::<LINE>(path.as_c_str(), |line| {
        Member::read(line).into_iter().for_each(&mut look);
        ControlFlow::Continue(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read() {
        let line =
            b"tfd:        5 events:       19 data:         ffffffff0000001f  pos:0 ino:2a sdev:1b";
        let expected = Member { fd: 5, data: 0xffff_ffff_0000_001f, inode: Some(0x2a) };
        assert_eq!(Member::read(line), Some(expected));
        let older = b"tfd:        5 events:       19 data:               1f";
        assert_eq!(Member::read(older), Some(Member { fd: 5, data: 0x1f, inode: None }));
        assert_eq!(Member::read(b"mnt_id:\t15"), None);
    }

    #[test]
    fn a_set_is_shown() {
        // SAFETY: descriptors of the test's own, and a valid event.
        let (epoll, file) = unsafe {
            let (epoll, file) = (libc::epoll_create1(0), libc::eventfd(0, 0));
            let mut event = libc::epoll_event { events: 0, u64: 77 };
            let added = libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, file, &raw mut event);
            assert_eq!(added, 0);
            (epoll, file)
        };
        let mut seen = Vec::new();
        each_of(epoll, |member| seen.push((member.fd, member.data))).unwrap();
        assert_eq!(seen, [(file, 77)]);
        // SAFETY: the same descriptors.
        unsafe { (libc::close(file), libc::close(epoll)) };
    }
}
