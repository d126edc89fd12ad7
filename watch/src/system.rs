//! System calls as the hooks make them: no cancellation points, and not through functions that
//! stand in front of the C library's.

use std::ffi::CStr;

/// Nanoseconds of CLOCK_MONOTONIC.
pub fn now() -> u64 {
    clock(libc::CLOCK_MONOTONIC)
}

/// Nanoseconds of a clock; 0 if there is none of this number.
pub fn clock(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is there to be written.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    nanoseconds(time)
}

/// 0 for times before the beginning.
pub fn nanoseconds(time: libc::timespec) -> u64 {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(time.tv_nsec).unwrap_or(0))
}

/// Whether there is stack enough for a record. An alternate stack may have no more than 8 KiB.
pub fn has_stack() -> bool {
    const WANTED: usize = 24 << 10;
    let here = 0_u8;
    // SAFETY: zeros are a stack_t.
    let mut stack: libc::stack_t = unsafe { std::mem::zeroed() };
    // SAFETY: changes nothing; there is a place for the answer.
    let is_known = unsafe { libc::sigaltstack(std::ptr::null(), &raw mut stack) } == 0;
    let left = (&raw const here).addr().saturating_sub(stack.ss_sp.addr());
    is_known && (stack.ss_flags & libc::SS_ONSTACK == 0 || left > WANTED)
}

pub fn pid() -> i32 {
    // SAFETY: takes no arguments.
    unsafe { libc::getpid() }
}

pub fn parent() -> i32 {
    // SAFETY: takes no arguments.
    unsafe { libc::getppid() }
}

pub fn tid() -> i32 {
    // SAFETY: takes no arguments. glibc has a function for it since 2.30 only.
    i32::try_from(unsafe { libc::syscall(libc::SYS_gettid) }).unwrap_or(0)
}

/// Whether a process or thread has this number.
pub fn is_alive(number: i32) -> bool {
    // SAFETY: signal 0 is sent to nobody.
    unsafe { libc::syscall(libc::SYS_kill, number, 0) == 0 || errno() == libc::EPERM }
}

/// Whether a thread will do nothing any more: it has ended, or is a zombie.
pub fn has_ended(tid: i32) -> bool {
    !is_alive(tid) || matches!(state(tid), Some(b'Z' | b'X'))
}

/// Whether a thread does nothing until it is continued: by a signal, or a debugger.
pub fn is_stopped(tid: i32) -> bool {
    matches!(state(tid), Some(b'T' | b't'))
}

/// The letter for it in proc(5). None: it cannot be read.
fn state(tid: i32) -> Option<u8> {
    let mut path = [0; 32];
    let mut room = std::io::Cursor::new(&mut path[..]);
    // The numbers have room, and the zeros behind end the string.
    let _ = std::io::Write::write_fmt(&mut room, format_args!("/proc/{tid}/stat"));
    let path = CStr::from_bytes_until_nul(&path).ok()?;
    let file = open(path, libc::O_RDONLY)?;
    let mut text = [0; 128];
    let read = self::read(file, &mut text);
    close(file);
    // `pid (name) state`, where a name may have anything.
    let end = text[..read].iter().rposition(|&byte| byte == b')')?;
    text.get(end + 2).copied()
}

/// Whether the process has a handler for the signal.
pub fn has_handler(signal: i32) -> bool {
    // SAFETY: zeros are an action; the call only asks, and has room for the answer.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &raw mut action) == 0
            && !matches!(action.sa_sigaction, libc::SIG_DFL | libc::SIG_IGN)
    }
}

/// Whether this process has no other thread.
pub fn is_alone() -> bool {
    // SAFETY: a C string, and room for the answer, of which zeros are one.
    unsafe {
        let mut status: libc::stat = std::mem::zeroed();
        libc::stat(c"/proc/self/task".as_ptr(), &raw mut status) == 0 && status.st_nlink == 3
    }
}

pub fn errno() -> i32 {
    // SAFETY: the address is that of this thread's errno.
    unsafe { *libc::__errno_location() }
}

pub fn set_errno(value: i32) {
    // SAFETY: the address is that of this thread's errno.
    unsafe { *libc::__errno_location() = value };
}

/// Sleeps, and sleeps on after a signal.
pub fn sleep(nanoseconds: u64) {
    let mut rest = libc::timespec {
        tv_sec: (nanoseconds / 1_000_000_000).cast_signed(),
        tv_nsec: (nanoseconds % 1_000_000_000).cast_signed(),
    };
    let room = &raw mut rest;
    // SAFETY: `rest` is read and written, by this call alone.
    while unsafe { libc::syscall(libc::SYS_nanosleep, room, room) } != 0 && errno() == libc::EINTR {
    }
}

pub fn yield_now() {
    // SAFETY: takes no arguments.
    unsafe { libc::sched_yield() };
}

/// A descriptor to read from, or to append to, which is not passed on to other programs.
pub fn open(path: &CStr, flags: i32) -> Option<i32> {
    let flags = flags | libc::O_CLOEXEC;
    // SAFETY: a C string.
    let descriptor =
        unsafe { libc::syscall(libc::SYS_openat, libc::AT_FDCWD, path.as_ptr(), flags, 0o600) };
    i32::try_from(descriptor).ok().filter(|descriptor| *descriptor >= 0)
}

/// All in one call, or it has failed.
pub fn write(descriptor: i32, bytes: &[u8]) -> bool {
    // SAFETY: the bytes are there.
    let written =
        unsafe { libc::syscall(libc::SYS_write, descriptor, bytes.as_ptr(), bytes.len()) };
    usize::try_from(written) == Ok(bytes.len())
}

/// The number of bytes that were read; 0 at the end and after an error.
pub fn read(descriptor: i32, bytes: &mut [u8]) -> usize {
    // SAFETY: there is room for that many bytes.
    let read =
        unsafe { libc::syscall(libc::SYS_read, descriptor, bytes.as_mut_ptr(), bytes.len()) };
    usize::try_from(read).unwrap_or(0)
}

/// Whether this is the number of an open descriptor.
pub fn is_open(number: u64) -> bool {
    let number = i32::try_from(number).unwrap_or(-1);
    // SAFETY: it only asks.
    unsafe { libc::syscall(libc::SYS_fcntl, number, libc::F_GETFD) >= 0 }
}

pub fn close(descriptor: i32) {
    // SAFETY: the caller has opened it.
    unsafe { libc::syscall(libc::SYS_close, descriptor) };
}

/// The name of this thread, which is the program's unless it has another one; zeros behind.
pub fn name() -> [u8; 16] {
    let mut name = [0; 16];
    // SAFETY: the call writes at most 16 bytes.
    unsafe { libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr()) };
    name
}
