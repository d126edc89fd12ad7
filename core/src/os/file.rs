//! What the file system knows of a file, by bare system calls.
//!
//! The library interposes `fstat` and its relatives, which describe a queue as the program expects
//! to see it. The functions here describe the files that the queue is made of. Others interpose
//! them, too: fakeroot asks a daemon, by way of System V semaphores.

use std::ffi::{CStr, CString, c_int};
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::descriptors;
use super::errno::{Errno, Result};
use super::filter::Found;
use super::maps::Name;

/// `struct stat`
pub type Status = libc::stat;

/// The file behind a descriptor. EBADF.
pub fn status(fd: RawFd) -> Result<Status> {
    call(fd, c"", libc::AT_EMPTY_PATH)
}

/// The file of this path itself, which may be a symbolic link. ENOENT, EACCES and others of
/// stat(2).
pub fn status_of(path: &Path) -> Result<Status> {
    status_of_c(&c_path(path)?)
}

/// The same for a path that C can read. Allocates nothing.
pub fn status_of_c(path: &CStr) -> Result<Status> {
    call(libc::AT_FDCWD, path, libc::AT_SYMLINK_NOFOLLOW)
}

fn call(fd: c_int, path: &CStr, flags: c_int) -> Result<Status> {
    // SAFETY: `status` is plain data that the kernel fills in; on 64-bit machines C's structure is
    // the kernel's.
    unsafe {
        let mut status: Status = core::mem::zeroed();
        match libc::syscall(libc::SYS_newfstatat, fd, path.as_ptr(), &raw mut status, flags) {
            0 => Ok(status),
            _ => Err(Errno::last()),
        }
    }
}

/// By the descriptor: a path could lead to another file by now. Not C's `fchmod`, which this
/// library interposes.
pub fn change_mode(file: &File, mode: u32) -> Result<()> {
    // SAFETY: no pointer.
    let changed = unsafe { libc::syscall(libc::SYS_fchmod, file.as_raw_fd(), mode) } == 0;
    if changed { Ok(()) } else { Err(Errno::last()) }
}

/// The same for a file that has been opened with O_PATH. ENOSYS or ENOENT where there is no /proc,
/// and the kernel has no `fchmodat2` (before 6.6).
pub fn change_mode_of_path(file: &File, mode: u32) -> Result<()> {
    /// libc knows no name for it yet.
    const SYS_FCHMODAT2: libc::c_long = 452;
    let fd = file.as_raw_fd();
    let change = |path: &CStr| {
        // SAFETY: a C string.
        match unsafe { libc::syscall(libc::SYS_fchmodat, libc::AT_FDCWD, path.as_ptr(), mode) } {
            0 => Ok(()),
            _ => Err(Errno::last()),
        }
    };
    let changed = descriptors::by_path(fd, change);
    // Not the first choice: a filter may kill for a call that is newer than itself.
    if changed.is_ok() || Found::default().is_confined() {
        return changed;
    }
    let (empty, flags) = (c"".as_ptr(), libc::AT_EMPTY_PATH);
    // SAFETY: a C string.
    let changed = unsafe { libc::syscall(SYS_FCHMODAT2, fd, empty, mode, flags) } == 0;
    if changed { Ok(()) } else { Err(Errno::last()) }
}

/// pread(2), which may read less. 0: the end.
pub fn read_at(fd: RawFd, bytes: &mut [u8], offset: usize) -> Result<usize> {
    loop {
        // SAFETY: `bytes` is valid for writing.
        let read = unsafe {
            libc::syscall(libc::SYS_pread64, fd, bytes.as_mut_ptr(), bytes.len(), offset)
        };
        match usize::try_from(read) {
            Ok(read) => return Ok(read),
            Err(_) if Errno::last() == Errno::EINTR => {}
            Err(_) => return Err(Errno::last()),
        }
    }
}

/// The integer in a file of the kernel's, such as those below /proc/sys. `None`: it cannot be read.
/// Allocates nothing.
pub fn number_in(path: &CStr) -> Option<u64> {
    let flags = libc::O_RDONLY | libc::O_CLOEXEC;
    // SAFETY: a C string.
    let fd = unsafe { libc::syscall(libc::SYS_openat, libc::AT_FDCWD, path.as_ptr(), flags) };
    let fd = RawFd::try_from(fd).ok().filter(|&fd| fd >= 0)?;
    // SAFETY: a new descriptor of our own.
    let file = File::from(unsafe { OwnedFd::from_raw_fd(fd) });
    let mut text = [0; 32];
    let length = read_at(file.as_raw_fd(), &mut text, 0).ok()?;
    core::str::from_utf8(&text[..length]).ok()?.trim().parse().ok()
}

