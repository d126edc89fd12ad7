//! Removes the files of a queue.
//!
//! The FIFO goes first. A process that is killed halfway leaves a queue without a FIFO, and the
//! next process that opens the queue makes a new one; no file is left that nothing refers to. The
//! FIFO is removed again at the end, in case another process has just made it. Parts, which few
//! queues have, go last: no process may see a queue without them.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::access::{open_to_look, read_start};
use super::data::Data;
use super::fifo::{belongs, fifo_path, prefix_of};
use super::name::Name;
use super::parts::parts_of;
use crate::os::Errno;
use crate::os::Result;
use crate::os::credentials::file_user;
use crate::os::errand::with_free_descriptors;
use crate::os::file::{self, Status};
use crate::os::settings;
use crate::posix::mq::layout::{self, FifoId};
use crate::shared::pause::Pause;

/// Removes the name of a queue. Processes that have it open keep it.
///
/// Errors: ENOENT; EACCES if the caller owns neither queue nor directory.
pub fn unlink(name: Name<'_>) -> Result<()> {
    // The data file tells of the others.
    match with_free_descriptors(&mut || unlink_all_of(name)) {
        // Its FIFO stays. unlink(2) needs no descriptor, and mq_unlink(3) knows no such error.
        Err(Errno::EMFILE) => crate::object::names::unlink(Ok(name.path())),
        result => result,
    }
}

fn unlink_all_of(name: Name<'_>) -> Result<()> {
    let path = name.path();
    if !may_remove(&path)? {
        return crate::object::names::unlink(Ok(path));
    }
    let data = open_locked(&path)?;
    remove_fifo_of(data.as_ref(), true);
    crate::object::names::unlink(Ok(path))?;
    remove_fifo_of(data.as_ref(), false);
    if let Some(parts) = data.and_then(|data| parts_of(&data).ok()) {
        parts.remove();
    }
    Ok(())
}

/// Removes a queue that we have made and that cannot be used after all, unless another process has
/// removed it.
#[inline(never)]
pub fn take_back(name: Name<'_>, data: &Status, fifo: FifoId) {
    let path = name.path();
    let Ok(Some(file)) = open_locked(&path) else { return };
    let is_it = file::status(file.as_raw_fd())
        .is_ok_and(|now| file::identity(&now) == file::identity(data));
    if is_it && std::fs::remove_file(path).is_ok() {
        remove_with_nonce(data, fifo.nonce);
        if let Ok(parts) = parts_of(&file) {
            parts.remove();
        }
    }
}

/// Removes the FIFO of a queue that has lost its name meanwhile.
pub fn remove_fifo(data: &Data) {
    remove_with_nonce(&data.status, data.layout.fifo().nonce);
}

/// Removes the FIFO that the header tells of, or, if the header does not say and it is asked for,
/// any FIFO of this data file.
fn remove_fifo_of(data: Option<&File>, thoroughly: bool) {
    let Some(file) = data else { return };
    let Ok(status) = file::status(file.as_raw_fd()) else { return };
    let known = read_start(file).and_then(|start| layout::read_fifo(&start));
    let removed = known.is_ok_and(|known| remove_with_nonce(&status, known.nonce));
    if !removed && thoroughly {
        remove_all(&status);
    }
}

fn remove_with_nonce(data: &Status, nonce: u64) -> bool {
    remove_if_of(&fifo_path(data.st_ino, nonce), data)
}

fn remove_all(data: &Status) {
    let prefix = prefix_of(data.st_ino);
    let entries = std::fs::read_dir(&settings::get().dir).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix)) {
        remove_if_of(&entry.path(), data);
    }
}

/// Never a file of another user. Only its owner could replace it meanwhile.
fn remove_if_of(path: &Path, data: &Status) -> bool {
    let is_it = file::status_of(path).is_ok_and(|fifo| belongs(&fifo, data));
    is_it && std::fs::remove_file(path).is_ok()
}

/// The data file that has this name, locked against removal by another process, which could let the
/// name pass to another queue between our look at it and its removal. Not locked if the process
/// that holds the lock does not go on. `None` when it may not be read. ENOENT when there is none;
/// EMFILE.
fn open_locked(path: &Path) -> Result<Option<File>> {
    let mut pause = Pause::default();
    loop {
        let file = match open_to_look(path) {
            Ok(file) => file,
            Err(error @ (Errno::ENOENT | Errno::EMFILE)) => return Err(error),
            Err(_) => return Ok(None),
        };
        // SAFETY: no pointer. The lock goes with the file, whatever ends us.
        let is_locked =
            unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } == 0;
        if is_locked && is_named(path, &file) {
            return Ok(Some(file));
        }
        if !pause.wait() {
            return Ok(Some(file));
        }
    }
}

fn is_named(path: &Path, file: &File) -> bool {
    let named = file::status_of(path).map(|status| file::identity(&status));
    file::status(file.as_raw_fd())
        .is_ok_and(|file| named.is_ok_and(|named| named == file::identity(&file)))
}

/// Whether the data file can be removed: in a sticky directory only by its owner, or by that of the
/// directory.
fn may_remove(path: &Path) -> Result<bool> {
    let owner = file::status_of(path)?.st_uid;
    let user = file_user();
    if user == 0 || user == owner {
        return Ok(true);
    }
    let directory = std::fs::metadata(path.parent().ok_or(Errno::ENOENT)?)?;
    Ok(directory.mode() & libc::S_ISVTX == 0 || user == directory.uid())
}
