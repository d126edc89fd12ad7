//! The claim word of a slot: which thread works on it.
//!
//! | value | meaning | stored by |
//! |---|---|---|
//! | 0 | no holder | the holder, when it is done |
//! | TID | that thread of the queue's home namespace; the kernel watches | that thread, which finds the word claimable, by CAS |
//! | [`UNGUARDED`], [`NO_TID`], number | that thread of the process with this presence | the same; or the holder |
//! | the same, of [`PROCESS`] | that process, beyond the call ([`is_held`]) | the thread that has claimed it ([`hold`]); a thread of the process takes it back ([`adopt`]) by CAS |
//! | [`OWNER_DIED`], all else 0 | no holder: the last one died in the middle | the kernel, or a thread that finds it dead, by CAS |
//!
//! The kernel learns of a claim from `list_op_pending` of the thread's robust list
//! (set_robust_list(2)), which [`Claimant::announce`] sets before the word is claimed. It
//! identifies the holder by its TID. In another PID namespace the same TID belongs to another
//! thread, so only threads of one namespace, the *home* of the queue, claim with their TIDs. A
//! claim that the kernel cannot watch is made in the name of a presence (`presence`), whose number
//! is a TID in no namespace. A process that keeps a slot beyond a call holds it in that name, too,
//! and no thread of it does: `posix::mq::store::holders`.
//!
//! Nothing has to be repaired after a death: the key says whether the slot holds a message.
//!
//! Orderings. Claiming is SeqCst: it also orders the claim before the check of the event word
//! (`event`). Releasing is Release: the next thread that claims the word, or sees it free, also
//! sees what the holder did.

use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::os::publication::Publication;

/// `FUTEX_TID_MASK`
const HOLDER: u32 = 0x3fff_ffff;
/// `FUTEX_OWNER_DIED`
pub const OWNER_DIED: u32 = 0x4000_0000;
/// `FUTEX_WAITERS`, which the kernel leaves alone here: no thread sleeps on claims.
pub const UNGUARDED: u32 = 0x8000_0000;
/// A TID is at most 2^22 (`PID_MAX_LIMIT`). So the kernel takes no value with this bit for a TID.
pub const NO_TID: u32 = 0x2000_0000;
/// In the place of the number of a thread: the process itself, whichever thread works for it.
pub const PROCESS: u32 = 0xfff;

/// A thread that claims.
pub trait Claimant {
    /// Announces to the kernel which word is about to be claimed, if it can watch it, and returns
    /// what to store in the word. 0: it cannot.
    fn announce(&self, word: &AtomicU32) -> u32;
    /// The same by a claimant that the kernel is known to watch. `None`: not at the moment.
    #[inline(always)]
    fn announce_watched(&self, word: &AtomicU32) -> Option<u32> {
        Some(self.announce(word)).filter(|identity| *identity != 0)
    }
    /// Called instead of `announce` where the kernel cannot watch the claim. `None`: it must not be
    /// claimed.
    fn announce_by_presence(&self, word: &AtomicU32) -> Option<u32>;
    /// This word, which was announced either way, is not claimed any more.
    fn withdraw(&self);
    /// Commits: stores the key, and to the claimed word after it. Nothing can come between the
    /// check of the claim and the stores, not even the child of a fork in a handler. False: this is
    /// the child, and has stored nothing; or it was forked after the key.
    fn commit(&self, key: (&AtomicU64, u64), claim: (&AtomicU32, u32)) -> bool {
        // Release: a thread that sees the key sees the body; the next one that claims sees the key.
        key.0.store(key.1, Ordering::Release);
        claim.0.store(claim.1, Ordering::Release);
        true
    }
    /// Stores 0 to a claimed word, in the same way.
    fn give_back(&self, claim: &AtomicU32) {
        // Release: see `commit`.
        claim.store(0, Ordering::Release);
    }
    /// Writes these words, in any order, to the front of what the claimed word guards. False: this
    /// is the child, and an unknown part has been written, before the fork.
    fn write(&self, words: &[u64], into: &[AtomicU64]) -> bool {
        // Relaxed: the exchange that leads others there is a release.
        into.iter().zip(words).for_each(|(into, word)| into.store(*word, Ordering::Relaxed));
        true
    }
    /// Exchanges the word through which others find what has been written. SeqCst. False: it does
    /// not hold `before`, or this is the child.
    fn exchange(&self, word: &AtomicU64, before: u64, after: u64) -> bool {
        word.compare_exchange(before, after, Ordering::SeqCst, Ordering::Relaxed).is_ok()
    }
    /// Copies these words to the front of what the claimed word guards. False: this is the child,
    /// as above.
    fn copy(&self, from: &[AtomicU64], into: &[AtomicU64]) -> bool {
        let words = from.iter().zip(into);
        words.for_each(|(from, into)| into.store(from.load(Ordering::Relaxed), Ordering::Relaxed));
        true
    }
    /// Writes the copies of a publication to what the claimed word guards, and makes its exchange.
    /// SeqCst. False as above.
    fn publish(&self, publication: &Publication<'_>) -> bool {
        publication.store();
        publication.exchange()
    }
    /// Passes a copy of itself to code that seldom runs. If a reference to itself were passed, it
    /// would be kept in memory from the beginning, and the fast path would read each of its words
    /// from there.
    #[inline(always)]
    fn cold<T>(&self, seldom: impl FnOnce(&Self) -> T) -> T {
        seldom(self)
    }
    /// Whether this is what the thread itself has stored in some word.
    fn is_own(&self, held: u32) -> bool;
    /// Whether no operation of the thread that this one has interrupted holds a claim, and this one
    /// holds none either. Then a word that is claimed as its own was claimed by a child that a
    /// handler forked, before the child knew that it was one.
    fn is_stray(&self) -> bool {
        false
    }
    /// Whether the process that holds claims like this ([`hold`]), and that the kernel has marked,
    /// can write no more. In a model it is marked when it has come to its end.
    fn has_holder_ended(&self, _held: u32) -> bool {
        true
    }
    /// Whether the holder of a claim that the kernel does not watch has died. False also where that
    /// cannot be found out. Costs system calls.
    fn has_died_unwatched(&self, _holder: Holder) -> bool {
        false
    }
    /// Whether this is the child of a fork that happened since the operation began. What it has
    /// claimed is the parent's then.
    fn is_orphan(&self) -> bool;
}

