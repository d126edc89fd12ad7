//! What is in a System V shared memory segment of ours: the only place that knows how the library
//! lays one out.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use rsipc_core::os::Errno;
use rsipc_core::sysv::family::Family;
pub use rsipc_core::sysv::shm::attachments::Attachments;
pub use rsipc_core::sysv::shm::snapshot::Snapshot;

use crate::failure::from_errno;
use crate::processes::Pid;

/// Reads, and does not map: a mapping would count as a use of the object.
pub fn read(file: &File, attachments: &Attachments) -> io::Result<Box<Snapshot>> {
    Snapshot::at(file, attachments).map(Box::new).map_err(|error| match error {
        Errno::EINVAL => io::Error::new(
            io::ErrorKind::InvalidData,
            "the file is not a shared memory segment, or one of another version of librsipc",
        ),
        other => from_errno(other),
    })
}

/// The file of its memory.
pub fn memory_path(id: i32) -> io::Result<PathBuf> {
    let path = Family::memory_path(id).map_err(from_errno)?;
    Ok(path.as_path().to_owned())
}

/// The processes that have it attached, each once.
pub fn attached_by(segment: &Snapshot) -> Vec<Pid> {
    let mut pids: Vec<Pid> = segment.attached.iter().map(|pid| pid.cast_signed()).collect();
    pids.sort_unstable();
    pids.dedup();
    pids
}
