//! The system calls on the FIFO behind a queue's descriptor. None of them blocks, whatever flags
//! the program's description has and whatever other processes do to the FIFO, and none touches
//! another file.
//!
//! The program may close its descriptor at any time, and the descriptor may then mean another file.
//! So the library has a description of its own, under a reserved descriptor, which it opens when it
//! first needs it. No process polls that description, so it also shows the locks of those that
//! poll. Where it cannot be opened (no free descriptor, or no permission any more), a duplicate is
//! used instead, or, after a check of its identity, the program's own descriptor.

use core::ffi::c_int;
use core::mem::MaybeUninit;
use std::fs::File;
use std::os::fd::{AsRawFd, RawFd};

use crate::atomic::{AtomicU32, Ordering};
use crate::os::Errno;
use crate::os::Result;
use crate::os::descriptors;
use crate::os::file;
use crate::os::lock::{self, Kind, Owner};
use crate::os::process::Process;
use crate::os::reserved::{self, Reserved};
use crate::posix::mq::notify::internal;
use crate::posix::mq::poll::level::Fifo;
use crate::posix::mq::poll::readiness::CAPACITY;

/// The byte of the FIFO on which pollers have their locks.
pub const POLLERS_BYTE: i64 = 0;
/// Packets that are put in by one call at most.
const BATCH: usize = CAPACITY;
/// Bytes that are taken out by one call at most.
const BUFFER: usize = 64;

/// Gives a freshly opened FIFO its flag.
pub fn set_up(fifo: &File, is_nonblocking: bool) -> Result<()> {
    if !is_nonblocking {
        return Ok(());
    }
    // SAFETY: no pointer.
    let result = unsafe {
        libc::syscall(libc::SYS_fcntl, fifo.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK)
    };
    if result == 0 { Ok(()) } else { Err(Errno::last()) }
}

/// The slots of a FIFO. It is given its full number first, if it was made in a process that had too
/// many pipes already, and may have more now.
fn slots_of(fd: RawFd) -> usize {
    let slots = fcntl_slots(fd, libc::F_GETPIPE_SZ, 0);
    if slots == CAPACITY {
        return slots;
    }
    let bytes = c_int::try_from(CAPACITY * page_size()).unwrap_or(0);
    // Refused to a user who still has too many.
    slots.max(fcntl_slots(fd, libc::F_SETPIPE_SZ, bytes))
}

fn fcntl_slots(fd: RawFd, command: c_int, bytes: c_int) -> usize {
    // SAFETY: no pointer.
    let bytes = unsafe { libc::syscall(libc::SYS_fcntl, fd, command, bytes) };
    usize::try_from(bytes).unwrap_or(0) / page_size()
}

fn page_size() -> usize {
    // SAFETY: takes no pointer.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096)
}

/// The description of our own of a queue. Private to the process.
#[derive(Default)]
pub struct OwnDescription {
    /// `Reserved::to_bits`, or 0 as long as there is none. Set once, by the first thread that needs
    /// it.
    kept: AtomicU32,
    /// 1 = it is a duplicate of the program's: it does not see the program's own lock. Set before
    /// `kept`.
    is_duplicate: AtomicU32,
    /// Slots of the FIFO; 0 = not known yet.
    slots: AtomicU32,
}

impl OwnDescription {
    /// Opens the FIFO anew if that has not been done. `None`: it cannot be had.
    fn get_or_open(&self, fd: RawFd, fifo: (u64, u64)) -> Option<RawFd> {
        let known = Reserved::from_bits(self.kept.load(Ordering::Acquire));
        known.map_or_else(|| self.open(fd, fifo), |known| Some(known.fd()))
    }

    #[cold]
    fn open(&self, fd: RawFd, fifo: (u64, u64)) -> Option<RawFd> {
        // What else the descriptor may mean by now is not ours to open. And the child of a vfork(2)
        // has descriptors of its own, but would note this one in the memory of its parent.
        if identity(fd) != Ok(fifo) || !Process::owns_memory() {
            return None;
        }
        let (kept, is_duplicate) = keep(fd)?;
        if identity(kept.fd()) != Ok(fifo) {
            internal::close_internal(kept);
            return None;
        }
        self.is_duplicate.fetch_max(is_duplicate, Ordering::Relaxed);
        // Release: a thread that sees it sees what kind it is.
        match self.kept.compare_exchange(0, kept.to_bits(), Ordering::Release, Ordering::Acquire) {
            Ok(_) => Some(kept.fd()),
            Err(theirs) => {
                internal::close_internal(kept);
                Reserved::from_bits(theirs).map(Reserved::fd)
            }
        }
    }

