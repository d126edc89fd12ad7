//! Which process is registered, and for what: a lock that the kernel keeps.
//!
//! The registered process holds a lock that belongs to the process (fcntl(2), F_SETLK) on bytes of
//! the queue's FIFO, taken through the descriptor that was given to `mq_notify`. The rules of such
//! a lock are those of a registration: it is released when the process closes any descriptor of the
//! file, or ends; no child inherits it; and what the child of a vfork(2) closes does not affect it.
//! Every user of the queue can ask the kernel which process holds it, by the pid in the asker's own
//! PID namespace. An exec releases it by closing the library's own description of the FIFO, which
//! is opened before the lock is taken, if it can be had.
//!
//! *Which* bytes are locked encodes what the process wants. The memory of the queue could not hold
//! that, because all users of the queue may write to it: a sender would send any signal to any
//! process that one of them names.
//!
//! ```text
//! FIRST + (sequence / 4 mod RANGES) * RANGE      the bytes of that registration
//!     the lock contains the byte in the middle
//!     bytes locked before it:  the low 37 bits of sigev_value
//!     bytes locked behind it:  the other 27 bits | the signal << 27 | how << 34
//! ```
//!
//! A process that was notified keeps its lock until it registers again or closes the queue. That
//! disturbs no other process, because the next registration uses other bytes.

use core::ffi::c_int;
use core::ops::RangeInclusive;
use std::os::fd::RawFd;

use crate::os::Result;
use crate::os::lock::{self, Found, Kind, Owner};
use crate::posix::mq::notify::registration::{Registered, ordinal};

/// The first byte of all of this. Far lower ones belong to `poll`.
const FIRST: i64 = 1 << 62;
/// Bits that each side of the middle tells.
const SIDE_BITS: u32 = 37;
/// Bytes for one registration.
const RANGE: i64 = 1 << (SIDE_BITS + 1);
/// The number of ranges. A process must not keep its lock for longer than that many registrations
/// of others: then one sequence number is skipped.
const RANGES: u32 = 1 << 24;
/// Bits of the second side.
const SIGNAL_SHIFT: u32 = u64::BITS - SIDE_BITS;
const HOW_SHIFT: u32 = SIGNAL_SHIFT + 7;

const _: () =
    assert!(FIRST as u64 + RANGE as u64 * RANGES as u64 == 1 << 63 && HOW_SHIFT + 2 < SIDE_BITS);

/// What the registered process wants to happen, as others need to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// See there.
    pub how: How,
    /// A signal number, 0..=64. 0: none is sent.
    pub signal: u32,
    /// `sigev_value`
    pub value: u64,
}

/// In which way it is notified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Not at all: `SIGEV_NONE`.
    Nothing,
    /// By a signal, which the sender sends.
    Signal,
    /// By a signal, which a thread of the registered process sends if the sender may not.
    SignalOrThread,
    /// By a thread: `SIGEV_THREAD`.
    Thread,
}

/// A registration, as the kernel knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registrant {
    /// The registered process, in the asker's PID namespace; 0 = it is not there.
    pub pid: u32,
    /// What it wants.
    pub request: Request,
}

impl How {
    const ALL: [Self; 4] = [Self::Nothing, Self::Signal, Self::SignalOrThread, Self::Thread];

    /// `sigev_notify`
    pub fn sigev(self) -> c_int {
        match self {
            Self::Nothing => libc::SIGEV_NONE,
            Self::Signal | Self::SignalOrThread => libc::SIGEV_SIGNAL,
            Self::Thread => libc::SIGEV_THREAD,
        }
    }

    /// Whether a thread of the registered process waits for the end of the registration.
    pub fn has_thread(self) -> bool {
        matches!(self, Self::SignalOrThread | Self::Thread)
    }

    fn bits(self) -> u64 {
        Self::ALL.iter().zip(0..).find(|(how, _)| **how == self).map_or(0, |(_, bits)| bits)
    }
}

/// The byte in the middle of the bytes for a registration.
fn middle(sequence: u32) -> i64 {
    FIRST + i64::from(ordinal(sequence) % RANGES) * RANGE + RANGE / 2
}

impl Request {
    fn sides(self) -> (i64, i64) {
        let low = self.value & ((1 << SIDE_BITS) - 1);
        let high = self.value >> SIDE_BITS
            | u64::from(self.signal) << SIGNAL_SHIFT
            | self.how.bits() << HOW_SHIFT;
        // Both below 2^37.
        (low.cast_signed(), high.cast_signed())
    }

    fn bytes(self, sequence: u32) -> RangeInclusive<i64> {
        let (low, high) = self.sides();
        middle(sequence) - low..=middle(sequence) + high
    }

