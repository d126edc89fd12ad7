//! How a file is removed that nobody has, and what is said of it.

use std::collections::HashSet;
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
    /// The files that go, or would.
    going: HashSet<FileId>,
    /// The files that the user has agreed to. None: all, without a question.
    agreed: Option<HashSet<FileId>>,
}

impl Reporter {
    pub fn new(is_dry_run: bool, tells_kept: bool) -> Self {
        let (tally, going, agreed) = (Tally::default(), HashSet::new(), None);
        Self { is_dry_run, tells_kept, tally, going, agreed }
    }

    /// The user was shown what would go, and wants no more than that to go.
    pub fn agree_to(&mut self, shown: Self) {
        self.agreed = Some(shown.going);
    }

    pub fn has_agreement(&self) -> bool {
        self.agreed.is_some()
    }

    pub fn may_remove(&self, metadata: &Metadata) -> bool {
        self.agreed.as_ref().is_none_or(|agreed| agreed.contains(&metadata.id))
    }

    pub fn report(
        &mut self,
        what: &str,
        why: &str,
        metadata: &Metadata,
        verdict: std::io::Result<Verdict>,
    ) -> Result<()> {
        match verdict {
            Ok(Verdict::Removed) => self.goes(metadata, format!("removed {what}: {why}\n")),
            Ok(Verdict::WouldGo) => self.goes(metadata, format!("would remove {what}: {why}\n")),
            Ok(Verdict::Kept(because)) => self.keep(what, &because),
            Err(error) => {
                self.tally.failures += 1;
                warn(format!("cannot remove {what}: {}", reason(&error)));
                Ok(())
            }
        }
    }

    pub fn keep(&mut self, what: &str, because: &str) -> Result<()> {
        self.tally.kept += 1;
        if self.tells_kept { print(format!("kept {what}: {because}\n")) } else { Ok(()) }
    }

    fn goes(&mut self, metadata: &Metadata, line: String) -> Result<()> {
        self.tally.gone += 1;
        self.tally.bytes += metadata.allocated;
        self.going.insert(metadata.id);
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
