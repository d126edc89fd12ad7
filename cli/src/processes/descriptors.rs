//! Open files that may be objects: `/proc/PID/fd`.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::interest::Interest;
use super::mappings::DELETED;
use super::pid::Pid;
use crate::objects::file::FileId;

/// An open file.
#[derive(Clone, Debug)]
pub struct Descriptor {
    pub number: u32,
    pub id: FileId,
    /// As the kernel shows it.
    pub path: PathBuf,
    pub deleted: bool,
}

pub fn of(pid: Pid, interest: &Interest) -> io::Result<Vec<Descriptor>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(format!("/proc/{pid}/fd"))? {
        let Ok(entry) = entry else { break };
        // A descriptor that is closed in the meantime is not open.
        let Ok(target) = fs::read_link(entry.path()) else { continue };
        let (path, deleted) = without_mark(&target);
        if !interest.includes(path) {
            continue;
        }
        let Ok(metadata) = fs::metadata(entry.path()) else { continue };
        let Some(number) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        found.push(Descriptor {
            number,
            id: FileId::of(&metadata),
            path: path.to_owned(),
            deleted,
        });
    }
    Ok(found)
}

fn without_mark(target: &Path) -> (&Path, bool) {
    match target.as_os_str().as_bytes().strip_suffix(DELETED) {
        Some(path) => (Path::new(OsStr::from_bytes(path)), true),
        None => (target, false),
    }
}
