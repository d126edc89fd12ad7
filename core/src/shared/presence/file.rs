//! The file that shows that a process is alive: `rsipc-pr.NUMBER` in the directory of the objects.
//!
//! The process holds a write lock on the first byte, of the kind that belongs to the process
//! (fcntl(2)). A child does not inherit it, and the kernel releases it at an exec and at any death,
//! in every PID namespace. Other processes test for a conflict with a read lock, which only a write
//! lock causes. A write lock takes a descriptor that is open for writing, so only the owner of the
//! file can hold one.
//!
//! A file that is not locked is stale. A process that removes a stale file has a read lock on the
//! first byte meanwhile. No process gets a write lock beside it, so a process that has locked a
//! file which still has its name keeps it. A test does not mistake a remover for an owner. Removers
//! exclude each other by a write lock on the second byte.
//!
//! When the program puts another file under the number of the descriptor, the process loses its
//! lock for an instant. Around that, the third byte is locked for the open description.
//!
//! Bare system calls: signal handlers make them, and the library interposes `close`.

use core::ffi::{CStr, c_int};
use core::mem::ManuallyDrop;
use std::ffi::CString;
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::entries::{Names, entries_of};
use crate::os::errno::{Errno, Result};
use crate::os::file::{Status, identity, status, status_behind};
use crate::os::lock::{self, Kind, Owner};
use crate::os::reserved::{self, Reserved};
use crate::os::set_once::SetOnce;

/// Prefix of the files. `DIGITS` hexadecimal digits follow.
pub const PREFIX: &str = "rsipc-pr.";
/// Bits of a number.
pub const NUMBER_BITS: u32 = 17;
const DIGITS: usize = 5;

/// The byte that is locked.
pub const PRESENT: i64 = 0;
/// The byte that is locked by a remover, beside that.
const REMOVED: i64 = 1;

/// Any user may look.
const MODE: libc::mode_t = 0o644;

/// The byte that is locked while the first may not be.
const MOVED: i64 = 2;

/// Bytes of its path, the final zero included.
const LENGTH: usize = 1024;

/// The directory of the objects, and how to recognise it: after a chroot(2) the same path leads
/// elsewhere.
#[derive(Clone, Copy)]
struct Home {
    path: [u8; LENGTH],
    is: (u64, u64),
}

static HOME: SetOnce<Home> = SetOnce::new();

/// A descriptor that is closed in the end.
pub struct Fd(pub RawFd);

impl Drop for Fd {
    fn drop(&mut self) {
        // SAFETY: ours alone.
        unsafe { libc::syscall(libc::SYS_close, self.0) };
    }
}

/// Takes note of the directory of the objects. False: it is another one than before. Allocates
/// nothing.
pub fn note_home(directory: &Path) -> Result<bool> {
    let name = directory.as_os_str().as_bytes();
    let mut path = [0; LENGTH];
    path[..LENGTH - 1].get_mut(..name.len()).ok_or(Errno::ENAMETOOLONG)?.copy_from_slice(name);
    let is = identity_of(c_string(&path)?)?;
    Ok(HOME.get_or_set(Home { path, is })?.is == is)
}

/// Up to the first zero, where the kernel ends it, too.
fn c_string(path: &[u8; LENGTH]) -> Result<&CStr> {
    CStr::from_bytes_until_nul(path).map_err(|_| Errno::EINVAL)
}

/// Device and inode. Takes no descriptor: there may be one left, for the object itself.
fn identity_of(path: &CStr) -> Result<(u64, u64)> {
    status_behind(path).map(|status| identity(&status))
}

/// The directory. Any error: it cannot be opened (any more).
fn open_home() -> Result<Fd> {
    open_home_for(libc::O_PATH)
}

fn open_home_for(access: c_int) -> Result<Fd> {
    let home = HOME.get().ok_or(Errno::ENOTSUP)?;
    let directory = open_directory(c_string(&home.path)?, access)?;
    let status = status(directory.0)?;
    // Not ENOENT, which would mean that the process is gone.
    if identity(&status) == home.is { Ok(directory) } else { Err(Errno::ENOTSUP) }
}

pub fn open_directory(path: &CStr, access: c_int) -> Result<Fd> {
    let found = open_at(libc::AT_FDCWD, path, access | libc::O_DIRECTORY);
    found.map_err(|error| if error == Errno::ENOENT { Errno::ENOTSUP } else { error })
}