    /// `None`: other bytes are locked than those of a registered process.
    fn from_bytes(sequence: u32, (first, last): (i64, i64)) -> Option<Self> {
        let side = |side: i64| u64::try_from(side).ok().filter(|side| side >> SIDE_BITS == 0);
        let (low, high) = (side(middle(sequence) - first)?, side(last - middle(sequence))?);
        let how = How::ALL.get(usize::try_from(high >> HOW_SHIFT).ok()?)?;
        Some(Self {
            how: *how,
            signal: u32::try_from(high >> SIGNAL_SHIFT & 0x7f).ok()?,
            value: low | (high & ((1 << SIGNAL_SHIFT) - 1)) << SIDE_BITS,
        })
    }
}

/// Takes the lock of the registration with this sequence number, for the calling process. False:
/// another process has it. EBADF, ENOLCK.
pub fn lock(fd: RawFd, sequence: u32, request: Request) -> Result<bool> {
    lock::try_lock_range(fd, Owner::Process, Kind::Write, request.bytes(sequence))
}

/// Gives back the lock of one registration of the calling process.
pub fn unlock(fd: RawFd, sequence: u32) -> Result<()> {
    let first = middle(sequence) - RANGE / 2;
    lock::unlock_range(fd, Owner::Process, first..=first + (RANGE - 1))
}

/// Gives back the locks of all registrations of the calling process.
pub fn unlock_all(fd: RawFd) -> Result<()> {
    lock::unlock_range(fd, Owner::Process, FIRST..=i64::MAX)
}

/// The process that has this registration. `None`: none any more. EBADF.
pub fn holder(fd: RawFd, sequence: u32) -> Result<Option<Registrant>> {
    let middle = middle(sequence);
    let found = lock::find(fd, middle..=middle)?;
    Ok(found.and_then(|Found { pid, bytes }| {
        Some(Registrant {
            pid: u32::try_from(pid).ok()?,
            request: Request::from_bytes(sequence, bytes)?,
        })
    }))
}

/// What is known of this registration to an observer, as the kernel knows it. `fd`: the
/// FIFO.
pub fn registered(fd: RawFd, sequence: u32) -> Option<Registered> {
    let Registrant { pid, request } =
        if sequence == 0 { None } else { holder(fd, sequence).ok()? }?;
    Some(Registered { pid, how: request.how.sigev().cast_unsigned(), signal: request.signal })
}

/// Whether the calling process has the lock of any registration, one that is over included.
pub fn is_held_by(fd: RawFd, pid: u32) -> bool {
    let mut from = FIRST;
    while let Ok(Some(found)) = lock::find(fd, from..=i64::MAX) {
        if u32::try_from(found.pid) == Ok(pid) {
            return true;
        }
        match found.bytes.1.checked_add(1) {
            Some(next) => from = next,
            None => break,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::OpenOptions;
    use std::os::fd::AsRawFd;

    const WISH: Request = Request { how: How::Thread, signal: 64, value: u64::MAX };

    #[test]
    fn what_is_locked_tells_what_is_wanted() {
        for how in How::ALL {
            for (signal, value) in [(0, 0), (1, 1), (64, u64::MAX), (34, 0xdead_beef_1234_5678)] {
                for sequence in [1, 5, 4 * RANGES - 3, 1_u32.wrapping_sub(4)] {
                    let request = Request { how, signal, value };
                    let bytes = request.bytes(sequence).into_inner();
                    assert_eq!(Request::from_bytes(sequence, bytes), Some(request));
                }
            }
        }
    }

    #[test]
    fn registrations_have_bytes_of_their_own_that_do_not_touch() {
        let (first, last) = WISH.bytes(1).into_inner();
        assert!(first > FIRST && last < middle(5) - RANGE / 2);
        assert!(*WISH.bytes(5).start() > last + 1, "or the kernel would make one lock of two");
        assert!(*WISH.bytes(4 * RANGES - 3).end() < i64::MAX);
    }

    #[test]
    fn other_locks_are_no_registrations() {
        assert_eq!(Request::from_bytes(1, (0, i64::MAX)), None);
        assert_eq!(Request::from_bytes(1, (middle(1) - 1, middle(5))), None);
    }

    #[test]
    fn the_kernel_tells_which_process_has_it() {
        let path = std::env::temp_dir().join(format!("rsipc-request-{}", std::process::id()));
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .unwrap();
        std::fs::remove_file(path).unwrap();
        let (fd, pid) = (file.as_raw_fd(), std::process::id());
        assert!(lock(fd, 9, WISH).unwrap());
        assert_eq!(holder(fd, 9), Ok(Some(Registrant { pid, request: WISH })));
        assert_eq!((holder(fd, 5), holder(fd, 13)), (Ok(None), Ok(None)));
        assert!(is_held_by(fd, pid) && !is_held_by(fd, pid + 1));
        unlock(fd, 9).unwrap();
        assert_eq!(holder(fd, 9), Ok(None));
        assert!(!is_held_by(fd, pid));
    }
}
