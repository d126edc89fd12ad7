//! A message in one sequence: its bytes are copied, and then two stores commit that.
//!
//! The sequence is not taken up where it was interrupted, and the caller begins anew in the
//! general way. By then all of it may have happened but the last store, which gives the claim back.
//! So to do it again must be harmless: a claimant of a slot reads what is there, and copies the
//! same bytes.

#[cfg(target_arch = "x86_64")]
use core::arch::asm;
#[cfg(target_arch = "x86_64")]
use core::arch::x86_64::__m128i;

#[cfg(target_arch = "x86_64")]
use super::sequence::sequence;
use crate::atomic::{AtomicU32, AtomicU64};

/// The shortest and the longest body, in bytes. A shorter one would need other instructions; for a
/// longer one, a copy in larger pieces makes up for more than one sequence.
#[cfg(target_arch = "x86_64")]
const LENGTHS: core::ops::RangeInclusive<usize> = 16..=256;

/// Whether messages can be committed so, where the architecture has sequences: the C library has
/// registered the threads. Does not change once the library is loaded.
pub fn is_possible() -> bool {
    !cfg!(target_arch = "x86_64") || crate::os::cpu::rseq_offset().is_some()
}

/// A body, and where it goes.
#[derive(Clone, Copy)]
pub struct Body {
    /// From where.
    pub from: *const u8,
    /// To where.
    pub into: *mut u8,
    /// Bytes.
    pub length: usize,
}

impl Body {
    /// Whether one of so many bytes is copied and committed by one sequence, if not in parts.
    #[inline(always)]
    pub fn is_short(length: usize) -> bool {
        #[cfg(target_arch = "x86_64")]
        return LENGTHS.contains(&length);
        #[cfg(not(target_arch = "x86_64"))]
        return length <= 256;
    }
}

/// What commits a message: a key is stored, and then 0 to a claim.
#[derive(Clone, Copy)]
pub struct Commit<'a> {
    /// Where the key goes.
    pub key: &'a AtomicU64,
    /// The claim.
    pub claim: &'a AtomicU32,
}

/// The sequence, with what is stored first, and the store of the key. Leaves the function with
/// false if it is interrupted.
#[cfg(target_arch = "x86_64")]
macro_rules! copy_and_commit {
    (
        [$($first:literal,)*], key: $store_key:literal,
        condition: $condition:expr, body: $body:expr, commit: $commit:expr, $($operands:tt)*
    ) => {
        let rseq = crate::os::cpu::known_rseq_offset();
        sequence! {
            rseq: in rseq, word: $condition.0, expected: $condition.1,
            inside: [
                "jne {undone}",
                $($first,)*
                // The first and the last 16 bytes, and then those between, from the end.
                "movups {bytes}, [{from}]",
                "movups [{into}], {bytes}",
                "movups {bytes}, [{from} + {left} - 16]",
                "movups [{into} + {left} - 16], {bytes}",
                "sub {left}, 32",
                "jbe 26f",
                "25: movups {bytes}, [{from} + {left}]",
                "movups [{into} + {left}], {bytes}",
                "sub {left}, 16",
                "ja 25b",
                "26:",
                $store_key,
                "mov dword ptr [{claim}], 0",
                "23:",
            ],
            outside: [],
            interrupted: "{undone}",
            from = in(reg) $body.from,
            into = in(reg) $body.into,
            left = inout(reg) $body.length => _,
            bytes = out(xmm_reg) _,
            key = in(reg) $commit.key,
            claim = in(reg) $commit.claim,
            undone = label { return false },
            $($operands)*
        }
    };
}

/// Writes a head `BEFORE` bytes in front of where the body goes, copies the body, and stores this
/// key, while the word holds what is expected. Release. False: it does not, or the sequence has
/// been interrupted; see the module.
///
/// # Safety
/// Sequences are possible, and the body is a short one. The head is valid for writing, the body for
/// as many bytes as it has; nothing overlaps.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub unsafe fn write_and_commit<const BEFORE: usize>(
    condition: (&AtomicU64, u64),
    head: u128,
    body: Body,
    commit: Commit<'_>,
    key: u64,
) -> bool {
    // SAFETY: sixteen bytes are sixteen bytes.
    let head: __m128i = unsafe { core::mem::transmute(head) };
    // All stores are Release on this architecture, and the compiler moves none past this.
    // SAFETY: glibc has registered what is at the offset, says the caller, as the rest.
    unsafe {
        copy_and_commit! {
            ["movups [{into} - {before}], {head}",], key: "mov [{key}], {new_key}",
            condition: condition, body: body, commit: commit,
            head = in(xmm_reg) head,
            before = const BEFORE,
            new_key = in(reg) key,
        }
    }
    true
}

