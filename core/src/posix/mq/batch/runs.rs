//! How a batch comes from one run of slots to the next.

use crate::posix::mq::descriptor::Use;
use crate::posix::mq::store::index::GROUP;
use crate::posix::mq::store::run::Run;
use crate::shared::lull::Lull;

/// Slots ahead of the one that is worked on whose memory is on its way from another processor.
pub const AHEAD: usize = 4;

/// For fewer messages than this a look for a run costs more than it saves.
const FEW: usize = 4;

/// The runs of a call.
pub struct Runs {
    /// The one that the call is in.
    pub run: Run,
    /// Once, and not in a call that must not wait.
    may_pause: bool,
    /// Messages that are still wanted.
    pub left: usize,
}

impl Runs {
    pub fn new(queue: &Use<'_>, count: usize) -> Self {
        Self { run: Run::EMPTY, may_pause: !queue.queue.nonblocking.was_set(), left: count }
    }

    /// The next run, where the last one is over. A pause may make a short one longer.
    pub fn find(&mut self, slots: usize, lull: &Lull, look: impl Fn() -> Run) {
        if self.left < FEW {
            return;
        }
        let found = look();
        let is_short = found.left() * 2 < self.left.min(GROUP).min(slots);
        self.run = if is_short && core::mem::take(&mut self.may_pause) {
            let paused = lull.pause_for(|| {
                let more = look();
                let was_worth_it = more.left() > 2 * found.left();
                (more, was_worth_it)
            });
            paused.unwrap_or(found)
        } else {
            found
        };
    }
}
