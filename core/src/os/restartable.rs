//! Stores that a fork in a signal handler cannot continue in the child (rseq(2)).
//!
//! Where a handler forks just before a store to shared memory, the child comes back to it, and would write what is its
//! parent's to write. A look at a word, that another process does not find as this one does, is not enough: the
//! handler may run between look and store. In a *restartable sequence* the kernel itself leads the thread back to the
//! look, whenever it was preempted or has handled a signal.
//!
//! glibc 2.35 and later register for each thread what the kernel needs. Without that, and on other architectures, there
//! is a window of some instructions, and of a part of a long copy.

use core::ptr;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Stores to both words, the key first, if the word holds `expected`. False: it does not, or no longer after the first of
/// the two. Release.
#[inline(always)]
pub fn store_both_while(
    word: &AtomicU64,
    expected: u64,
    key: (&AtomicU64, u64),
    claim: (&AtomicU32, u32),
) -> bool {
    #[cfg(target_arch = "x86_64")]
    if let Some(rseq) = super::cpu::rseq_offset() {
        return sequence::store_both_while(rseq, word, expected, key, claim);
    }
    store_both_if(word, expected, key, claim)
}

#[cfg_attr(target_arch = "x86_64", cold, inline(never))]
fn store_both_if(word: &AtomicU64, expected: u64, key: (&AtomicU64, u64), claim: (&AtomicU32, u32)) -> bool {
    let is_same = word.load(Ordering::Relaxed) == expected;
    if is_same {
        key.0.store(key.1, Ordering::Release);
        claim.0.store(claim.1, Ordering::Release);
    }
    is_same
}

/// Bytes at least: it takes some instructions to begin.
pub const LEAST: usize = 256;

/// Copies so many bytes, [`LEAST`] or more, as long as the word holds `expected`. False: it does not, and an unknown part
/// has been copied.
///
/// # Safety
/// Both places are valid for so many bytes, and different.
pub unsafe fn copy_while(
    word: &AtomicU64,
    expected: u64,
    from: *const u8,
    into: *mut u8,
    length: usize,
) -> bool {
    #[cfg(target_arch = "x86_64")]
    if let Some(rseq) = super::cpu::rseq_offset().filter(|_| length >= LEAST) {
        // SAFETY: as the caller says; glibc has registered what is at this offset.
        return unsafe { sequence::copy_while(rseq, word, expected, from, into, length) };
    }
    // SAFETY: as the caller says.
    unsafe { copy_by_parts(word, expected, from, into, length) }
}

/// # Safety
/// As above.
unsafe fn copy_by_parts(
    word: &AtomicU64,
    expected: u64,
    from: *const u8,
    into: *mut u8,
    length: usize,
) -> bool {
    const PART: usize = 16 << 10;
    (0..length).step_by(PART).all(|at| {
        let part = PART.min(length - at);
        // SAFETY: a part of the whole.
        unsafe { ptr::copy_nonoverlapping(from.add(at), into.add(at), part) };
        word.load(Ordering::Relaxed) == expected
    })
}

#[cfg(target_arch = "x86_64")]
mod sequence {
    use core::arch::asm;
    use core::sync::atomic::{AtomicU32, AtomicU64};

    /// From so many bytes on the processor's own copy is the faster one.
    const LONG: usize = 4096;

    /// `rseq` is the distance of the thread's `struct rseq` from its thread pointer.
    #[inline(always)]
    pub fn store_both_while(
        rseq: isize,
        word: &AtomicU64,
        expected: u64,
        key: (&AtomicU64, u64),
        claim: (&AtomicU32, u32),
    ) -> bool {
        // Between 22 and 23 the kernel leads back to 24 and so to 21: what has been stored is stored once more. All
        // stores are Release on this architecture, and the compiler moves none past this.
        // SAFETY: glibc has registered what is at the offset; for the numbers see `copy_while`.
        unsafe {
            asm!(
                ".pushsection .data.rel.ro, \"aw\", @progbits",
                ".balign 32",
                "20: .long 0, 0",
                ".quad 22f, 23f - 22f, 24f",
                ".popsection",
                "21: lea {scratch}, [rip + 20b]",
                "mov fs:[{rseq} + 8], {scratch}",
                "22: cmp [{word}], {expected}",
                "jne {other}",
                "mov [{key}], {new_key}",
                "mov [{claim}], {new_claim:e}",
                "23:",
                ".pushsection .text.unlikely, \"ax\", @progbits",
                ".byte 0x0f, 0xb9, 0x3d",
                ".long 0x53053053",
                "24: jmp 21b",
                ".popsection",
                rseq = in(reg) rseq,
                word = in(reg) word,
                expected = in(reg) expected,
                key = in(reg) key.0,
                new_key = in(reg) key.1,
                claim = in(reg) claim.0,
                new_claim = in(reg) claim.1,
                scratch = out(reg) _,
                other = label { return false },
                options(nostack),
            );
        }
        true
    }

