//! Stores that the child of a fork in a signal handler cannot make (rseq(2)).
//!
//! A handler may fork just before the interrupted code stores to shared memory. When the handler
//! returns in the child, the child would make a store that only its parent may make. Checking a
//! word that differs in the child is not enough: the handler may run between the check and the
//! store. The kernel restarts a *restartable sequence* whenever the thread was preempted in it, or
//! has handled a signal; then the check is repeated.
//!
//! A sequence that is interrupted again and again is not tried for ever: a thread that a debugger
//! steps through is interrupted after each instruction. Then its signals are held back for one
//! check and its stores.
//!
//! glibc registers for each thread what the kernel needs, from version 2.35 on. Without that, and
//! on other architectures, there is a check before each store, and a window of a few instructions
//! is left.

#[cfg(target_arch = "x86_64")]
mod call;
mod message;
mod publish;
#[cfg(target_arch = "x86_64")]
mod sequence;

use core::ptr;

#[cfg(target_arch = "x86_64")]
pub use self::call::{Ended, NOT_BEGUN, RESTARTED, rsipc_guarded_sleep};
pub use self::message::{Body, Commit, is_possible};
#[cfg(target_arch = "x86_64")]
pub use self::message::{read_and_commit, write_and_commit};
pub use self::publish::publish_while;
#[cfg(target_arch = "x86_64")]
use self::sequence::Attempt;

use crate::atomic::{AtomicU32, AtomicU64, Ordering, compiler_fence};
#[cfg(target_arch = "x86_64")]
use crate::os::errno::preserved;
#[cfg(target_arch = "x86_64")]
use crate::os::signals::Blocked;

/// So often a sequence is tried that the kernel interrupts each time. That happens to a thread that
/// is preempted once in a while, and the others make no system call.
#[cfg(target_arch = "x86_64")]
const TRIES: usize = 4;

/// Tries a sequence again that has been interrupted. If it is in vain, `act` makes the stores, and
/// no handler can come between them.
#[cfg(target_arch = "x86_64")]
#[cold]
fn again(sequence: impl Fn() -> Attempt, act: impl FnOnce() -> bool) -> bool {
    for _ in 1..TRIES {
        match sequence() {
            Attempt::Done => return true,
            Attempt::Other => return false,
            Attempt::Interrupted(_) => {}
        }
    }
    undisturbed(act)
}

#[cfg(target_arch = "x86_64")]
fn undisturbed<R>(act: impl FnOnce() -> R) -> R {
    let blocked = preserved(Blocked::all_but_faults);
    let result = act();
    preserved(|| drop(blocked));
    result
}

/// Stores to both words, the key first, if the word holds `expected`. False: it does not, or no
/// longer after the first of the two. Release.
#[inline(always)]
pub fn store_both_while(
    word: &AtomicU64,
    expected: u64,
    key: (&AtomicU64, u64),
    claim: (&AtomicU32, u32),
) -> bool {
    #[cfg(target_arch = "x86_64")]
    if let Some(rseq) = super::cpu::rseq_offset() {
        return match sequence::store_both_while(rseq, word, expected, key, claim) {
            Attempt::Done => true,
            Attempt::Other => false,
            Attempt::Interrupted(_) => store_both_again(rseq, word, expected, key, claim),
        };
    }
    store_both_if(word, expected, key, claim)
}

#[cfg(target_arch = "x86_64")]
#[cold]
#[inline(never)]
fn store_both_again(
    rseq: isize,
    word: &AtomicU64,
    expected: u64,
    key: (&AtomicU64, u64),
    claim: (&AtomicU32, u32),
) -> bool {
    again(
        || sequence::store_both_while(rseq, word, expected, key, claim),
        || store_both_if(word, expected, key, claim),
    )
}

