//! Stores that a fork in a signal handler cannot continue in the child (rseq(2)).
//!
//! Where a handler forks just before a store to shared memory, the child comes back to it, and would write what is its
//! parent's to write. A look at a word, that another process does not find as this one does, is not enough: the
//! handler may run between look and store. A *restartable sequence* the kernel itself ends, whenever the thread was
//! preempted in it or has handled a signal: then one looks once more.
//!
//! What has been interrupted is done without the kernel's help, as far as it takes to get on: a thread that a
//! debugger steps through is interrupted after each instruction.
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
        match sequence::store_both_while(rseq, word, expected, key, claim) {
            Attempt::Done => return true,
            Attempt::Other => return false,
            Attempt::Interrupted(_) => {}
        }
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

/// Sixteen bytes that stand in front of what is copied, and where they go.
pub type Head = ([u8; 16], *mut [u8; 16]);

/// Writes the head and copies the body behind it, as long as the word holds `expected`. False: it does not, and an unknown
/// part has been written.
///
/// # Safety
/// `head.1` is valid for writing, `from` for reading `length` bytes, and `into` for writing so many, or 16 if they are
/// fewer. None overlap.
#[inline(always)]
pub unsafe fn write_while(
    (word, expected): (&AtomicU64, u64),
    head: Head,
    from: *const u8,
    into: *mut u8,
    length: usize,
) -> bool {
    #[cfg(target_arch = "x86_64")]
    if let Some(rseq) = super::cpu::rseq_offset() {
        // SAFETY: as the caller says; glibc has registered what is at this offset.
        return unsafe { write_in_sequences(rseq, (word, expected), head, from, into, length) };
    }
    if length <= UNWATCHED {
        // SAFETY: as the caller says.
        unsafe {
            head.1.write(head.0);
            ptr::copy_nonoverlapping(from, into, length);
        }
        return word.load(Ordering::Relaxed) == expected;
    }
    // SAFETY: as the caller says.
    unsafe { write_in_parts((word, expected), head, from, into, length) }
}

/// # Safety
/// As `write_while`.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn write_in_sequences(
    rseq: isize,
    watched: (&AtomicU64, u64),
    head: Head,
    mut from: *const u8,
    into: *mut u8,
    mut length: usize,
) -> bool {
    let mut short = [0_u8; sequence::LEAST];
    if length < sequence::LEAST {
        // SAFETY: as the caller says; our own memory is nobody else's.
        unsafe { ptr::copy_nonoverlapping(from, short.as_mut_ptr(), length) };
        (from, length) = (short.as_ptr(), sequence::LEAST);
    }
    // SAFETY: as the caller says; glibc has registered what is at this offset.
    match unsafe { sequence::write_while(rseq, watched, head, from, into, length) } {
        Attempt::Done => true,
        Attempt::Other => false,
        // SAFETY: the same.
        Attempt::Interrupted(left) => unsafe {
            continue_sequences(rseq, watched, head, (from, into), (length, left))
        },
    }
}

/// # Safety
/// As `write_while`, of at least 16 bytes, of which so many are left.
#[cfg(target_arch = "x86_64")]
#[cold]
#[inline(never)]
unsafe fn continue_sequences(
    rseq: isize,
    watched: (&AtomicU64, u64),
    head: Head,
    (from, into): (*const u8, *mut u8),
    (length, left): (usize, usize),
) -> bool {
    const PART: usize = sequence::LEAST;
    // What has been copied more than once was the same.
    let (mut at, mut was_at) = ((length - left).min(length - PART), usize::MAX);
    let mut has_head = false;
    loop {
        let left = length - at;
        // SAFETY: a part of what the caller vouches for.
        let (from, into) = unsafe { (from.add(at), into.add(at)) };
        if at == was_at {
            // No further than before: somebody steps through us.
            if watched.0.load(Ordering::Relaxed) != watched.1 {
                return false;
            }
            // One store after each look.
            if !has_head {
                // SAFETY: as the caller says.
                unsafe { head.1.write(head.0) };
                has_head = true;
                continue;
            }
            // SAFETY: the same.
            unsafe { ptr::copy_nonoverlapping(from, into, PART) };
            if left == PART {
                return watched.0.load(Ordering::Relaxed) == watched.1;
            }
            at = (at + PART).min(length - PART);
            continue;
        }
        was_at = at;
        // SAFETY: the same.
        match unsafe { sequence::write_while(rseq, watched, head, from, into, left) } {
            Attempt::Done => return true,
            Attempt::Other => return false,
            Attempt::Interrupted(left) => at = (length - left).min(length - PART),
        }
    }
}

/// Bytes that are copied between two looks without the kernel's help.
const UNWATCHED: usize = 16 << 10;

