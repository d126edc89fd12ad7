//! Files that exist whole or not at all.
//!
//! A file is made without a name (`O_TMPFILE`), filled, and only then given its name, by a link that fails when the
//! name is taken. A maker that is killed halfway leaves nothing behind. Where the file system or a missing `/proc`
//! forbids that, the file gets a temporary name first.

use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::os::errno::{Errno, Result};

/// Makes `path` with the contents that `fill` gives it. The mode is cut by the umask.
///
/// Errors: EEXIST when the name is taken; what `fill` says; what open(2) and link(2) say of the directory.
pub fn publish(path: &Path, mode: u32, fill: impl Fn(&File) -> Result<()>) -> Result<File> {
    match publish_unnamed(path, mode, &fill) {
        Err(Errno::ENOTSUP | Errno::EISDIR | Errno::ENOSYS | Errno::ENOENT) => {
            publish_renamed(path, mode, &fill)
        }
        done => done,
    }
}

fn publish_unnamed(path: &Path, mode: u32, fill: &impl Fn(&File) -> Result<()>) -> Result<File> {
    let directory = path.parent().ok_or(Errno::ENOENT)?;
    let file =
        OpenOptions::new().read(true).write(true).mode(mode).custom_flags(libc::O_TMPFILE).open(directory)?;
    fill(&file)?;
    let from = c_path(Path::new(&format!("/proc/self/fd/{}", file.as_raw_fd())))?;
    let to = c_path(path)?;
    // SAFETY: both are C strings.
    let linked = unsafe {
        libc::linkat(libc::AT_FDCWD, from.as_ptr(), libc::AT_FDCWD, to.as_ptr(), libc::AT_SYMLINK_FOLLOW)
    };
    if linked == 0 { Ok(file) } else { Err(Errno::last()) }
}

fn publish_renamed(path: &Path, mode: u32, fill: &impl Fn(&File) -> Result<()>) -> Result<File> {
    let (temporary, file) = create_temporary(path, mode)?;
    let published = fill(&file).and_then(|()| rename_to_free_name(&temporary, path));
    if published.is_err() {
        // Nobody knows the temporary name: what is left to say is why the file was not published.
        let _ = std::fs::remove_file(&temporary);
    }
    published.map(|()| file)
}

fn create_temporary(path: &Path, mode: u32) -> Result<(PathBuf, File)> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let temporary = path.with_file_name(format!(".rsipc-{}-{number}", std::process::id()));
        match OpenOptions::new().read(true).write(true).create_new(true).mode(mode).open(&temporary) {
            Ok(file) => return Ok((temporary, file)),
            // Left by a process of the same number that was killed.
            Err(error) if error.raw_os_error() == Some(libc::EEXIST) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn rename_to_free_name(from: &Path, to: &Path) -> Result<()> {
    let (from, to) = (c_path(from)?, c_path(to)?);
    // SAFETY: both are C strings.
    let renamed = unsafe {
        libc::renameat2(libc::AT_FDCWD, from.as_ptr(), libc::AT_FDCWD, to.as_ptr(), libc::RENAME_NOREPLACE)
    };
    if renamed == 0 {
        return Ok(());
    }
    match Errno::last() {
        Errno::EINVAL | Errno::ENOSYS => {}
        refused => return Err(refused),
    }
    // SAFETY: both are C strings.
    if unsafe { libc::link(from.as_ptr(), to.as_ptr()) } != 0 {
        return Err(Errno::last());
    }
    // SAFETY: a C string. The object stands under its own name: a temporary one that stays is no failure.
    unsafe { libc::unlink(from.as_ptr()) };
    Ok(())
}

fn c_path(path: &Path) -> Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno::EINVAL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn scratch(name: &str) -> PathBuf {
        let directory = std::env::temp_dir().join(format!("rsipc-publish-{}-{name}", std::process::id()));
        std::fs::create_dir(&directory).unwrap();
        directory
    }

    fn fill(mut file: &File) -> Result<()> {
        Ok(file.write_all(b"whole")?)
    }

    type Way = fn(&Path) -> Result<File>;
    const WAYS: [(&str, Way); 3] = [
        ("any", |path| publish(path, 0o600, fill)),
        ("unnamed", |path| publish_unnamed(path, 0o600, &fill)),
        ("renamed", |path| publish_renamed(path, 0o600, &fill)),
    ];

    #[test]
    fn a_name_is_given_once_and_whole() {
        for (name, way) in WAYS {
            let directory = scratch(name);
            let path = directory.join("object");
            way(&path).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), b"whole");
            assert_eq!(way(&path).err(), Some(Errno::EEXIST), "{name}");
            assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 1, "{name} leaves something behind");
            std::fs::remove_dir_all(directory).unwrap();
        }
    }

    #[test]
    fn a_failed_filling_leaves_nothing() {
        let directory = scratch("failed");
        let full = |_: &File| Err(Errno::ENOSPC);
        assert_eq!(publish(&directory.join("object"), 0o600, full).err(), Some(Errno::ENOSPC));
        assert_eq!(publish_renamed(&directory.join("object"), 0o600, &full).err(), Some(Errno::ENOSPC));
        assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 0);
        std::fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn a_missing_directory_is_enoent() {
        assert_eq!(publish(Path::new("/nonexistent/object"), 0o600, fill).err(), Some(Errno::ENOENT));
    }
}
