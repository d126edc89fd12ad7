//! What was killed halfway leaves behind: FIFOs and parts of queues that are gone, keys and memory
//! of System V objects that are gone, what told of processes, and objects that were never finished.

use std::collections::HashSet;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rsipc_core::posix::sem::ledger::file as ledger;
use rsipc_core::shared::presence;
use rsipc_core::sysv::family::Family;
use rsipc_core::sysv::role::{Role as sysv, role};

use super::options::Options;
use super::removal::{Reporter, Verdict, is_mine, remove_file};
use crate::failure::{Failure, Result, from_errno};
use crate::objects::file::Metadata;
use crate::objects::queue::{self, Role};
use crate::objects::{self, State, UNFINISHED};
use crate::output::{escape, time};
use crate::survey::Survey;

/// A file that is no object.
pub struct Leftover {
    path: PathBuf,
    what: What,
}

#[derive(Clone, Copy)]
enum What {
    /// Of a queue.
    Fifo,
    /// Of the messages of the queue whose data file has this inode.
    Part(Option<u64>),
    /// An object without its name yet.
    Unfinished,
    /// A key that leads to no object.
    Key,
    /// The memory of a segment that is gone.
    Memory,
    /// What says that a process is there.
    Presence,
    /// What processes have taken from a semaphore.
    Ledger,
}

/// All files that may be leftovers.
pub fn list() -> Result<Vec<Leftover>> {
    let directory = objects::directory();
    let entries = fs::read_dir(directory).map_err(|error| {
        Failure::call(
            format_args!("cannot read {}", escape::word(directory.as_os_str().as_bytes())),
            error,
        )
        .advise("`rsipc doctor` shows what is wrong with it")
    })?;
    let found = entries.flatten().filter_map(|entry| {
        let name = entry.file_name();
        let leftover = |what| Some(Leftover { path: entry.path(), what });
        match role(name.as_bytes()) {
            Some(sysv::Key(..)) => return leftover(What::Key).filter(Leftover::leads_nowhere),
            Some(sysv::Memory(id)) => {
                return leftover(What::Memory).filter(|_| has_no_segment(id));
            }
            Some(sysv::Object(..)) => return None,
            None => {}
        }
        let what = match queue::classify(name.as_bytes()) {
            Role::Companion => What::Fifo,
            Role::Part(data) => What::Part(data),
            _ if name.as_bytes().starts_with(UNFINISHED) => What::Unfinished,
            _ if presence::is_stale(directory, name.as_bytes()) => What::Presence,
            _ if is_stale_ledger(&entry.path()) => What::Ledger,
            _ => return None,
        };
        leftover(what)
    });
    Ok(found.collect())
}

/// What belongs to queues that are there.
struct Belongings<'a> {
    fifos: HashSet<&'a Path>,
    /// Inodes of the data files.
    data: HashSet<u64>,
    /// Some queues cannot be read: any FIFO may be theirs.
    some_are_unknown: bool,
}

impl<'a> Belongings<'a> {
    fn of(survey: &'a Survey) -> Self {
        let objects =
            || survey.entries.iter().map(|entry| &entry.object).filter(|object| !object.unlinked);
        let queues = || {
            objects().filter_map(|object| match &object.state {
                State::Mq(state) => Some((object, state)),
                _ => None,
            })
        };
        Self {
            fifos: queues()
                .filter_map(|(_, state)| state.as_ref().ok().map(|queue| queue.fifo.as_path()))
                .collect(),
            data: queues().map(|(object, _)| object.id.inode).collect(),
            some_are_unknown: queues().any(|(_, state)| state.is_err()),
        }
    }

    fn include(&self, leftover: &Leftover) -> bool {
        match leftover.what {
            What::Fifo => self.fifos.contains(leftover.path.as_path()),
            What::Part(data) => data.is_some_and(|data| self.data.contains(&data)),
            What::Unfinished | What::Key | What::Memory | What::Presence | What::Ledger => false,
        }
    }
}

