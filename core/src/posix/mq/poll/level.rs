//! When packets are put into the FIFO and taken out, so that poll(2) reports the true state.
//!
//! | queue | packets | poll(2) says |
//! |---|---|---|
//! | empty | 0 | POLLOUT |
//! | neither | 1 or more | POLLIN, POLLOUT |
//! | full | [`CAPACITY`] | POLLIN |
//!
//! *Prompt up.* Before it commits its message, while its slot is claimed, a sender makes sure that
//! there is a packet; before it commits, a receiver makes sure that there is space for a packet. So
//! a process that is killed leaves no other process asleep while there is a message.
//!
//! *Lazy down.* Before it takes out the last packet, because there is no message, a process claims
//! the adjuster and checks, in this order: the packets, the senders in flight, the messages. It
//! takes one packet, and checks again. A sender that claimed its slot after that check finds the
//! adjuster claimed, and makes sure that there are `SLACK` packets: one more, for the step that the
//! adjuster may still make. Putting in the last packet, because there is no space, is the mirror
//! image.
//!
//! A claim of the adjuster whose holder was killed counts as free: no late step will come. While
//! its holder is stopped, senders put in a second packet, and the queue is readable in vain until
//! the holder goes on; the same holds for a sender that is stopped in flight. `model::readiness`
//! checks the interleavings.

use crate::posix::mq::poll::readiness::{CAPACITY, Readiness};
use crate::posix::mq::store::slots::{Look, Wanted};
use crate::shared::claim::Claimant;

/// Packets, or free places, that outlast the late step of an adjuster.
const SLACK: usize = 2;
/// Steps of one adjustment at most. More are needed only if the queue keeps changing, and then
/// other threads adjust, too.
const STEPS: usize = if cfg!(loom) { 6 } else { 32 };

/// The FIFO. No call blocks.
pub trait Fifo {
    /// Puts so many packets in, and returns how many it could: it may not hold so many, or not be
    /// reached.
    fn put(&self, count: usize) -> usize;
    /// Takes out up to so many packets.
    fn take(&self, count: usize);
    /// The packets in it.
    fn count(&self) -> Option<usize>;
    /// The packets that it holds.
    fn capacity(&self) -> usize;
}

impl Readiness {
    /// Makes poll(2) report the message that is about to be committed. True: it did not before.
    pub fn raise_message(&self, fifo: &impl Fifo) -> bool {
        let wanted = if self.is_being_adjusted() { SLACK } else { 1 };
        let least = self.packets().least;
        if least < wanted {
            self.put(wanted - least, fifo);
        }
        least < wanted
    }

    /// Makes poll(2) report the space that is about to be there. True: it did not before.
    pub fn raise_space(&self, fifo: &impl Fifo) -> bool {
        let wanted = if self.is_being_adjusted() { SLACK } else { 1 };
        let most = self.packets().most.min(CAPACITY);
        let excess = (most + wanted).saturating_sub(CAPACITY);
        if excess > 0 {
            self.will_take(excess);
            fifo.take(excess);
            self.has_taken(excess);
        }
        excess > 0
    }

    /// Takes the packets out if there is no message, and no thread is about to send one.
    pub fn lower_message(
        &self,
        who: &impl Claimant,
        fifo: &impl Fifo,
        look: impl Fn(Wanted) -> Look,
    ) {
        self.adjust(who, || {
            let seen = self.packets();
            if seen.most == 0 || look(Wanted::Message) != Look::Nothing {
                return false;
            }
            if !seen.are_known() {
                return self.count(fifo);
            }
            // Any number at once, as long as a late step leaves the packets that a sender counts
            // on.
            let count = seen.least.saturating_sub(SLACK).max(1);
            if self.will_take_from(seen, count) {
                fifo.take(count);
                self.has_taken(count);
            }
            true
        });
    }

    /// Fills the FIFO up if there is no space, and no thread is about to receive.
    pub fn lower_space(
        &self,
        who: &impl Claimant,
        fifo: &impl Fifo,
        look: impl Fn(Wanted) -> Look,
    ) {
        // Where the kernel gives the FIFO a smaller capacity, there is no slack; poll(2) then
        // reports that there is space.
        if fifo.capacity() != CAPACITY {
            return;
        }
        self.adjust(who, || {
            let seen = self.packets();
            if seen.least >= CAPACITY || look(Wanted::Free) != Look::Nothing {
                return false;
            }
            if !seen.are_known() {
                return self.count(fifo);
            }
            let count = (CAPACITY - seen.most).saturating_sub(SLACK).max(1);
            !self.will_put_to(seen, count) || self.finish_put(count, fifo)
        });
    }

    /// Finds out how many packets there are. False: another process is changing their number.
    pub fn count(&self, fifo: &impl Fifo) -> bool {
        let seen = self.packets();
        fifo.count().is_some_and(|count| self.counted(seen, count))
    }

    /// Corrects bounds that cannot be true: the packets were counted in another FIFO, or another
    /// process has changed its contents.
    pub fn correct(&self, fifo: &impl Fifo) {
        // Again if another process has changed the number meanwhile: it may have changed what
        // cannot be true.
        for _ in 0..STEPS {
            let seen = self.packets();
            match fifo.count().filter(|count| !(seen.least..=seen.most).contains(count)) {
                Some(count) if !self.counted(seen, count) => {}
                _ => return,
            }
        }
    }

    fn put(&self, count: usize, fifo: &impl Fifo) {
        self.will_put(count);
        self.finish_put(count, fifo);
    }

    fn finish_put(&self, count: usize, fifo: &impl Fifo) -> bool {
        let done = fifo.put(count).min(count);
        self.has_put(done);
        if done < count {
            self.has_not_put(count - done);
            self.correct(fifo);
        }
        done == count
    }

    /// `step` is repeated while it gives true.
    fn adjust(&self, who: &impl Claimant, mut step: impl FnMut() -> bool) {
        if self.begin_to_adjust(who) {
            for _ in 0..STEPS {
                if !step() {
                    break;
                }
            }
            self.end_to_adjust(who);
        }
    }
}
