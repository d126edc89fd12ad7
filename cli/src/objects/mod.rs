//! What lies in the directory of objects. Reading it changes nothing: files are opened for reading
//! only, never mapped writable, and where the caller may ask for it not even the time of the last
//! access is touched.
//!
//! | module | |
//! |---|---|
//! | `elsewhere` | objects of other mount namespaces |
//! | `file` | the files that objects lie in |
//! | `kernel` | what the kernel has of System V |
//! | `memory` | semaphores without a name in the memory of processes |
//! | `messages` | what is in a System V message queue |
//! | `name` | names as they are typed |
//! | `open_messages` | a System V queue that this process takes part in |
//! | `open_queue` | a queue that this process takes part in |
//! | `open_semaphore` | a semaphore for use |
//! | `pattern` | patterns of names |
//! | `purpose` | what the threads that sleep in an object wait for |
//! | `queue` | what is in a message queue |
//! | `segment` | what is in a System V shared memory segment |
//! | `semaphore` | what is in a semaphore |
//! | `set` | what is in a semaphore set |
//! | `state` | kinds of objects, and what is inside of one |
//! | `sysv` | what the families of System V have in common |
//! | `target` | objects as they are typed, with a kind in front or not |
//! | `trouble` | what a failed call means to the user |
//! | `unlinked` | objects without a name that processes still have |

pub mod elsewhere;
pub mod file;
pub mod kernel;
pub mod memory;
pub mod messages;
pub mod name;
pub mod open_messages;
pub mod open_queue;
pub mod open_semaphore;
pub mod pattern;
mod purpose;
pub mod queue;
pub mod segment;
pub mod semaphore;
pub mod set;
mod state;
pub mod sysv;
pub mod target;
pub mod trouble;
pub mod unlinked;

use std::collections::{BTreeSet, HashSet};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rsipc_core::os::settings;
use rsipc_core::posix::sem::ledger::file as ledger;
use rsipc_core::sysv::role::{Role, role};

use crate::failure::{Failure, Result};
use crate::output::escape;
use crate::processes::Pid;
use file::{FileId, Metadata};
use memory::Memory;
use name::Name;
pub use purpose::Purpose;
use segment::Attachments;
pub use state::{Kind, State};

/// Of the files that become objects when they are finished, where a file cannot be made without a
/// name.
pub const UNFINISHED: &[u8] = b".rsipc-";

/// An object of POSIX, or one of System V that is ours.
#[derive(Debug)]
pub struct Object {
    /// With its leading slash. Any bytes but NUL and further slashes. Of one of
    /// System V its key or its id.
    pub name: Vec<u8>,
    /// The file that the object's data lies in.
    pub path: PathBuf,
    pub id: FileId,
    /// Missing only for an unlinked object of another user.
    pub metadata: Option<Metadata>,
    /// Its name is gone, but processes still have it.
    pub unlinked: bool,
    /// It lies in the directory of another mount namespace, which this process is in.
    pub elsewhere: Option<Pid>,
    /// It is no object of its own, but in the memory of a process.
    pub memory: Option<Memory>,
    /// The way to the file of one that is unlinked.
    pub link: Option<PathBuf>,
    pub state: State,
}

impl Object {
    /// What a thread waits for that sleeps on the word at this offset of the file. None: it is not
    /// the caller's wait.
    pub fn purpose(&self, offset: u64) -> Option<Purpose> {
        match self.kind() {
            Kind::Sem => Some(Purpose::Value),
            Kind::Mq => queue::purpose(offset),
            Kind::Shm | Kind::Svshm => Some(Purpose::Change),
            // They themselves know their waiters.
            Kind::Svsem | Kind::Svmsg => None,
        }
    }

    /// What is in it, if it is a set that may be read.
    pub fn set(&self) -> Option<&set::Snapshot> {
        match &self.state {
            State::Set(Ok(set)) => Some(set),
            _ => None,
        }
    }

    /// What is in it, if it is a message queue of System V that may be read.
    pub fn messages(&self) -> Option<&messages::Snapshot> {
        match &self.state {
            State::Messages(Ok(queue)) => Some(queue),
            _ => None,
        }
    }

