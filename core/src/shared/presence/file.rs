//! The file that shows that a process is alive: `rsipc-pr.NUMBER` in the directory of the objects.
//!
//! The process holds a write lock on the first byte, of the kind that belongs to the process
//! (fcntl(2)). A child does not inherit it, and the kernel releases it at an exec and at any death,
//! in every PID namespace. Other processes test for a conflict with a read lock, which only a write
//! lock causes. A write lock takes a descriptor that is open for writing, so only the owner of the
//! file can hold one.
//!
//! A file that is not locked is stale. A process locks a stale file while it removes it; so a
//! process that has locked a file which still has its name keeps it.
//!
//! Bare system calls: signal handlers make them, and the library interposes `close`.

use core::ffi::{CStr, c_int};
use core::mem::ManuallyDrop;
use std::ffi::CString;
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::OnceLock;

use crate::os::errno::{Errno, Result};
use crate::os::lock::{self, Kind, Owner};
use crate::os::reserved;

/// Prefix of the files. `DIGITS` hexadecimal digits follow.
pub const PREFIX: &str = "rsipc-pr.";
/// Bits of a number.
pub const NUMBER_BITS: u32 = 17;
const DIGITS: usize = 5;

/// The byte that is locked.
const PRESENT: i64 = 0;

/// Anybody may look.
const MODE: libc::mode_t = 0o644;

/// The directory of the objects, and how to see that it is the one that we mean: after a chroot(2)
/// the same path leads elsewhere.
struct Home {
    path: CString,
    is: (u64, u64),
}

static HOME: OnceLock<Home> = OnceLock::new();

/// A descriptor that is closed in the end.
pub struct Fd(RawFd);

impl Drop for Fd {
    fn drop(&mut self) {
        // SAFETY: ours alone.
        unsafe { libc::syscall(libc::SYS_close, self.0) };
    }
}

/// Takes note of the directory of the objects. False: it is another one than before.
pub fn note_home(directory: &Path) -> Result<bool> {
    let path = CString::new(directory.as_os_str().as_bytes()).map_err(|_| Errno::EINVAL)?;
    let is = identity_of(&path)?;
    Ok(HOME.get_or_init(|| Home { path, is }).is == is)
}

/// Device and inode. Takes no descriptor: there may be one left, for the object itself.
fn identity_of(path: &CStr) -> Result<(u64, u64)> {
    // SAFETY: `status` is plain data that stat fills in; the path is a C string.
    unsafe {
        let mut status: libc::stat = core::mem::zeroed();
        if libc::stat(path.as_ptr(), &raw mut status) == 0 {
            Ok((status.st_dev, status.st_ino))
        } else {
            Err(Errno::last())
        }
    }
}

/// The directory. Any error: it is not to be had (any more).
fn open_home() -> Result<Fd> {
    open_home_for(libc::O_PATH)
}

fn open_home_for(access: c_int) -> Result<Fd> {
    let home = HOME.get().ok_or(Errno::ENOTSUP)?;
    let directory = open_directory(&home.path, access)?;
    let status = status_of(&directory)?;
    // Not ENOENT: that nobody is there must be known.
    if (status.st_dev, status.st_ino) == home.is { Ok(directory) } else { Err(Errno::ENOTSUP) }
}

fn open_directory(path: &CStr, access: c_int) -> Result<Fd> {
    let found = open_at(libc::AT_FDCWD, path, access | libc::O_DIRECTORY);
    found.map_err(|error| if error == Errno::ENOENT { Errno::ENOTSUP } else { error })
}

fn open_at(directory: RawFd, path: &CStr, flags: c_int) -> Result<Fd> {
    let flags = flags | libc::O_CLOEXEC;
    // SAFETY: a C string.
    let fd = unsafe { libc::syscall(libc::SYS_openat, directory, path.as_ptr(), flags, MODE) };
    if fd < 0 { Err(Errno::last()) } else { RawFd::try_from(fd).map(Fd).map_err(|_| Errno::EMFILE) }
}

fn status_of(fd: &Fd) -> Result<libc::stat> {
    status(fd.0)
}

