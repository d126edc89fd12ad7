//! Claims whose holders have died and that the kernel did not watch.

use super::descriptor::Use;
use super::descriptor::mapping;
use super::store::holders::Entry;
use super::store::slots::{self, Look, Wanted};
use crate::atomic::{AtomicUsize, Ordering, fence, hint};
use crate::shared::claim::Claimant;

/// An operation under way is given so many looks at its slot to end: to find out about its holder
/// costs two system calls. A thread that poll(2) wakes mostly meets its sender like this, because a
/// sender makes the queue readable before it commits the message.
const A_MOMENT: usize = 1000;

impl Use<'_> {
    /// A look at all slots; slots that a dead thread holds without the kernel's knowing become
    /// free.
    #[cold]
    pub fn look(&self, wanted: Wanted) -> Look {
        // With that of `tell_receivers` (`transfer`).
        fence(Ordering::SeqCst);
        let is_doubtful = self.mend_marked();
        let slots = self.queue.layout.slots();
        let mut found = slots.look(wanted);
        for _ in 0..A_MOMENT / slots.index.keys().len().max(1) {
            match found {
                Look::UnderWay => {}
                // What the dying process holds will be there soon.
                Look::Nothing if is_doubtful => return Look::UnderWay,
                found => return found,
            }
            hint::spin_loop();
            found = slots.look(wanted);
        }
        match found {
            Look::UnderWay if self.free_claims_of_dead() => slots.look(wanted),
            found => found,
        }
    }

    /// Gives back what processes hold that have ended, and all entries of such processes. True: one
    /// may be about to end.
    #[cold]
    pub fn mend(&self) -> bool {
        self.mend_those(Entry::is_being_taken);
        self.mend_marked()
    }

    /// Gives back what processes hold that have ended, as the kernel's marks tell. True: one has
    /// begun to die, or to run another program, and has not ended.
    fn mend_marked(&self) -> bool {
        self.mend_those(Entry::is_marked)
    }

    fn mend_those(&self, is_in_question: impl Fn(&Entry) -> bool) -> bool {
        let has_ended = |entry: &Entry, held| {
            entry.notice(mapping::wake_all);
            self.operation.has_holder_ended(held)
        };
        self.queue.layout.holders().mend(is_in_question, has_ended, |held| self.free_held(held))
    }

    /// Frees all that a dead process held, and tells the threads that wait for it.
    #[cold]
    fn free_held(&self, held: u32) {
        let layout = &self.queue.layout;
        let pollers = layout.readiness().pollers();
        if pollers.any() {
            // Before it is there: this thread may be killed, too.
            self.raise_message(pollers);
            self.raise_space(pollers);
        }
        let was_empty = layout.slots().oldest().is_none();
        let (message, space) = layout.slots().free_held(held);
        fence(Ordering::SeqCst);
        if message {
            layout.message().wake_all();
        }
        if space {
            layout.space().wake_all();
        }
        if message && was_empty && layout.notify().active() != 0 {
            self.notify_of_sent(true);
        }
    }

    /// True if there was one.
    #[cold]
    fn free_claims_of_dead(&self) -> bool {
        /// Where the next look begins. Relaxed: any place will do.
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let first = NEXT.fetch_add(slots::ASKED_AT_A_TIME, Ordering::Relaxed);
        self.queue.layout.slots().free_claims_of(first, |holder| self.has_ended(holder))
    }
}