    /// The program may have closed it by a system call, and it may mean another file.
    fn verify(&self, fifo: (u64, u64)) {
        let bits = self.kept.load(Ordering::Acquire);
        if let Some(kept) = Reserved::from_bits(bits)
            && identity(kept.fd()) != Ok(fifo)
            && Process::owns_memory()
            && self.kept.compare_exchange(bits, 0, Ordering::AcqRel, Ordering::Relaxed).is_ok()
        {
            kept.forget();
        }
    }
}

impl Drop for OwnDescription {
    fn drop(&mut self) {
        if let Some(kept) = Reserved::from_bits(self.kept.load(Ordering::Acquire)) {
            internal::close_internal(kept);
        }
    }
}

/// A way to the FIFO of one operation.
pub struct Channel<'q> {
    own: &'q OwnDescription,
    /// The program's descriptor.
    fd: RawFd,
    /// Device and inode of the FIFO.
    fifo: (u64, u64),
}

impl<'q> Channel<'q> {
    /// Nothing is opened yet.
    pub fn new(own: &'q OwnDescription, fd: RawFd, fifo: (u64, u64)) -> Self {
        Self { own, fd, fifo }
    }

    /// Makes sure that there is a description of our own, if it can be had: an exec closes it.
    pub fn open(&self) {
        self.own.verify(self.fifo);
        let _ = self.own.get_or_open(self.fd, self.fifo);
    }

    /// Whether a poller holds a lock. `None`: that cannot be found out.
    pub fn has_poller(&self) -> Option<bool> {
        self.own.verify(self.fifo);
        let fd = self.own.get_or_open(self.fd, self.fifo)?;
        if self.own.is_duplicate.load(Ordering::Relaxed) != 0 {
            return None;
        }
        lock::is_locked(fd, Owner::Description, Kind::Write, POLLERS_BYTE).ok()
    }

    /// Makes epolls that are told of edges look again. The FIFO gets the capacity that it has: the
    /// kernel then wakes what sleeps on it, for any events, because there may be more space (since
    /// Linux 5.5).
    pub fn tell_edges(&self) {
        if let Some(fd) = self.fd() {
            let bytes = c_int::try_from(self.capacity() * page_size()).unwrap_or(0);
            fcntl_slots(fd, libc::F_SETPIPE_SZ, bytes);
        }
    }

    /// A descriptor of the FIFO, as safe as it can be had.
    fn fd(&self) -> Option<RawFd> {
        self.own.get_or_open(self.fd, self.fifo).or_else(|| {
            // There is no descriptor left. This check fails only if another thread closes the queue
            // and opens a pipe between the check and the call.
            (identity(self.fd) == Ok(self.fifo)).then_some(self.fd)
        })
    }
}