#[cfg_attr(target_arch = "x86_64", cold, inline(never))]
fn store_both_if(
    word: &AtomicU64,
    expected: u64,
    key: (&AtomicU64, u64),
    claim: (&AtomicU32, u32),
) -> bool {
    let is_same = word.load(Ordering::Relaxed) == expected;
    if is_same {
        key.0.store(key.1, Ordering::Release);
        claim.0.store(claim.1, Ordering::Release);
    }
    is_same
}

/// Exchanges a word, if another one holds `expected`. False: that one does not, or this one does
/// not hold `before`. SeqCst.
#[inline(always)]
pub fn exchange_while(
    condition: (&AtomicU64, u64),
    place: &AtomicU64,
    (before, after): (u64, u64),
) -> bool {
    #[cfg(target_arch = "x86_64")]
    if let Some(rseq) = super::cpu::rseq_offset() {
        return match sequence::exchange_while(rseq, condition, place, (before, after)) {
            Attempt::Done => true,
            Attempt::Other => false,
            Attempt::Interrupted(_) => exchange_again(rseq, condition, place, (before, after)),
        };
    }
    exchange_if(condition, place, (before, after))
}

#[cfg(target_arch = "x86_64")]
#[cold]
#[inline(never)]
fn exchange_again(
    rseq: isize,
    condition: (&AtomicU64, u64),
    place: &AtomicU64,
    exchange: (u64, u64),
) -> bool {
    again(
        || sequence::exchange_while(rseq, condition, place, exchange),
        || exchange_if(condition, place, exchange),
    )
}

#[cfg_attr(target_arch = "x86_64", cold, inline(never))]
fn exchange_if(
    (word, expected): (&AtomicU64, u64),
    place: &AtomicU64,
    (before, after): (u64, u64),
) -> bool {
    word.load(Ordering::Relaxed) == expected
        && place.compare_exchange(before, after, Ordering::SeqCst, Ordering::Relaxed).is_ok()
}

/// Bytes that are stored at once: no fewer are written.
const CHUNK: usize = 16;

/// Sixteen bytes in front of what is copied, as one integer that fits in a register, and where they
/// go.
pub type Head = (u128, *mut [u8; 16]);

/// A head of two words, made in registers: storing it in parts and loading it as a whole would cost
/// as much as the rest of a message (a failed store-to-load forward).
#[inline(always)]
pub fn two_words(first: u64, second: u64) -> u128 {
    let (low, high) =
        if cfg!(target_endian = "little") { (first, second) } else { (second, first) };
    u128::from(low) | u128::from(high) << u64::BITS
}

/// Writes the head and copies the body behind it, as long as the word holds `expected`. False: it
/// does not, and an unknown part has been written.
///
/// # Safety
/// `head.1` is valid for writing, `from` for reading `length` bytes, and `into` for writing so
/// many, or 16 if they are fewer. None overlap.
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
    // SAFETY: as the caller says.
    unsafe { write_in_chunks((word, expected), head, from, into, length) }
}

