//! What makes a descriptor pollable: the FIFO that it really is, filled to a level that says how the queue is.
//!
//! | queue | packets in the FIFO | poll(2) says |
//! |---|---|---|
//! | empty | 0 | POLLOUT |
//! | neither | 1 | POLLIN, POLLOUT |
//! | full | 2, which is all that it holds | POLLIN |
//!
//! So the kernel itself answers, in any process. `bell` says when the level is brought up to date, and by whom.

use core::ffi::c_int;
use core::mem::ManuallyDrop;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, RawFd};

use crate::os::Errno;
use crate::os::Result;
use crate::os::cancel::uncancelled;
use crate::posix::mq::descriptor::{self, Use};
use crate::posix::mq::notify::internal;
use crate::posix::mq::poll::bell;

/// Bytes of two slots of a pipe: it is never smaller than a page.
const FIFO_SIZE: c_int = 8192;
/// Foreign packets that are taken out one by one, where they cannot be taken at once.
const STROKES: usize = 16;

/// Makes a freshly opened FIFO hold two packets.
///
/// Packets keep two bytes from sharing a slot of the pipe. A FIFO that is too full already to be made smaller is left
/// over from somebody who did the same.
pub fn set_up(fifo: &File, flags: c_int) -> Result<()> {
    let flags = flags | libc::O_DIRECT;
    // SAFETY: no pointers.
    let failed = unsafe {
        libc::fcntl(fifo.as_raw_fd(), libc::F_SETFL, flags) < 0
            || (libc::fcntl(fifo.as_raw_fd(), libc::F_SETPIPE_SZ, FIFO_SIZE) < 0
                && Errno::last() != Errno::EBUSY)
    };
    if failed { Err(Errno::last()) } else { Ok(()) }
}

impl Use<'_> {
    /// Brings the FIFO up to the level of the queue, if somebody polls.
    #[cold]
    pub fn ring(&self) {
        let bell = self.queue.layout.bell();
        if !bell.holds(bell::now_ms()) {
            return;
        }
        uncancelled(|| {
            let mut fifo = None;
            bell.ring(&self.operation, || {
                if fifo.is_none() {
                    fifo = Own::duplicate(self.fd, self.queue.fifo).ok();
                }
                if let Some(fifo) = &fifo {
                    // A level that could not be set is set again by the keeper of whoever polls.
                    let _ = set_level(&fifo.0, self.level());
                }
            });
        });
    }

    /// Packets that belong into the FIFO now.
    fn level(&self) -> usize {
        let index = &self.queue.layout.slots().index;
        match (index.seems_to_have_message(), index.seems_to_have_free()) {
            (false, _) => 0,
            (true, true) => 1,
            (true, false) => 2,
        }
    }
}

/// A descriptor of our own.
struct Own(ManuallyDrop<File>);

impl Own {
    fn new(fd: RawFd) -> Self {
        // SAFETY: nobody else has this new descriptor.
        Self(ManuallyDrop::new(unsafe { File::from_raw_fd(fd) }))
    }

    /// One for the FIFO, so that nothing is ever written to a file that the program has opened under the same number
    /// meanwhile. EBADF when the number is that of another file now.
    ///
    /// It is the same open description: to open the FIFO anew, and close it, would wake all who poll it.
    fn duplicate(fd: RawFd, identity: (u64, u64)) -> Result<Self> {
        // SAFETY: no pointer.
        let copy = unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0) };
        if copy < 0 {
            return Err(Errno::last());
        }
        let copy = Self::new(copy);
        if descriptor::identity(copy.0.as_raw_fd())? == identity { Ok(copy) } else { Err(Errno::EBADF) }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        internal::close_internal(self.0.as_raw_fd());
    }
}

fn set_level(fifo: &File, wanted: usize) -> Result<()> {
    let mut present: c_int = 0;
    // SAFETY: `present` is valid for writing. Each packet is one byte.
    if unsafe { libc::ioctl(fifo.as_raw_fd(), libc::FIONREAD, &raw mut present) } != 0 {
        return Err(Errno::last());
    }
    let present = usize::try_from(present).unwrap_or(0);
    match wanted.checked_sub(present) {
        Some(missing) => (0..missing).try_for_each(|_| put_packet(fifo)),
        None => take_packets(fifo, present - wanted),
    }
}

// Nobody else changes the level now, but the program may read or write its descriptor itself, and so may whoever may
// open the queue. So neither must block, whatever the description says: the calls of splice(2) can be told so one by
// one. Where they are missing, a look beforehand has to do.

fn put_packet(mut fifo: &File) -> Result<()> {
    static PACKET: [u8; 1] = *b"!";
    let packet = libc::iovec { iov_base: PACKET.as_ptr().cast_mut().cast(), iov_len: PACKET.len() };
    // SAFETY: the bytes are only read, and never change.
    let put = unsafe { libc::vmsplice(fifo.as_raw_fd(), &raw const packet, 1, libc::SPLICE_F_NONBLOCK) };
    if put < 0 && Errno::last() != Errno::EAGAIN && is_ready(fifo, libc::POLLOUT) {
        fifo.write_all(&PACKET)?;
    }
    Ok(())
}

fn take_packets(mut fifo: &File, count: usize) -> Result<()> {
    if let Ok((_reader, writer)) = pipe() {
        let (into, nowhere) = (writer.0.as_raw_fd(), core::ptr::null_mut());
        // SAFETY: neither has an offset.
        let taken =
            unsafe { libc::splice(fifo.as_raw_fd(), nowhere, into, nowhere, count, libc::SPLICE_F_NONBLOCK) };
        if taken >= 0 || Errno::last() == Errno::EAGAIN {
            return Ok(());
        }
    }
    for _ in 0..count.min(STROKES) {
        if is_ready(fifo, libc::POLLIN) {
            fifo.read_exact(&mut [0])?;
        }
    }
    Ok(())
}

/// For what nobody reads.
fn pipe() -> Result<(Own, Own)> {
    let mut ends = [0; 2];
    // SAFETY: room for two descriptors.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
        return Err(Errno::last());
    }
    Ok((Own::new(ends[0]), Own::new(ends[1])))
}

fn is_ready(fifo: &File, events: i16) -> bool {
    let mut asked = libc::pollfd { fd: fifo.as_raw_fd(), events, revents: 0 };
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
