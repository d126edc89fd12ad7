//! What a thread sleeps on beside processes that keep slots.

use core::mem::MaybeUninit;

use crate::atomic::Ordering;
use crate::cbits::WaitV;
use crate::os::futex::{Awaited, Scope};
use crate::posix::mq::descriptor::mapping::{self, Mapping};
use crate::posix::mq::store::holders::HOLDERS;

/// The death word, the marks of the processes, and the event word, in this order. (The order of the
/// first and the last one is that of `Sleep::prepare`. A mark remembers, so its place is of no
/// importance.)
pub struct Words([MaybeUninit<WaitV>; HOLDERS + 2]);

impl Default for Words {
    fn default() -> Self {
        Self([const { MaybeUninit::uninit() }; HOLDERS + 2])
    }
}

impl Words {
    /// Reads the marks of the other processes that keep something, and gives their number.
    pub fn gather(&mut self, mapping: &Mapping) -> usize {
        let mut count = 0;
        for record in mapping::others(mapping) {
            let mark = record.mark();
            let value = mark.load(Ordering::SeqCst);
            self.0[1 + count].write(WaitV::new(mark.as_ptr(), value, Scope::Shared));
            count += 1;
        }
        count
    }

    /// So many marks, which have been gathered, and the other words around them.
    pub fn around(&mut self, awaited: Awaited, marks: usize) -> &[WaitV] {
        self.0[1 + marks].write(WaitV::new(awaited.word, awaited.expected, awaited.scope));
        let mut first = 1;
        if !awaited.death.is_null() {
            self.0[0].write(WaitV::new(awaited.death, 0, Scope::Shared));
            first = 0;
        }
        let words = &raw const self.0[first..marks + 2];
        // SAFETY: they have all been written.
        unsafe { &*(words as *const [WaitV]) }
    }
}
