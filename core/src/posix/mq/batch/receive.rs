//! Receiving the messages of a batch.

use super::runs::{AHEAD, Runs};
use super::wakes::Wakes;
use crate::os::Result;
use crate::posix::mq::descriptor::Use;
use crate::posix::mq::message::{Incoming, Received};
use crate::posix::mq::store::key;
use crate::posix::mq::store::slots::{Slots, Taken};

/// Bytes of messages after which the index is told that they are gone, as senders may wait for the
/// space.
const SOON: usize = 16 << 10;

/// A call in the middle.
pub struct Receiving<'u, 't> {
    queue: &'u Use<'t>,
    wakes: Wakes<'t>,
    runs: Runs,
    index: IndexDue,
}

/// What the index has not been told yet: of the messages of a run that are gone, the last one.
#[derive(Default)]
struct IndexDue {
    slot: Option<usize>,
    bytes: usize,
}

impl IndexDue {
    fn is_due_for(&mut self, slot: usize, bytes: usize, slots: &Slots<'_>) {
        self.slot = Some(slot);
        self.bytes += bytes;
        if self.bytes >= SOON {
            self.tell(slots);
        }
    }

    fn tell(&mut self, slots: &Slots<'_>) {
        self.bytes = 0;
        if let Some(slot) = self.slot.take() {
            slots.run_is_cleared(slot);
        }
    }
}

impl<'u, 't> Receiving<'u, 't> {
    pub fn new(queue: &'u Use<'t>, count: usize) -> Self {
        let wakes = Wakes::new(queue.queue.layout.space());
        Self { queue, wakes, runs: Runs::new(queue, count), index: IndexDue::default() }
    }

    /// Receives one more, if there is one. `is_first`: an error counts, and is not left to the next
    /// call.
    ///
    /// # Safety
    /// The buffer has been checked, and is valid for writing.
    #[inline(always)]
    pub unsafe fn receive(&mut self, into: &Incoming, is_first: bool) -> Result<Option<Received>> {
        let Some(taken) = self.take() else { return Ok(None) };
        // SAFETY: as the caller says.
        unsafe { self.receive_claimed(into, taken, is_first) }
    }

    /// The call is at its end.
    pub fn end(mut self) {
        self.index.tell(self.queue.queue.layout.slots());
        self.wakes.give();
    }

    #[inline(always)]
    fn take(&mut self) -> Option<Taken<'t>> {
        let (layout, who) = (&self.queue.queue.layout, &self.queue.operation);
        let (slots, runs) = (layout.slots(), &mut self.runs);
        if runs.run.is_over() {
            self.index.tell(slots);
            let lull = &self.queue.queue.receive_lull;
            runs.find(layout.geometry().maxmsg, lull, || slots.messages_in_a_row());
            runs.run.first(AHEAD).for_each(|slot| _ = layout.will_read(slot));
        }
        runs.left -= 1;
        runs.run.ahead(AHEAD).inspect(|&slot| _ = layout.will_read(slot));
        slots.take_next(&mut runs.run, who).or_else(|| {
            self.index.tell(slots);
            slots.take(who, |slot| _ = layout.will_read(slot))
        })
    }

    /// As [`Use::receive_claimed`], but for the wakes.
    ///
    /// # Safety
    /// As there.
    unsafe fn receive_claimed(
        &mut self,
        into: &Incoming,
        taken: Taken<'_>,
        is_first: bool,
    ) -> Result<Option<Received>> {
        let (queue, wakes) = (self.queue, &mut self.wakes);
        let (layout, who) = (&queue.queue.layout, &queue.operation);
        let is_awaited = wakes.point.is_awaited();
        let Ok((body, length)) = layout.body(taken.slot.number) else {
            if is_first {
                let owed = wakes.owed.as_ref();
                // SAFETY: the slot is claimed; the rest is as the caller says.
                return unsafe { queue.receive_noting(into, taken, owed, is_awaited) };
            }
            Slots::put_back(taken, who);
            return Ok(None);
        };
        if let Err(error) = into.check(length) {
            Slots::put_back(taken, who);
            return if is_first { Err(error) } else { Ok(None) };
        }
        // SAFETY: the slot is claimed; the caller vouches for the buffer.
        if !unsafe { queue.read(body, into.body, length) } {
            Slots::leave_to_parent(who);
            return Ok(None);
        }
        let received = Received { length, priority: key::priority(taken.key) };
        if layout.readiness().pollers().any() {
            let committed = queue.commit_received(taken, wakes.owed.as_ref(), is_awaited);
            return Ok(committed.then_some(received));
        }
        if is_awaited {
            wakes.will_wake(who, taken.slot.claim());
        }
        if !layout.slots().clear_of_run(taken, who) {
            return Ok(None);
        }
        self.index.is_due_for(taken.slot.number, length, layout.slots());
        wakes.count += i32::from(is_awaited || wakes.point.is_awaited());
        Ok(Some(received))
    }
}
