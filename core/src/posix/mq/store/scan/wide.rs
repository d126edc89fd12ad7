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
    _mm256_add_epi64, _mm256_andnot_si256, _mm256_blendv_epi8, _mm256_castsi256_si128,
    _mm256_cmpeq_epi64, _mm256_cmpgt_epi64, _mm256_extracti128_si256, _mm256_or_si256,
    _mm256_set1_epi64x, _mm256_setr_epi64x, _mm256_setzero_si256, _mm256_testz_si256,
    _mm256_xor_si256,
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

impl<const STRIDE: usize> Words<STRIDE> {
    /// Four of them. By inline assembly, because other threads store there.
    ///
    /// # Safety
    /// There are four from this one on.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn four(self, number: usize) -> __m256i {
        const { assert!(STRIDE == 1 || STRIDE == 2) };
        let four: __m256i;
        // One index for all of them, as the address.
        let at = number * STRIDE;
        if STRIDE == 1 {
            // SAFETY: four words, says the caller.
            unsafe {
                asm!("vmovdqu {four}, [{first} + {at} * 8]",
                    four = out(ymm_reg) four, first = in(reg) self.first, at = in(reg) at,
                    options(nostack, preserves_flags, readonly));
            }
        } else {
            // SAFETY: four pairs of words, says the caller: twice four words in a row.
            unsafe {
                asm!("vmovdqu {four}, [{first} + {at} * 8]",
                    "vpunpcklqdq {four}, {four}, [{first} + {at} * 8 + 32]",
                    four = out(ymm_reg) four, first = in(reg) self.first, at = in(reg) at,
                    options(nostack, preserves_flags, readonly));
            }
        }
        four
    }

    /// Which of the four words is in which lane of what [`Self::four`] gives.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn places() -> __m256i {
        if STRIDE == 1 { _mm256_setr_epi64x(0, 1, 2, 3) } else { _mm256_setr_epi64x(0, 2, 1, 3) }
    }
}

/// Words, and the index of each.
#[derive(Clone, Copy)]
struct Indexed<T> {
    words: T,
    indices: T,
}

/// The larger one of each lane, as signed integers.
#[inline]
#[target_feature(enable = "avx2")]
fn larger(one: Indexed<__m256i>, other: Indexed<__m256i>) -> Indexed<__m256i> {
    let is_larger = _mm256_cmpgt_epi64(one.words, other.words);
    Indexed {
        words: _mm256_blendv_epi8(other.words, one.words, is_larger),
        indices: _mm256_blendv_epi8(other.indices, one.indices, is_larger),
    }
}

/// The same of two lanes.
#[inline]
#[target_feature(enable = "avx2")]
fn larger_of_two(one: Indexed<__m128i>, other: Indexed<__m128i>) -> Indexed<__m128i> {
    let is_larger = _mm_cmpgt_epi64(one.words, other.words);
    Indexed {
        words: _mm_blendv_epi8(other.words, one.words, is_larger),
        indices: _mm_blendv_epi8(other.indices, one.indices, is_larger),
    }
}

/// The largest of four signed integers, and its index.
#[inline]
#[target_feature(enable = "avx2")]
fn largest_of(Indexed { words, indices }: Indexed<__m256i>) -> (i64, i64) {
    let low = |four| _mm256_castsi256_si128(four);
    let high = |four| _mm256_extracti128_si256::<1>(four);
    let two = larger_of_two(
        Indexed { words: low(words), indices: low(indices) },
        Indexed { words: high(words), indices: high(indices) },
    );
    let second = |two| _mm_unpackhi_epi64(two, two);
    let second = Indexed { words: second(two.words), indices: second(two.indices) };
    let one = larger_of_two(two, second);
    (_mm_cvtsi128_si64(one.words), _mm_cvtsi128_si64(one.indices))
}

/// This number in each lane.
#[inline]
#[target_feature(enable = "avx2")]
fn each(number: usize) -> __m256i {
    _mm256_set1_epi64x((number as u64).cast_signed())
}

/// The largest word, and its index; words that are `ignored`, if any, count as 0.
///
/// # Safety
/// The processor has AVX2, and the words are valid for reading.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn largest<const STRIDE: usize>(words: Words<STRIDE>, ignored: Option<u64>) -> (usize, u64) {
    let sign = _mm256_set1_epi64x(SIGN);
    let ignored = ignored.map(|word| _mm256_set1_epi64x(word.cast_signed()));
    let mut largest = Indexed { words: sign, indices: _mm256_setzero_si256() };
    let mut look = |number: usize, indices: __m256i| {
        // SAFETY: as the caller says.
        let mut words = unsafe { words.four(number) };
        if let Some(ignored) = ignored {
            words = _mm256_andnot_si256(_mm256_cmpeq_epi64(words, ignored), words);
        }
        largest = larger(Indexed { words: _mm256_xor_si256(words, sign), indices }, largest);
    };
    let places = Words::<STRIDE>::places();
    let mut indices = places;
    let (mut next, last) = (0, words.count - TOGETHER);
    while next <= last {
        look(next, indices);
        next += TOGETHER;
        indices = _mm256_add_epi64(indices, each(TOGETHER));
    }
    if !words.count.is_multiple_of(TOGETHER) {
        look(last, _mm256_add_epi64(places, each(last)));
    }
    let (word, number) = largest_of(largest);
    (usize::try_from(number).unwrap_or(0), (word ^ SIGN).cast_unsigned())
}

/// The largest key but for this one.
///
/// # Safety
/// As for [`largest`].
#[target_feature(enable = "avx2")]
pub(super) unsafe fn largest_key(keys: Words<1>, ignored: u64) -> (usize, u64) {
    // SAFETY: as the caller says.
    unsafe { largest(keys, Some(ignored)) }
}

/// The largest value of a node.
///
/// # Safety
/// As for [`largest`].
#[target_feature(enable = "avx2")]
pub(super) unsafe fn largest_value(nodes: Words<2>) -> (usize, u64) {
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
    let mut found = _mm256_setzero_si256();
    let mut look = |number: usize| {
        // SAFETY: as the caller says.
        let four = _mm256_xor_si256(unsafe { words.four(number) }, sign);
        found = _mm256_or_si256(found, _mm256_cmpgt_epi64(four, than));
    };
    let last = words.count - TOGETHER;
    (0..=last).step_by(TOGETHER).for_each(&mut look);
    look(last);
    _mm256_testz_si256(found, found) == 0
}
