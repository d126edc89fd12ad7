//! What a thread sleeps on beside processes that keep slots.

use core::mem::MaybeUninit;

use crate::atomic::Ordering;
use crate::cbits::WaitV;
use crate::os::futex::Scope;
use crate::os::sleep::Awaited;
use crate::posix::mq::descriptor::mapping::{self, Mapping};
use crate::posix::mq::store::holders::HOLDERS;

/// The death word, the marks of the processes, the death word of the other direction, the word of
/// those that sleep again, and the event word, in this order. (The order of the first and the last
/// one is that of `Sleep::prepare`. A mark remembers, so its place is of no importance.)
///
/// The kernel wakes one sleeper for a mark, whatever that one waits for. If it dies, too, the wake
/// goes on through the death word of its own direction. So threads that wait for the other one
/// sleep on that word as well.
pub struct Words([MaybeUninit<WaitV>; COUNT]);

const COUNT: usize = HOLDERS + 4;

impl Default for Words {
    fn default() -> Self {
        Self([const { MaybeUninit::uninit() }; COUNT])
    }
}

impl Words {
    /// Reads the marks of the other processes that keep something, and gives their number.
    pub fn gather(&mut self, mapping: &Mapping) -> usize {
        let mut count = 0;
        for entry in mapping::others(mapping) {
            let mark = entry.mark();
            let value = mark.load(Ordering::SeqCst);
            self.0[1 + count].write(WaitV::new(mark.as_ptr(), value, Scope::Shared));
            count += 1;
        }
        count
    }

    /// So many marks, which have been gathered, and the other words around them. `other_death` may
    /// be null. `again`: the word of those that sleep again, and its value.
    pub fn around(
        &mut self,
        awaited: Awaited,
        marks: usize,
        other_death: *const u32,
        again: Option<(*const u32, u32)>,
    ) -> &[WaitV] {
        let mut end = 1 + marks;
        if !other_death.is_null() {
            self.0[end].write(WaitV::new(other_death, 0, Scope::Shared));
            end += 1;
        }
        if let Some((word, value)) = again {
            self.0[end].write(WaitV::new(word, value, Scope::Shared));
            end += 1;
        }
        self.0[end].write(WaitV::new(awaited.word, awaited.expected, awaited.scope));
        let mut first = 1;
        if !awaited.death.is_null() {
            self.0[0].write(WaitV::new(awaited.death, 0, Scope::Shared));
            first = 0;
        }
        let words = &raw const self.0[first..=end];
        // SAFETY: they have all been written.
        unsafe { &*(words as *const [WaitV]) }
    }
}
