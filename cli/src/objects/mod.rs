//! What lies in the directory of objects. Reading it changes nothing: files are opened for reading
//! only, never mapped writable, and where the caller may ask for it not even the time of the last
//! access is touched.
//!
//! | module | |
//! |---|---|
//! | `file` | the files that objects lie in |
//! | `kernel` | what the kernel has of System V |
//! | `name` | names as they are typed |
//! | `open_queue` | a queue that this process takes part in |
//! | `purpose` | what those who sleep in an object wait for |
//! | `queue` | what is in a message queue |
//! | `semaphore` | what is in a semaphore |
//! | `set` | what is in a semaphore set |
//! | `trouble` | what a failed call means to the user |
//! | `unlinked` | objects without a name that processes still have |

pub mod file;
pub mod kernel;
pub mod name;
pub mod open_queue;
mod purpose;
pub mod queue;
pub mod semaphore;
pub mod set;
pub mod trouble;
pub mod unlinked;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rsipc_core::os::settings;

use crate::failure::{Failure, Result};
use crate::output::escape;
use file::{FileId, Metadata};
use name::Name;
pub use purpose::Purpose;

/// A family of objects.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Named semaphores
    Sem,
    /// Message queues
    Mq,
    /// Shared memory objects
    Shm,
    /// System V semaphore sets
    Svsem,
    /// System V message queues
    Svmsg,
    /// System V shared memory segments
    Svshm,
}

impl Kind {
    /// As a word of the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sem => "sem",
            Self::Mq => "mq",
            Self::Shm => "shm",
            Self::Svsem => "svsem",
            Self::Svmsg => "svmsg",
            Self::Svshm => "svshm",
        }
    }

    /// In words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Sem => "semaphore",
            Self::Mq => "message queue",
            Self::Shm => "shared memory object",
            Self::Svsem => "System V semaphore set",
            Self::Svmsg => "System V message queue",
            Self::Svshm => "System V shared memory segment",
        }
    }
}

/// Of the files that become objects when they are finished, where a file cannot be made without a
/// name.
pub const UNFINISHED: &[u8] = b".rsipc-";

/// What is inside of an object, as far as it may be read.
#[derive(Debug)]
pub enum State {
    Sem(io::Result<semaphore::State>),
    Mq(io::Result<queue::State>),
    Shm,
    Set(io::Result<Box<set::Snapshot>>),
}

/// A semaphore, queue, shared memory object or semaphore set.
#[derive(Debug)]
pub struct Object {
    /// With its leading slash. Any bytes but NUL and further slashes. Of a set its key or its id.
    pub name: Vec<u8>,
    /// The file that the object's data lies in.
    pub path: PathBuf,
    pub id: FileId,
    /// Missing only for an unlinked object of somebody else.
    pub metadata: Option<Metadata>,
    /// Its name is gone, but processes still have it.
    pub unlinked: bool,
    pub state: State,
}

impl State {
    /// Of the object of this kind in this file.
    pub fn read(kind: Kind, file: &File) -> Self {
        match kind {
            Kind::Sem => Self::Sem(semaphore::State::read(file)),
            Kind::Mq => Self::Mq(queue::State::read(file)),
            Kind::Svsem => Self::Set(set::read(file)),
            // Queues and segments of System V are the kernel's.
            Kind::Shm | Kind::Svmsg | Kind::Svshm => Self::Shm,
        }
    }

    /// Of the object of this kind in the file of this path.
    pub fn at(kind: Kind, path: &Path) -> Self {
        match (kind, file::open(path)) {
            (Kind::Sem, Err(error)) => Self::Sem(Err(error)),
            (Kind::Mq, Err(error)) => Self::Mq(Err(error)),
            (Kind::Svsem, Err(error)) => Self::Set(Err(error)),
            (Kind::Shm | Kind::Svmsg | Kind::Svshm, _) => Self::Shm,
            (_, Ok(file)) => Self::read(kind, &file),
        }
    }

    /// Why it cannot be read.
    pub fn error(&self) -> Option<&io::Error> {
        match self {
            Self::Sem(Err(error)) | Self::Mq(Err(error)) | Self::Set(Err(error)) => Some(error),
            Self::Sem(Ok(_)) | Self::Mq(Ok(_)) | Self::Set(Ok(_)) | Self::Shm => None,
        }
    }
}

impl Object {
    /// What a thread waits for that sleeps on the word at this offset of the file. None: it is not
    /// the caller's wait.
    pub fn purpose(&self, offset: u64) -> Option<Purpose> {
        match self.kind() {
            Kind::Sem => Some(Purpose::Token),
            Kind::Mq => queue::purpose(offset),
            Kind::Shm => Some(Purpose::Change),
            // The set itself knows its waiters.
            Kind::Svsem | Kind::Svmsg | Kind::Svshm => None,
        }
    }

