//! Counted operations: the value and the count of what the process has taken change together,
//! whenever the process is killed.
//!
//! The value is one word, what a process has taken is another, and no instruction changes both. So
//! an operation goes through a *lane* of the ledger, which is its own meanwhile. Each lane has a
//! bit in the semaphore's word.
//!
//! | step | lane | bit and value: one exchange | count of (process, lane) |
//! |---|---|---|---|
//! | claim | says who, what, and the new count | | |
//! | begin | | bit set; a take: value - 1 | |
//! | count | | | the new count |
//! | end | | bit clear; a post: value + 1 | |
//! | release | 0 | | |
//!
//! The bit is the evidence. Where it is clear, the operation has not begun or has ended, and
//! nothing is to be done. Where it is set, any process that finds this one dead can do the rest
//! (`recovery`): the count that the lane names is stored, and storing it twice does no harm; the
//! end is one exchange. A killed take has taken, and what it took is given back like everything
//! else; a killed post has posted.
//!
//! A post ends with its increment, and touches the semaphore no more: another thread may free it.
//!
//! A lane is changed by the process that it names, and by the one that holds the lock of that
//! process's account after its death (`keeper`). The count of a process in a lane is changed by the
//! operation that has the lane, so there are as many counts as lanes, and their sum counts.
//!
//! Orderings: all exchanges are SeqCst. The words are read by another process after a death only,
//! and the lock that it takes then orders that.
//!
//! If all lanes stay in use for longer than a thread may be preempted, the threads that have them
//! are stopped, or interrupted by handlers. Then the operation goes on without a lane, with a count
//! of its own. It is counted, but a kill within its few instructions may lose one unit. No unit is
//! ever given twice.

use super::super::word::{FIRST_LANE, ONE, Taken, Then, VALUE_MAX, WAITER, Word, value, waiters};
use super::intent::{Intent, Kind};
use crate::atomic::{AtomicU64, Ordering};
use crate::os::{Errno, Result};

/// Operations at the same time.
pub const LANES: usize = 8;

/// See the table above. 0 = free, or an `Intent`.
#[derive(Default)]
#[repr(C, align(64))]
pub struct Lane(pub AtomicU64);

/// What a process has taken, less what it has posted: 32 bits in each word, modulo 2^32. One for
/// each lane, and one for operations without a lane.
#[derive(Default)]
#[repr(C, align(128))]
pub struct Counts {
    by_lane: [AtomicU64; LANES],
    without: AtomicU64,
}

impl Counts {
    /// Taken in excess of what was posted; below 0, posted in excess.
    ///
    /// Takes and posts need not come by the same lane, so the counts drift apart, and each wraps
    /// around in the end. Their sum is right modulo 2^32, and no process owes more than
    /// [`VALUE_MAX`].
    pub fn total(&self) -> i64 {
        let counts = self.by_lane.iter().chain([&self.without]);
        let sum =
            counts.fold(0_u32, |sum, count| sum.wrapping_add(low(count.load(Ordering::SeqCst))));
        sum.cast_signed().into()
    }

    /// Nothing is counted any more.
    pub fn clear(&self) {
        self.by_lane.iter().chain([&self.without]).for_each(|count| {
            count.store(0, Ordering::SeqCst);
        });
    }
}

impl Counts {
    /// Stores the count of this lane.
    pub fn set(&self, lane: usize, count: u32) {
        self.by_lane[lane % LANES].store(count.into(), Ordering::SeqCst);
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is the count")]
fn low(word: u64) -> u32 {
    word as u32
}

/// Changes to words in shared memory by a process that may turn out to be another one.
pub trait Actor {
    /// Exchanges the word. False: it does not hold `before`. ERESTART: a handler has forked, and
    /// this is the child; nothing has changed.
    fn exchange(&self, place: &AtomicU64, before: u64, after: u64) -> Result<bool>;

    /// All lanes are in use, for the n-th time. False: no more of this.
    fn may_wait(&self, times: u32) -> bool;
}

/// A process that takes part.
pub struct Party<'l, A> {
    /// Of the ledger.
    pub lanes: &'l [Lane; LANES],
    /// Of its account.
    pub counts: &'l Counts,
    /// The number of its account.
    pub account: usize,
    /// What its process knows the operation by; 0 = nothing.
    pub pin: usize,
    /// The process.
    pub actor: A,
}

/// An operation that has a lane, or none.
struct Begun {
    lane: Option<(usize, Intent)>,
}

impl<A: Actor> Party<'_, A> {
    /// Decrements the value if it is positive; `registered`: and takes the caller's registration
    /// back with it. ERESTART.
    pub fn take(&self, word: &Word, registered: bool) -> Result<Taken> {
        let word = word.atomic();
        if value(word.load(Ordering::Relaxed)) == 0 {
            return Ok(Taken::Nothing);
        }
        let begun = self.claim(Kind::Take, 1, 0)?;
        let bit = begun.bit();
        let minus = ONE + if registered { WAITER } else { 0 };
        let left =
            self.change(word, |now| (value(now) > 0).then(|| now.wrapping_sub(minus) | bit))?;
        let Some(left) = left else {
            self.release(&begun)?;
            return Ok(Taken::Nothing);
        };
        self.count(&begun, 1)?;
        if bit != 0 {
            self.change(word, |now| Some(now & !bit))?;
        }
        self.release(&begun)?;
        let is_more = value(left) > 0 && waiters(left) > 0;
        Ok(if is_more { Taken::AndMoreAwaited } else { Taken::One })
    }

