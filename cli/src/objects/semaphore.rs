//! What is in a named semaphore.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use rsipc_core::posix::sem::{SIZE, Semaphore};

/// Of the file names.
pub const PREFIX: &[u8] = rsipc_core::posix::sem::PREFIX.as_bytes();

/// A semaphore at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Tokens that are there for the taking.
    pub value: u32,
    /// Waits that are registered in the semaphore: threads that sleep on it, are about to, or were
    /// killed while they did.
    pub registered: u32,
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
        Ok(Self::from_bytes(bytes))
    }

    pub fn from_bytes(bytes: [u8; SIZE]) -> Self {
        let copy = Semaphore::from_bytes(bytes);
        Self { value: copy.raw_value(), registered: copy.waiters() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_halves_of_the_word() {
        let mut bytes = [0xff; SIZE];
        bytes[..8].copy_from_slice(&(7 | 3_u64 << 32).to_ne_bytes());
        assert_eq!(State::from_bytes(bytes), State { value: 7, registered: 3 });
    }
}
