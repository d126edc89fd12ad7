//! The files that objects lie in.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// A file, whatever names it has: device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId {
    pub device: u64,
    pub inode: u64,
}

impl FileId {
    pub fn of(metadata: &fs::Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

/// What the file system knows of an object.
#[derive(Clone, Debug)]
pub struct Metadata {
    pub id: FileId,
    pub uid: u32,
    pub gid: u32,
    /// Permission bits.
    pub mode: u32,
    /// Length in bytes.
    pub size: u64,
    /// Bytes of memory that it takes.
    pub allocated: u64,
    pub created: SystemTime,
    /// The latest of the file's times. Writing through a mapping moves none of them, so this is
    /// when the object was last opened and mapped, written, resized or changed in its rights, at
    /// the latest.
    pub last_use: SystemTime,
    /// A regular file, not a directory, a symbolic link or a device.
    pub is_file: bool,
}

impl Metadata {
    /// Does not follow a symbolic link, which is no object.
    pub fn of(path: &Path) -> io::Result<Self> {
        fs::symlink_metadata(path).map(|metadata| Self::from(&metadata))
    }
}

impl From<&fs::Metadata> for Metadata {
    fn from(metadata: &fs::Metadata) -> Self {
        let changed = time(metadata.ctime(), metadata.ctime_nsec());
        let modified = time(metadata.mtime(), metadata.mtime_nsec());
        let accessed = time(metadata.atime(), metadata.atime_nsec());
        Self {
            id: FileId::of(metadata),
            uid: metadata.uid(),
            gid: metadata.gid(),
            mode: metadata.mode() & 0o7777,
            size: metadata.size(),
            allocated: metadata.blocks() * 512,
            // Older kernels do not know when a file of a tmpfs was made.
            created: metadata.created().unwrap_or_else(|_| modified.min(changed)),
            last_use: changed.max(modified).max(accessed),
            is_file: metadata.is_file(),
        }
    }
}

fn time(seconds: i64, nanoseconds: i64) -> SystemTime {
    let seconds = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    let nanoseconds = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(0));
    SystemTime::UNIX_EPOCH + seconds + nanoseconds
}

/// Opens a file for a look that leaves no trace. Only its owner may ask that for the time of the
/// last access.
pub fn open(path: &Path) -> io::Result<File> {
    let look = |flags| {
        let flags = flags | libc::O_NOFOLLOW | libc::O_NONBLOCK;
        OpenOptions::new().read(true).custom_flags(flags).open(path)
    };
    match look(libc::O_NOATIME) {
        Err(error) if error.raw_os_error() == Some(libc::EPERM) => look(0),
        decided => decided,
    }
}
