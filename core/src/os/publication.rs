//! A changed copy of two areas, and the exchange that publishes it.

use crate::atomic::{AtomicU64, Ordering};

/// Words of the larger area.
pub const ROOT: usize = 12;
/// Words in front of it that are replaced.
pub const HEAD: usize = 4;
/// Words of the smaller area.
pub const LINE: usize = 8;

/// What is copied, what is changed, and what is exchanged.
#[derive(Clone, Copy)]
pub struct Publication<'a> {
    /// The larger area, and where its copy goes.
    pub root: (&'a [AtomicU64; ROOT], &'a [AtomicU64; ROOT]),
    /// What the copy begins with.
    pub head: [u64; HEAD],
    /// The smaller area, and where its copy goes.
    pub line: (&'a [AtomicU64; LINE], &'a [AtomicU64; LINE]),
    /// A word of that copy, below [`LINE`], and what it is to be.
    pub cell: (usize, u64),
    /// The word that leads others to the copies.
    pub current: &'a AtomicU64,
    /// What it holds, and what it is to hold.
    pub exchange: (u64, u64),
}

impl Publication<'_> {
    /// One store after the other.
    pub fn store(&self) {
        let (from, into) = self.root;
        for (into, word) in into.iter().zip(self.head) {
            into.store(word, Ordering::Relaxed);
        }
        for (from, into) in from[HEAD..].iter().zip(&into[HEAD..]) {
            into.store(from.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        let (from, into) = self.line;
        for (from, into) in from.iter().zip(into) {
            into.store(from.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        into[self.cell.0 % LINE].store(self.cell.1, Ordering::Relaxed);
    }

    /// SeqCst. False: the word holds something else.
    pub fn exchange(&self) -> bool {
        let (before, after) = self.exchange;
        let order = (Ordering::SeqCst, Ordering::Relaxed);
        self.current.compare_exchange(before, after, order.0, order.1).is_ok()
    }
}
