//! Objects whose name is gone while processes still have them: seen only through those processes.
//!
//! A program that unlinks what it has just opened (Python's `multiprocessing` does) leaves no name
//! behind, but its semaphores can hang and its memory can be large like any other's.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rsipc_core::posix::sem::track::TRACKED_SIZE;
use rsipc_core::posix::sem::{SIZE, Semaphore};

use super::file::{FileId, Metadata};
use super::segment::Attachments;
use super::{Kind, Object, State, classify, queue, semaphore, sysv};
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

/// The object that this process has. None if it is no object.
pub fn look_at(pid: Pid, seen: &Seen, attachments: &Attachments) -> Option<Object> {
    let link = seen.link(pid);
    let file_name = seen.path().file_name().unwrap_or(OsStr::new("")).as_bytes();
    let metadata = fs::metadata(&link).ok().map(|metadata| Metadata::from(&metadata));
    if metadata.as_ref().is_some_and(|metadata| !metadata.is_file) {
        return None;
    }
    let (kind, name) = if file_name.first() == Some(&NAMELESS) {
        (kind_by_contents(&link, metadata.as_ref(), attachments), file_name.to_vec())
    } else if is_random(file_name) && is_semaphore(&link, metadata.as_ref()) {
        (Kind::Sem, file_name.to_vec())
    } else {
        classify(file_name)?
    };
    let state = match kind {
        Kind::Sem => State::Sem(read_semaphore(pid, seen, &link)),
        Kind::Mq => State::Mq(open(&link).and_then(|file| queue::State::read(&file))),
        Kind::Shm => State::Shm,
        Kind::Svsem | Kind::Svmsg | Kind::Svshm => match open(&link) {
            Ok(file) => State::read(kind, &file, attachments),
            Err(error) => State::unreadable(kind, error),
        },
    };
    let name = sysv::common(&state).map_or(name, |common| common.name().into_bytes());
    let path = seen.path().to_owned();
    let (id, elsewhere, memory, link) = (seen.id(), None, None, Some(link));
    Some(Object { name, path, id, metadata, unlinked: true, elsewhere, memory, link, state })
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
fn is_semaphore(link: &Path, metadata: Option<&Metadata>) -> bool {
    let is_as_long = metadata.is_some_and(|metadata| metadata.size == SIZE as u64);
    let mut bytes = [0; SIZE];
    is_as_long
        && open(link).and_then(|file| file.read_exact_at(&mut bytes, 0)).is_ok()
        && Semaphore::from_bytes(bytes).is_shared()
}

fn kind_by_contents(link: &Path, metadata: Option<&Metadata>, attachments: &Attachments) -> Kind {
    match metadata {
        // Without a look at it: nothing else of this size is made in this way.
        None => Kind::Sem,
        Some(metadata) if [SIZE as u64, TRACKED_SIZE as u64].contains(&metadata.size) => Kind::Sem,
        Some(_) if open(link).and_then(|file| queue::State::read(&file)).is_ok() => Kind::Mq,
        Some(_) => {
            let sysv = [Kind::Svsem, Kind::Svmsg, Kind::Svshm];
            let is_one = |kind: &Kind| {
                let read = |file| State::read(*kind, &file, attachments);
                open(link).is_ok_and(|file| read(file).error().is_none())
            };
            sysv.into_iter().find(is_one).unwrap_or(Kind::Shm)
        }
    }
}

/// From the file, or else, where only the superuser may follow links to mapped files, from the
/// memory of the process.
fn read_semaphore(pid: Pid, seen: &Seen, link: &Path) -> io::Result<semaphore::State> {
    match (open(link).and_then(|file| semaphore::State::read(&file)), seen) {
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