/// # Safety
/// As `write_while`.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn write_in_sequences(
    rseq: isize,
    condition: (&AtomicU64, u64),
    head: Head,
    mut from: *const u8,
    into: *mut u8,
    mut length: usize,
) -> bool {
    let mut short = [0_u8; CHUNK];
    if length < CHUNK {
        // SAFETY: as the caller says; no other thread uses our own memory.
        unsafe { ptr::copy_nonoverlapping(from, short.as_mut_ptr(), length) };
        (from, length) = (short.as_ptr(), CHUNK);
    }
    // SAFETY: as the caller says; glibc has registered what is at this offset.
    match unsafe { sequence::write_while(rseq, condition, head, from, into, length) } {
        Attempt::Done => true,
        Attempt::Other => false,
        // SAFETY: what is left of what the caller vouches for.
        Attempt::Interrupted(left) => unsafe {
            continue_sequences(rseq, condition, head, (from, into), (length, left))
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
    condition: (&AtomicU64, u64),
    head: Head,
    (from, into): (*const u8, *mut u8),
    (length, left): (usize, usize),
) -> bool {
    // What has been copied more than once was the same.
    let (mut at, mut was_at) = ((length - left).min(length - CHUNK), usize::MAX);
    loop {
        let left = length - at;
        // SAFETY: a part of what the caller vouches for.
        let (from, into) = unsafe { (from.add(at), into.add(at)) };
        if at == was_at {
            // No further than before.
            return undisturbed(|| {
                let is_same = condition.0.load(Ordering::Relaxed) == condition.1;
                if is_same {
                    // SAFETY: as the caller says; a part of what it vouches for.
                    unsafe {
                        head.1.write(head.0.to_ne_bytes());
                        ptr::copy_nonoverlapping(from, into, left);
                    }
                }
                is_same
            });
        }
        was_at = at;
        // SAFETY: that part has 16 bytes or more; glibc has registered what is at the offset.
        match unsafe { sequence::write_while(rseq, condition, head, from, into, left) } {
            Attempt::Done => return true,
            Attempt::Other => return false,
            Attempt::Interrupted(left) => at = (length - left).min(length - CHUNK),
        }
    }
}

/// Without the kernel's help: one store after each look.
///
/// # Safety
/// As `write_while`.
#[cfg_attr(target_arch = "x86_64", cold, inline(never))]
unsafe fn write_in_chunks(
    (word, expected): (&AtomicU64, u64),
    head: Head,
    mut from: *const u8,
    into: *mut u8,
    mut length: usize,
) -> bool {
    let is_same = || {
        // The compiler leaves each store between the looks that it stands between.
        compiler_fence(Ordering::SeqCst);
        let is_same = word.load(Ordering::Relaxed) == expected;
        compiler_fence(Ordering::SeqCst);
        is_same
    };
    let mut short = [0_u8; CHUNK];
    if length < CHUNK {
        // SAFETY: as the caller says; no other thread uses our own memory.
        unsafe { ptr::copy_nonoverlapping(from, short.as_mut_ptr(), length) };
        (from, length) = (short.as_ptr(), CHUNK);
    }
    if !is_same() {
        return false;
    }
    // SAFETY: as the caller says.
    unsafe { head.1.write(head.0.to_ne_bytes()) };
    // The last part first, as in the sequences: then all the others are whole.
    let (last, mut at) = (length - CHUNK, 0);
    let mut part = last;
    while is_same() {
        // SAFETY: a part of what the caller vouches for.
        unsafe { ptr::copy_nonoverlapping(from.add(part), into.add(part), CHUNK) };
        if at >= last {
            return is_same();
        }
        part = at;
        at += CHUNK;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: [u8; 16] = *b"in front of them";

    /// What is written of the first `length` bytes, with so many bytes behind it.
    fn written(expected: u64, from: &[u8], length: usize) -> (bool, [u8; 16], Vec<u8>) {
        let word = AtomicU64::new(7);
        let (mut head, mut into) = ([0; 16], vec![0; length.max(16) + 16]);
        let at = (u128::from_ne_bytes(HEAD), &raw mut head);
        // SAFETY: all are large enough.
        let done =
            unsafe { write_while((&word, expected), at, from.as_ptr(), into.as_mut_ptr(), length) };
        (done, head, into)
    }

    #[test]
    fn all_bytes_are_copied_and_none_behind_them() {
        super::super::cpu::init();
        let from: Vec<u8> = (0..=255).cycle().take(70_000).collect();
        for length in [0, 1, 15, 16, 17, 31, 32, 33, 255, 256, 257, 1000, 4095, 4096, 5000, 70_000]
        {
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
    fn a_word_is_exchanged_while_another_one_is_as_expected() {
        super::super::cpu::init();
        let (word, place) = (AtomicU64::new(7), AtomicU64::new(1));
        assert!(!exchange_while((&word, 8), &place, (1, 2)));
        assert!(!exchange_while((&word, 7), &place, (3, 2)));
        assert_eq!(place.load(Ordering::Relaxed), 1);
        assert!(exchange_while((&word, 7), &place, (1, 2)));
        assert_eq!(place.load(Ordering::Relaxed), 2);
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
