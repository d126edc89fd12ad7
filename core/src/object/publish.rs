//! Files that exist whole or not at all.
//!
//! A file is made without a name, filled, and only then given its name, in one step that fails when
//! the name is taken. A maker that is killed halfway leaves nothing behind. Where that is refused,
//! the file gets a temporary name first.
//!
//! | step | refused by |
//! |---|---|
//! | open with `O_TMPFILE` | file systems without it (EOPNOTSUPP, EINVAL), Linux before 3.11 (EISDIR, ENOENT), filters |
//! | link of the descriptor to the name | Linux before 6.10, for users without privileges (ENOENT), and as below |
//! | link of its path in `/proc` to the name | a missing `/proc` (ENOENT), file systems without links and Android (EPERM, EACCES), filters |
//! | rename to the name, if that is free | file systems without it (EINVAL), Linux before 3.15 (ENOSYS), filters |
//! | link of the temporary name to the name | the last resort: its error is the caller's |

use std::ffi::{CStr, c_int};
use std::fs::{File, OpenOptions};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::atomic::{AtomicBool, AtomicU8, Ordering};
use crate::os::credentials::file_group;
use crate::os::descriptors;
use crate::os::errno::{Errno, Result};
use crate::os::file::{self, c_path};
use crate::os::random::random;
use crate::os::settings;

/// Temporary names begin so.
pub const TEMPORARY_PREFIX: &str = ".rsipc-";
/// Temporary names that are tried. They are random integers of 64 bits: none is met by chance or
/// can be predicted.
const TRIES: usize = 8;

/// How a file is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Without a name: the file must stay open until it has one.
    Unnamed,
    /// Under a temporary name: the file may be closed as soon as it is filled.
    Named,
}

/// Which group a new file gets in a directory that gives its own one to all: one with the
/// set-group-ID bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Of the process that makes it, as the kernel's objects have it.
    OfMaker,
    /// Of the directory, as glibc leaves it.
    OfDirectory,
}

impl Group {
    /// Gives it to a file that has just been made in this directory, as far as the caller may.
    fn take(self, file: &File, directory: &Path) {
        if self == Self::OfDirectory || !gives_its_group(directory) {
            return;
        }
        let group = file_group();
        if file::status(file.as_raw_fd()).is_ok_and(|status| status.st_gid != group) {
            // SAFETY: no pointer. The owner stays.
            unsafe { libc::syscall(libc::SYS_fchown, file.as_raw_fd(), u32::MAX, group) };
        }
    }
}

/// Whether a directory gives its group to new files. That of all objects is asked once in a
/// process: most processes make their objects there, and most directories do not.
fn gives_its_group(directory: &Path) -> bool {
    const UNKNOWN: u8 = 0;
    const NO: u8 = 1;
    const YES: u8 = 2;
    static OF_ALL_OBJECTS: AtomicU8 = AtomicU8::new(UNKNOWN);
    let ask = || file::status_of(directory).is_ok_and(|status| status.st_mode & libc::S_ISGID != 0);
    if directory != settings::get().dir {
        return ask();
    }
    // Relaxed: it stands for nothing else; threads that ask at the same time get one answer.
    match OF_ALL_OBJECTS.load(Ordering::Relaxed) {
        UNKNOWN => {
            let gives = ask();
            OF_ALL_OBJECTS.store(if gives { YES } else { NO }, Ordering::Relaxed);
            gives
        }
        known => known == YES,
    }
}

/// Makes `path` with the contents that `fill` gives it, and returns the file and what `fill` has
/// made of it. The umask applies to the mode. `fill` may be called twice, for two files; it gives
/// the file back unless it has closed it.
///
/// Errors: EEXIST when the name is taken; the errors of `fill`; those of open(2) and link(2) for
/// the directory.
pub fn publish<T>(
    path: &Path,
    (mode, group): (u32, Group),
    fill: impl Fn(File, Way) -> Result<(Option<File>, T)>,
) -> Result<(Option<File>, T)> {
    match publish_unnamed(path, (mode, group), &fill) {
        // With a name it takes one descriptor less.
        Ok(None) | Err(Errno::EMFILE | Errno::ENFILE) => {
            publish_renamed(path, (mode, group), &fill)
        }
        Ok(Some((file, filled))) => Ok((Some(file), filled)),
        Err(error) => Err(error),
    }
}

