//! The claim word of a slot: who works on it.
//!
//! | value | meaning | who stores it |
//! |---|---|---|
//! | 0 | nobody | the holder, when it is done |
//! | TID | that thread | whoever finds the word claimable, by CAS |
//! | TID with [`UNGUARDED`] | that thread, but the kernel does not watch | the same, or the holder |
//! | [`OWNER_DIED`], TID 0 | nobody: the holder died in the middle | the kernel, as the thread ends |
//!
//! The kernel learns of the claim from `list_op_pending` of the thread's robust list (set_robust_list(2)), which
//! [`Claimant::announce`] sets before the word is claimed. There is nothing to repair after a death: the key says
//! whether the slot holds a message.
//!
//! Orderings. Claiming is SeqCst: it also orders the claim before the look at the event word (`event`). Releasing is
//! Release, so that who claims next, or sees the word free, also sees what the holder did.

use crate::shared::atomic::{AtomicU32, Ordering};

/// `FUTEX_TID_MASK`
const TID: u32 = 0x3fff_ffff;
/// `FUTEX_OWNER_DIED`
pub const OWNER_DIED: u32 = 0x4000_0000;
/// `FUTEX_WAITERS`, which the kernel leaves alone here: nobody sleeps on claims.
pub const UNGUARDED: u32 = 0x8000_0000;

/// A thread that claims.
pub trait Claimant {
    /// What to store in a claimed word. Never 0 in the bits of the TID.
    fn identity(&self) -> u32;
    /// Lets the kernel know which word is about to be claimed.
    fn announce(&self, word: &AtomicU32);
    /// Nothing is claimed any more.
    fn withdraw(&self);
}

/// Whether nobody alive holds this.
#[inline]
pub fn is_free(word: u32) -> bool {
    word & TID == 0
}

/// Whether both are words of the same thread.
pub fn is_same_thread(one: u32, other: u32) -> bool {
    one & TID == other & TID
}

/// The thread that holds this, if the kernel will not tell of its death.
pub fn unguarded_holder(word: u32) -> Option<u32> {
    (word & UNGUARDED != 0 && !is_free(word)).then_some(word & TID)
}

/// Claims the word, if nobody holds it.
#[inline(always)]
pub fn claim(word: &AtomicU32, who: &impl Claimant) -> bool {
    // Relaxed: the exchange decides.
    let before = word.load(Ordering::Relaxed);
    if !is_free(before) {
        return false;
    }
    who.announce(word);
    let claimed = word.compare_exchange(before, who.identity(), Ordering::SeqCst, Ordering::Relaxed).is_ok();
    if !claimed {
        who.withdraw();
    }
    claimed
}

/// Gives the word back.
#[inline(always)]
pub fn release(word: &AtomicU32, who: &impl Claimant) {
    word.store(0, Ordering::Release);
    who.withdraw();
}
