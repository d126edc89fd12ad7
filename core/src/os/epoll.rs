//! What is in the set of an epoll, as /proc shows (proc_pid_fdinfo(5)).
//!
//! Async-signal-safe: bare system calls, and memory on the stack.

use core::ops::ControlFlow;
use std::os::fd::RawFd;

use super::lines;
use super::maps::Name;
use super::open::Open;

/// Bytes of a line, at most: six numbers.
const LINE: usize = 256;

/// A descriptor in the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Target {
    /// What the epoll reports it with.
    data: u64,
    /// Its file: device and inode, as stat(2) gives them.
    file: (u64, u64),
}

impl Target {
    /// A line: `tfd: 5 events: 19 data: 5 pos:0 ino:61af sdev:7`, all but the descriptor in hex.
    fn read(line: &[u8]) -> Option<Self> {
        let line = core::str::from_utf8(line).ok().filter(|line| line.starts_with("tfd:"))?;
        let number = |name| {
            let text = line.split_once(name)?.1.trim_start();
            u64::from_str_radix(text.split(' ').next()?, 16).ok()
        };
        // The kernel's own form of a device: 20 bits are its minor number.
        let device = number("sdev:")?;
        let (major, minor) = (u32::try_from(device >> 20).ok()?, (device & 0xf_ffff) as u32);
        Some(Self { data: number("data:")?, file: (libc::makedev(major, minor), number("ino:")?) })
    }
}

/// Whether what the epoll reports with this data can only be this file, which is in its set.
/// False where that cannot be found out.
pub fn stands_for(epoll: RawFd, data: u64, file: (u64, u64)) -> bool {
    let path = Name::new(format_args!("/proc/self/fdinfo/{epoll}"));
    let Ok(info) = Open::new(path.as_c_str(), libc::O_RDONLY) else { return false };
    let (mut found, mut others) = (0, 0);
    let read = lines::each::<LINE>(&info, |line| {
        match Target::read(line).filter(|target| target.data == data) {
            Some(target) if target.file == file => found += 1,
            Some(_) => others += 1,
            None => {}
        }
        ControlFlow::Continue(())
    });
    read.is_ok() && (found, others) == (1, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::file;

    #[test]
    fn a_line_is_read() {
        let line = b"tfd:        5 events:       19 data:           1f00ff  pos:0 ino:61af sdev:7";
        let target = Target { data: 0x1f_00ff, file: (libc::makedev(0, 7), 0x61af) };
        assert_eq!(Target::read(line), Some(target));
        let line =
            b"tfd:        5 events: 80000019 data: ffffffffffffffff  pos:0 ino:1 sdev:800002";
        let target = Target { data: u64::MAX, file: (libc::makedev(8, 2), 1) };
        assert_eq!(Target::read(line), Some(target));
        for other in [&b"pos:\t0"[..], b"tfd:        5 events:       19 data:                5"] {
            assert_eq!(Target::read(other), None);
        }
    }

    #[test]
    fn data_stand_for_one_descriptor_alone() {
        let mut pipe = [0; 2];
        // SAFETY: space for two descriptors; an event each.
        unsafe {
            assert_eq!(libc::pipe(pipe.as_mut_ptr()), 0);
            let epoll = libc::epoll_create1(0);
            let add = |fd, data| {
                let mut event = libc::epoll_event { events: 1, u64: data };
                libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, fd, &raw mut event)
            };
            let file = file::identity(&file::status(pipe[0]).unwrap());
            assert!(!stands_for(epoll, 7, file));
            assert_eq!(add(pipe[0], 7), 0);
            assert!(stands_for(epoll, 7, file));
            assert!(!stands_for(epoll, 7, (file.0, file.1 + 1)));
            assert!(!stands_for(epoll, 8, file));
            assert_eq!(add(libc::eventfd(0, 0), 7), 0);
            assert!(!stands_for(epoll, 7, file));
            assert!(!stands_for(pipe[0], 7, file));
        }
    }
}
