//! Data files that are found by something else than the name of the queue.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::access::{open_file, open_to_look, read_start};
use super::data::{Data, map};
use super::fifo::{FIFO_PREFIX, belongs, data_inode_of};
use super::name::{HASHED_PREFIX, PREFIX};
use crate::os::Errno;
use crate::os::Result;
use crate::os::file::{self, Status};
use crate::posix::mq::layout::{self, Geometry};

/// Opens the data file of the queue that this open FIFO belongs to. ENOENT when it has no name any
/// more, or none that can be reached from here.
///
/// `path` is that of the FIFO as it was opened: the kernel gives it for a descriptor, and no user
/// can change it.
pub fn open_of_fifo(fifo: &Status, path: &Path) -> Result<Data> {
    let inode = path.file_name().and_then(data_inode_of).ok_or(Errno::ENOENT)?;
    let path = named(path.parent().ok_or(Errno::ENOENT)?, (fifo.st_dev, inode))?;
    let data = map(&open_file(&path)?)?;
    // Another file may have the name by now: it must be the data file of this FIFO, and of the same
    // owner.
    let is_it = data.status.st_ino == inode
        && belongs(fifo, &data.status)
        && data.layout.fifo().inode == fifo.st_ino;
    if is_it { Ok(data) } else { Err(Errno::ENOENT) }
}

fn named(directory: &Path, identity: (u64, u64)) -> Result<PathBuf> {
    let entries = std::fs::read_dir(directory)?.flatten();
    let mut paths =
        entries.filter(|entry| is_data_name(&entry.file_name())).map(|entry| entry.path());
    let is_it = |path: &PathBuf| {
        file::status_of(path).is_ok_and(|status| file::identity(&status) == identity)
    };
    paths.find(is_it).ok_or(Errno::ENOENT)
}

/// Whether a file of this name is the data file of a queue.
pub fn is_data_name(file: &OsStr) -> bool {
    [PREFIX, HASHED_PREFIX].iter().any(|prefix| file.as_bytes().starts_with(prefix.as_bytes()))
}

/// Whether this path is that of a queue's FIFO.
pub fn is_of_fifo(path: &[u8]) -> bool {
    let name = path.rsplit(|&byte| byte == b'/').next();
    name.is_some_and(|name| name.starts_with(FIFO_PREFIX.as_bytes()))
}

/// The sizes of the queue with this data file.
pub fn geometry_of(path: &Path) -> Option<Geometry> {
    let start = read_start(&open_to_look(path).ok()?).ok()?;
    layout::read_geometry(&start).ok()
}
