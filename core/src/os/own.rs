//! Numbers that belong to one process. The child of a fork(2) has a copy of its parent's memory,
//! and finds no number there: what the parent has taken somewhere is not the child's, even if the
//! two are hard to tell apart otherwise.

use super::process::Process;
use crate::atomic::{AtomicU64, Ordering};

/// A number: in the low half; in the high half the generation of the process that has stored it.
/// Changed by exchange or by a store.
#[derive(Default)]
pub struct ProcessLocal(AtomicU64);

impl ProcessLocal {
    /// The number that this process has stored; 0 = it has stored none.
    #[inline]
    pub fn load(&self, order: Ordering) -> u32 {
        of_generation(self.0.load(order), Process::generation_of_memory())
    }

    /// This process has this number from now on.
    pub fn store(&self, number: u32, order: Ordering) {
        self.0.store(word(number, Process::generation_of_memory()), order);
    }

    /// Changes it, unless `to` gives `None`: false. SeqCst.
    pub fn change(&self, to: impl Fn(u32) -> Option<u32>) -> bool {
        let own = Process::generation_of_memory();
        let next = |before| Some(word(to(of_generation(before, own))?, own));
        self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next).is_ok()
    }
}

fn word(number: u32, generation: u32) -> u64 {
    u64::from(generation) << 32 | u64::from(number)
}

#[inline]
fn of_generation(word: u64, generation: u32) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "the low half")]
    if word >> 32 == u64::from(generation) { word as u32 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_child_of_a_fork_has_none() {
        let number = ProcessLocal::default();
        assert_eq!(number.load(Ordering::Relaxed), 0);
        number.store(7, Ordering::Relaxed);
        assert!(number.change(|before| (before == 7).then_some(8)));
        assert!(!number.change(|_| None));
        assert_eq!(number.load(Ordering::Relaxed), 8);
        // SAFETY: the child reads and stores words, and ends; the parent waits for it.
        unsafe {
            let child = libc::fork();
            if child == 0 {
                let inherited = number.load(Ordering::Relaxed);
                let is_changed = number.change(|before| (before == 0).then_some(1));
                libc::_exit(libc::c_int::from(inherited != 0 || !is_changed));
            }
            assert!(child > 0, "fork failed");
            let mut status = -1;
            assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
            assert_eq!(status, 0);
        }
        assert_eq!(number.load(Ordering::Relaxed), 8);
    }
}