/// Copies the body, and stores 0 to the key, while the word holds what is expected. Release. False
/// as above.
///
/// # Safety
/// Sequences are possible, and the body is a short one, and valid for as many bytes as it has;
/// nothing overlaps.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub unsafe fn read_and_commit(
    condition: (&AtomicU64, u64),
    body: Body,
    commit: Commit<'_>,
) -> bool {
    // SAFETY: glibc has registered what is at the offset, says the caller, as the rest.
    unsafe {
        copy_and_commit! {
            [], key: "mov qword ptr [{key}], 0", condition: condition, body: body, commit: commit,
        }
    }
    true
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;
    use crate::atomic::Ordering;

    const HEAD: [u8; 16] = *b"in front of them";

    /// Room for the longest body, and bytes around it that must stay.
    const SIZE: usize = 16 + 256 + 16;

    struct Words {
        condition: AtomicU64,
        key: AtomicU64,
        claim: AtomicU32,
    }

    impl Words {
        fn new() -> Self {
            crate::os::cpu::init();
            Self { condition: AtomicU64::new(7), key: AtomicU64::new(1), claim: AtomicU32::new(2) }
        }

        fn commit(&self) -> Commit<'_> {
            Commit { key: &self.key, claim: &self.claim }
        }

        fn are(&self, key: u64, claim: u32) -> bool {
            (self.key.load(Ordering::Relaxed), self.claim.load(Ordering::Relaxed)) == (key, claim)
        }
    }

    /// Whether glibc has registered the thread: without that there are no sequences.
    fn has_sequences() -> bool {
        crate::os::cpu::init();
        crate::os::cpu::rseq_offset().is_some()
    }

    fn bytes() -> Vec<u8> {
        (1..=u8::MAX).cycle().take(SIZE).collect()
    }

    /// A handler that comes in the middle makes it false, so it is tried again.
    fn until_done(mut attempt: impl FnMut() -> bool) {
        while !attempt() {}
    }

    /// So many bytes, behind the head, and nothing else.
    fn assert_copied(from: &[u8], head: &[u8; 16], into: &[u8], length: usize) {
        let (body, behind) = into[16..].split_at(length);
        assert_eq!(body, &from[..length], "{length}");
        assert_eq!(&into[..16], head, "{length}");
        assert!(behind.iter().all(|byte| *byte == 0), "{length}");
    }

    #[test]
    fn a_message_of_each_length_is_written_and_committed() {
        let from = bytes();
        for length in LENGTHS.filter(|_| has_sequences()) {
            let (words, mut into) = (Words::new(), vec![0; SIZE]);
            let body = Body { from: from.as_ptr(), into: into[16..].as_mut_ptr(), length };
            assert!(Body::is_short(length));
            let head = u128::from_ne_bytes(HEAD);
            // SAFETY: all are large enough.
            until_done(|| unsafe {
                write_and_commit::<16>((&words.condition, 7), head, body, words.commit(), 3)
            });
            assert!(words.are(3, 0), "{length}");
            assert_copied(&from, &HEAD, &into, length);
        }
    }

    #[test]
    fn a_message_of_each_length_is_read_and_committed() {
        let from = bytes();
        for length in LENGTHS.filter(|_| has_sequences()) {
            let (words, mut into) = (Words::new(), vec![0; SIZE]);
            let body = Body { from: from.as_ptr(), into: into[16..].as_mut_ptr(), length };
            // SAFETY: both are large enough.
            until_done(|| unsafe { read_and_commit((&words.condition, 7), body, words.commit()) });
            assert!(words.are(0, 0), "{length}");
            assert_copied(&from, &[0; 16], &into, length);
        }
    }

    #[test]
    fn another_process_writes_nothing() {
        if !has_sequences() {
            return;
        }
        let (words, mut into) = (Words::new(), vec![0; SIZE]);
        let from = bytes();
        let body = Body { from: from.as_ptr(), into: into[16..].as_mut_ptr(), length: 64 };
        let (condition, head) = ((&words.condition, 8), u128::from_ne_bytes(HEAD));
        // SAFETY: all are large enough; the bytes are not read.
        unsafe {
            assert!(!write_and_commit::<16>(condition, head, body, words.commit(), 3));
            assert!(!read_and_commit((&words.condition, 8), body, words.commit()));
        }
        assert!(words.are(1, 2) && into == [0; SIZE]);
    }

    #[test]
    fn shorter_and_longer_ones_are_not_for_one_sequence() {
        assert!([0, 15, 257].into_iter().all(|length| !Body::is_short(length)));
    }
}
