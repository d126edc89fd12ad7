//! The data file of a queue: opened, made, mapped.

use std::fs::File;
use std::os::fd::AsRawFd;

use memmap2::MmapRaw;

use super::access::{open_file, open_path, read_start};
use super::fifo::Fifo;
use super::name::{Name, path_of};
use super::parts::Parts;
use crate::object::publish::{Group, Way, publish};
use crate::os::Errno;
use crate::os::Result;
use crate::os::file::change_mode;
use crate::os::file::{self, Status};
use crate::posix::mq::layout::{self, Birth, Geometry, Layout};
use crate::posix::mq::permission;

/// A mapped data file.
pub struct Data {
    /// Keeps it mapped.
    pub map: MmapRaw,
    /// What is in it.
    pub layout: Layout,
    /// Which file it is, and who owns it.
    pub status: Status,
    /// The FIFO, if we have just made the queue: then this process may use it, whatever its mode
    /// is.
    pub made: Option<Fifo>,
}

/// Opens the data file of an existing queue. ENOENT; EACCES; EINVAL for a file that is not one.
#[inline(never)]
pub fn open(name: Name<'_>) -> Result<Data> {
    let data = map(&open_file(&name.path())?)?;
    if data.layout.name() == name.bytes() { Ok(data) } else { Err(Errno::EINVAL) }
}

/// Opens the data file of a queue that is mapped already, by the name in its header. ENOENT: it has
/// no name any more, or another queue has it.
pub fn reopen(layout: &Layout, identity: (u64, u64)) -> Result<File> {
    let file = open_file(&path_of(&layout.name()))?;
    let is_it = file::identity(&file::status(file.as_raw_fd())?) == identity;
    if is_it { Ok(file) } else { Err(Errno::ENOENT) }
}

/// The same for a caller that may not open the file, but may own it: with O_PATH, to change owner
/// or mode. EACCES: the queue has other parts, which only the open file names.
pub fn reopen_as_path(layout: &Layout, identity: (u64, u64)) -> Result<File> {
    let file = open_path(&path_of(&layout.name()))?;
    let status = file::status(file.as_raw_fd())?;
    if file::identity(&status) != identity {
        return Err(Errno::ENOENT);
    }
    let is_all = usize::try_from(status.st_size) == Ok(layout.geometry().file_size());
    if is_all { Ok(file) } else { Err(Errno::EACCES) }
}

/// Whether there is a file for this name, even if the caller may not open it.
pub fn exists(name: Name<'_>) -> bool {
    file::status_of(&name.path()).is_ok()
}

/// Whether the queue still has its name, or another one has it now.
pub fn has_name(name: Name<'_>, data: &Data) -> bool {
    file::status_of(&name.path())
        .is_ok_and(|now| file::identity(&now) == file::identity(&data.status))
}

/// Makes the files of a new queue. EEXIST; ENOSPC when the directory has no space for all of it, or
/// the process may make no file so large; EMFILE. Apart, as its callers are for the smallest
/// stack.
#[inline(never)]
pub fn create(name: Name<'_>, geometry: Geometry, mode: u32) -> Result<Data> {
    let (file, made) = publish(&name.path(), (mode & 0o777, Group::OfMaker), |file, way| {
        Made::fill(file, way, geometry, name.bytes(), mode & 0o7000)
    })?;
    let Made { map, status, fifo, provisional } = made;
    provisional.keep();
    let fifo = match file {
        Some(file) => fifo.keep().in_place_of(file),
        None => fifo.keep(),
    };
    // SAFETY: the mapping has the size of this geometry, and lives as long as the layout is used
    // with it.
    let layout = unsafe { Layout::new(map.as_mut_ptr(), geometry) };
    Ok(Data { map, layout, status, made: Some(fifo) })
}

/// A data file that has no name yet, and all that belongs to it.
struct Made {
    map: MmapRaw,
    status: Status,
    fifo: Fifo,
    provisional: Provisional,
}

/// Parts that go with this value.
struct Provisional(Option<Parts>);

impl Provisional {
    fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Provisional {
    fn drop(&mut self) {
        if let Some(parts) = &self.0 {
            parts.remove();
        }
    }
}

impl Made {
    /// `special`: set-user-ID, set-group-ID and sticky bit, which mean nothing but to fstat(2).
    fn fill(
        file: File,
        way: Way,
        geometry: Geometry,
        name: &[u8],
        special: u32,
    ) -> Result<(Option<File>, Self)> {
        let status = file::status(file.as_raw_fd())?;
        let real_mode = status.st_mode & 0o777;
        let mode = permission::of_files(real_mode);
        let parts = Parts::make(&file, &status, geometry.file_size(), mode)?;
        let provisional = Provisional(Some(parts));
        let map = parts.map(&file)?;
        if mode != real_mode {
            change_mode(&file, mode)?;
        }
        // Closed before the FIFO is opened, where it may be: a process may have one descriptor
        // left.
        let file = (way == Way::Unnamed).then_some(file);
        let fifo = Fifo::make(&status, mode)?;
        let birth = Birth {
            geometry,
            mode: real_mode | special,
            fifo: fifo.known_as(),
            parts: parts.known_as(),
            name,
        };
        // SAFETY: the mapping has that size, and the file has no name yet that is known elsewhere.
        unsafe { Layout::initialise(map.as_mut_ptr(), birth)? };
        Ok((file, Self { map, status, fifo, provisional }))
    }
}

#[inline(never)]
pub(super) fn map(file: &File) -> Result<Data> {
    let status = file::status(file.as_raw_fd())?;
    if !file::is_a(&status, libc::S_IFREG) {
        return Err(Errno::EINVAL);
    }
    let start = read_start(file)?;
    let geometry = layout::read_geometry(&start)?;
    let parts = Parts::new(layout::read_parts(&start)?, geometry.file_size(), &status)?;
    if usize::try_from(status.st_size) != Ok(parts.first()) {
        return Err(Errno::EINVAL);
    }
    let map = parts.map(file)?;
    // SAFETY: the mapping has the size of this geometry, and lives as long as the layout is used
    // with it.
    let layout = unsafe { Layout::new(map.as_mut_ptr(), geometry) };
    Ok(Data { map, layout, status, made: None })
}
