//! The signal of a notification, as the kernel's own queues send it.

use core::ffi::{c_int, c_long};
use core::mem;
use std::os::fd::RawFd;

use crate::os::bare;
use crate::os::{Errno, Result};
use crate::posix::mq::notify::registration::{Outcome, Sender};

/// `SI_MESGQ` of asm-generic/siginfo.h
const SI_MESGQ: c_int = -3;

/// A signal to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Signal {
    /// Its number. 0: none is sent.
    pub number: u32,
    /// `sigev_value`
    pub value: u64,
}

/// `siginfo_t` as the kernel lays it out for queued signals on 64-bit Linux.
#[repr(C)]
struct SigInfo {
    signal: c_int,
    error: c_int,
    code: c_int,
    _padding: c_int,
    pid: u32,
    uid: u32,
    value: u64,
    _rest: [u8; 96],
}

const _: () = assert!(mem::size_of::<SigInfo>() == mem::size_of::<libc::siginfo_t>());

impl Signal {
    fn info(self, sender: Sender) -> SigInfo {
        SigInfo {
            signal: self.number.cast_signed(),
            error: 0,
            code: SI_MESGQ,
            _padding: 0,
            pid: sender.pid,
            uid: sender.uid,
            value: self.value,
            _rest: [0; 96],
        }
    }

    /// Sends it to another process. `is_meant` says whether the process with this number is the one that is meant, and
    /// still wants the signal; it is asked as late as possible.
    pub fn send(self, pid: u32, sender: Sender, is_meant: impl Fn() -> bool) -> Outcome {
        if self.number == 0 {
            return Outcome::Notified;
        }
        let sent = match Process::open(pid) {
            // It may have ended before we had hold of it, and another one have got its number: so we look again.
            Ok(_) if !is_meant() => return Outcome::Gone,
            Ok(process) => self.send_to(&process, sender),
            Err(error) => Err(error),
        };
        let sent = match sent {
            // No such call, or a filter that does not know it, or no descriptor left for it.
            Err(Errno::ENOSYS | Errno::EPERM | Errno::EMFILE | Errno::ENFILE) if is_meant() => {
                self.send_to_number(pid, sender)
            }
            sent => sent,
        };
        match sent {
            // No room for it (RLIMIT_SIGPENDING): then the kernel's queues drop it, too.
            Ok(()) | Err(Errno::EAGAIN) => Outcome::Notified,
            Err(_) if is_meant() => Outcome::Failed,
            Err(_) => Outcome::Gone,
        }
    }

    /// Sends it to this very process.
    pub fn raise(self, pid: u32, sender: Sender) {
        if self.number != 0 {
            // It fails only as above.
            let _ = self.send_to_number(pid, sender);
        }
    }

    fn send_to(self, process: &Process, sender: Sender) -> Result<()> {
        let info = self.info(sender);
        let arguments = [process.0.cast_unsigned() as usize, self.number as usize, address(&info), 0];
        // SAFETY: `info` is a siginfo_t of this signal, which lives through the call.
        result(unsafe { bare::call(libc::SYS_pidfd_send_signal, arguments) }).map(drop)
    }

    /// Bare.
    fn send_to_number(self, pid: u32, sender: Sender) -> Result<()> {
        let info = self.info(sender);
        let arguments = [pid as usize, self.number as usize, address(&info), 0];
        // SAFETY: as above.
        result(unsafe { bare::call(libc::SYS_rt_sigqueueinfo, arguments) }).map(drop)
    }
}

/// A process that keeps its identity, whoever gets its number: pidfd_open(2).
struct Process(RawFd);

impl Process {
    fn open(pid: u32) -> Result<Self> {
        // SAFETY: no pointer.
        let fd = result(unsafe { bare::call(libc::SYS_pidfd_open, [pid as usize, 0, 0, 0]) })?;
        Ok(Self(RawFd::try_from(fd).map_err(|_| Errno::EMFILE)?))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // SAFETY: ours, and no file. Not the `close` of the program, which has our own in front of it.
        unsafe { bare::call(libc::SYS_close, [self.0.cast_unsigned() as usize, 0, 0, 0]) };
    }
}

fn address(info: &SigInfo) -> usize {
    core::ptr::from_ref(info).expose_provenance()
}

#[inline]
fn result(result: c_long) -> Result<c_long> {
    match c_int::try_from(-result) {
        Ok(error @ 1..) => Err(Errno(error)),
        _ => Ok(result),
    }
}

/// The calling process, in its own PID namespace. Bare.
pub fn own_pid() -> u32 {
    // SAFETY: no pointer. It cannot fail.
    u32::try_from(unsafe { bare::call(libc::SYS_getpid, [0; 4]) }).unwrap_or(0)
}
