//! The signal of a notification, as the kernel's own queues send it.

use core::ffi::{c_int, c_long};
use core::mem;
use std::os::fd::RawFd;

use crate::os::bare;
use crate::os::valgrind;
use crate::os::{Errno, Result};
use crate::posix::mq::notify::registration::Sender;

/// `SI_MESGQ` of asm-generic/siginfo.h
const SI_MESGQ: c_int = -3;

/// A signal to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Signal {
    /// Its number. 0: none is sent.
    pub signo: u32,
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
            signal: self.signo.cast_signed(),
            error: 0,
            code: SI_MESGQ,
            _padding: 0,
            pid: sender.pid,
            uid: sender.uid,
            value: self.value,
            _rest: [0; 96],
        }
    }

    /// Sends it to this very process.
    pub fn raise(self, pid: u32, sender: Sender) {
        if self.signo != 0 {
            // It fails only as above.
            let _ = self.send_to_pid(pid, sender);
        }
    }

    /// Bare.
    fn send_to_pid(self, pid: u32, sender: Sender) -> Result<()> {
        let info = self.info(sender);
        let arguments = [pid as usize, self.signo as usize, address(&info), 0];
        // SAFETY: `info` is a siginfo_t of this signal, which lives through the call.
        result(unsafe { bare::call(libc::SYS_rt_sigqueueinfo, arguments) }).map(drop)
    }
}

/// A process that a signal can be sent to.
pub struct Target {
    pid: u32,
    /// pidfd_open(2): that process, even after its PID is reused. `None`: there is no such call, or
    /// a filter or valgrind(1) that does not know it, or no descriptor left, or it is the calling
    /// process.
    pidfd: Option<RawFd>,
}

impl Target {
    /// This process, if it may be sent a signal. It may have ended, and its PID may have been
    /// reused, before this has opened it: so the caller checks afterwards whether it is the right
    /// one. ESRCH, EPERM, EINVAL.
    pub fn new(pid: u32) -> Result<Self> {
        let target = Self { pid, pidfd: if pid == own_pid() { None } else { open(pid) } };
        target.call(0, 0).map(|()| target)
    }

    /// Sends it. If the signal queue is full (RLIMIT_SIGPENDING), it is dropped, as the kernel's
    /// own queues do.
    pub fn send(&self, signal: Signal, sender: Sender) {
        if signal.signo != 0 {
            let info = signal.info(sender);
            let _ = self.call(signal.signo, address(&info));
        }
    }

    fn call(&self, signal: u32, info: usize) -> Result<()> {
        let (call, process) = match self.pidfd {
            Some(pidfd) => (libc::SYS_pidfd_send_signal, pidfd.cast_unsigned() as usize),
            // Only a question.
            None if signal == 0 => (libc::SYS_kill, self.pid as usize),
            None => (libc::SYS_rt_sigqueueinfo, self.pid as usize),
        };
        // SAFETY: a siginfo_t of this signal, or NULL for none, with which no signal is sent.
        result(unsafe { bare::call(call, [process, signal as usize, info, 0]) }).map(drop)
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if let Some(pidfd) = self.pidfd {
            // SAFETY: ours, and no file. Not the `close` of the program, which has our own in front
            // of it.
            unsafe { bare::call(libc::SYS_close, [pidfd.cast_unsigned() as usize, 0, 0, 0]) };
        }
    }
}

fn open(pid: u32) -> Option<RawFd> {
    if valgrind::is_running() {
        return None;
    }
    // SAFETY: no pointer.
    let pidfd = unsafe { bare::call(libc::SYS_pidfd_open, [pid as usize, 0, 0, 0]) };
    result(pidfd).ok().and_then(|pidfd| RawFd::try_from(pidfd).ok())
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