fn status(fd: RawFd) -> Result<libc::stat> {
    // SAFETY: `status` is plain data that fstat fills in.
    unsafe {
        let mut status: libc::stat = core::mem::zeroed();
        if libc::fstat(fd, &raw mut status) == 0 { Ok(status) } else { Err(Errno::last()) }
    }
}

/// The name of the file with this number, as a C string.
fn name(number: u32) -> [u8; PREFIX.len() + DIGITS + 1] {
    let mut name = [0; PREFIX.len() + DIGITS + 1];
    let (prefix, digits) = name.split_at_mut(PREFIX.len());
    prefix.copy_from_slice(PREFIX.as_bytes());
    for (place, digit) in digits[..DIGITS].iter_mut().rev().zip(0..) {
        *place = b"0123456789abcdef"[(number >> (4 * digit) & 0xf) as usize];
    }
    name
}

fn with_name<R>(number: u32, call: impl FnOnce(&CStr) -> Result<R>) -> Result<R> {
    call(CStr::from_bytes_with_nul(&name(number)).map_err(|_| Errno::EINVAL)?)
}

/// A file of this process, locked.
#[derive(Clone, Copy)]
pub struct Present {
    /// A reserved descriptor.
    pub fd: RawFd,
    /// Device and inode.
    pub is: (u64, u64),
}

impl Present {
    /// Makes the file. EEXIST: the number is somebody else's. EMFILE, EACCES, ENOSPC and the like.
    pub fn create(number: u32) -> Result<Self> {
        let home = open_home()?;
        let flags = libc::O_RDWR | libc::O_CREAT | libc::O_EXCL | libc::O_NOFOLLOW;
        let file = with_name(number, |name| open_at(home.0, name, flags))?;
        // Before the lock: to close it under its old number would give that back.
        let present = Self { fd: reserved::reserve(ManuallyDrop::new(file).0)?, is: (0, 0) };
        // The umask has cut it.
        // SAFETY: no pointer.
        unsafe { libc::syscall(libc::SYS_fchmod, present.fd, MODE) };
        // Who removes stale files may have been faster.
        match (is_locked_here(present.fd), status(present.fd)) {
            (Ok(true), Ok(status)) if status.st_nlink > 0 => {
                Ok(Self { is: (status.st_dev, status.st_ino), ..present })
            }
            _ => {
                reserved::release(present.fd);
                Err(Errno::EEXIST)
            }
        }
    }

    /// Takes the lock again. The program may have closed the descriptor by a bare system call, or
    /// opened and closed the file itself, which gives back any lock of the process. False: another
    /// process has it, which is right in the child of a vfork(2). ENOENT: it is not our file any
    /// more.
    pub fn renew(&self) -> Result<bool> {
        let is_locked = is_locked_here(self.fd)?;
        let status = status(self.fd)?;
        let is_ours = (status.st_dev, status.st_ino) == self.is && status.st_nlink > 0;
        if is_ours { Ok(is_locked) } else { Err(Errno::ENOENT) }
    }

    /// Gives file and lock up.
    pub fn remove(self, number: u32) {
        let _ = open_home().and_then(|home| with_name(number, |name| unlink_at(&home, name)));
        reserved::release(self.fd);
    }
}

fn is_locked_here(fd: RawFd) -> Result<bool> {
    lock::try_lock(fd, Owner::Process, Kind::Write, PRESENT)
}

fn unlink_at(home: &Fd, name: &CStr) -> Result<()> {
    // SAFETY: a C string.
    let failed = unsafe { libc::syscall(libc::SYS_unlinkat, home.0, name.as_ptr(), 0) } != 0;
    if failed { Err(Errno::last()) } else { Ok(()) }
}

/// Whether no process holds the file with this number. In doubt one does.
pub fn is_abandoned(number: u32) -> bool {
    let held = open_home().and_then(|home| {
        let flags = libc::O_RDONLY | libc::O_NOFOLLOW | libc::O_NONBLOCK;
        let file = with_name(number, |name| open_at(home.0, name, flags))?;
        lock::is_locked(file.0, Owner::Process, Kind::Read, PRESENT)
    });
    matches!(held, Ok(false) | Err(Errno::ENOENT))
}

