//! Random numbers: unique, and not predictable.
//!
//! One call of getrandom(2) is for several of them. Those that are left over are kept where the
//! child of a fork does not find them (`process`). A handler that forks in the middle of `refill`
//! may give a few to both: so the maker of a file makes it with `O_EXCL` or by a link, and tries
//! another number if the name is taken.

use core::{hint, mem};

use super::clock;
use super::process;
use crate::atomic::{AtomicU64, Ordering};

/// Of one call, at most 256 bytes: so few are never interrupted halfway.
const AT_ONCE: usize = process::RANDOM_NUMBERS + 1;
const _: () = assert!(AT_ONCE * size_of::<u64>() <= 256);

/// 64 random bits. Where a filter refuses getrandom(2) they are merely different in each call.
pub fn random() -> u64 {
    let kept = process::random_numbers().map_or(&[][..], |kept| kept);
    kept.iter().find_map(take).or_else(|| refill(kept)).unwrap_or_else(different)
}

/// By exchange: no two threads have one. Relaxed: it comes with nothing else.
fn take(kept: &AtomicU64) -> Option<u64> {
    let number =
        if kept.load(Ordering::Relaxed) == 0 { 0 } else { kept.swap(0, Ordering::Relaxed) };
    (number != 0).then_some(number)
}

/// Asks for one number and for those to keep.
#[cold]
fn refill(kept: &[AtomicU64]) -> Option<u64> {
    let mut numbers = [0_u64; AT_ONCE];
    let wanted = numbers.get_mut(..=kept.len())?;
    let length = size_of_val(wanted);
    // SAFETY: valid for writing that many bytes.
    let got = unsafe { libc::getrandom(wanted.as_mut_ptr().cast(), length, 0) };
    if usize::try_from(got) != Ok(length) {
        return None;
    }
    // None stays on the stack, which a child has a copy of.
    let mut numbers = wanted.iter_mut().map(mem::take);
    let first = numbers.next();
    // Another thread may have filled it in meanwhile: its numbers are as good.
    kept.iter().zip(numbers).for_each(|(kept, number)| kept.store(number, Ordering::Relaxed));
    hint::black_box(wanted);
    first
}

fn different() -> u64 {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    // SAFETY: takes no arguments.
    let process = u64::from(unsafe { libc::getpid() }.unsigned_abs());
    let call = CALLS.fetch_add(1, Ordering::Relaxed);
    clock::monotonic_ns() ^ process << 40 ^ call << 56
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_agree() {
        let many: BTreeSet<u64> = (0..5 * AT_ONCE).map(|_| random()).collect();
        assert_eq!(many.len(), 5 * AT_ONCE);
        assert_ne!(different(), different());
    }

    #[test]
    fn a_child_does_not_know_those_of_its_parent() {
        let kept = process::random_numbers().expect("there is memory");
        let is_any = || kept.iter().any(|kept| kept.load(Ordering::Relaxed) != 0);
        // Other tests take numbers, too, but not that many.
        assert!((0..100).any(|_| random() != 0 && is_any()));
        // SAFETY: the child makes system calls only, and ends.
        unsafe {
            let child = libc::fork();
            if child == 0 {
                libc::_exit(i32::from(is_any()));
            }
            assert!(child > 0, "fork failed");
            let mut status = -1;
            assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
            assert_eq!(status, 0);
        }
    }
}
