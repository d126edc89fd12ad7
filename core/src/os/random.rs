//! Random numbers: unique, and not predictable.

use super::clock;
use crate::atomic::{AtomicU64, Ordering};

/// 64 random bits. Where a filter refuses getrandom(2) they are merely different in each call.
pub fn random() -> u64 {
    let mut number = 0_u64;
    let length = size_of_val(&number);
    // SAFETY: valid for writing that many bytes. So few are never interrupted halfway.
    let got = unsafe { libc::getrandom((&raw mut number).cast(), length, 0) };
    if usize::try_from(got) == Ok(length) { number } else { different() }
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
    use super::*;

    #[test]
    fn no_two_agree() {
        assert_ne!(random(), random());
        assert_ne!(different(), different());
    }
}