fn open_at(directory: RawFd, path: &CStr, flags: c_int) -> Result<Fd> {
    let flags = flags | libc::O_CLOEXEC;
    // SAFETY: a C string.
    let fd = unsafe { libc::syscall(libc::SYS_openat, directory, path.as_ptr(), flags, MODE) };
    if fd < 0 { Err(Errno::last()) } else { RawFd::try_from(fd).map(Fd).map_err(|_| Errno::EMFILE) }
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
    /// Its descriptor.
    pub kept: Reserved,
    /// Device and inode.
    pub is: (u64, u64),
}

impl Present {
    /// Makes the file. EEXIST: another process has the number. EMFILE, EACCES, ENOSPC and the like.
    pub fn create(number: u32) -> Result<Self> {
        let home = open_home()?;
        let flags = libc::O_RDWR | libc::O_CREAT | libc::O_EXCL | libc::O_NOFOLLOW;
        let file = with_name(number, |name| open_at(home.0, name, flags))?;
        // Before the lock: to close it under its old number would give that back.
        let kept = reserved::keep(ManuallyDrop::new(file).0)?;
        // The umask has cut it.
        // SAFETY: no pointer.
        unsafe { libc::syscall(libc::SYS_fchmod, kept.fd(), MODE) };
        // A process that removes stale files may have been faster.
        match (is_locked_here(kept.fd()), status(kept.fd())) {
            (Ok(true), Ok(status)) if status.st_nlink > 0 => {
                Ok(Self { kept, is: identity(&status) })
            }
            _ => {
                kept.release();
                Err(Errno::EEXIST)
            }
        }
    }

    /// Takes the lock again. The program may have closed the descriptor by a bare system call, or
    /// opened and closed the file itself, which gives back any lock of the process. False: another
    /// process has it, which is right in the child of a vfork(2). ENOENT: it is not our file any
    /// more.
    pub fn renew(&self) -> Result<bool> {
        let is_locked = is_locked_here(self.kept.fd())?;
        let status = status(self.kept.fd())?;
        let is_ours = identity(&status) == self.is && status.st_nlink > 0;
        if is_ours { Ok(is_locked) } else { Err(Errno::ENOENT) }
    }

    /// Gives file and lock up.
    pub fn remove(self, number: u32) {
        let _ = open_home().and_then(|home| with_name(number, |name| unlink_at(&home, name)));
        self.kept.release();
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
        is_held(file.0)
    });
    matches!(held, Ok(false) | Err(Errno::ENOENT))
}

/// Whether a process holds it.
fn is_held(fd: RawFd) -> Result<bool> {
    let is_locked = |byte| lock::is_locked(fd, Owner::Process, Kind::Read, byte);
    // It is moved between the first two looks, or between the last two, but hardly both times.
    Ok(is_locked(PRESENT)? || is_locked(MOVED)? || is_locked(PRESENT)?)
}

/// The descriptor is about to get another number: see there.
pub fn begin_move(fd: RawFd) {
    let _ = lock::try_lock(fd, Owner::Description, Kind::Write, MOVED);
}

/// It has got it, and the lock of the process again.
pub fn end_move(fd: RawFd) {
    let _ = lock::unlock(fd, Owner::Description, MOVED);
}

/// What distinguishes this file from earlier ones of the same name: made from its inode, and the
/// time of its creation. The file is never written to.
pub fn stamp_of(status: &Status) -> u64 {
    let time = (status.st_mtime.cast_unsigned() << 30) ^ status.st_mtime_nsec.cast_unsigned();
    status.st_ino.rotate_left(16) ^ time
}

/// The same for a descriptor of the process.
pub fn stamp(fd: RawFd) -> Option<u64> {
    status(fd).ok().as_ref().map(stamp_of)
}

/// Whether no process holds the file of this number, or the file is not the one with this stamp.
/// False in doubt.
pub fn is_gone(number: u32, is_its_stamp: impl Fn(u64) -> bool) -> bool {
    let held = open_home().and_then(|home| {
        let flags = libc::O_RDONLY | libc::O_NOFOLLOW | libc::O_NONBLOCK;
        let file = with_name(number, |name| open_at(home.0, name, flags))?;
        Ok(is_its_stamp(stamp_of(&status(file.0)?)) && is_held(file.0)?)
    });
    matches!(held, Ok(false) | Err(Errno::ENOENT))
}

/// Removes the file of this number if no process holds it, and it is ours to remove.
pub fn remove_stale(number: u32) {
    let _ = open_home().and_then(|home| with_name(number, |name| remove_if_stale_at(home.0, name)));
}