/// `None`: this way is not open here.
fn publish_unnamed<T>(
    path: &Path,
    (mode, group): (u32, Group),
    fill: &impl Fn(File, Way) -> Result<(Option<File>, T)>,
) -> Result<Option<(File, T)>> {
    let directory = path.parent().ok_or(Errno::ENOENT)?;
    let mut options = OpenOptions::new();
    let file = match options
        .read(true)
        .write(true)
        .mode(mode)
        .custom_flags(libc::O_TMPFILE)
        .open(directory)
    {
        Ok(file) => file,
        Err(error) if is_refusal(error.raw_os_error()) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    group.take(&file, directory);
    let (Some(file), filled) = fill(file, Way::Unnamed)? else { return Ok(None) };
    match link(file.as_raw_fd(), &c_path(path)?) {
        Ok(()) => Ok(Some((file, filled))),
        Err(Errno(number)) if is_refusal(Some(number)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether the kernel has refused to link a descriptor, and then linked its path. It is not asked
/// again. Relaxed: a hint.
static TAKES_PATHS_ONLY: AtomicBool = AtomicBool::new(false);

/// Gives a file without a name this one. By its descriptor, as the kernel takes longer to follow a
/// path through `/proc`.
fn link(file: RawFd, to: &CStr) -> Result<()> {
    let takes_paths_only = TAKES_PATHS_ONLY.load(Ordering::Relaxed);
    if !takes_paths_only {
        match link_at(file, c"", to, libc::AT_EMPTY_PATH) {
            // Whatever else it is, the path in /proc may have better luck.
            Err(error) if error != Errno::EEXIST => {}
            linked => return linked,
        }
    }
    let by = |path: &CStr| link_at(libc::AT_FDCWD, path, to, libc::AT_SYMLINK_FOLLOW);
    let linked = descriptors::by_path(file, by);
    if linked.is_ok() && !takes_paths_only {
        TAKES_PATHS_ONLY.store(true, Ordering::Relaxed);
    }
    linked
}

fn link_at(directory: RawFd, from: &CStr, to: &CStr, flags: c_int) -> Result<()> {
    let (from, to, here) = (from.as_ptr(), to.as_ptr(), libc::AT_FDCWD);
    // SAFETY: both are C strings.
    let failed = unsafe { libc::linkat(directory, from, here, to, flags) } != 0;
    if failed { Err(Errno::last()) } else { Ok(()) }
}

/// Whether this error may mean that the kernel, the file system or a filter does not support this
/// way of making a file. Some of these errors can have another cause, too; then the next way fails
/// with the same error.
fn is_refusal(error: Option<i32>) -> bool {
    error.is_some_and(|number| {
        matches!(
            Errno(number),
            Errno::EACCES
                | Errno::EINVAL
                | Errno::EISDIR
                | Errno::EMLINK
                | Errno::ENOENT
                | Errno::ENOSYS
                | Errno::ENOTSUP
                | Errno::EPERM
                | Errno::EXDEV
        )
    })
}

fn publish_renamed<T>(
    path: &Path,
    (mode, group): (u32, Group),
    fill: &impl Fn(File, Way) -> Result<(Option<File>, T)>,
) -> Result<(Option<File>, T)> {
    let (temporary, file) = create_temporary(path, mode)?;
    group.take(&file, path.parent().ok_or(Errno::ENOENT)?);
    let filled = fill(file, Way::Named)
        .and_then(|filled| rename_to_free_name(&temporary, path).map(|()| filled));
    if filled.is_err() {
        // Only this call knows the temporary name. What remains to be reported is why the file was
        // not published.
        let _ = std::fs::remove_file(&temporary);
    }
    filled
}

fn create_temporary(path: &Path, mode: u32) -> Result<(PathBuf, File)> {
    for _ in 0..TRIES {
        let temporary = path.with_file_name(format!("{TEMPORARY_PREFIX}{:016x}", random()));
        match OpenOptions::new().read(true).write(true).create_new(true).mode(mode).open(&temporary)
        {
            Ok(file) => return Ok((temporary, file)),
            Err(error) if error.raw_os_error() == Some(libc::EEXIST) => {}
            Err(error) => return Err(error.into()),
        }
    }
    // Not EEXIST, which is about the name of the object.
    Err(Errno::EAGAIN)
}

fn rename_to_free_name(from: &Path, to: &Path) -> Result<()> {
    let (from, to) = (c_path(from)?, c_path(to)?);
    // SAFETY: both are C strings. C has the function only since glibc 2.28.
    let renamed = unsafe {
        libc::syscall(
            libc::SYS_renameat2,
            libc::AT_FDCWD,
            from.as_ptr(),
            libc::AT_FDCWD,
            to.as_ptr(),
            libc::RENAME_NOREPLACE,
        )
    };
    if renamed == 0 {
        return Ok(());
    }
    match Errno::last() {
        Errno(number) if is_refusal(Some(number)) => {}
        error => return Err(error),
    }
    // SAFETY: both are C strings.
    if unsafe { libc::link(from.as_ptr(), to.as_ptr()) } != 0 {
        return Err(Errno::last());
    }
    // SAFETY: a C string. The object stands under its own name: a temporary one that stays is no
    // failure.
    unsafe { libc::unlink(from.as_ptr()) };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const PLAIN: (u32, Group) = (0o600, Group::OfDirectory);

    fn scratch(name: &str) -> PathBuf {
        let directory =
            std::env::temp_dir().join(format!("rsipc-publish-{}-{name}", std::process::id()));
        std::fs::create_dir(&directory).unwrap();
        directory
    }

    fn fill(mut file: File, _: Way) -> Result<(Option<File>, ())> {
        file.write_all(b"whole")?;
        Ok((Some(file), ()))
    }

    fn fill_and_close(file: File, way: Way) -> Result<(Option<File>, ())> {
        fill(file, way).map(|(file, ())| (file.filter(|_| way == Way::Unnamed), ()))
    }

    type Try = fn(&Path) -> Result<()>;
    const WAYS: [(&str, Try); 4] = [
        ("any", |path| publish(path, PLAIN, fill).map(drop)),
        ("unnamed", |path| publish_unnamed(path, PLAIN, &fill).map(|way| assert!(way.is_some()))),
        ("renamed", |path| publish_renamed(path, PLAIN, &fill).map(drop)),
        ("closed", |path| publish_renamed(path, PLAIN, &fill_and_close).map(drop)),
    ];

    #[test]
    fn a_name_is_given_once_and_whole() {
        for (name, way) in WAYS {
            let directory = scratch(name);
            let path = directory.join("object");
            way(&path).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), b"whole");
            assert_eq!(way(&path).err(), Some(Errno::EEXIST), "{name}");
            assert_eq!(
                std::fs::read_dir(&directory).unwrap().count(),
                1,
                "{name} leaves something behind"
            );
            std::fs::remove_dir_all(directory).unwrap();
        }
    }

    #[test]
    fn a_failed_filling_leaves_nothing() {
        let directory = scratch("failed");
        let full = |_: File, _: Way| -> Result<(Option<File>, ())> { Err(Errno::ENOSPC) };
        assert_eq!(publish(&directory.join("object"), PLAIN, full).err(), Some(Errno::ENOSPC));
        assert_eq!(
            publish_renamed(&directory.join("object"), PLAIN, &full).err(),
            Some(Errno::ENOSPC)
        );
        assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 0);
        std::fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn a_missing_directory_is_enoent() {
        assert_eq!(
            publish(Path::new("/nonexistent/object"), PLAIN, fill).err(),
            Some(Errno::ENOENT)
        );
    }
}