/// Without the kernel's help.
///
/// # Safety
/// As `write_while`.
#[cfg_attr(target_arch = "x86_64", cold, inline(never))]
unsafe fn write_in_parts(
    (word, expected): (&AtomicU64, u64),
    head: Head,
    from: *const u8,
    into: *mut u8,
    length: usize,
) -> bool {
    let mut at = 0;
    // SAFETY: as the caller says.
    unsafe { head.1.write(head.0) };
    loop {
        let part = UNWATCHED.min(length - at);
        // SAFETY: a part of what the caller vouches for.
        unsafe { ptr::copy_nonoverlapping(from.add(at), into.add(at), part) };
        at += part;
        let is_same = word.load(Ordering::Relaxed) == expected;
        if at == length || !is_same {
            return is_same;
        }
    }
}

/// How a sequence has ended.
#[cfg(target_arch = "x86_64")]
enum Attempt {
    /// All is stored.
    Done,
    /// The word does not hold what was expected.
    Other,
    /// By the kernel, with so many bytes left to copy.
    Interrupted(usize),
}

#[cfg(target_arch = "x86_64")]
mod sequence {
    use core::arch::asm;
    use core::arch::x86_64::__m128i;
    use core::sync::atomic::{AtomicU32, AtomicU64};

    use super::{Attempt, Head};

    /// Bytes that can be copied.
    pub const LEAST: usize = 16;
    /// From so many bytes on the processor's own copy is the faster one.
    const LONG: usize = 4096;

    // In both, between 22 and 23 the kernel leads to 24. `rseq` is the distance of the thread's `struct rseq` from its
    // thread pointer, and `rseq_cs` is 8 bytes behind its start; the kernel sets it back. 0x53053053 is what glibc has
    // registered as the signature in front of where the kernel may lead to.

    #[inline(always)]
    pub fn store_both_while(
        rseq: isize,
        word: &AtomicU64,
        expected: u64,
        key: (&AtomicU64, u64),
        claim: (&AtomicU32, u32),
    ) -> Attempt {
        // All stores are Release on this architecture, and the compiler moves none past this.
        // SAFETY: glibc has registered what is at the offset; the words are the caller's to store to.
        unsafe {
            asm!(
                ".pushsection .data.rel.ro, \"aw\", @progbits",
                ".balign 32",
                "20: .long 0, 0",
                ".quad 22f, 23f - 22f, 24f",
                ".popsection",
                "lea {scratch}, [rip + 20b]",
                "mov fs:[{rseq} + 8], {scratch}",
                "22: cmp [{word}], {expected}",
                "jne {other}",
                "mov [{key}], {new_key}",
                "mov [{claim}], {new_claim:e}",
                "23:",
                ".pushsection .text.unlikely, \"ax\", @progbits",
                ".byte 0x0f, 0xb9, 0x3d",
                ".long 0x53053053",
                "24: jmp {interrupted}",
                ".popsection",
                rseq = in(reg) rseq,
                word = in(reg) word,
                expected = in(reg) expected,
                key = in(reg) key.0,
                new_key = in(reg) key.1,
                claim = in(reg) claim.0,
                new_claim = in(reg) claim.1,
                scratch = out(reg) _,
                other = label { return Attempt::Other },
                interrupted = label { return Attempt::Interrupted(0) },
                options(nostack),
            );
        }
        Attempt::Done
    }

    /// # Safety
    /// As that of the outer module; [`LEAST`] bytes or more.
    #[inline(always)]
    pub unsafe fn write_while(
        rseq: isize,
        watched: (&AtomicU64, u64),
        head: Head,
        from: *const u8,
        into: *mut u8,
        length: usize,
    ) -> Attempt {
        // SAFETY: as the caller says.
        unsafe {
            if length < LONG {
                write_short_while(rseq, watched, head, from, into, length)
            } else {
                write_long_while(rseq, watched, head, from, into, length)
            }
        }
    }

