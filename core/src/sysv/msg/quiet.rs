//! Looks that find nothing, though there has been a message all the time.
//!
//! A look reads one slot after the other. A sender may fill a slot that it has passed, before a
//! receiver empties one that it has not. So a look that finds nothing counts only if it was
//! *quiet*: no message came. The same goes for one that finds no message of a lower type.
//!
//! A sender claims its slot, takes a number, adds its message to the usage, and commits. Before the
//! look, the usage and the last number are read, and then all claims. If no slot is claimed and
//! empty, and the usage is the same after the look, no commit came between: its sender would have
//! had the claim, or would have added. So what the look has not found at one place was not there
//! at the end. The usage has few bits for its changes, so the last number has to be the same, too:
//! most of those changes would have taken one.

use super::arrivals::Arrivals;
use super::usage::{Seen, Usage};
use crate::atomic::{Ordering, fence};
use crate::os::Result;

/// Blocks of slots that are looked at for one answer, and looks at least, if messages come all the
/// time. It is unlikely that each of these looks misses what is there.
const BLOCKS: usize = 512;
const LOOKS: usize = 4;
/// The same where the question is whether another message comes first.
const BLOCKS_FOR_ORDER: usize = 32;

/// Looks, up to so many.
#[derive(Default)]
pub struct Looks(usize);

impl Looks {
    /// How many there have been.
    pub fn number(&self) -> usize {
        self.0
    }

    /// One more at so many blocks. True: it is the last one.
    pub fn count(&mut self, blocks: usize, has_found: bool) -> bool {
        self.0 += 1;
        let most = if has_found { BLOCKS_FOR_ORDER } else { BLOCKS };
        self.0 >= LOOKS && self.0 * blocks >= most
    }
}

/// What there was before a look.
pub struct Quiet {
    is_pending: bool,
    before: (Seen, u64),
}

impl Quiet {
    /// A look begins. `is_pending`: whether a slot is claimed and empty; it looks at the claim of
    /// each before the key.
    pub fn begin(
        usage: &Usage,
        arrivals: &Arrivals,
        is_pending: impl FnOnce() -> Result<bool>,
    ) -> Result<Self> {
        let before = (usage.seen(), arrivals.last());
        Ok(Self { is_pending: is_pending()?, before })
    }

    /// After the look: whether it was quiet.
    pub fn lasts(&self, usage: &Usage, arrivals: &Arrivals) -> bool {
        !self.is_pending && self.is_unchanged(usage, arrivals)
    }

    /// The same, but that threads may have been, or be held up, in the middle of an operation.
    pub fn is_unchanged(&self, usage: &Usage, arrivals: &Arrivals) -> bool {
        // The look comes before: some of its loads are Relaxed.
        fence(Ordering::Acquire);
        (usage.seen(), arrivals.last()) == self.before
    }
}
