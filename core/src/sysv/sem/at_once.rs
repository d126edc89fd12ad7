//! Operations that proceed at once while no thread waits, in a straight line.
//!
//! They are a change like any other (`draft`, `operate`). But the new state is written to shared
//! memory in one piece, or nearly so. Everything else is left to `change`: waiters,
//! errors, semaphores in several chunks, very large sets.

use super::operate::{Actor, Array};
use super::state::{Memory, ROOTS, root_of};
use super::straight::{Attempt, Permits, Straight};
use crate::atomic::Ordering;
use crate::shared::claim::{self, Claimant};

/// Performs the array, if it can proceed, no thread waits, and `permits` accepts the owner and the
/// mode. `hint`: where the search for a root begins.
#[inline(always)]
pub fn perform_at_once<M: Memory, C: Claimant>(
    memory: &M,
    who: &C,
    hint: usize,
    (array, actor): (&Array<'_>, Actor),
    permits: &impl Permits,
) -> Attempt {
    // Acquire: the root that it names is there.
    let source = memory.current().load(Ordering::Acquire);
    let from = root_of(source);
    let root = (hint + usize::from(hint % ROOTS == from)) % ROOTS;
    if !claim::claim(memory.claim(root), who) {
        return Attempt::Beaten;
    }
    let straight = Straight { memory, who, source, root };
    let attempt = match array.operations() {
        [one] => straight.perform_one(*one, actor, permits),
        _ => straight.perform_many(array, actor, permits),
    };
    claim::release_at_once(memory.claim(root), who);
    attempt
}
