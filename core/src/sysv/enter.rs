//! How an operation on an object begins. A removal that a death has left half done ends here.

use super::attached::Use;
use super::header::Life;
use super::object::{Object, enter_any, is_left_half_done, is_usable, within};
use super::registry;
use crate::atomic::Ordering;
use crate::os::{Errno, Result};
use crate::shared::claim;
use crate::shared::pause::Pause;
use crate::shared::thread::{FrameTag, Thread};

/// Begins an operation on the object with this id. EINVAL: there is none, or none any more; EACCES.
pub fn enter<O: Object>(thread: &'static Thread, id: i32, tag: &FrameTag) -> Result<Use<O>> {
    let entered = enter_any::<O>(thread, id, tag)?;
    let header = entered.object.header();
    if header.is_well() {
        return Ok(entered);
    }
    // Its key may be gone, so no look-up of the key would find it.
    let is_left = header.life() == Life::Lives && is_left_half_done(&entered);
    if is_usable(header) && !is_left {
        return Ok(entered);
    }
    drop(entered);
    if is_left {
        // It is gone either way.
        let _ = finish_removal::<O>(thread, id);
    }
    O::table().detach(id, thread);
    Err(Errno::EINVAL)
}

/// What [`enter`] says where only the owner may do it: EPERM instead of EACCES. A process that may
/// not even look is not the owner.
pub fn as_owner<T>(entered: Result<T>) -> Result<T> {
    entered.map_err(|error| if error == Errno::EACCES { Errno::EPERM } else { error })
}

/// Removes an object, or finishes its removal. False: it was removed already. EINVAL: it is not
/// there, or another process is removing it.
pub fn finish_removal<O: Object>(thread: &'static Thread, id: i32) -> Result<bool> {
    let tag = FrameTag::new();
    let entered = enter_any::<O>(thread, id, &tag)?;
    let (object, who) = (entered.object, &entered.operation);
    let (header, identity) = (object.header(), object.identity());
    let mut pause = Pause::default();
    while !claim::claim(&header.removal, who) {
        let has_ended = |holder| who.has_ended(holder, identity.is_at_home(who));
        if !claim::free_if(&header.removal, has_ended) && !pause.wait() {
            return Err(Errno::EINVAL);
        }
    }
    // First, as it is large, and could not be found any more without its key.
    object.discard();
    if identity.facts.key != libc::IPC_PRIVATE {
        let names = header.names.load(Ordering::SeqCst);
        registry::unlink_key(O::FAMILY, identity.facts.key, id, names);
    }
    let marked = within(who, object, |who| object.set_removed(who));
    let is_first = marked.is_ok() && header.life() != Life::Removed;
    header.pass(Life::Unborn, Life::Removed);
    header.pass(Life::Lives, Life::Removed);
    registry::unlink_id(O::FAMILY, id);
    claim::release(&header.removal, who);
    let stays = object.outlives_removal();
    drop(entered);
    if !stays {
        O::table().detach(id, thread);
    }
    if marked == Err(Errno::EIDRM) { Ok(false) } else { marked.map(|()| is_first) }
}