    /// # Safety
    /// As `copy_while`; `rseq` is the distance of the thread's `struct rseq` from its thread pointer.
    pub unsafe fn copy_while(
        rseq: isize,
        word: &AtomicU64,
        expected: u64,
        from: *const u8,
        into: *mut u8,
        length: usize,
    ) -> bool {
        let stopped: u64;
        // Between 22 and 23 the kernel leads back to 24 and so to 21. What has been copied is copied once more, or, by
        // the processor's own copy, from where its registers are: they are as they were when it was interrupted.
        // SAFETY: as the caller says. `rseq_cs` is 8 bytes behind the start; the kernel sets it back. 0x53053053 is what
        // glibc has registered as the signature in front of where the kernel may lead to.
        unsafe {
            asm!(
                ".pushsection .data.rel.ro, \"aw\", @progbits",
                ".balign 32",
                "20: .long 0, 0",
                ".quad 22f, 23f - 22f, 24f",
                ".popsection",
                "21: lea {scratch}, [rip + 20b]",
                "mov fs:[{rseq} + 8], {scratch}",
                "22: cmp [{word}], {expected}",
                "jne 26f",
                "test {is_long:l}, {is_long:l}",
                "jnz 27f",
                // The last 16 bytes, and then from the front as many whole 16 bytes as there are.
                "movups {bytes}, [rsi - 16]",
                "movups [rdi - 16], {bytes}",
                "25: movups {bytes}, [rsi + rcx]",
                "movups [rdi + rcx], {bytes}",
                "add rcx, 16",
                "cmp rcx, -16",
                "jle 25b",
                "jmp 23f",
                "27: rep movsb",
                "23: xor {stopped:e}, {stopped:e}",
                "jmp 28f",
                ".byte 0x0f, 0xb9, 0x3d",
                ".long 0x53053053",
                "24: jmp 21b",
                "26: mov {stopped:e}, 1",
                "28:",
                rseq = in(reg) rseq,
                word = in(reg) word,
                expected = in(reg) expected,
                is_long = in(reg) u64::from(length >= LONG),
                scratch = out(reg) _,
                stopped = out(reg) stopped,
                bytes = out(xmm_reg) _,
                inout("rsi") if length >= LONG { from } else { from.add(length) } => _,
                inout("rdi") if length >= LONG { into } else { into.add(length) } => _,
                inout("rcx") if length >= LONG { length } else { length.wrapping_neg() } => _,
                options(nostack),
            );
        }
        stopped == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_bytes_and_no_others_are_copied() {
        let word = AtomicU64::new(7);
        let from: Vec<u8> = (0..=255).cycle().take(70_000).collect();
        super::super::cpu::init();
        for length in [1, 255, 256, 257, 271, 272, 1000, 4095, 4096, 5000, 70_000] {
            let mut into = vec![0; length + 16];
            // SAFETY: both have room.
            assert!(unsafe { copy_while(&word, 7, from.as_ptr(), into.as_mut_ptr(), length) });
            assert_eq!(into[..length], from[..length], "{length}");
            assert_eq!(into[length..], [0; 16], "{length}");
            // SAFETY: the same.
            assert!(!unsafe { copy_while(&word, 8, from.as_ptr(), into.as_mut_ptr(), length) });
        }
    }

    #[test]
    fn both_words_are_stored_or_none() {
        super::super::cpu::init();
        let (word, key, claim) = (AtomicU64::new(7), AtomicU64::new(1), AtomicU32::new(2));
        assert!(!store_both_while(&word, 8, (&key, 3), (&claim, 4)));
        assert_eq!((key.load(Ordering::Relaxed), claim.load(Ordering::Relaxed)), (1, 2));
        assert!(store_both_while(&word, 7, (&key, 3), (&claim, 4)));
        assert_eq!((key.load(Ordering::Relaxed), claim.load(Ordering::Relaxed)), (3, 4));
    }

    #[test]
    fn an_interrupted_copy_goes_on() {
        extern "C" fn nothing(_: libc::c_int) {}
        super::super::cpu::init();
        let word = AtomicU64::new(7);
        let from: Vec<u8> = (0..=250).cycle().take(1 << 20).collect();
        let mut into = vec![0; from.len()];
        // SAFETY: the handler does nothing; the timer is stopped in the end.
        unsafe {
            let handler: extern "C" fn(libc::c_int) = nothing;
            libc::signal(libc::SIGALRM, handler as libc::sighandler_t);
            let often = libc::timeval { tv_sec: 0, tv_usec: 50 };
            let timer = libc::itimerval { it_interval: often, it_value: often };
            libc::setitimer(libc::ITIMER_REAL, &raw const timer, ptr::null_mut());
        }
        for round in 0..200 {
            let length = if round % 2 == 0 { from.len() } else { 4000 };
            into[..length].fill(0);
            // SAFETY: both have room.
            assert!(unsafe { copy_while(&word, 7, from.as_ptr(), into.as_mut_ptr(), length) });
            assert!(into[..length] == from[..length]);
        }
        // SAFETY: the timer stops.
        unsafe {
            let timer: libc::itimerval = core::mem::zeroed();
            libc::setitimer(libc::ITIMER_REAL, &raw const timer, ptr::null_mut());
        }
    }
}
