//! How a file is removed that nobody has, and what is said of it.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::lease::{self, Claim};
use crate::failure::{Result, reason};
use crate::objects::file::{FileId, Metadata};
use crate::output::{print, warn};
use crate::survey::Survey;

/// What becomes of an object that seems to be stale.
pub enum Verdict {
    Removed,
    /// Nothing was removed, because nothing was to be.
    WouldGo,
    /// And why.
    Kept(String),
}

impl Verdict {
    pub fn kept(because: &str) -> Self {
        Self::Kept(because.to_owned())
    }
}

/// Others' objects are not for an ordinary user to remove.
pub fn is_mine(metadata: &Metadata) -> bool {
    // SAFETY: takes no arguments.
    let user = unsafe { libc::geteuid() };
    user == 0 || user == metadata.uid
}

/// Tells the verdict. Gives the number of failures.
pub fn report(what: &str, why: &str, verdict: std::io::Result<Verdict>) -> Result<u32> {
    match verdict {
        Ok(Verdict::Removed) => print(format!("removed {what}: {why}\n"))?,
        Ok(Verdict::WouldGo) => print(format!("would remove {what}: {why}\n"))?,
        Ok(Verdict::Kept(because)) => print(format!("kept {what}: {because}\n"))?,
        Err(error) => {
            warn(format!("cannot remove {what}: {}", reason(&error)));
            return Ok(1);
        }
    }
    Ok(0)
}

/// Removes a file that nobody has. `first` is done when that is certain, with the file if it may be
/// read; it may find a reason against it.
pub fn remove_file(
    path: &Path,
    id: FileId,
    survey: &Survey,
    first: impl FnOnce(Option<&File>) -> Option<String>,
) -> std::io::Result<Verdict> {
    let claim = lease::claim(path)?;
    let still_there =
        fs::symlink_metadata(path).is_ok_and(|now| FileId::of(&now) == id && now.nlink() > 0);
    let file = match &claim {
        _ if !still_there => return Ok(Verdict::kept("it has changed meanwhile")),
        Claim::Held => return Ok(Verdict::kept("a process that may not be looked into has it")),
        Claim::Unknown if !survey.is_complete() => {
            return Ok(Verdict::kept(
                "a process that may not be looked into might have it; root can tell",
            ));
        }
        Claim::Unknown => None,
        Claim::Free(file) => Some(file),
    };
    match first(file) {
        Some(because) => Ok(Verdict::Kept(because)),
        None => fs::remove_file(path).map(|()| Verdict::Removed),
    }
}
