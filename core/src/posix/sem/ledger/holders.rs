//! What a look at a ledger from outside shows. Nothing is changed, and nothing is believed.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::Path;

use super::file::{Copied, PREFIX};
use crate::os::lock;
use crate::os::{Errno, Result};

/// A process that takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// In the caller's PID namespace; `None`: it has none there, or is dead.
    pub pid: Option<u32>,
    /// What it has taken in excess of what it has posted; below 0, the reverse.
    pub taken: i64,
}

/// The processes that take part in the ledger of this number, in this directory.
///
/// Errors: ENOENT: there is no ledger; EINVAL: it is another file; EACCES and others.
pub fn of(directory: &Path, number: u32) -> Result<Vec<Holder>> {
    if number == 0 {
        return Err(Errno::ENOENT);
    }
    let file = File::open(directory.join(format!("{PREFIX}{number:08x}")))?;
    let copied = Copied::of(&file)?;
    let words = copied.words();
    let holders = (0..words.used()).filter(|&number| words.standing(number) != 0);
    Ok(holders
        .filter_map(|number| {
            let byte = i64::try_from(number).ok()?;
            let found = lock::find(file.as_raw_fd(), byte..=byte).ok()?;
            let pid = found.and_then(|found| u32::try_from(found.pid).ok()).filter(|&pid| pid > 0);
            Some(Holder { pid, taken: words.account(number)?.counts.total() })
        })
        .collect())
}
