//! Which pages of the program can be accessed. A page is looked at when a call first uses it, which
//! is a system call, and remembered until the program changes what is mapped there.

use std::iter;

use crate::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::super::errno::{Errno, Result, preserved};
use super::super::readable::{is_readable, is_writable};
use super::PAGE;

/// Pages that are remembered.
const KNOWN: usize = 1024;

/// Indices of neighbours, each a bit of a word.
const BLOCK: usize = u64::BITS as usize;

/// What a call does to memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Read,
    Write,
}

/// Pages that could be accessed when they were checked, each at the index that its page number
/// gives, as the complement of its number: 0 is no page's. Relaxed: a page number that is there was
/// checked; a thread that may know that memory is gone has synchronised with the one that unmapped
/// it, and so sees the 0.
struct Pages {
    known: [AtomicUsize; KNOWN],
    /// The indices that have ever been given to a page, as bits: few, so that a large range is
    /// forgotten at once. Set before the page is known, and never cleared. Relaxed: as above.
    used: [AtomicU64; KNOWN / BLOCK],
    access: Access,
}

/// Pages of a region. A change of what is mapped mostly concerns regions without a known page, and
/// often many pages: the library's own files are mapped and unmapped, too.
const REGION: usize = 1024;

/// Where a page has ever been known: the bit of a region is its number, modulo 64. Set before the
/// page is known, and never cleared. Relaxed: as for the pages.
static REGIONS: AtomicU64 = AtomicU64::new(0);

static READABLE: Pages = Pages::new(Access::Read);
static WRITABLE: Pages = Pages::new(Access::Write);

/// The same pointer, if so many things can be read there. EFAULT.
#[inline(always)]
pub fn readable<T>(start: *const T, count: usize) -> Result<*const T> {
    READABLE.check(start.addr(), count, size_of::<T>()).map(|()| start)
}

/// Whether so many bytes are known to be readable. False: [`readable`] finds out.
#[inline(always)]
pub fn is_known_readable(start: *const u8, bytes: usize) -> bool {
    READABLE.are_known(start.addr(), bytes)
}

/// Whether so many bytes are known to be writable. False: [`writable`] finds out.
#[inline(always)]
pub fn is_known_writable(start: *const u8, bytes: usize) -> bool {
    WRITABLE.are_known(start.addr(), bytes)
}

/// The same pointer, if so many things can be written there. EFAULT.
#[inline(always)]
pub fn writable<T>(start: *mut T, count: usize) -> Result<*mut T> {
    WRITABLE.check(start.addr(), count, size_of::<T>()).map(|()| start)
}

/// What is mapped at these bytes has changed: `munmap`, `mprotect` and the like.
#[inline]
pub fn forget(start: usize, bytes: usize) {
    let regions = REGIONS.load(Ordering::Relaxed);
    if regions != 0 && bytes > 0 {
        let (first, last) = (start / PAGE, start.saturating_add(bytes - 1) / PAGE);
        if regions & bits_of(first, last) != 0 {
            READABLE.forget(first, last);
            WRITABLE.forget(first, last);
        }
    }
}

/// The bits of the regions from that of the first page to that of the last.
fn bits_of(first: usize, last: usize) -> u64 {
    let (first, last) = (first / REGION, last / REGION);
    (first..=last).take(64).fold(0, |bits, region| bits | 1 << (region % 64))
}

/// Any mapping may have changed: `shmdt`, which does not say how much it unmaps.
pub fn forget_all() {
    forget(0, usize::MAX);
}

impl Pages {
    const fn new(access: Access) -> Self {
        Self {
            known: [const { AtomicUsize::new(0) }; KNOWN],
            used: [const { AtomicU64::new(0) }; KNOWN / BLOCK],
            access,
        }
    }

    #[inline(always)]
    fn check(&self, start: usize, count: usize, size: usize) -> Result<()> {
        let is_known = (size == 1 || count < PAGE) && self.are_known(start, count * size);
        if is_known { Ok(()) } else { self.check_all(start, count, size) }
    }

    /// Of some bytes, in one page or two.
    #[inline(always)]
    fn are_known(&self, start: usize, bytes: usize) -> bool {
        // Of the last byte: wraps for none.
        let offset = bytes.wrapping_sub(1);
        if offset >= PAGE || !self.is_known(start / PAGE) {
            return false;
        }
        start % PAGE + bytes <= PAGE || self.is_known(start.wrapping_add(offset) / PAGE)
    }