/// Removes those that belong to nothing.
pub fn clean(
    leftovers: &[Leftover],
    survey: &Survey,
    options: &Options,
    reporter: &mut Reporter,
) -> Result<()> {
    let belongings = Belongings::of(survey);
    for leftover in leftovers.iter().filter(|leftover| !belongings.include(leftover)) {
        let Leftover { path, what } = leftover;
        let Ok(metadata) = Metadata::of(path) else { continue };
        let is_fifo = matches!(what, What::Fifo);
        if !is_mine(&metadata) || (is_fifo && has_readers(path)) {
            continue;
        }
        if !options.is_old(&metadata) {
            reporter.tally.young += 1;
            continue;
        }
        if !reporter.may_remove(&metadata) {
            continue;
        }
        let verdict = if is_fifo && belongings.some_are_unknown && !options.force {
            Ok(Verdict::kept(
                "it may belong to a queue that cannot be inspected; --force removes it",
            ))
        } else {
            match (reporter.is_dry_run, what) {
                (true, _) => Ok(Verdict::WouldGo),
                (false, What::Fifo) => fs::remove_file(path).map(|()| Verdict::Removed),
                (false, What::Key) => remove_key(path),
                (false, What::Presence) => remove_presence(path),
                (false, What::Ledger) => remove_ledger(path),
                (false, _) => remove_file(path, metadata.id, survey, false, |_| None),
            }
        };
        let shown = format!("file {}", escape::word(path.as_os_str().as_bytes()));
        let age = time::short(time::age(metadata.created));
        let why = match what {
            What::Fifo | What::Part(_) => "its queue is gone",
            What::Unfinished => "the process that began it never finished it",
            What::Key => "its object is gone",
            What::Memory => "its segment is gone",
            What::Presence => "its process is gone",
            What::Ledger => "its semaphore is gone",
        };
        let why = format!("{why}, made {age} ago");
        reporter.report(&shown, &why, &metadata, verdict)?;
    }
    Ok(())
}

/// By the library, which knows whether the process has ended.
fn remove_presence(path: &Path) -> io::Result<Verdict> {
    match presence::remove_if_stale(path) {
        Ok(true) => Ok(Verdict::Removed),
        Ok(false) => Ok(Verdict::kept("its process lives")),
        Err(error) => Err(from_errno(error)),
    }
}

fn is_stale_ledger(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    ledger::number_of(name.as_bytes()).is_some() && ledger::is_stale(path)
}

/// The same for what was counted for a semaphore.
fn remove_ledger(path: &Path) -> io::Result<Verdict> {
    match ledger::remove_if_stale(path) {
        Ok(true) => Ok(Verdict::Removed),
        Ok(false) => Ok(Verdict::kept("its semaphore is there")),
        Err(error) => Err(from_errno(error)),
    }
}

impl Leftover {
    fn leads_nowhere(&self) -> bool {
        leads_nowhere(&self.path)
    }
}

/// Whether memory belongs to no segment. A segment is there before its memory.
fn has_no_segment(id: i32) -> bool {
    let path = Family::Memory.id_path(id);
    path.is_ok_and(|path| leads_nowhere(path.as_path()))
}

/// Whether this symbolic link leads to a file that is not there.
fn leads_nowhere(link: &Path) -> bool {
    matches!(fs::metadata(link), Err(error) if error.kind() == io::ErrorKind::NotFound)
}

/// Removes the name of a key that leads nowhere. Only one process at a time does that: between the
/// look and the removal another one could remove it, and a new set get the name.
fn remove_key(path: &Path) -> io::Result<Verdict> {
    let directory = fs::File::open(objects::directory())?;
    match directory.try_lock() {
        Err(fs::TryLockError::WouldBlock) => {
            return Ok(Verdict::kept("another `rsipc clean` is running"));
        }
        Err(fs::TryLockError::Error(error)) => return Err(error),
        Ok(()) => {}
    }
    if !leads_nowhere(path) {
        return Ok(Verdict::kept("it has changed in the meantime"));
    }
    fs::remove_file(path).map(|()| Verdict::Removed)
}

/// Whether anybody has the FIFO open. All who take part in a queue have it open for reading too.
fn has_readers(path: &Path) -> bool {
    let open =
        OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW).open(path);
    !matches!(open, Err(error) if is_no_reader(&error))
}

fn is_no_reader(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ENXIO)
}
