//! What was killed halfway leaves behind: FIFOs of queues that are gone, and objects that were never finished.

use std::collections::HashSet;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::{Options, Verdict, is_mine, remove_file, report};
use crate::failure::{Failure, Result};
use crate::objects::file::Metadata;
use crate::objects::queue::{self, Role};
use crate::objects::{self, State, UNFINISHED};
use crate::output::{escape, time};
use crate::survey::Survey;

/// A file that is no object.
pub struct Leftover {
    path: PathBuf,
    is_fifo: bool,
}

/// All files that may be leftovers.
pub fn list() -> Result<Vec<Leftover>> {
    let directory = objects::directory();
    let entries = fs::read_dir(directory).map_err(|error| {
        Failure::call(format_args!("cannot read {}", escape::word(directory.as_os_str().as_bytes())), error)
            .advise("`rsipc doctor` says what is wrong with it")
    })?;
    let found = entries.flatten().filter_map(|entry| {
        let name = entry.file_name();
        let is_fifo = matches!(queue::classify(name.as_bytes()), Role::Companion);
        (is_fifo || name.as_bytes().starts_with(UNFINISHED)).then(|| Leftover { path: entry.path(), is_fifo })
    });
    Ok(found.collect())
}

/// Removes those that belong to nothing. Gives the number of failures.
pub fn clean(leftovers: &[Leftover], survey: &Survey, options: &Options) -> Result<u32> {
    let fifos: HashSet<&Path> = survey
        .entries
        .iter()
        .filter_map(|entry| match &entry.object.state {
            State::Mq(Ok(queue)) if !entry.object.unlinked => Some(queue.fifo.as_path()),
            _ => None,
        })
        .collect();
    let mut failures = 0;
    for Leftover { path, is_fifo } in
        leftovers.iter().filter(|leftover| !fifos.contains(leftover.path.as_path()))
    {
        let Ok(metadata) = Metadata::of(path) else { continue };
        if !is_mine(&metadata) || !options.is_old(&metadata) || (*is_fifo && has_readers(path)) {
            continue;
        }
        let verdict = match (options.dry_run, is_fifo) {
            (true, _) => Ok(Verdict::WouldGo),
            (false, true) => fs::remove_file(path).map(|()| Verdict::Removed),
            (false, false) => remove_file(path, metadata.id, survey, || {}),
        };
        let what = format!("file {}", escape::word(path.as_os_str().as_bytes()));
        let age = time::short(time::since(metadata.created));
        let why = if *is_fifo { "its queue is gone" } else { "its maker never finished it" };
        failures += report(&what, &format!("{why}, made {age} ago"), verdict)?;
    }
    Ok(failures)
}

/// Whether anybody has the FIFO open. All who take part in a queue have it open for reading too.
fn has_readers(path: &Path) -> bool {
    let open = OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW).open(path);
    !matches!(open, Err(error) if is_no_reader(&error))
}

fn is_no_reader(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ENXIO)
}
