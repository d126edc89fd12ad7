//! What a thread that waits sleeps on: the call in its record, the death word of the queue, and the
//! flag.

use super::flag::{Flag, Seen};
use super::queue::Queue;
use super::record::{Record, call};
use crate::atomic::Ordering;
use crate::cbits::WaitV;
use crate::os::clock::{Clock, Deadline};
use crate::os::filter::Found;
use crate::os::futex::{Interrupted, Scope};
use crate::os::sleep::{Awaited, Sleep, Woken, can_be_interrupted};

/// The longest sleep that nothing ends but the time, in nanoseconds.
pub const LONGEST_SLEEP: i64 = 1_000_000_000;
/// The place of the death word among the words.
const DEATH: usize = 1;

/// The words. They stay where they are during the sleep.
pub struct Words([WaitV; 3]);

impl Words {
    /// No sleep has been described.
    pub const NONE: Self = Self([WaitV::NONE; 3]);

    /// Describes a sleep until the thread is called, or another one dies. `awaited`: the flag, as
    /// it was before the last look at the queue.
    ///
    /// Where the kernel can wait for several words, and be interrupted at that, it wakes this
    /// thread when another one dies. Elsewhere this thread looks now and then.
    pub fn describe(
        &mut self,
        sleep: &mut Sleep,
        record: &Record,
        queue: &Queue,
        awaited: (&Flag, Seen),
        filter: &Found,
        until: Option<Deadline>,
    ) {
        let word = record.call.as_ptr();
        let death = &queue.layout.words().death;
        let may_wait_on_all = can_be_interrupted() && filter.may_wait_on_vectors();
        // With any other value each sleep would end at once.
        if may_wait_on_all && death.load(Ordering::Relaxed) == 0 {
            let (flag, seen) = awaited;
            // The death word before the flag: see `os::sleep`, and `flag`. And after the call, as
            // the kernel reports the last word that was woken.
            self.0 = [
                WaitV::new(word, call::ASLEEP, Scope::Shared),
                WaitV::new(death.as_ptr(), 0, Scope::Shared),
                WaitV::new(flag.as_ptr(), seen.word, Scope::Shared),
            ];
            sleep.prepare_any(&self.0, until.unwrap_or(Deadline::NEVER));
            return;
        }
        let until = match until {
            Some(until) => until.or_after_ns(LONGEST_SLEEP),
            None => Deadline::after_ns(Clock::Monotonic, LONGEST_SLEEP),
        };
        let death = core::ptr::null();
        let awaited = Awaited { word, expected: call::ASLEEP, scope: Scope::Shared, death };
        sleep.prepare(awaited, Some(until), Interrupted::Fails, || false);
    }
}

/// Whether a sleep may have ended by the kernel's wake for a thread that has died.
///
/// That wake goes to one sleeper alone. So the sleeper checks all others even if it has been called
/// at the same time.
pub fn may_be_by_death(woken: Woken, record: &Record) -> bool {
    match woken {
        Woken::Changed => false,
        Woken::Called { word } => word == DEATH,
        Woken::TimedOut => record.call.load(Ordering::SeqCst) == call::ASLEEP,
    }
}