/// The holder of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// No living thread.
    None,
    /// The thread with this TID, of the home namespace.
    Thread(u32),
    /// The thread that has this number (`presence`).
    Presence(u32),
}

/// The holder of a word with this value.
#[inline]
pub fn holder(word: u32) -> Holder {
    match word & HOLDER {
        0 => Holder::None,
        number if word & UNGUARDED != 0 => Holder::Presence(number & !NO_TID),
        tid => Holder::Thread(tid),
    }
}

/// Whether no living thread holds this.
#[inline]
pub fn is_free(word: u32) -> bool {
    word & HOLDER == 0
}

/// Whether a process holds the word beyond a call.
#[inline]
pub fn is_held(word: u32) -> bool {
    const HELD: u32 = UNGUARDED | NO_TID | PROCESS;
    word & HELD == HELD
}

/// Claims the word, if it is free.
#[inline(always)]
pub fn claim(word: &AtomicU32, who: &impl Claimant) -> bool {
    claim_after(word, who).is_some()
}

/// The same. Gives what the word was before: whether its last holder has died.
#[inline(always)]
pub fn claim_after(word: &AtomicU32, who: &impl Claimant) -> Option<u32> {
    // Relaxed: the exchange decides.
    let before = word.load(Ordering::Relaxed);
    (is_free(before) && claim_from(word, before, who)).then_some(before)
}

/// The same if the kernel can watch the claim. False, too, if it cannot: nothing has been done.
#[inline(always)]
pub fn claim_watched(word: &AtomicU32, who: &impl Claimant) -> bool {
    // Relaxed: the exchange decides.
    let before = word.load(Ordering::Relaxed);
    if !is_free(before) {
        return false;
    }
    who.announce_watched(word).is_some_and(|identity| exchange(word, before, identity, who))
}

/// Claims what the process of the thread holds like this. False: it does not hold it.
pub fn adopt(word: &AtomicU32, held: u32, who: &impl Claimant) -> bool {
    // Relaxed: the exchange decides.
    word.load(Ordering::Relaxed) == held && claim_from(word, held, who)
}

/// From here on the process of the thread holds the claimed word. False: this is the child of a
/// fork, whose parent does that.
pub fn hold(word: &AtomicU32, held: u32, who: &impl Claimant) -> bool {
    let nothing = AtomicU64::new(0);
    let is_ours = who.commit((&nothing, 0), (word, held));
    who.withdraw();
    is_ours
}

#[inline(always)]
fn claim_from(word: &AtomicU32, before: u32, who: &impl Claimant) -> bool {
    let identity = who.announce(word);
    if identity == 0 {
        return who.cold(|who| claim_by_presence(word, before, who));
    }
    exchange(word, before, identity, who)
}

#[cold]
#[inline(never)]
fn claim_by_presence(word: &AtomicU32, before: u32, who: &impl Claimant) -> bool {
    who.announce_by_presence(word).is_some_and(|identity| exchange(word, before, identity, who))
}

#[inline(always)]
fn exchange(word: &AtomicU32, before: u32, identity: u32, who: &impl Claimant) -> bool {
    let claimed =
        word.compare_exchange(before, identity, Ordering::SeqCst, Ordering::Relaxed).is_ok();
    if !claimed {
        who.withdraw();
    }
    claimed
}

/// Gives the word back, if it is one's own.
#[inline(always)]
pub fn release(word: &AtomicU32, who: &impl Claimant) {
    who.cold(|who| who.give_back(word));
    who.withdraw();
}

/// The same in a straight line.
#[inline(always)]
pub fn release_at_once(word: &AtomicU32, who: &impl Claimant) {
    let nothing = AtomicU64::new(0);
    who.commit((&nothing, 0), (word, 0));
    who.withdraw();
}

/// Frees the word, if `is_dead` says so of its holder. True if it has.
pub fn free_if(word: &AtomicU32, is_dead: impl Fn(Holder) -> bool) -> bool {
    // Acquire: what the dead one did before it died is to be seen.
    let held = word.load(Ordering::Acquire);
    // What the kernel would have stored. Release: the next thread that claims writes
    // after what the dead one has written, and only this thread was told of its death.
    holder(held) != Holder::None
        && is_dead(holder(held))
        && word.compare_exchange(held, OWNER_DIED, Ordering::Release, Ordering::Relaxed).is_ok()
}

/// Frees the word if a thread that has ended claimed it as one of these holders; 0 = none.
pub fn free_of_dead(word: &AtomicU32, identities: [u32; 2]) {
    let holders = identities.map(holder);
    free_if(word, |holder| holders.contains(&holder));
}
