//! `semop`: done at once, or waited for.

use super::operate::{Array, Operation};
use super::serve::OPERATIONS_MAX;
use super::set::Set;
use super::slots;
use super::undo;
use super::wait::{Waited, wait};
use super::wish::{Attempted, Wish, gone};
use crate::os::clock::{Clock, Deadline};
use crate::os::{Errno, Result};
use crate::shared::claim::Claimant;
use crate::shared::thread::{FrameTag, Thread};
use crate::sysv::attached::Use;
use crate::sysv::enter::enter;
use crate::sysv::object::enter_at_once;

/// `semop(2)` as far as it goes without a wait. `None`: it must wait, or more has to be checked.
/// Makes no system call but the wakes that are due. The same errors as [`semop`].
#[inline(always)]
pub fn semop_at_once(
    thread: &'static Thread,
    tag: &FrameTag,
    id: i32,
    operations: &[Operation],
) -> Option<Result<()>> {
    let entered = enter_at_once(thread, id, tag)?;
    let set = entered.object;
    if undo::is_doubtful(set) {
        return None;
    }
    let array = Array::new(operations);
    let process = if array.is_undone { Some(slots::known(set)?) } else { None };
    let wish = Wish::new(set, array, process);
    match wish.attempt(&entered.operation) {
        Ok(Attempted::Done) => Some(Ok(())),
        // In the child of a fork the call begins anew.
        Ok(Attempted::MustWait(_)) | Err(Errno::ERESTART) => None,
        Err(error) => Some(Err(error)),
    }
}

/// `semop(2)`, `semtimedop(2)`.
///
/// `patience`: how long it may wait; `None` = as long as it takes.
///
/// `tag` is on the outermost frame of the call: see `shared::thread`.
///
/// Errors: E2BIG and EINVAL for the number of operations; EINVAL for the id, or when the set has
/// been removed before; EFBIG, EACCES, ERANGE; EAGAIN; EINTR, whatever the flags of the handler;
/// EIDRM; ENOMEM, ENOSPC.
pub fn semop(
    thread: &'static Thread,
    tag: &FrameTag,
    id: i32,
    operations: &[Operation],
    patience: Option<libc::timespec>,
) -> Result<()> {
    if operations.len() > OPERATIONS_MAX {
        return Err(Errno::E2BIG);
    }
    if operations.is_empty() || id < 0 {
        return Err(Errno::EINVAL);
    }
    let until = patience.map(|time| Deadline::after(Clock::Monotonic, time));
    loop {
        let mut entered = enter(thread, id, tag)?;
        if !entered.operation.is_watched() {
            // Others have to see that a waiter is dead, before something is given to it.
            entered.operation.claim_by_presence();
        }
        match operate(&entered, operations, until) {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(Errno::EINTR) => return Err(Errno::EINTR),
            // In the child of a fork the refusal was the parent's: the call begins anew.
            Err(_) if entered.operation.is_orphan() => return Err(Errno::ERESTART),
            Err(error) => return Err(error),
        }
    }
}

/// False: it can be attempted again.
fn operate(
    Use { object: set, operation: who }: &Use<Set>,
    operations: &[Operation],
    until: Option<Deadline>,
) -> Result<bool> {
    let array = Array::new(operations);
    Wish::new(set, array, None).check()?;
    undo::mend(set, who).map_err(gone)?;
    let process = if array.is_undone {
        Some(slots::known(set).map_or_else(|| slots::take(set, who), Ok).map_err(gone)?)
    } else {
        None
    };
    let wish = Wish::new(set, array, process);
    if wish.attempt_spinning(who)? == Attempted::Done {
        return Ok(true);
    }
    who.prepare_presence();
    Ok(wait(wish, who, until)? == Waited::Done)
}
