//! What access to an object a process was last found to have, so that an operation does not ask the
//! kernel again while nothing has changed.
//!
//! An answer is five words. Threads write and read them without a lock, and each word says of which
//! answer it is a part: words of two answers are never taken for one. So it does no harm if threads
//! write at the same time, if a handler that writes interrupts one of them, or whatever a child of
//! fork inherits: at worst the kernel is asked once more.

use crate::atomic::{AtomicU32, AtomicU64, Ordering};

/// What an answer is about. It holds for nothing else.
#[derive(Clone, Copy)]
pub struct Subject {
    /// The owner of the object: user | group << 32.
    pub owner: u64,
    /// Its mode, in 9 bits. Others do not matter.
    pub mode: u64,
    /// The credentials: `credentials::generation`.
    pub generation: u32,
    /// Seconds of CLOCK_REALTIME.
    pub now: u64,
}

/// The last answer, if access was granted. Refusals are not kept.
///
/// | word | its value, in the lower half |
/// |---|---|
/// | 0 | the user who owns the object |
/// | 1 | its group |
/// | 2 | the generation of the credentials |
/// | 3 | the second in which it was asked |
/// | 4 | bits 0..9 the mode, 12..15 what is granted, 16 the process cannot change its credentials |
///
/// The upper half is the sequence number of the answer, the same in all five. The words change in
/// any order, by any thread that has asked.
///
/// All accesses are Relaxed. Two words with one sequence number were stored by one thread for one
/// answer, so they belong together, in whatever order they were stored. A sequence number comes
/// again after 2^32 answers, each of which takes system calls; a thread would have to be stopped
/// for all of them in the midst of its stores.
#[derive(Default)]
pub struct Verdict {
    words: [AtomicU64; 5],
    /// Sequence sequences that have been given out. Relaxed: each is given out once.
    sequences: AtomicU32,
}

/// The half that is the value.
const VALUE: u64 = u32::MAX as u64;
const SEQUENCE_SHIFT: u32 = 32;
const MODE: u64 = 0o777;
const GRANTED: u32 = 12;
const FIXED: u64 = 1 << 16;

impl Verdict {
    /// Whether this access is known to be granted.
    ///
    /// Credentials that change by a bare system call are not seen to change. So the answer of a
    /// process that can change them holds for the second in which it was asked.
    #[inline(always)]
    pub fn grants(&self, subject: &Subject, wanted: u16) -> bool {
        let [user, group, generation, second, access] =
            self.words.each_ref().map(|word| word.load(Ordering::Relaxed));
        let sequence = access & !VALUE;
        let differs = user ^ (sequence | subject.owner & VALUE)
            | group ^ (sequence | subject.owner >> 32)
            | generation ^ (sequence | u64::from(subject.generation))
            | (access ^ subject.mode) & MODE
            | u64::from(wanted) & !(access >> GRANTED);
        let is_of_this_second = second == (sequence | subject.now & VALUE);
        differs == 0 && (is_of_this_second || access & FIXED != 0)
    }

    /// Keeps an answer. `granted`: 3 bits; `fixed`: no thread of the process can change its
    /// credentials.
    pub fn keep(&self, subject: &Subject, granted: u16, fixed: bool) {
        let sequence = self.sequences.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let fixed = if fixed { FIXED } else { 0 };
        let values = [
            subject.owner & VALUE,
            subject.owner >> 32,
            subject.generation.into(),
            subject.now & VALUE,
            subject.mode & MODE | u64::from(granted) << GRANTED | fixed,
        ];
        for (word, value) in self.words.iter().zip(values) {
            word.store(value | u64::from(sequence) << SEQUENCE_SHIFT, Ordering::Relaxed);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const ALTER: u16 = 2;
    const READ: u16 = 4;
    const ASKED: Subject = Subject { owner: 7 << 32 | 5, mode: 0o640, generation: 3, now: 1000 };

    #[test]
    fn nothing_is_granted_before_the_kernel_was_asked() {
        let nothing = Subject { owner: 0, mode: 0, generation: 0, now: 0 };
        assert!(!Verdict::default().grants(&nothing, READ));
    }

    #[test]
    fn an_answer_holds_for_what_it_is_about() {
        for fixed in [false, true] {
            let verdict = Verdict::default();
            verdict.keep(&ASKED, READ, fixed);
            assert!(verdict.grants(&ASKED, READ));
            assert!(!verdict.grants(&ASKED, ALTER));
            assert!(!verdict.grants(&ASKED, READ | ALTER));
            for other in [
                Subject { owner: 7 << 32 | 6, ..ASKED },
                Subject { owner: 8 << 32 | 5, ..ASKED },
                Subject { mode: 0o644, ..ASKED },
                Subject { generation: 4, ..ASKED },
            ] {
                assert!(!verdict.grants(&other, READ));
            }
        }
    }

    #[test]
    fn only_a_process_that_cannot_change_is_not_asked_again_in_another_second() {
        let later = Subject { now: 1001, ..ASKED };
        for fixed in [false, true] {
            let verdict = Verdict::default();
            verdict.keep(&ASKED, READ, fixed);
            assert_eq!(verdict.grants(&later, READ), fixed);
        }
    }
}

/// Seen to fail when all answers have the same sequence number.
#[cfg(all(test, loom))]
mod model {
    use loom::sync::Arc;
    use loom::thread;

    use super::*;

    const ALTER: u16 = 2;
    const READ: u16 = 4;

    #[test]
    fn parts_of_two_answers_are_not_taken_for_one() {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(3);
        builder.check(|| {
            let subject = |owner| Subject { owner, mode: 0o600, generation: 1, now: 1 };
            let verdict = Arc::new(Verdict::default());
            let other = {
                let verdict = verdict.clone();
                thread::spawn(move || verdict.keep(&subject(1), READ, true))
            };
            verdict.keep(&subject(2), ALTER, true);
            assert!(!verdict.grants(&subject(1), ALTER));
            assert!(!verdict.grants(&subject(2), READ));
            other.join().expect("it does not panic");
        });
    }
}