/// Words for entries of a directory, on a stack that may be small: some 12 names.
pub const ENTRIES: usize = 64;

/// Looks at some files of the directory, and removes a few stale ones of this user, so that they do
/// not accumulate. `is_own` says whether a number is this process's. `drawn` is any number, and
/// says where the look begins: a directory gives the newest names first, and those belong to living
/// processes.
///
/// Apart: inlined, it takes its stack from callers that do other things.
#[inline(never)]
pub fn remove_some_stale(is_own: impl Fn(u32) -> bool, drawn: u32) {
    const A_FEW: usize = 8;
    // One read gives as many names as fit; one of the first reads is looked at.
    const READS: u32 = 8;
    let mut buffer = [0_u64; ENTRIES];
    let Ok(home) = open_home_for(libc::O_RDONLY) else { return };
    let has_more = (0..drawn % READS).all(|_| entries_of(home.0, &mut buffer).is_some());
    if !has_more {
        // SAFETY: takes no pointer. To the start.
        unsafe { libc::syscall(libc::SYS_lseek, home.0, 0_i64, libc::SEEK_SET) };
    }
    let Some(entries) = entries_of(home.0, &mut buffer) else { return };
    let theirs = || {
        Names(entries)
            .filter(|name| number_of(name.to_bytes()).is_some_and(|number| !is_own(number)))
    };
    let first = ((drawn / READS) as usize).checked_rem(theirs().count()).unwrap_or(0);
    for name in theirs().skip(first).chain(theirs().take(first)).take(A_FEW) {
        let _ = remove_if_stale_at(home.0, name);
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
    if !is_locked_for_removal(file.0)? {
        return Ok(false);
    }
    // Behind the locks: another process may have removed it.
    let status = status(file.0)?;
    if status.st_mode & libc::S_IFMT != libc::S_IFREG || status.st_nlink == 0 {
        return Ok(false);
    }
    // SAFETY: a C string.
    let failed = unsafe { libc::syscall(libc::SYS_unlinkat, directory, name.as_ptr(), 0) } != 0;
    if failed { Err(Errno::last()) } else { Ok(true) }
}

/// Takes the locks for removing the file. False: a process holds it, or another one is about to
/// remove it.
fn is_locked_for_removal(fd: RawFd) -> Result<bool> {
    Ok(lock::try_lock(fd, Owner::Process, Kind::Write, REMOVED)?
        && lock::try_lock(fd, Owner::Process, Kind::Read, PRESENT)?
        && !lock::is_locked(fd, Owner::Process, Kind::Read, MOVED)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    /// What `look` says while another process has these locks.
    fn beside<T>(take: fn(RawFd) -> Result<bool>, look: impl Fn(RawFd) -> T) -> T {
        let path = std::env::temp_dir().join(format!("rsipc-presence-{}", std::process::id()));
        drop(std::fs::File::create_new(&path).unwrap());
        let open = || std::fs::File::options().read(true).write(true).open(&path).unwrap();
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        // SAFETY: the child makes system calls, and ends.
        let child = unsafe { libc::fork() };
        if child == 0 {
            drop(ours);
            let file = open();
            let is_taken = take(file.as_raw_fd()) == Ok(true);
            let _ = theirs.write(&[is_taken.into()]);
            let _ = theirs.read(&mut [0]);
            // SAFETY: ends the child.
            unsafe { libc::_exit(0) };
        }
        assert!(child > 0, "fork failed");
        drop(theirs);
        let mut is_taken = [0];
        ours.read_exact(&mut is_taken).unwrap();
        assert_eq!(is_taken, [1]);
        let seen = look(open().as_raw_fd());
        drop(ours);
        // SAFETY: a child of ours, which ends.
        assert_eq!(unsafe { libc::waitpid(child, core::ptr::null_mut(), 0) }, child);
        std::fs::remove_file(path).unwrap();
        seen
    }

    #[test]
    fn a_remover_is_no_owner_and_keeps_owners_and_removers_away() {
        let is_held = |fd| lock::is_locked(fd, Owner::Process, Kind::Read, PRESENT).unwrap();
        let look =
            |fd| (is_held(fd), is_locked_here(fd).unwrap(), is_locked_for_removal(fd).unwrap());
        assert_eq!(beside(is_locked_here, look), (true, false, false), "an owner");
        assert_eq!(beside(is_locked_for_removal, look), (false, false, false), "a remover");
    }

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