    /// What is in it, if it is a set that may be read.
    pub fn set(&self) -> Option<&set::Snapshot> {
        match &self.state {
            State::Set(Ok(set)) => Some(set),
            _ => None,
        }
    }

    /// Whether it was typed so: by its name, or by the key or the id of an object of System V.
    pub fn is_called(&self, name: &Name) -> bool {
        let typed = set::Typed::read(name.bytes());
        match self.set() {
            Some(set) => typed.is_some_and(|typed| typed.means(set.key, set.id)),
            None if self.kind() == Kind::Svsem => self.name == name.bytes()[1..],
            None => self.name == name.bytes(),
        }
    }

    /// User and group that it belongs to.
    pub fn owner(&self) -> Option<(u32, u32)> {
        match self.set() {
            Some(set) => Some((set.permission.uid, set.permission.gid)),
            None => self.metadata.as_ref().map(|metadata| (metadata.uid, metadata.gid)),
        }
    }

    /// The permission bits that count for a user.
    pub fn mode(&self) -> Option<u32> {
        match &self.state {
            State::Mq(Ok(queue)) => Some(queue.mode),
            State::Set(Ok(set)) => Some(set.permission.mode.into()),
            _ => self.metadata.as_ref().map(|metadata| metadata.mode),
        }
    }

    pub fn kind(&self) -> Kind {
        match self.state {
            State::Sem(_) => Kind::Sem,
            State::Mq(_) => Kind::Mq,
            State::Shm => Kind::Shm,
            State::Set(_) => Kind::Svsem,
        }
    }

    /// The name as it may be shown anywhere, and pasted into a shell.
    pub fn shown_name(&self) -> String {
        escape::word(&self.name)
    }
}

/// The directory in use.
pub fn directory() -> &'static Path {
    &settings::get().dir
}

/// The file of the semaphore of this name.
pub fn semaphore_path(name: &Name) -> PathBuf {
    directory().join(OsString::from_vec([semaphore::PREFIX, &name.bytes()[1..]].concat()))
}

/// All objects in the directory, in the order of their names.
pub fn scan() -> Result<Vec<Object>> {
    let directory = directory();
    let entries =
        fs::read_dir(directory).map_err(|error| unreadable_directory(directory, error))?;
    let mut objects = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| unreadable_directory(directory, error))?;
        // An object that vanishes in the meantime is no longer there to be shown.
        objects.extend(look_at(&entry.file_name()));
    }
    objects.sort_by(|a, b| (&a.name, a.kind()).cmp(&(&b.name, b.kind())));
    Ok(objects)
}

/// The object whose data lies in the file of this name. None if there is no such file, or if it is
/// no object.
pub fn look_at(file_name: &OsString) -> Option<Object> {
    let path = directory().join(file_name);
    let (kind, name) = classify(file_name.as_bytes())?;
    let metadata = Metadata::of(&path).ok().filter(|metadata| metadata.is_file)?;
    let state = State::at(kind, &path);
    let name = match &state {
        State::Mq(Ok(queue)) => queue.name.clone(),
        State::Set(Ok(set)) => set::name(set.key, set.id).into_bytes(),
        _ => name,
    };
    Some(Object { name, path, id: metadata.id, metadata: Some(metadata), unlinked: false, state })
}

/// Which family a file belongs to by its name, and the name of the object.
pub fn classify(file_name: &[u8]) -> Option<(Kind, Vec<u8>)> {
    match set::classify(file_name) {
        set::Role::Set(id) => return Some((Kind::Svsem, id.to_string().into_bytes())),
        set::Role::Key(_) => return None,
        set::Role::Foreign => {}
    }
    let (kind, rest) = match queue::classify(file_name) {
        queue::Role::Data(name) => (Kind::Mq, name),
        queue::Role::Companion | queue::Role::Part(_) => return None,
        queue::Role::Foreign => match file_name.strip_prefix(semaphore::PREFIX) {
            Some(name) => (Kind::Sem, name),
            None if file_name.starts_with(UNFINISHED) || is_presence(file_name) => return None,
            None => (Kind::Shm, file_name),
        },
    };
    Some((kind, [b"/", rest].concat()))
}

/// Whether a file only says that a process is there: `rsipc_core::shared::presence`.
fn is_presence(file_name: &[u8]) -> bool {
    file_name.starts_with(rsipc_core::shared::presence::PREFIX.as_bytes())
}

fn unreadable_directory(directory: &Path, error: io::Error) -> Failure {
    let shown = escape::word(directory.as_os_str().as_bytes());
    let failure =
        Failure::call(format_args!("cannot read the directory of objects, {shown}"), error);
    failure.advise("`rsipc doctor` says what is wrong with it; RSIPC_DIR names another one")
}