    /// What is in it, if it is a segment that may be read.
    pub fn segment(&self) -> Option<&segment::Snapshot> {
        match &self.state {
            State::Segment(Ok(segment)) => Some(segment),
            _ => None,
        }
    }

    /// What all of System V have, if it is one of them that may be read.
    pub fn common(&self) -> Option<sysv::Common> {
        sysv::common(&self.state)
    }

    /// As ipcs(1) would tell of it.
    pub fn account(&self) -> Option<sysv::Account> {
        sysv::account(self.kind(), &self.state)
    }

    /// Whether it can be found by its name in the directory.
    pub fn is_here(&self) -> bool {
        !self.unlinked && self.elsewhere.is_none() && self.memory.is_none()
    }

    /// Whether what was found in the directory is there still: `files` has those that are.
    pub fn has_stayed(&self, files: &HashSet<OsString>) -> bool {
        !self.is_here() || self.path.file_name().is_some_and(|name| files.contains(name))
    }

    /// The directory to be named by RSIPC_DIR, for one in another mount namespace.
    pub fn directory(&self) -> Option<&Path> {
        self.elsewhere.and_then(|_| self.path.parent())
    }

    /// Whether it was typed so: by its name, by the key or the id of an object of System V, or by
    /// the number of its file, as `#1234`.
    pub fn is_called(&self, name: &Name) -> bool {
        if name.bytes() == format!("/#{}", self.id.inode).as_bytes() {
            return true;
        }
        let typed = sysv::Typed::read(name.bytes());
        match self.common() {
            Some(common) => typed.is_some_and(|typed| typed.means(common.key, common.id)),
            None if self.kind().is_sysv() || self.memory.is_some() => {
                self.name == name.bytes()[1..]
            }
            None => self.name == name.bytes(),
        }
    }

    /// User and group that it belongs to.
    pub fn owner(&self) -> Option<(u32, u32)> {
        match self.common() {
            Some(common) => Some((common.permission.uid, common.permission.gid)),
            None => self.metadata.as_ref().map(|metadata| (metadata.uid, metadata.gid)),
        }
    }

    /// The permission bits that count for a user.
    pub fn mode(&self) -> Option<u32> {
        match &self.state {
            State::Mq(Ok(queue)) => Some(queue.mode),
            state => match sysv::common(state) {
                Some(common) => Some(common.permission.mode.into()),
                None => self.metadata.as_ref().map(|metadata| metadata.mode),
            },
        }
    }

    pub fn kind(&self) -> Kind {
        match self.state {
            State::Sem(_) => Kind::Sem,
            State::Mq(_) => Kind::Mq,
            State::Shm => Kind::Shm,
            State::Set(_) => Kind::Svsem,
            State::Messages(_) => Kind::Svmsg,
            State::Segment(_) => Kind::Svshm,
        }
    }

    /// Its length in bytes, as its creator asked for it: of a segment that of its memory, of
    /// all others that of the file.
    pub fn size(&self) -> Option<u64> {
        match self.segment() {
            Some(segment) => Some(segment.size),
            None => self.metadata.as_ref().map(|metadata| metadata.size),
        }
    }

    /// Bytes of memory that it takes, in all its files.
    pub fn allocated(&self) -> Option<u64> {
        let own = self.metadata.as_ref().map(|metadata| metadata.allocated)?;
        let memory = self.segment().and_then(|known| segment::memory_path(known.id).ok());
        let parts = match &self.state {
            State::Mq(Ok(queue)) => &queue.parts[..],
            _ => &[],
        };
        let others = memory.iter().chain(parts).filter_map(|path| Metadata::of(path).ok());
        Some(own + others.map(|file| file.allocated).sum::<u64>())
    }

