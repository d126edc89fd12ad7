//! How a batch comes from one run of slots to the next.

use crate::posix::mq::descriptor::Use;
use crate::posix::mq::store::index::GROUP;
use crate::posix::mq::store::run::Run;
use crate::shared::lull::Lull;

/// Slots ahead of the one that is worked on whose memory is on its way from another processor.
pub const AHEAD: usize = 4;

/// For fewer messages than this a look for a run costs more than it saves.
const FEW: usize = 4;

/// How a call goes on.
#[derive(Clone, Copy)]
pub struct Rest {
    /// Messages that are left.
    pub count: usize,
    /// Whether the call has waited for a first one.
    pub has_waited: bool,
}

/// The runs of a call.
pub struct Runs {
    /// The one that the call is in.
    pub run: Run,
    /// A call pauses once.
    may_pause: bool,
    /// Whether the call has waited, or would wait for a first message.
    may_wait: bool,
    /// Slots at most: of those that are wanted, or below a node.
    pub left: usize,
}

impl Runs {
    pub fn new(queue: &Use<'_>, rest: Rest) -> Self {
        let may_wait = rest.has_waited || !queue.queue.nonblocking.was_set();
        Self { run: Run::EMPTY, may_pause: true, may_wait, left: rest.count }
    }

    /// The next run, where the last one is over. If it is much shorter than wanted, and not because
    /// there is nothing at all, a pause may make it longer.
    pub fn find(&mut self, slots: usize, lull: &Lull, look: impl Fn() -> Run) {
        if self.left < FEW {
            return;
        }
        let found = look();
        let is_short = found.left() * 2 < self.left.min(GROUP).min(slots);
        let may_grow = self.may_wait || !found.is_over();
        self.run = if is_short && may_grow && core::mem::take(&mut self.may_pause) {
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
