//! Objects whose name is gone while processes still have them: seen only through those processes.
//!
//! A program that unlinks what it has just opened (Python's `multiprocessing` does) leaves no name
//! behind, but its semaphores can hang and its memory can be large like any other's.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rsipc_core::posix::sem::track::TRACKED_SIZE;
use rsipc_core::posix::sem::{SIZE, Semaphore};

use super::file::{FileId, Metadata};
use super::segment::Attachments;
use super::{Kind, Object, State, classify, own_name, semaphore};
use crate::processes::{Descriptor, Mapping, Pid};

/// What the kernel calls a file that was made without a name: `#` and its inode.
const NAMELESS: u8 = b'#';

/// Where a process has it.
pub enum Seen<'a> {
    Mapped(&'a Mapping),
    Open(&'a Descriptor),
}

impl Seen<'_> {
    pub fn id(&self) -> FileId {
        match self {
            Self::Mapped(mapping) => mapping.id,
            Self::Open(descriptor) => descriptor.id,
        }
    }

    pub fn path(&self) -> &Path {
        match self {
            Self::Mapped(mapping) => &mapping.path,
            Self::Open(descriptor) => &descriptor.path,
        }
    }

    pub fn is_deleted(&self) -> bool {
        match self {
            Self::Mapped(mapping) => mapping.deleted,
            Self::Open(descriptor) => descriptor.deleted,
        }
    }

    /// A way to the file itself.
    fn link(&self, pid: Pid) -> PathBuf {
        match self {
            Self::Open(descriptor) => format!("/proc/{pid}/fd/{}", descriptor.number),
            Self::Mapped(mapping) => {
                format!("/proc/{pid}/map_files/{:x}-{:x}", mapping.range.start, mapping.range.end)
            }
        }
        .into()
    }
}

/// The object that this process has. None if it is no object, or if the process has let it go by
/// now.
pub fn look_at(pid: Pid, seen: &Seen, attachments: &Attachments) -> Option<Object> {
    let link = seen.link(pid);
    let metadata = fs::metadata(&link);
    // One with a name was finished after the list of objects was made.
    if metadata.as_ref().is_ok_and(|metadata| !metadata.is_file() || metadata.nlink() > 0) {
        return None;
    }
    let metadata = metadata.map(|metadata| Metadata::from(&metadata));
    let file = metadata.as_ref().map_err(same).and_then(|_| open(&link));
    if !is_still(seen.id(), &metadata, &file) {
        return None;
    }
    let metadata = metadata.ok();
    let file_name = seen.path().file_name().unwrap_or(OsStr::new("")).as_bytes();
    let (kind, name) = if file_name.first() == Some(&NAMELESS) {
        (kind_by_contents(&file, metadata.as_ref(), attachments), file_name.to_vec())
    } else if is_random(file_name) && is_semaphore(&file, metadata.as_ref()) {
        (Kind::Sem, file_name.to_vec())
    } else {
        classify(file_name)?
    };
    let state = match (kind, file) {
        (Kind::Sem, file) => State::Sem(read_semaphore(pid, seen, file)),
        (kind, Ok(file)) => State::read(kind, &file, attachments),
        (kind, Err(error)) => State::unreadable(kind, error),
    };
    // What was mapped there is not any more.
    if state.error().is_some_and(|error| error.raw_os_error() == Some(libc::EIO)) {
        return None;
    }
    let name = own_name(&state).unwrap_or(name);
    let path = seen.path().to_owned();
    let (id, elsewhere, memory, link) = (seen.id(), None, None, Some(link));
    Some(Object { name, path, id, metadata, unlinked: true, elsewhere, memory, link, state })
}

/// Whether the link leads to the file that was seen: a process may close it meanwhile, and have
/// another one under the same number.
fn is_still(id: FileId, metadata: &io::Result<Metadata>, file: &io::Result<File>) -> bool {
    let opened = file.as_ref().map_err(same).and_then(File::metadata);
    let ids = [
        metadata.as_ref().map(|metadata| metadata.id).map_err(same),
        opened.map(|metadata| FileId::of(&metadata)),
    ];
    ids.iter().all(|found| match found {
        Ok(found) => *found == id,
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    })
}

/// A copy of an error of the system.
fn same(error: &io::Error) -> io::Error {
    error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error)
}

/// Whether the name is only what the maker of the object sees of its file.
pub fn has_provisional_name(object: &Object) -> bool {
    object.unlinked && is_provisional(&object.path)
}

/// Whether the path is only what the maker of the object sees, and may say nothing about the name
/// that it had.
///
/// librsipc makes files without a name. glibc makes a semaphore as `sem.` and six random letters or
/// digits; 2.31 as these six alone.
pub fn is_provisional(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_bytes();
    name.first() == Some(&NAMELESS)
        || is_random(name)
        || name.strip_prefix(semaphore::PREFIX).is_some_and(is_random)
}

fn is_random(name: &[u8]) -> bool {
    const RANDOM: usize = 6;
    name.len() == RANDOM && name.iter().all(u8::is_ascii_alphanumeric)
}

/// Whether the file is what `sem_open` of glibc makes: that says it is for several processes.
fn is_semaphore(file: &io::Result<File>, metadata: Option<&Metadata>) -> bool {
    let is_as_long = metadata.is_some_and(|metadata| metadata.size == SIZE as u64);
    let mut bytes = [0; SIZE];
    is_as_long
        && file.as_ref().is_ok_and(|file| file.read_exact_at(&mut bytes, 0).is_ok())
        && Semaphore::from_bytes(bytes).is_shared()
}

fn kind_by_contents(
    file: &io::Result<File>,
    metadata: Option<&Metadata>,
    attachments: &Attachments,
) -> Kind {
    // Without a look at it: nothing else of the size of a semaphore is made in this way.
    let Some(metadata) = metadata else { return Kind::Sem };
    if [SIZE as u64, TRACKED_SIZE as u64].contains(&metadata.size) {
        return Kind::Sem;
    }
    let is_one = |kind: &Kind| {
        let state = file.as_ref().map(|file| State::read(*kind, file, attachments));
        state.is_ok_and(|state| state.error().is_none())
    };
    let kinds = [Kind::Mq, Kind::Svsem, Kind::Svmsg, Kind::Svshm];
    kinds.into_iter().find(is_one).unwrap_or(Kind::Shm)
}

/// From the file, or else, where only the superuser may follow links to mapped files, from the
/// memory of the process.
fn read_semaphore(pid: Pid, seen: &Seen, file: io::Result<File>) -> io::Result<semaphore::State> {
    match (file.and_then(|file| semaphore::State::read(&file)), seen) {
        (Err(_), Seen::Mapped(mapping)) if mapping.offset == 0 => {
            let mut bytes = [0; SIZE];
            File::open(format!("/proc/{pid}/mem"))?
                .read_exact_at(&mut bytes, mapping.range.start)?;
            Ok(semaphore::State::from_bytes(bytes))
        }
        (decided, _) => decided,
    }
}

/// Unlike [`super::file::open`] this follows the link, which leads straight to the file.
fn open(link: &Path) -> io::Result<File> {
    let look =
        |flags| OpenOptions::new().read(true).custom_flags(flags | libc::O_NONBLOCK).open(link);
    look(libc::O_NOATIME).or_else(|_| look(0))
}
