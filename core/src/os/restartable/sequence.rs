//! The restartable sequences of x86-64.

use core::arch::asm;
use core::arch::x86_64::__m128i;

use crate::atomic::{AtomicU32, AtomicU64};

/// As in the module above.
type Head = (u128, *mut [u8; 16]);

/// How a sequence has ended.
pub enum Attempt {
    /// All is stored.
    Done,
    /// The word does not hold what was expected.
    Other,
    /// By the kernel, with so many bytes left to copy.
    Interrupted(usize),
}

/// From so many bytes on the processor's own copy is the faster one.
const LONG: usize = 4096;

/// A sequence: what is between 22 and 23 is executed while the word holds what is expected, unless
/// the kernel sends the thread to 24 in the middle of it.
///
/// `rseq` is the distance of the thread's `struct rseq` from its thread pointer. Its `rseq_cs`, at
/// offset 8, is set to the address of the description at 20; the kernel clears it. 0x53053053 is
/// the signature that glibc has registered, in front of the abort handler.
///
/// `inside` begins with the jump of a word that holds something else, and ends with 23;
/// `interrupted` is where 24 jumps to.
macro_rules! sequence {
    (
        rseq: $direction:ident $rseq:expr, word: $word:expr, expected: $expected:expr,
        inside: [$($inside:literal,)*],
        outside: [$($outside:literal,)*],
        interrupted: $interrupted:literal,
        $($operands:tt)*
    ) => {
        asm!(
            ".pushsection .data.rel.ro, \"aw\", @progbits",
            ".balign 32",
            "20: .long 0, 0",
            ".quad 22f, 23f - 22f, 24f",
            ".popsection",
            "lea {scratch}, [rip + 20b]",
            "mov fs:[{rseq} + 8], {scratch}",
            "22: cmp [{word}], {expected}",
            $($inside,)*
            ".pushsection .text.unlikely, \"ax\", @progbits",
            $($outside,)*
            ".byte 0x0f, 0xb9, 0x3d",
            ".long 0x53053053",
            concat!("24: jmp ", $interrupted),
            ".popsection",
            rseq = $direction(reg) $rseq,
            word = in(reg) $word,
            expected = in(reg) $expected,
            scratch = out(reg) _,
            $($operands)*
            options(nostack),
        )
    };
}

pub(super) use sequence;

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
        sequence! {
            rseq: in rseq, word: word, expected: expected,
            inside: [
                "jne {other}",
                "mov [{key}], {new_key}",
                "mov [{claim}], {new_claim:e}",
                "23:",
            ],
            outside: [],
            interrupted: "{interrupted}",
            key = in(reg) key.0,
            new_key = in(reg) key.1,
            claim = in(reg) claim.0,
            new_claim = in(reg) claim.1,
            other = label { return Attempt::Other },
            interrupted = label { return Attempt::Interrupted(0) },
        }
    }
    Attempt::Done
}

/// An exchange is one instruction, the last one of the sequence: the kernel sees the thread before
/// it or after it.
#[inline(always)]
pub fn exchange_while(
    rseq: isize,
    (word, expected): (&AtomicU64, u64),
    place: &AtomicU64,
    (before, after): (u64, u64),
) -> Attempt {
    const INTERRUPTED: u32 = 0;
    const COMPARED: u32 = 1;
    let mut outcome = INTERRUPTED;
    let mut seen = before;
    // A locked instruction is SeqCst, and the compiler moves nothing past this.
    // SAFETY: glibc has registered what is at the offset; the word is the caller's to exchange.
    unsafe {
        sequence! {
            rseq: in rseq, word: word, expected: expected,
            inside: [
                "jne 26f",
                "lock cmpxchg [{place}], {after}",
                "23: mov {outcome:e}, 1",
                "27:",
            ],
            outside: [
                "26: mov {outcome:e}, 2",
                "jmp 27b",
            ],
            interrupted: "27b",
            place = in(reg) place,
            after = in(reg) after,
            outcome = inout(reg) outcome,
            inout("rax") seen,
        }
    }
    match outcome {
        INTERRUPTED => Attempt::Interrupted(0),
        COMPARED if seen == before => Attempt::Done,
        _ => Attempt::Other,
    }
}

/// # Safety
/// As that of the outer module; sixteen bytes or more.
#[inline(always)]
pub unsafe fn write_while(
    rseq: isize,
    condition: (&AtomicU64, u64),
    head: Head,
    from: *const u8,
    into: *mut u8,
    length: usize,
) -> Attempt {
    // SAFETY: as the caller says.
    unsafe {
        if length < LONG {
            write_short_while(rseq, condition, head, from, into, length)
        } else {
            write_long_while(rseq, condition, head, from, into, length)
        }
    }
}

/// The last 16 bytes, and then from the front as many whole 16 bytes as there are. What is left is
/// counted by one register, which one instruction changes after the bytes.
///
/// # Safety
/// As for [`super::write_while`].
#[inline(always)]
unsafe fn write_short_while(
    rseq: isize,
    (word, expected): (&AtomicU64, u64),
    (head, head_at): Head,
    from: *const u8,
    into: *mut u8,
    length: usize,
) -> Attempt {
    // SAFETY: sixteen bytes are sixteen bytes.
    let head: __m128i = unsafe { core::mem::transmute(head) };
    let mut left = length.wrapping_neg();
    // SAFETY: as the caller says.
    unsafe {
        sequence! {
            rseq: in rseq, word: word, expected: expected,
            inside: [
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
            ],
            outside: [
                "26: mov {left:e}, 1",
                "jmp 27b",
            ],
            interrupted: "27b",
            head = in(xmm_reg) head,
            head_at = in(reg) head_at,
            from = in(reg) from.wrapping_add(length),
            into = in(reg) into.wrapping_add(length),
            left = inout(reg) left,
            bytes = out(xmm_reg) _,
        }
    }
    match left {
        0 => Attempt::Done,
        1 => Attempt::Other,
        left => Attempt::Interrupted(left.wrapping_neg()),
    }
}

/// By the processor's own copy, whose registers tell how far it has come.
///
/// # Safety
/// As for [`super::write_while`].
#[inline(never)]
unsafe fn write_long_while(
    rseq: isize,
    (word, expected): (&AtomicU64, u64),
    (head, head_at): Head,
    from: *const u8,
    into: *mut u8,
    length: usize,
) -> Attempt {
    // SAFETY: sixteen bytes are sixteen bytes.
    let head: __m128i = unsafe { core::mem::transmute(head) };
    let mut left = length;
    // SAFETY: as the caller says.
    unsafe {
        sequence! {
            rseq: in rseq, word: word, expected: expected,
            inside: [
                "jne 26f",
                "movups [{head_at}], {head}",
                "rep movsb",
                "23:",
            ],
            outside: [
                "26: mov rcx, -1",
                "jmp 23b",
            ],
            interrupted: "23b",
            head = in(xmm_reg) head,
            head_at = in(reg) head_at,
            inout("rsi") from => _,
            inout("rdi") into => _,
            inout("rcx") left,
        }
    }
    match left {
        0 => Attempt::Done,
        usize::MAX => Attempt::Other,
        left => Attempt::Interrupted(left),
    }
}
