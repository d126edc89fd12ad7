//! Looks at many words with AVX2, four at a time. The last four may include words that have been
//! looked at already: seeing a word twice does not change an answer.
//!
//! A processor reads each of the four, which are aligned, at once, as it reads a word alone. What
//! is found is a hint all the same: a thread that claims a slot reads its key again.
//!
//! A load of four words that follows a store to one of them waits until the store has reached the
//! cache. So these looks are for words that were changed by locked instructions, or a while ago;
//! for the few keys of a queue without a tree they were slower than a comparison each.

use core::arch::asm;
use core::arch::x86_64::{
    __m128i, __m256i, _mm_blendv_epi8, _mm_cmpgt_epi64, _mm_cvtsi128_si64, _mm_unpackhi_epi64,
    _mm256_andnot_si256, _mm256_blendv_pd, _mm256_castpd_si256, _mm256_castsi256_pd,
    _mm256_castsi256_si128, _mm256_cmpeq_epi64, _mm256_cmpgt_epi64, _mm256_extracti128_si256,
    _mm256_movemask_pd, _mm256_or_si256, _mm256_set1_epi64x, _mm256_testz_si256,
    _mm256_unpacklo_epi64, _mm256_xor_si256,
};

/// Words that are looked at together.
pub(super) const TOGETHER: usize = 4;

/// Comparisons are signed: with this bit turned over they are those of unsigned integers.
const SIGN: i64 = i64::MIN;

/// Words that other threads store to: each `STRIDE`th one counts.
#[derive(Clone, Copy)]
pub(super) struct Words<const STRIDE: usize> {
    pub(super) first: *const u64,
    /// How many count: four or more.
    pub(super) count: usize,
}

/// Does this with the index of the first of each four of these words.
macro_rules! each_four {
    ($number:ident of $words:ident, $body:block) => {
        let (mut next, last) = (0, $words.count - TOGETHER);
        while next <= last {
            let $number = next;
            next += TOGETHER;
            $body
        }
        if next != $words.count {
            let $number = last;
            $body
        }
    };
}

impl<const STRIDE: usize> Words<STRIDE> {
    /// Four of them.
    ///
    /// # Safety
    /// There are four from this one on.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn four(self, number: usize) -> __m256i {
        // SAFETY: within the words, says the caller.
        let at = unsafe { self.first.add(number * STRIDE) };
        if STRIDE == 1 {
            // SAFETY: four words, says the caller.
            return unsafe { read(at) };
        }
        const { assert!(STRIDE == 1 || STRIDE == 2) };
        // SAFETY: four pairs of words, says the caller: twice four words in a row.
        unsafe { _mm256_unpacklo_epi64(read(at), read(at.add(TOGETHER))) }
    }

    /// Which of four words is in this place of what [`Self::four`] gives.
    #[inline(always)]
    fn place(lane: usize) -> usize {
        if STRIDE == 1 { lane } else { lane % 2 * 2 + lane / 2 }
    }
}

/// Four words in a row. By inline assembly, because other threads store there.
///
/// # Safety
/// They are valid for reading.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn read(at: *const u64) -> __m256i {
    let four: __m256i;
    // SAFETY: valid, says the caller.
    unsafe {
        asm!("vmovdqu {}, [{}]", out(ymm_reg) four, in(reg) at,
            options(nostack, preserves_flags, readonly));
    }
    four
}

#[inline]
#[target_feature(enable = "avx2")]
fn larger(one: __m256i, other: __m256i) -> __m256i {
    let [mask, one, other] =
        [_mm256_cmpgt_epi64(one, other), one, other].map(|words| _mm256_castsi256_pd(words));
    _mm256_castpd_si256(_mm256_blendv_pd(other, one, mask))
}

/// The largest of four signed integers.
#[inline]
#[target_feature(enable = "avx2")]
fn largest_of(four: __m256i) -> i64 {
    let two = larger_of_two(_mm256_castsi256_si128(four), _mm256_extracti128_si256::<1>(four));
    _mm_cvtsi128_si64(larger_of_two(two, _mm_unpackhi_epi64(two, two)))
}

#[inline]
#[target_feature(enable = "avx2")]
fn larger_of_two(one: __m128i, other: __m128i) -> __m128i {
    _mm_blendv_epi8(other, one, _mm_cmpgt_epi64(one, other))
}

/// The largest word, and its index; words that are `ignored`, if any, count as 0. `None`: it has
/// changed meanwhile.
///
/// # Safety
/// The processor has AVX2, and the words are valid for reading.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn largest<const STRIDE: usize>(
    words: Words<STRIDE>,
    ignored: Option<u64>,
) -> Option<(usize, u64)> {
    let sign = _mm256_set1_epi64x(SIGN);
    let ignored = ignored.map(|word| _mm256_set1_epi64x(word.cast_signed()));
    let mut largest = sign;
    each_four!(number of words, {
        // SAFETY: as the caller says.
        let mut four = unsafe { words.four(number) };
        if let Some(ignored) = ignored {
            four = _mm256_andnot_si256(_mm256_cmpeq_epi64(four, ignored), four);
        }
        largest = larger(_mm256_xor_si256(four, sign), largest);
    });
    let largest = largest_of(largest) ^ SIGN;
    if largest == 0 {
        return Some((0, 0));
    }
    let wanted = _mm256_set1_epi64x(largest);
    each_four!(number of words, {
        // SAFETY: as the caller says.
        let found = _mm256_cmpeq_epi64(unsafe { words.four(number) }, wanted);
        let lanes = _mm256_movemask_pd(_mm256_castsi256_pd(found));
        if lanes != 0 {
            let place = Words::<STRIDE>::place(lanes.trailing_zeros() as usize);
            return Some((number + place, largest.cast_unsigned()));
        }
    });
    None
}

/// The largest key but for this one.
///
/// # Safety
/// As for [`largest`].
#[target_feature(enable = "avx2")]
pub(super) unsafe fn largest_key(keys: Words<1>, ignored: u64) -> Option<(usize, u64)> {
    // SAFETY: as the caller says.
    unsafe { largest(keys, Some(ignored)) }
}

/// The largest value of a node.
///
/// # Safety
/// As for [`largest`].
#[target_feature(enable = "avx2")]
pub(super) unsafe fn largest_value(nodes: Words<2>) -> Option<(usize, u64)> {
    // SAFETY: as the caller says.
    unsafe { largest(nodes, None) }
}

/// Whether one of these words is larger than this one.
///
/// # Safety
/// As for [`largest`].
#[target_feature(enable = "avx2")]
pub(super) unsafe fn has_larger<const STRIDE: usize>(words: Words<STRIDE>, than: u64) -> bool {
    let sign = _mm256_set1_epi64x(SIGN);
    let than = _mm256_set1_epi64x(than.cast_signed() ^ SIGN);
    let mut found = _mm256_set1_epi64x(0);
    each_four!(number of words, {
        // SAFETY: as the caller says.
        let four = _mm256_xor_si256(unsafe { words.four(number) }, sign);
        found = _mm256_or_si256(found, _mm256_cmpgt_epi64(four, than));
    });
    _mm256_testz_si256(found, found) == 0
}
