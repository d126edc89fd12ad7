//! What is in a named semaphore.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rsipc_core::posix::sem::ledger::holders::{self, Holder};
use rsipc_core::posix::sem::track::{TRACKED_SIZE, Track};
use rsipc_core::posix::sem::{SIZE, Semaphore};

/// Of the file names.
pub const PREFIX: &[u8] = rsipc_core::posix::sem::PREFIX.as_bytes();

/// A semaphore at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// How many waits can succeed at once.
    pub value: u32,
    /// Waits that are registered in the semaphore: threads that sleep on it, are about to, or were
    /// killed while they did.
    pub registered: u32,
    /// The number of its ledger, which says who has taken what; 0 = none. Any number if glibc has
    /// made the semaphore in memory that was in use before.
    pub ledger: u32,
    /// Who took last, and who posted last. None: that is not recorded.
    pub track: Option<Track>,
}

impl State {
    /// Reads, and does not map: that would count as an access.
    pub fn read(file: &File) -> io::Result<Self> {
        let mut bytes = [0; SIZE];
        file.read_exact_at(&mut bytes, 0).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                io::Error::new(io::ErrorKind::InvalidData, "the file is too short for a semaphore")
            }
            _ => error,
        })?;
        let mut all = [0; TRACKED_SIZE];
        let is_long = file.read_exact_at(&mut all, 0).is_ok();
        Ok(Self { track: Track::from_bytes(&all).filter(|_| is_long), ..Self::from_bytes(bytes) })
    }

    pub fn from_bytes(bytes: [u8; SIZE]) -> Self {
        let copy = Semaphore::from_bytes(bytes);
        let (value, registered) = (copy.raw_value(), copy.waiters());
        Self { value, registered, ledger: copy.ledger(), track: None }
    }
}

/// Who uses this semaphore robustly, and what they have taken. Empty: nobody, or it cannot be seen.
pub fn takers(path: &Path, state: &State) -> Vec<Holder> {
    let directory = path.parent().unwrap_or(path);
    holders::of(directory, state.ledger).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_halves_of_the_word() {
        let mut bytes = [0xff; SIZE];
        bytes[..8].copy_from_slice(&(7 | 3_u64 << 32).to_ne_bytes());
        let expected = State { value: 7, registered: 3, ledger: u32::MAX, track: None };
        assert_eq!(State::from_bytes(bytes), expected);
    }
}
