//! The data file of a queue: opened, made, mapped.

use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use memmap2::{MmapOptions, MmapRaw};

use super::fifo::{self, Fifo};
use super::name::{Name, path_of};
use crate::object::publish::publish;
use crate::os::Errno;
use crate::os::Result;
use crate::os::file::{self, Status};
use crate::os::file_size;
use crate::posix::mq::layout::{Birth, Geometry, Layout};
use crate::posix::mq::permission;

/// As much of a file as tells whether it is that of a queue, in bytes.
pub(super) const START: usize = 512;

/// A mapped data file.
pub struct Data {
    /// Keeps it mapped.
    pub map: MmapRaw,
    /// What is in it.
    pub layout: Layout,
    /// Which file it is, and who owns it.
    pub status: Status,
    /// The FIFO, if we have just made the queue: then we may do anything with it, whatever its mode is.
    pub made: Option<Fifo>,
}

/// Opens the data file of an existing queue. ENOENT; EACCES; EINVAL for a file that is not one.
pub fn open(name: Name<'_>) -> Result<Data> {
    let data = map(&open_file(&name.path())?)?;
    if data.layout.name() == name.bytes() { Ok(data) } else { Err(Errno::EINVAL) }
}

/// Opens the data file of a queue that is mapped already, by the name in its header. ENOENT: it has no name any more,
/// or another queue has it.
pub fn reopen(layout: &Layout, identity: (u64, u64)) -> Result<File> {
    let file = open_file(&path_of(layout.name()))?;
    let is_it = file::identity(&file::status(file.as_raw_fd())?) == identity;
    if is_it { Ok(file) } else { Err(Errno::ENOENT) }
}

pub(super) fn open_file(path: &Path) -> Result<File> {
    Ok(OpenOptions::new().read(true).write(true).custom_flags(libc::O_NOFOLLOW).open(path)?)
}

/// Whether there is a file for this name, whoever may open it.
pub fn exists(name: Name<'_>) -> bool {
    file::status_of(&name.path()).is_ok()
}

/// Whether the queue still has its name, or another one has it now.
pub fn has_name(name: Name<'_>, data: &Data) -> bool {
    file::status_of(&name.path()).is_ok_and(|now| file::identity(&now) == file::identity(&data.status))
}

/// Makes the two files of a new queue. EEXIST; ENOSPC when the directory has no room for all of it, or the process may
/// make no file so large; EMFILE for want of two descriptors.
pub fn create(name: Name<'_>, geometry: Geometry, mode: u32) -> Result<Data> {
    let size = geometry.file_size();
    let (_, (map, status, fifo)) = publish(&name.path(), mode & 0o777, |file| {
        let status = file::status(file.as_raw_fd())?;
        let real_mode = status.st_mode & 0o777;
        let mode = permission::of_files(real_mode);
        reserve(file, size)?;
        let map = MmapOptions::new().len(size).map_raw(file)?;
        let fifo = Fifo::make(&status, mode)?;
        let birth = Birth { geometry, mode: real_mode, fifo: fifo.known_as(), name: name.bytes() };
        // SAFETY: the mapping has that size, and the file has no name yet.
        unsafe { Layout::initialise(map.as_mut_ptr(), birth)? };
        if mode != real_mode {
            fifo::change_mode(file, mode)?;
        }
        Ok((map, status, fifo))
    })?;
    // SAFETY: the mapping has the size of this geometry, and lives as long as the layout is used with it.
    let layout = unsafe { Layout::new(map.as_mut_ptr(), geometry) };
    Ok(Data { map, layout, status, made: Some(fifo.keep()) })
}

/// Blocks are reserved now, so that a full file system is ENOSPC here and not SIGBUS later.
fn reserve(file: &File, size: usize) -> Result<()> {
    let length = libc::off_t::try_from(size).map_err(|_| Errno::EOVERFLOW)?;
    let lengthened = file_size::beyond_limit(size as u64, || {
        // SAFETY: takes no pointer. It is not `posix_fallocate`, which writes where the file system cannot reserve.
        if unsafe { libc::fallocate(file.as_raw_fd(), 0, 0, length) } == 0 {
            return Ok(());
        }
        match Errno::last() {
            // The file system cannot reserve. A hole is what it has to offer.
            Errno::ENOTSUP | Errno::ENOSYS => Ok(file.set_len(length.unsigned_abs())?),
            error => Err(error),
        }
    });
    match lengthened {
        Err(Errno::EFBIG | Errno::EDQUOT) => Err(Errno::ENOSPC),
        done => done,
    }
}

pub(super) fn map(file: &File) -> Result<Data> {
    let status = file::status(file.as_raw_fd())?;
    if !file::is_a(&status, libc::S_IFREG) {
        return Err(Errno::EINVAL);
    }
    let size = usize::try_from(status.st_size).map_err(|_| Errno::EINVAL)?;
    let geometry = Layout::read_geometry(&read_start(file)?)?;
    if geometry.file_size() != size {
        return Err(Errno::EINVAL);
    }
    let map = MmapOptions::new().len(size).map_raw(file)?;
    // SAFETY: the mapping has just this size, and lives as long as the layout is used with it.
    let layout = unsafe { Layout::new(map.as_mut_ptr(), geometry) };
    Ok(Data { map, layout, status, made: None })
}

/// The first bytes of a file, [`START`] of them or all that there are.
pub(super) fn read_start(file: &File) -> Result<Vec<u8>> {
    let mut start = vec![0; START];
    let mut length = 0;
    while length < start.len() {
        match file.read_at(&mut start[length..], length as u64)? {
            0 => break,
            read => length += read,
        }
    }
    start.truncate(length);
    Ok(start)
}
