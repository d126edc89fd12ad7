//! The processes that could let a waiter of a semaphore set go on.
//!
//! SEM_UNDO records which process has taken what, and the process that has taken a lock gives it
//! back. So if recorded holders have taken all that a waiter waits for, the waiter waits for them.
//! A waiter that has itself taken from the same semaphore does not use it as a lock, and nothing is
//! concluded from it.

use crate::objects::set::{self, Adjustment, Snapshot};
use crate::processes::Pid;
use crate::survey::Waiter;

/// See the module. Empty: it is not known who could.
pub fn givers(set: &Snapshot, waiter: &Waiter) -> Vec<Pid> {
    let Some(wish) = waiter.wish.as_ref().filter(|_| set.is_at_home) else { return Vec::new() };
    let operations = wish.operations.iter().filter(|operation| operation.member == wish.member);
    let taken: i32 = operations
        .map(|operation| i32::from(operation.amount))
        .filter(|amount| *amount < 0)
        .map(i32::abs)
        .max()
        .unwrap_or(0);
    let value = set.members.get(usize::from(wish.member)).map_or(0, |member| member.value.into());
    // A wait for zero is over when what was added is taken away again.
    let (is_source, missing): (fn(&Adjustment) -> bool, i32) = match taken {
        0 => (|adjustment| adjustment.amount < 0, value),
        _ => (|adjustment| adjustment.amount > 0, taken - value),
    };
    let sources: Vec<&Adjustment> = set::living(set)
        .filter(|adjustment| adjustment.member == wish.member && is_source(adjustment))
        .collect();
    let sum: i32 = sources.iter().map(|adjustment| i32::from(adjustment.amount).abs()).sum();
    let pids: Option<Vec<Pid>> =
        sources.iter().map(|adjustment| Some(adjustment.pid?.cast_signed())).collect();
    pids.filter(|pids| missing > 0 && sum >= missing && !pids.contains(&waiter.pid))
        .unwrap_or_default()
}