impl Fifo for Channel<'_> {
    fn put(&self, count: usize) -> usize {
        static PACKET: [u8; 1] = *b"!";
        let Some(fd) = self.fd() else { return 0 };
        let packet =
            libc::iovec { iov_base: PACKET.as_ptr().cast_mut().cast(), iov_len: PACKET.len() };
        let packets = [packet; BATCH];
        let count = count.min(BATCH);
        // SAFETY: the byte is only read, and never changes. EBADF for what is no pipe.
        let put = unsafe {
            libc::syscall(libc::SYS_vmsplice, fd, packets.as_ptr(), count, libc::SPLICE_F_NONBLOCK)
        };
        match usize::try_from(put) {
            Ok(put) => put,
            Err(_) if matches!(Errno::last(), Errno::ENOSYS | Errno::EPERM) => {
                write_packets(fd, count)
            }
            Err(_) => 0,
        }
    }

    fn take(&self, count: usize) {
        let Some(fd) = self.fd() else { return };
        let mut buffer = [MaybeUninit::<u8>::uninit(); BUFFER];
        // Our own description never blocks; a description of the program's may.
        let may_block = Reserved::from_bits(self.own.kept.load(Ordering::Acquire)).is_none()
            || self.own.is_duplicate.load(Ordering::Relaxed) != 0;
        if may_block && !is_ready(fd, libc::POLLIN) {
            return;
        }
        let mut left = count.min(BUFFER);
        while left > 0 {
            // SAFETY: `buffer` is valid for writing so many bytes. Mostly one call takes them all.
            let taken = unsafe { libc::syscall(libc::SYS_read, fd, buffer.as_mut_ptr(), left) };
            match usize::try_from(taken) {
                Ok(taken @ 1..) if !may_block => left = left.saturating_sub(taken),
                _ => break,
            }
        }
    }

    fn count(&self) -> Option<usize> {
        let fd = self.fd()?;
        let mut present: c_int = 0;
        // SAFETY: `present` is valid for writing. Each packet is one byte.
        let asked = unsafe { libc::syscall(libc::SYS_ioctl, fd, libc::FIONREAD, &raw mut present) };
        if asked == 0 { usize::try_from(present).ok() } else { None }
    }

    fn capacity(&self) -> usize {
        let known = self.own.slots.load(Ordering::Relaxed);
        if known != 0 {
            return known as usize;
        }
        let slots = self.fd().map_or(0, slots_of);
        self.own.slots.store(u32::try_from(slots).unwrap_or(0), Ordering::Relaxed);
        slots
    }
}

/// Where the kernel has no vmsplice(2): one by one. On our own description each is a packet of its
/// own (`O_DIRECT`).
#[cold]
fn write_packets(fd: RawFd, count: usize) -> usize {
    let is_put = |()| {
        // SAFETY: a valid byte.
        is_ready(fd, libc::POLLOUT)
            && unsafe { libc::syscall(libc::SYS_write, fd, c"!".as_ptr(), 1) } == 1
    };
    (0..count).map(|_| ()).take_while(|&unit| is_put(unit)).count()
}

/// A description of our own. Opened by its descriptor, so that it does not matter whether it still
/// has a name.
fn reopen(fd: RawFd) -> Result<RawFd> {
    let flags = libc::O_RDWR | libc::O_NONBLOCK | libc::O_CLOEXEC;
    let opened = descriptors::by_path(fd, |path| {
        // SAFETY: a C string. The call itself, which is no cancellation point.
        to_fd(unsafe { libc::syscall(libc::SYS_openat, libc::AT_FDCWD, path.as_ptr(), flags) })
    })?;
    // SAFETY: no pointer. See `write_packets`.
    unsafe {
        libc::syscall(libc::SYS_fcntl, opened, libc::F_SETFL, libc::O_NONBLOCK | libc::O_DIRECT)
    };
    Ok(opened)
}

/// A description of our own, or else a duplicate of the program's. Whether it is that.
///
/// A new description gets a low descriptor first, and to close that would end the registration of
/// the process, if it has one with this queue. (If another thread registers at this moment, the low
/// one stays open: `notify::internal`.) A duplicate has a price: an epoll does not notice that the
/// program has closed its own descriptor.
fn keep(fd: RawFd) -> Option<(Reserved, u32)> {
    if !internal::is_registered_with(fd)
        && let Ok(new) = reopen(fd)
    {
        let kept = reserved::keep_copy(new);
        internal::close_new(new);
        return Some((kept.ok()?, 0));
    }
    Some((reserved::keep_copy(fd).ok()?, 1))
}

fn to_fd(result: libc::c_long) -> Result<RawFd> {
    if result < 0 { Err(Errno::last()) } else { RawFd::try_from(result).map_err(|_| Errno::EMFILE) }
}

fn identity(fd: RawFd) -> Result<(u64, u64)> {
    file::status(fd).map(|status| file::identity(&status))
}

fn is_ready(fd: RawFd, events: i16) -> bool {
    let mut asked = libc::pollfd { fd, events, revents: 0 };
    let at_once = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: one pollfd, and a timespec. The call itself, not our own `poll`.
    let ready = unsafe {
        libc::syscall(
            libc::SYS_ppoll,
            &raw mut asked,
            1,
            &raw const at_once,
            core::ptr::null::<libc::sigset_t>(),
            0,
        )
    };
    ready == 1 && asked.revents & events != 0
}