    /// Increments the value. EOVERFLOW at [`VALUE_MAX`]; ERESTART.
    ///
    /// # Safety
    /// `word` is valid until the increment.
    pub unsafe fn post(&self, word: *const Word) -> Result<Then> {
        // SAFETY: used up to the increment alone, below.
        let word = unsafe { (*word).atomic() };
        if value(word.load(Ordering::Relaxed)) >= VALUE_MAX {
            return Err(Errno::EOVERFLOW);
        }
        let begun = self.claim(Kind::Post, u32::MAX, 0)?;
        let bit = begun.bit();
        if bit != 0 {
            self.change(word, |now| Some(now | bit))?;
        }
        self.count(&begun, u32::MAX)?;
        let posted = self
            .change(word, |now| (value(now) < VALUE_MAX).then(|| (now & !bit).wrapping_add(ONE)))?;
        let Some(posted) = posted else {
            // Others have posted so often meanwhile. What has been counted is taken back.
            self.count(&begun, 1)?;
            self.change(word, |now| Some(now & !bit))?;
            self.release(&begun)?;
            return Err(Errno::EOVERFLOW);
        };
        // It has been posted, also for the child of a fork.
        let _ = self.release(&begun);
        Ok(if waiters(posted) > 0 { Then::WakeOne } else { Then::Nothing })
    }

    /// Gives back what a dead process has taken, whose account is `victim`, and clears its counts.
    /// The caller holds its lock, and has settled its lanes. Gives how much. EAGAIN: no lane is
    /// free. ERESTART.
    pub fn give_back(&self, word: &Word, (victim, counts): (usize, &Counts)) -> Result<u32> {
        let Ok(given) = u32::try_from(counts.total().clamp(0, VALUE_MAX.into())) else {
            return Ok(0);
        };
        if given == 0 {
            counts.clear();
            return Ok(0);
        }
        let begun = self.claim(Kind::GiveBack, given, victim)?;
        let bit = begun.bit();
        if bit == 0 {
            return Err(Errno::EAGAIN);
        }
        self.change(word.atomic(), |now| Some(now | bit))?;
        counts.clear();
        self.change(word.atomic(), |now| Some(plus(now, given) & !bit))?;
        self.release(&begun)?;
        Ok(given)
    }

    /// A free lane, which is this operation's from now on.
    fn claim(&self, kind: Kind, amount: u32, victim: usize) -> Result<Begun> {
        let mut times = 0;
        loop {
            for turn in 0..LANES {
                let index = (self.account + turn) % LANES;
                let lane = &self.lanes[index].0;
                if lane.load(Ordering::Relaxed) != 0 {
                    continue;
                }
                let intent = self.intent(kind, amount, victim, index);
                if !self.actor.exchange(lane, 0, intent.to_word())? {
                    continue;
                }
                // Another thread of the process may have had the lane since the count was read.
                let now = self.intent(kind, amount, victim, index);
                if now != intent {
                    self.actor.exchange(lane, intent.to_word(), now.to_word())?;
                }
                return Ok(Begun { lane: Some((index, now)) });
            }
            if !self.actor.may_wait(times) {
                return Ok(Begun { lane: None });
            }
            times += 1;
        }
    }

    fn intent(&self, kind: Kind, amount: u32, victim: usize, lane: usize) -> Intent {
        let amount = match kind {
            Kind::GiveBack => amount,
            _ => low(self.counts.by_lane[lane].load(Ordering::SeqCst)).wrapping_add(amount),
        };
        Intent { account: self.account, kind, victim, pin: self.pin, amount }
    }

    fn count(&self, begun: &Begun, by: u32) -> Result<()> {
        let count = match begun.lane {
            Some((lane, _)) => &self.counts.by_lane[lane],
            None => &self.counts.without,
        };
        self.change(count, |now| Some(low(now).wrapping_add(by).into())).map(drop)
    }

    fn release(&self, begun: &Begun) -> Result<()> {
        if let Some((lane, intent)) = begun.lane {
            self.actor.exchange(&self.lanes[lane].0, intent.to_word(), 0)?;
        }
        Ok(())
    }

    /// Changes a word as often as others do. `None`: it is not to be changed as it is now.
    fn change(&self, word: &AtomicU64, to: impl Fn(u64) -> Option<u64>) -> Result<Option<u64>> {
        loop {
            let now = word.load(Ordering::Relaxed);
            let Some(after) = to(now) else { return Ok(None) };
            if self.actor.exchange(word, now, after)? {
                return Ok(Some(after));
            }
        }
    }
}

impl Begun {
    /// Of the lane, in the semaphore's word; 0 = none.
    fn bit(&self) -> u64 {
        self.lane.map_or(0, |(lane, _)| bit_of(lane))
    }
}

/// The bit of this lane in the semaphore's word.
pub fn bit_of(lane: usize) -> u64 {
    1 << FIRST_LANE << lane
}

/// So much more, but not beyond the largest value.
pub fn plus(word: u64, amount: u32) -> u64 {
    word + u64::from(amount.min(VALUE_MAX.saturating_sub(value(word))))
}
