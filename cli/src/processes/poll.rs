//! What a thread sleeps for in poll, select or epoll_wait: descriptors, each to be read from or
//! written to.

use std::ffi::c_long;
use std::fs;
use std::io;

use super::pid::Pid;

/// A descriptor that is polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Polled {
    pub descriptor: u32,
    pub to_read: bool,
    pub to_write: bool,
}

/// A system call that waits for descriptors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Poll,
    Select,
    Epoll,
}

/// A program that polls queues has no more of them.
const MOST: u64 = 65_536;
const POLLFD_SIZE: usize = 8;
/// Bytes of a word of a set of descriptors.
const WORD: usize = 8;

impl Call {
    /// By its number.
    pub fn of(number: c_long) -> Option<Self> {
        // The older forms of the calls, which newer machines do not have.
        #[cfg(target_arch = "x86_64")]
        match number {
            libc::SYS_poll => return Some(Self::Poll),
            libc::SYS_select => return Some(Self::Select),
            libc::SYS_epoll_wait => return Some(Self::Epoll),
            _ => {}
        }
        match number {
            libc::SYS_ppoll => Some(Self::Poll),
            libc::SYS_pselect6 => Some(Self::Select),
            libc::SYS_epoll_pwait | libc::SYS_epoll_pwait2 => Some(Self::Epoll),
            _ => None,
        }
    }
}

/// Of poll(2), from the memory of the thread.
pub fn polled(
    address: u64,
    count: u64,
    read: impl Fn(u64, &mut [u8]) -> io::Result<()>,
) -> io::Result<Vec<Polled>> {
    let count = usize::try_from(count.min(MOST)).unwrap_or(0);
    let mut bytes = vec![0; count * POLLFD_SIZE];
    read(address, &mut bytes)?;
    let entries = bytes.chunks_exact(POLLFD_SIZE).map(|entry| {
        let descriptor = i32::from_ne_bytes([entry[0], entry[1], entry[2], entry[3]]);
        (descriptor, i16::from_ne_bytes([entry[4], entry[5]]))
    });
    // A negative number stands for none.
    let entries =
        entries.filter_map(|(descriptor, events)| Some((u32::try_from(descriptor).ok()?, events)));
    Ok(entries.map(|(descriptor, events)| Polled::new(descriptor, events.into())).collect())
}

/// Of select(2): two sets in the memory of the thread, of which each may be missing.
pub fn selected(
    count: u64,
    [readable, writable]: [u64; 2],
    read: impl Fn(u64, &mut [u8]) -> io::Result<()>,
) -> io::Result<Vec<Polled>> {
    let count = usize::try_from(count.min(MOST)).unwrap_or(0);
    let set = |address: u64| {
        let mut bytes = vec![0; count.div_ceil(8 * WORD) * WORD];
        if address != 0 {
            read(address, &mut bytes)?;
        }
        Ok::<_, io::Error>(bytes)
    };
    let (readable, writable) = (set(readable)?, set(writable)?);
    let is_in = |set: &[u8], descriptor: usize| {
        let start = descriptor / (8 * WORD) * WORD;
        let word: [u8; WORD] = set[start..start + WORD].try_into().unwrap_or_default();
        u64::from_ne_bytes(word) >> (descriptor % (8 * WORD)) & 1 == 1
    };
    let descriptors = (0..count).filter_map(|descriptor| {
        let (to_read, to_write) = (is_in(&readable, descriptor), is_in(&writable, descriptor));
        let descriptor = u32::try_from(descriptor).ok()?;
        (to_read || to_write).then_some(Polled { descriptor, to_read, to_write })
    });
    Ok(descriptors.collect())
}

/// Of epoll_wait(2): what this epoll descriptor watches, as the kernel tells it.
pub fn interest_list(tid: Pid, epoll: i32) -> io::Result<Vec<Polled>> {
    Ok(parse_interest_list(&fs::read_to_string(format!("/proc/{tid}/fdinfo/{epoll}"))?))
}

/// `tfd:        5 events:       19 data:                5  pos:0 ino:61 sdev:5`, among other lines.
fn parse_interest_list(text: &str) -> Vec<Polled> {
    let parse = |line: &str| {
        let mut words = line.strip_prefix("tfd:")?.split_ascii_whitespace();
        let descriptor = words.next()?.parse().ok()?;
        let events = words.skip_while(|word| *word != "events:").nth(1)?;
        Some(Polled::new(descriptor, i64::from_str_radix(events, 16).ok()?))
    };
    text.lines().filter_map(parse).collect()
}

impl Polled {
    /// From the flags of poll(2), which are those of epoll too.
    fn new(descriptor: u32, events: i64) -> Self {
        let has = |flags: i16| events & i64::from(flags) != 0;
        Self {
            descriptor,
            to_read: has(libc::POLLIN | libc::POLLRDNORM),
            to_write: has(libc::POLLOUT | libc::POLLWRNORM),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: Polled = Polled { descriptor: 5, to_read: true, to_write: false };

    #[test]
    fn an_array_of_descriptors() {
        let entry = |descriptor: i32, events: i16| {
            [&descriptor.to_ne_bytes()[..], &events.to_ne_bytes(), &[0; 2]].concat()
        };
        let memory =
            [entry(5, libc::POLLIN), entry(-1, libc::POLLIN), entry(7, libc::POLLOUT)].concat();
        let found = polled(0x1000, 3, |address, bytes| {
            assert_eq!(address, 0x1000);
            bytes.copy_from_slice(&memory);
            Ok(())
        });
        let write = Polled { descriptor: 7, to_read: false, to_write: true };
        assert_eq!(found.unwrap(), [READ, write]);
    }

    #[test]
    fn sets_of_descriptors() {
        let found = selected(70, [0x1000, 0], |_, bytes| {
            assert_eq!(bytes.len(), 16);
            bytes[..8].copy_from_slice(&(1_u64 << 5).to_ne_bytes());
            bytes[8..].copy_from_slice(&(1_u64 << 3 | 1 << 20).to_ne_bytes());
            Ok(())
        });
        // What lies above the count does not count.
        assert_eq!(found.unwrap(), [READ, Polled { descriptor: 67, ..READ }]);
        assert!(
            selected(u64::MAX, [1, 1], |_, _| Err(io::Error::other("no memory here"))).is_err()
        );
    }

    #[test]
    fn what_the_kernel_tells_of_an_epoll() {
        let text = "pos:\t0\nflags:\t02\n\
            tfd:        5 events:       19 data:                5  pos:0 ino:61 sdev:5\n\
            tfd: nonsense\n";
        assert_eq!(parse_interest_list(text), [READ]);
    }
}
