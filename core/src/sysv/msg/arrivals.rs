//! Sequence numbers of messages and waiters, and looks at slots that others fill meanwhile.
//!
//! A look reads one slot after the other. A sender may fill a slot that the look has passed, and
//! then one that it has not: the look finds the second message, and not the first. The second one
//! has got its number after the look began. So a look remembers the last number that has been given
//! out before it, and is repeated if it finds a message with a later one.
//!
//! A sender takes its number with Release, after it has committed all that it sent before. A look
//! reads the word with Acquire. So it finds all messages that were committed before a number that
//! it knows was given out.

use crate::atomic::{AtomicU64, Ordering};
use crate::os::Result;

/// Looks that may be in vain, as messages come meanwhile.
const ATTEMPTS: usize = 64;

/// The last number that has been given out. Each new one adds one to it.
#[repr(transparent)]
#[derive(Default)]
pub struct Arrivals(AtomicU64);

impl Arrivals {
    /// A number that is larger than all before.
    #[inline(always)]
    pub fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Release) + 1
    }

    /// The last one.
    #[inline(always)]
    pub fn last(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// Repeats a look at slots until all that it has found, up to the `newest`, was numbered before
    /// it began. It is given the last number before.
    #[inline(always)]
    pub fn look<T>(
        &self,
        mut look: impl FnMut(u64) -> Result<T>,
        newest: impl Fn(&T) -> u64,
    ) -> Result<T> {
        let mut attempts = 0..ATTEMPTS;
        loop {
            let last = self.last();
            let found = look(last)?;
            // In the end a wrong order is better than none.
            if newest(&found) <= last || attempts.next().is_none() {
                return Ok(found);
            }
        }
    }
}