/// Looks at some files of the directory, and removes a few that are stale, if they are of this
/// user: so they do not become more and more. `is_own` says of a number whether it is this
/// process's. `drawn` is any number: it says where the look begins, as a directory gives the newest
/// names first, and those are of the processes that live.
pub fn remove_some_stale(is_own: impl Fn(u32) -> bool, drawn: u32) {
    const A_FEW: usize = 8;
    // One call gives as many names as fit.
    let mut buffer = [0_u64; 512];
    let Ok(home) = open_home_for(libc::O_RDONLY) else { return };
    // SAFETY: the buffer is valid for writing its bytes.
    let length = unsafe {
        let size = size_of_val(&buffer);
        libc::syscall(libc::SYS_getdents64, home.0, buffer.as_mut_ptr(), size)
    };
    let length = usize::try_from(length).unwrap_or(0);
    // SAFETY: the kernel has written so many bytes.
    let entries = unsafe { core::slice::from_raw_parts(buffer.as_ptr().cast::<u8>(), length) };
    let theirs = || {
        Names(entries)
            .filter(|name| number_of(name.to_bytes()).is_some_and(|number| !is_own(number)))
    };
    let first = (drawn as usize).checked_rem(theirs().count()).unwrap_or(0);
    for name in theirs().skip(first).chain(theirs().take(first)).take(A_FEW) {
        let _ = remove_if_stale_at(home.0, name);
    }
}

/// The names in what getdents64(2) gives: `struct linux_dirent64`.
struct Names<'a>(&'a [u8]);

impl<'a> Iterator for Names<'a> {
    type Item = &'a CStr;

    fn next(&mut self) -> Option<&'a CStr> {
        const LENGTH_AT: usize = 16;
        const NAME_AT: usize = 19;
        let length =
            self.0.get(LENGTH_AT..LENGTH_AT + 2)?.try_into().map(u16::from_ne_bytes).ok()?;
        let (entry, rest) = self.0.split_at_checked(length.into())?;
        self.0 = rest;
        CStr::from_bytes_until_nul(entry.get(NAME_AT..)?).ok()
    }
}

/// Removes the file at this path if it is one of a process that is gone. False: it is not.
pub fn remove_if_stale(path: &Path) -> Result<bool> {
    let path = CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno::EINVAL)?;
    remove_if_stale_at(libc::AT_FDCWD, &path)
}

/// The number in such a name. `None`: it is another file's.
pub fn number_of(name: &[u8]) -> Option<u32> {
    let digits = name.strip_prefix(PREFIX.as_bytes()).filter(|digits| digits.len() == DIGITS)?;
    digits.iter().try_fold(0, |number, &digit| {
        Some(number << 4 | char::from(digit).to_digit(16).filter(|_| !digit.is_ascii_uppercase())?)
    })
}

fn remove_if_stale_at(directory: RawFd, name: &CStr) -> Result<bool> {
    let file = open_at(directory, name, libc::O_RDWR | libc::O_NOFOLLOW | libc::O_NONBLOCK)?;
    let status = status_of(&file)?;
    if status.st_mode & libc::S_IFMT != libc::S_IFREG
        || status.st_nlink == 0
        || !is_locked_here(file.0)?
    {
        return Ok(false);
    }
    // SAFETY: a C string.
    let failed = unsafe { libc::syscall(libc::SYS_unlinkat, directory, name.as_ptr(), 0) } != 0;
    if failed { Err(Errno::last()) } else { Ok(true) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_numbers_and_back() {
        for number in [1, 0xabcd, (1 << NUMBER_BITS) - 1] {
            let name = name(number);
            assert_eq!(number_of(&name[..name.len() - 1]), Some(number));
        }
        for other in
            ["rsipc-pr.", "rsipc-pr.1234", "rsipc-pr.ABCDE", "rsipc-pr.+1234", "rsipc-mq.00001"]
        {
            assert_eq!(number_of(other.as_bytes()), None, "{other}");
        }
    }
}