    /// What a command finds it by: its name, or the number of its file where it has none any more.
    pub fn address(&self) -> String {
        if self.unlinked { format!("'#{}'", self.id.inode) } else { self.shown_name() }
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

/// The names of all files in the directory, at this moment.
pub fn files() -> HashSet<OsString> {
    let entries = fs::read_dir(directory()).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name()).collect()
}

/// All objects in the directory, in the order of their names.
pub fn scan() -> Result<Vec<Object>> {
    let directory = directory();
    let entries =
        fs::read_dir(directory).map_err(|error| unreadable_directory(directory, error))?;
    let mut objects = Vec::new();
    let attachments = Attachments::default();
    for entry in entries {
        let entry = entry.map_err(|error| unreadable_directory(directory, error))?;
        // An object that vanishes in the meantime is no longer there to be shown.
        objects.extend(look_at(&entry.file_name(), &attachments));
    }
    objects.sort_by(|a, b| (&a.name, a.kind()).cmp(&(&b.name, b.kind())));
    Ok(objects)
}

/// The object whose data lies in the file of this name. None if there is no such file, or if it is
/// no object.
pub fn look_at(file_name: &OsString, attachments: &Attachments) -> Option<Object> {
    let path = directory().join(file_name);
    let (kind, name) = classify(file_name.as_bytes())?;
    let metadata = Metadata::of(&path).ok().filter(|metadata| metadata.is_file)?;
    let state = State::at(kind, &path, attachments);
    if state.error().is_some_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return None;
    }
    let name = own_name(&state).unwrap_or(name);
    Some(Object {
        name,
        path,
        id: metadata.id,
        metadata: Some(metadata),
        unlinked: false,
        elsewhere: None,
        memory: None,
        link: None,
        state,
    })
}

/// The name of the object, where what is inside knows it better than its file does.
fn own_name(state: &State) -> Option<Vec<u8>> {
    match state {
        State::Mq(Ok(queue)) => Some(queue.name.clone()),
        state => Some(sysv::common(state)?.name().into_bytes()),
    }
}

/// Which family a file belongs to by its name, and the name of the object.
pub fn classify(file_name: &[u8]) -> Option<(Kind, Vec<u8>)> {
    match role(file_name) {
        Some(Role::Object(family, id)) => {
            return Some((Kind::of_family(family), id.to_string().into_bytes()));
        }
        Some(Role::Key(..) | Role::Memory(_)) => return None,
        None => {}
    }
    let (kind, rest) = match queue::classify(file_name) {
        queue::Role::Data(name) => (Kind::Mq, name),
        queue::Role::Companion | queue::Role::Part(_) => return None,
        queue::Role::Foreign => match file_name.strip_prefix(semaphore::PREFIX) {
            Some(name) => (Kind::Sem, name),
            None if file_name.starts_with(UNFINISHED) || is_record(file_name) => return None,
            None => (Kind::Shm, file_name),
        },
    };
    Some((kind, [b"/", rest].concat()))
}

/// The id of an object of System V, whether it may be read or not.
pub fn id_of(object: &Object) -> Option<i32> {
    match role(object.path.file_name()?.as_bytes())? {
        Role::Object(_, id) => Some(id),
        Role::Key(..) | Role::Memory(_) => None,
    }
}

/// Whether a file only says that a process is there (`rsipc_core::shared::presence`), or what
/// processes have taken from a semaphore (`rsipc_core::posix::sem::ledger`).
fn is_record(file_name: &[u8]) -> bool {
    file_name.starts_with(rsipc_core::shared::presence::PREFIX.as_bytes())
        || ledger::number_of(file_name).is_some()
}

/// The files that tell what processes have taken from semaphores. A process that has made one maps
/// it without its name.
pub fn ledgers() -> BTreeSet<FileId> {
    let entries = fs::read_dir(directory()).into_iter().flatten().flatten();
    let of_ledgers =
        entries.filter(|entry| ledger::number_of(entry.file_name().as_bytes()).is_some());
    of_ledgers.filter_map(|entry| Some(FileId::of(&entry.metadata().ok()?))).collect()
}

fn unreadable_directory(directory: &Path, error: io::Error) -> Failure {
    let shown = escape::word(directory.as_os_str().as_bytes());
    let failure =
        Failure::call(format_args!("cannot read the directory of objects, {shown}"), error);
    failure
        .advise("`rsipc doctor` shows what is wrong with it; RSIPC_DIR selects another directory")
}
