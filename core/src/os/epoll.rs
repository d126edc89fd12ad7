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
    /// Its number when it was put in.
    fd: RawFd,
    /// What the epoll reports it with.
    data: u64,
    /// Its file: device and inode, as stat(2) gives them. `None`: the kernel does not tell (before
    /// Linux 5.4).
    file: Option<(u64, u64)>,
}

impl Target {
    /// A line: `tfd: 5 events: 19 data: 5 pos:0 ino:61af sdev:7`, all but the descriptor in hex.
    fn read(line: &[u8]) -> Option<Self> {
        let line = core::str::from_utf8(line).ok().filter(|line| line.starts_with("tfd:"))?;
        let text = |name| line.split_once(name)?.1.split_ascii_whitespace().next();
        let number = |name| text(name).and_then(|text| u64::from_str_radix(text, 16).ok());
        let file = number("ino:").zip(number("sdev:").and_then(device_of));
        let file = file.map(|(inode, device)| (device, inode));
        Some(Self { fd: text("tfd:")?.parse().ok()?, data: number("data:")?, file })
    }
}

/// As stat(2) gives it. In the kernel's own form 20 bits are the minor number.
fn device_of(kernels: u64) -> Option<u64> {
    let (major, minor) = (u32::try_from(kernels >> 20).ok()?, (kernels & 0xf_ffff) as u32);
    Some(libc::makedev(major, minor))
}

/// What an epoll reports with some data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reported {
    /// One descriptor, and it is that of the file.
    Only,
    /// None of this file, or nothing.
    NotThis,
    /// Several descriptors, of whatever files.
    Several,
}

/// What the epoll reports with this data: this file, or, on an older kernel, this descriptor of it?
/// `None`: that cannot be found out.
pub fn reported_with(epoll: RawFd, data: u64, fd: RawFd, file: (u64, u64)) -> Option<Reported> {
    // Threads may have descriptors of their own.
    let path = Name::new(format_args!("/proc/thread-self/fdinfo/{epoll}"));
    let info = Open::new(path.as_c_str(), libc::O_RDONLY).ok()?;
    let (mut found, mut others) = (0, 0);
    lines::each::<LINE>(&info, |line| {
        match Target::read(line).filter(|target| target.data == data) {
            Some(target) if target.file.map_or(target.fd == fd, |its| its == file) => found += 1,
            Some(_) => others += 1,
            None => {}
        }
        ControlFlow::Continue(())
    })
    .ok()?;
    Some(match (found, others) {
        (1, 0) => Reported::Only,
        (0, 0 | 1) => Reported::NotThis,
        _ => Reported::Several,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::file;

    #[test]
    fn a_line_is_read() {
        let line = b"tfd:        5 events:       19 data:           1f00ff  pos:0 ino:61af sdev:7";
        let file = Some((libc::makedev(0, 7), 0x61af));
        let target = Target { fd: 5, data: 0x1f_00ff, file };
        assert_eq!(Target::read(line), Some(target));
        let line =
            b"tfd:        5 events: 80000019 data: ffffffffffffffff  pos:0 ino:1 sdev:800002";
        let file = Some((libc::makedev(8, 2), 1));
        assert_eq!(Target::read(line), Some(Target { fd: 5, data: u64::MAX, file }));
        let older = b"tfd:       12 events:       19 data:                5";
        assert_eq!(Target::read(older), Some(Target { fd: 12, data: 5, file: None }));
        assert_eq!(Target::read(b"pos:\t0"), None);
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
            let other = (file.0, file.1 + 1);
            let look = |data, file| reported_with(epoll, data, pipe[0], file);
            assert_eq!(look(7, file), Some(Reported::NotThis));
            assert_eq!(add(pipe[0], 7), 0);
            assert_eq!(look(7, file), Some(Reported::Only));
            assert_eq!(look(7, other), Some(Reported::NotThis));
            assert_eq!(look(8, file), Some(Reported::NotThis));
            assert_eq!(add(libc::eventfd(0, 0), 7), 0);
            assert_eq!(look(7, file), Some(Reported::Several));
            assert_eq!(look(7, other), Some(Reported::Several));
            assert_eq!(reported_with(pipe[0], 7, pipe[0], file), Some(Reported::NotThis));
        }
    }
}
