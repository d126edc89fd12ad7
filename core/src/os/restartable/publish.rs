//! A publication in one sequence.

#[cfg(target_arch = "x86_64")]
use core::arch::asm;
#[cfg(target_arch = "x86_64")]
use core::arch::x86_64::__m128i;

use crate::atomic::{AtomicU64, Ordering};
use crate::os::publication::Publication;

/// Publishes, if the word holds `expected`. False: it does not, or `current` holds something else;
/// an unknown part has been written.
#[inline(always)]
pub fn publish_while(condition: (&AtomicU64, u64), publication: &Publication<'_>) -> bool {
    #[cfg(target_arch = "x86_64")]
    if let Some(rseq) = crate::os::cpu::rseq_offset() {
        use super::sequence::Attempt;
        return match publish_in_sequence(rseq, condition, publication) {
            Attempt::Done => true,
            Attempt::Other => false,
            Attempt::Interrupted(_) => {
                // A copy: the publication itself need not be in memory.
                let copy = *publication;
                publish_again(rseq, condition, &copy)
            }
        };
    }
    let copy = *publication;
    publish_if(condition, &copy)
}

#[cfg(target_arch = "x86_64")]
#[cold]
#[inline(never)]
fn publish_again(rseq: isize, condition: (&AtomicU64, u64), publication: &Publication<'_>) -> bool {
    super::again(
        || publish_in_sequence(rseq, condition, publication),
        || publish_if(condition, publication),
    )
}

/// Without the kernel's help: a look before the stores, and one before the exchange.
#[cfg_attr(target_arch = "x86_64", cold, inline(never))]
fn publish_if((word, expected): (&AtomicU64, u64), publication: &Publication<'_>) -> bool {
    let is_same = || word.load(Ordering::Relaxed) == expected;
    if !is_same() {
        return false;
    }
    publication.store();
    is_same() && publication.exchange()
}

/// How a sequence has ended, beside 0: the word does not hold what is expected.
#[cfg(target_arch = "x86_64")]
const COMPARED: isize = 1;
#[cfg(target_arch = "x86_64")]
const INTERRUPTED: isize = 2;

/// The exchange is the last instruction: the kernel sees the thread before it or after it.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn publish_in_sequence(
    rseq: isize,
    (word, expected): (&AtomicU64, u64),
    publication: &Publication<'_>,
) -> super::sequence::Attempt {
    use super::sequence::{Attempt, sequence};
    let Publication { root, head: [a, b, c, d], line, cell, current, exchange } = *publication;
    let two = |low: u64, high: u64| u128::from(low) | u128::from(high) << 64;
    // SAFETY: sixteen bytes are sixteen bytes.
    let heads: [__m128i; 2] = unsafe { core::mem::transmute([two(a, b), two(c, d)]) };
    let (mut seen, mut outcome) = (exchange.0, rseq);
    // A locked instruction is SeqCst, all stores are Release here, and the compiler moves nothing
    // past this.
    // SAFETY: glibc has registered what is at the offset; all areas are as long as their types say,
    // and the copies are the caller's to write.
    unsafe {
        sequence! {
            rseq: inout outcome, word: word, expected: expected,
            inside: [
                "jne 26f",
                "movups [{into}], {head}",
                "movups [{into} + 16], {more}",
                "movups {bytes}, [{from} + 32]; movups [{into} + 32], {bytes}",
                "movups {bytes}, [{from} + 48]; movups [{into} + 48], {bytes}",
                "movups {bytes}, [{from} + 64]; movups [{into} + 64], {bytes}",
                "movups {bytes}, [{from} + 80]; movups [{into} + 80], {bytes}",
                "movups {bytes}, [{line}]; movups [{copy}], {bytes}",
                "movups {bytes}, [{line} + 16]; movups [{copy} + 16], {bytes}",
                "movups {bytes}, [{line} + 32]; movups [{copy} + 32], {bytes}",
                "movups {bytes}, [{line} + 48]; movups [{copy} + 48], {bytes}",
                "mov [{at}], {value}",
                "lock cmpxchg [{current}], {next}",
                "23: mov {rseq:e}, 1",
                "27:",
            ],
            outside: [
                "26: xor {rseq:e}, {rseq:e}; jmp 27b",
                "28: mov {rseq:e}, 2; jmp 27b",
            ],
            interrupted: "28b",
            from = in(reg) root.0.as_ptr(),
            into = in(reg) root.1.as_ptr(),
            head = in(xmm_reg) heads[0],
            more = in(xmm_reg) heads[1],
            line = in(reg) line.0.as_ptr(),
            copy = in(reg) line.1.as_ptr(),
            at = in(reg) line.1.as_ptr().wrapping_add(cell.0 % line.1.len()),
            value = in(reg) cell.1,
            current = in(reg) current,
            next = in(reg) exchange.1,
            bytes = out(xmm_reg) _,
            inout("rax") seen,
        }
    }
    match outcome {
        COMPARED if seen == exchange.0 => Attempt::Done,
        INTERRUPTED => Attempt::Interrupted(0),
        _ => Attempt::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words<const COUNT: usize>(first: u64) -> [AtomicU64; COUNT] {
        core::array::from_fn(|number| AtomicU64::new(first + number as u64))
    }

    fn values(words: &[AtomicU64]) -> Vec<u64> {
        words.iter().map(|word| word.load(Ordering::Relaxed)).collect()
    }

    #[test]
    fn all_is_copied_changed_and_exchanged() {
        crate::os::cpu::init();
        let (condition, current) = (AtomicU64::new(7), AtomicU64::new(1));
        let (root, new_root, line, new_line) = (words(100), words(0), words(200), words(0));
        let publication = Publication {
            root: (&root, &new_root),
            head: [1, 2, 3, 4],
            line: (&line, &new_line),
            cell: (5, 9),
            current: &current,
            exchange: (1, 2),
        };
        let other = Publication { exchange: (5, 6), ..publication };
        assert!(!publish_while((&condition, 8), &publication));
        assert!(!publish_while((&condition, 7), &other));
        assert_eq!(current.load(Ordering::Relaxed), 1);
        for publish in [publish_while, publish_if] {
            current.store(1, Ordering::Relaxed);
            assert!(publish((&condition, 7), &publication));
            assert_eq!(current.load(Ordering::Relaxed), 2);
            let expected = [1, 2, 3, 4, 104, 105, 106, 107, 108, 109, 110, 111];
            assert_eq!(values(&new_root), expected);
            assert_eq!(values(&new_line), [200, 201, 202, 203, 204, 9, 206, 207]);
            new_root.iter().chain(&new_line).for_each(|word| word.store(0, Ordering::Relaxed));
        }
    }
}
