//! How a file is removed that nobody has, and what is said of it.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::lease::{self, Claim};
use super::tally::Tally;
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

/// Tells the verdicts, and counts them.
pub struct Reporter {
    pub is_dry_run: bool,
    /// What is kept is told, too.
    tells_kept: bool,
    pub tally: Tally,
}

impl Reporter {
    pub fn new(is_dry_run: bool, tells_kept: bool) -> Self {
        Self { is_dry_run, tells_kept, tally: Tally::default() }
    }

    /// `bytes` of memory are free when it has gone.
    pub fn report(
        &mut self,
        what: &str,
        why: &str,
        bytes: u64,
        verdict: std::io::Result<Verdict>,
    ) -> Result<()> {
        match verdict {
            Ok(Verdict::Removed) => self.goes(bytes, format!("removed {what}: {why}\n")),
            Ok(Verdict::WouldGo) => self.goes(bytes, format!("would remove {what}: {why}\n")),
            Ok(Verdict::Kept(because)) => {
                self.tally.kept += 1;
                if self.tells_kept { print(format!("kept {what}: {because}\n")) } else { Ok(()) }
            }
            Err(error) => {
                self.tally.failures += 1;
                warn(format!("cannot remove {what}: {}", reason(&error)));
                Ok(())
            }
        }
    }

    fn goes(&mut self, bytes: u64, line: String) -> Result<()> {
        self.tally.gone += 1;
        self.tally.bytes += bytes;
        print(line)
    }
}

/// Removes a file that nobody has. `first` is done when that is certain, with the file if it may be
/// read; it may find a reason against it.
pub fn remove_file(
    path: &Path,
    id: FileId,
    survey: &Survey,
    force: bool,
    first: impl FnOnce(Option<&File>) -> Option<String>,
) -> std::io::Result<Verdict> {
    let claim = lease::claim(path)?;
    let still_there =
        fs::symlink_metadata(path).is_ok_and(|now| FileId::of(&now) == id && now.nlink() > 0);
    let file = match &claim {
        _ if !still_there => return Ok(Verdict::kept("it has changed in the meantime")),
        Claim::Held => return Ok(Verdict::kept("a process that could not be inspected has it")),
        Claim::Unknown if !survey.is_complete() && !force => {
            return Ok(Verdict::kept(
                "a process that could not be inspected might have it: root can tell, and --force \
                 removes it",
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
