//! What is known of `O_NONBLOCK` of an open description.
//!
//! Only the kernel knows it: each process that shares the description may change the flag, also by
//! a system call of its own. Asking costs more than a message. So a thread that finds nothing asks
//! before it waits, even for a moment, unless the flag was clear a short while ago. That knowledge
//! may be out of date, and then a few calls wait for a moment although they should not; a thread
//! asks again in any case before it sleeps. The number of such calls is bounded: a call that waits
//! for a moment may find a message each time, and a program that receives until the queue is empty
//! would never come to an end.
//!
//! | value | meaning |
//! |---|---|
//! | 0 | not known |
//! | 1 | it was set |
//! | 2 + n | it was clear, and n more calls may rely on that |
//!
//! Relaxed: nothing is published through it, and a lost update only prolongs the use of the old
//! flag, by as many calls as there are threads.

use crate::atomic::{AtomicU8, Ordering};

const UNKNOWN: u8 = 0;
const SET: u8 = 1;
const CLEAR: u8 = 2;
/// Calls that rely on one answer: enough that asking costs each of them a nanosecond or two.
const TRUST: u8 = 64;

/// See the module.
pub struct Nonblocking(AtomicU8);

impl Nonblocking {
    /// Not known.
    pub fn unknown() -> Self {
        Self(AtomicU8::new(UNKNOWN))
    }

    /// The kernel has told, or has been told.
    pub fn learn(&self, is_set: bool) {
        self.0.store(if is_set { SET } else { CLEAR + TRUST }, Ordering::Relaxed);
    }

    /// Whether it was set when that was last asked.
    pub fn was_set(&self) -> bool {
        self.0.load(Ordering::Relaxed) == SET
    }

    /// Whether a call may wait for a moment without asking. It counts as one that does.
    pub fn may_wait(&self) -> bool {
        let known = self.0.load(Ordering::Relaxed);
        let may = known > CLEAR;
        if may {
            self.0.store(known - 1, Ordering::Relaxed);
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_relied_on_for_a_while() {
        let flag = Nonblocking::unknown();
        assert!(!flag.may_wait() && !flag.was_set());
        flag.learn(true);
        assert!(!flag.may_wait() && flag.was_set());
        flag.learn(false);
        assert_eq!((0..1000).filter(|_| flag.may_wait()).count(), usize::from(TRUST));
        assert!(!flag.was_set());
    }
}