/// The path of the file behind a descriptor, as /proc shows it, cut to what fits. ENOENT and others
/// of readlink(2). Allocates nothing.
pub fn path_behind(fd: RawFd, into: &mut [u8]) -> Result<&[u8]> {
    let length = descriptors::by_path(fd, |link| read_link(link, into))?;
    Ok(&into[..length])
}

/// The path of the file that this process has mapped from `start` to `end`, as [`Mapping::path`],
/// and cut to what fits. This takes microseconds, however much the process has mapped. ENOENT: no
/// mapping has these bounds; others of readlink(2). Allocates nothing.
///
/// [`Mapping::path`]: super::maps::Mapping
pub fn path_mapped(start: usize, end: usize, into: &mut [u8]) -> Result<&[u8]> {
    let link = Name::new(format_args!("/proc/self/map_files/{start:x}-{end:x}"));
    let length = read_link(link.as_c_str(), into)?;
    Ok(&into[..length])
}

/// Bytes of where it leads to.
fn read_link(link: &CStr, into: &mut [u8]) -> Result<usize> {
    let (link, at) = (link.as_ptr(), into.as_mut_ptr());
    // SAFETY: a C string, and `into` is valid for writing.
    let length =
        unsafe { libc::syscall(libc::SYS_readlinkat, libc::AT_FDCWD, link, at, into.len()) };
    usize::try_from(length).map_err(|_| Errno::last())
}

/// The file that this path leads to. ENOENT and others of stat(2).
pub fn status_behind(path: &CStr) -> Result<Status> {
    call(libc::AT_FDCWD, path, 0)
}

/// Device and inode: the same only for one file under several names.
pub fn identity(status: &Status) -> (u64, u64) {
    (status.st_dev, status.st_ino)
}

/// Whether it is of this type: `S_IFREG`, `S_IFIFO` and so on.
pub fn is_a(status: &Status, file_type: libc::mode_t) -> bool {
    status.st_mode & libc::S_IFMT == file_type
}

/// As system calls want it. EINVAL with a zero byte inside.
pub fn c_path(path: &Path) -> Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno::EINVAL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, symlink};

    #[test]
    fn a_link_is_not_followed() {
        let link = std::env::temp_dir().join(format!("rsipc-file-{}", std::process::id()));
        symlink("/dev/null", &link).unwrap();
        assert!(is_a(&status_of(&link).unwrap(), libc::S_IFLNK));
        std::fs::remove_file(&link).unwrap();
        assert_eq!(status_of(&link).err(), Some(Errno::ENOENT));
    }

    #[test]
    fn a_number_of_the_kernel_is_read() {
        assert!(number_in(c"/proc/sys/kernel/pid_max").is_some_and(|number| number > 100));
        assert_eq!(number_in(c"/proc/version"), None);
        assert_eq!(number_in(c"/nowhere"), None);
    }

    #[test]
    fn the_kernel_and_the_standard_library_agree() {
        let file = File::open("/proc/self/exe").unwrap();
        let (ours, theirs) = (status(file.as_raw_fd()).unwrap(), file.metadata().unwrap());
        assert_eq!(
            (identity(&ours), ours.st_uid, ours.st_mode),
            ((theirs.dev(), theirs.ino()), theirs.uid(), theirs.mode())
        );
        assert_eq!(status(-1).err(), Some(Errno::EBADF));
    }

    #[test]
    fn the_path_of_one_mapping() {
        let file = File::open("/proc/self/exe").unwrap();
        let map = memmap2::MmapOptions::new().len(4096).map_raw_read_only(&file).unwrap();
        let (start, mut space) = (map.as_ptr().addr(), [0; 4096]);
        let path = std::env::current_exe().unwrap();
        let found = path_mapped(start, start + 4096, &mut space);
        assert_eq!(found, Ok(path.as_os_str().as_bytes()));
        assert_eq!(path_mapped(start, start + 8192, &mut space), Err(Errno::ENOENT));
    }
}