    #[inline(always)]
    fn is_known(&self, page: usize) -> bool {
        self.known[page % KNOWN].load(Ordering::Relaxed) == !page
    }

    #[cold]
    #[inline(never)]
    fn check_all(&self, start: usize, count: usize, size: usize) -> Result<()> {
        let bytes = count.checked_mul(size).ok_or(Errno::EFAULT)?;
        if bytes == 0 {
            return Ok(());
        }
        let last = start.checked_add(bytes - 1).ok_or(Errno::EFAULT)? / PAGE;
        for page in start / PAGE..=last {
            if !self.is_known(page) {
                self.look_at(page, start.max(page * PAGE))?;
            }
        }
        Ok(())
    }

    #[cold]
    fn look_at(&self, page: usize, address: usize) -> Result<()> {
        let can_be_accessed = || match self.access {
            Access::Read => is_readable(address, 0),
            Access::Write => is_writable(address),
        };
        if page == 0 || !preserved(can_be_accessed) {
            return Err(Errno::EFAULT);
        }
        REGIONS.fetch_or(bits_of(page, page), Ordering::Relaxed);
        self.remember(page);
        Ok(())
    }

    fn remember(&self, page: usize) {
        let index = page % KNOWN;
        self.used[index / BLOCK].fetch_or(1 << (index % BLOCK), Ordering::Relaxed);
        self.known[index].store(!page, Ordering::Relaxed);
    }

    /// A page that another thread makes known meanwhile may be forgotten, too: it is looked at
    /// again.
    #[cold]
    #[inline(never)]
    fn forget(&self, first: usize, last: usize) {
        // One block more than there are: the first page and the last one may lie in the same.
        let blocks = (first / BLOCK..=last / BLOCK).take(KNOWN / BLOCK + 1);
        for block in blocks.map(|block| block % (KNOWN / BLOCK)) {
            for bit in bits_set(self.used[block].load(Ordering::Relaxed)) {
                let known = &self.known[block * BLOCK + bit];
                if (first..=last).contains(&!known.load(Ordering::Relaxed)) {
                    known.store(0, Ordering::Relaxed);
                }
            }
        }
    }
}

/// The numbers of the bits that are set, from the lowest.
fn bits_set(mut word: u64) -> impl Iterator<Item = usize> {
    iter::from_fn(move || {
        let lowest = (word != 0).then(|| word.trailing_zeros() as usize)?;
        word &= word - 1;
        Some(lowest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGES: usize = 3 * KNOWN;

    /// A table in which each page from the first number to the last is known, if it is the last
    /// one with its index.
    fn knowing(first: usize, last: usize) -> Pages {
        let pages = Pages::new(Access::Read);
        for page in first..=last {
            pages.remember(page);
        }
        pages
    }

    #[test]
    fn what_is_forgotten_is_exactly_the_range() {
        let ranges = [(5, 5), (5, 9), (1000, 1030), (2100, 3100), (7, PAGES), (PAGES - 1, PAGES)];
        for (first, last) in ranges {
            let pages = knowing(1, PAGES);
            pages.forget(first, last);
            for page in PAGES - KNOWN + 1..=PAGES {
                let is_forgotten = (first..=last).contains(&page);
                assert_eq!(pages.is_known(page), !is_forgotten, "{page} of {first} to {last}");
            }
        }
    }

    #[test]
    fn all_is_forgotten() {
        let pages = knowing(1, KNOWN);
        pages.forget(0, usize::MAX / PAGE);
        assert!((1..=KNOWN).all(|page| !pages.is_known(page)));
    }

    #[test]
    fn the_bits_are_those_of_all_regions_between() {
        let bits = |regions: &[u32]| regions.iter().fold(0, |bits, region| bits | 1 << region);
        assert_eq!(bits_of(0, REGION - 1), bits(&[0]));
        assert_eq!(bits_of(REGION - 1, REGION), bits(&[0, 1]));
        assert_eq!(bits_of(63 * REGION, 65 * REGION), bits(&[63, 0, 1]));
        assert_eq!(bits_of(5 * REGION, usize::MAX / PAGE), u64::MAX);
    }
}