    /// The last 16 bytes, and then from the front as many whole 16 bytes as there are. What is left is counted by one
    /// register, which one instruction changes after the bytes.
    #[inline(always)]
    unsafe fn write_short_while(
        rseq: isize,
        (word, expected): (&AtomicU64, u64),
        (head, head_at): Head,
        from: *const u8,
        into: *mut u8,
        length: usize,
    ) -> Attempt {
        // SAFETY: the bytes are there.
        let head = unsafe { head.as_ptr().cast::<__m128i>().read_unaligned() };
        let mut left = length.wrapping_neg();
        // SAFETY: as the caller says.
        unsafe {
            asm!(
                ".pushsection .data.rel.ro, \"aw\", @progbits",
                ".balign 32",
                "20: .long 0, 0",
                ".quad 22f, 23f - 22f, 24f",
                ".popsection",
                "lea {scratch}, [rip + 20b]",
                "mov fs:[{rseq} + 8], {scratch}",
                "22: cmp [{word}], {expected}",
                "jne 26f",
                "movups [{head_at}], {head}",
                "movups {bytes}, [{from} - 16]",
                "movups [{into} - 16], {bytes}",
                "25: movups {bytes}, [{from} + {left}]",
                "movups [{into} + {left}], {bytes}",
                "add {left}, 16",
                "cmp {left}, -16",
                "jle 25b",
                "23: xor {left:e}, {left:e}",
                "27:",
                ".pushsection .text.unlikely, \"ax\", @progbits",
                "26: mov {left:e}, 1",
                "jmp 27b",
                ".byte 0x0f, 0xb9, 0x3d",
                ".long 0x53053053",
                "24: jmp 27b",
                ".popsection",
                rseq = in(reg) rseq,
                word = in(reg) word,
                expected = in(reg) expected,
                head = in(xmm_reg) head,
                head_at = in(reg) head_at,
                from = in(reg) from.wrapping_add(length),
                into = in(reg) into.wrapping_add(length),
                left = inout(reg) left,
                bytes = out(xmm_reg) _,
                scratch = out(reg) _,
                options(nostack),
            );
        }
        match left {
            0 => Attempt::Done,
            1 => Attempt::Other,
            left => Attempt::Interrupted(left.wrapping_neg()),
        }
    }

    /// By the processor's own copy, whose registers tell how far it has come.
    #[inline(never)]
    unsafe fn write_long_while(
        rseq: isize,
        (word, expected): (&AtomicU64, u64),
        (head, head_at): Head,
        from: *const u8,
        into: *mut u8,
        length: usize,
    ) -> Attempt {
        // SAFETY: the bytes are there.
        let head = unsafe { head.as_ptr().cast::<__m128i>().read_unaligned() };
        let mut left = length;
        // SAFETY: as the caller says.
        unsafe {
            asm!(
                ".pushsection .data.rel.ro, \"aw\", @progbits",
                ".balign 32",
                "20: .long 0, 0",
                ".quad 22f, 23f - 22f, 24f",
                ".popsection",
                "lea {scratch}, [rip + 20b]",
                "mov fs:[{rseq} + 8], {scratch}",
                "22: cmp [{word}], {expected}",
                "jne 26f",
                "movups [{head_at}], {head}",
                "rep movsb",
                "23:",
                ".pushsection .text.unlikely, \"ax\", @progbits",
                "26: mov rcx, -1",
                "jmp 23b",
                ".byte 0x0f, 0xb9, 0x3d",
                ".long 0x53053053",
                "24: jmp 23b",
                ".popsection",
                rseq = in(reg) rseq,
                word = in(reg) word,
                expected = in(reg) expected,
                head = in(xmm_reg) head,
                head_at = in(reg) head_at,
                scratch = out(reg) _,
                inout("rsi") from => _,
                inout("rdi") into => _,
                inout("rcx") left,
                options(nostack),
            );
        }
        match left {
            0 => Attempt::Done,
            usize::MAX => Attempt::Other,
            left => Attempt::Interrupted(left),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: [u8; 16] = *b"in front of them";

    /// What is written of the first `length` bytes, with so many bytes behind it.
    fn written(expected: u64, from: &[u8], length: usize) -> (bool, [u8; 16], Vec<u8>) {
        let word = AtomicU64::new(7);
        let (mut head, mut into) = ([0; 16], vec![0; length.max(16) + 16]);
        let at = (HEAD, &raw mut head);
        // SAFETY: all have room.
        let done = unsafe { write_while((&word, expected), at, from.as_ptr(), into.as_mut_ptr(), length) };
        (done, head, into)
    }

    #[test]
    fn all_bytes_are_copied_and_none_behind_them() {
        super::super::cpu::init();
        let from: Vec<u8> = (0..=255).cycle().take(70_000).collect();
        for length in [0, 1, 15, 16, 17, 31, 32, 33, 255, 256, 257, 1000, 4095, 4096, 5000, 70_000] {
            let (done, head, into) = written(7, &from, length);
            assert!(done && head == HEAD);
            assert_eq!(into[..length], from[..length], "{length}");
            assert_eq!(into[length..], vec![0; into.len() - length], "{length}");
            assert!(!written(8, &from, length).0);
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
        let from: Vec<u8> = (0..=250).cycle().take(1 << 20).collect();
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
            let (done, _, into) = written(7, &from, length);
            assert!(done && into[..length] == from[..length]);
        }
        // SAFETY: the timer stops.
        unsafe {
            let timer: libc::itimerval = core::mem::zeroed();
            libc::setitimer(libc::ITIMER_REAL, &raw const timer, ptr::null_mut());
        }
    }
}
