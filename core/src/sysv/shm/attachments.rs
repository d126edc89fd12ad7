//! Which processes have a segment attached, as /proc shows.
//!
//! Attaches and detaches are not counted: what is mapped is looked up when the number is asked for.
//! So it is right after a fork, an exec, and any death.
//!
//! A process that may not look at others of other users, or in other PID namespaces, sees fewer.
//! Without /proc this process sees its own attachments.

use super::places;
use crate::os::maps::{self, Look, Mapping};
use crate::sysv::family::Family;

/// The number of attachments.
pub fn count(id: i32, inode: u64) -> usize {
    let mut count = 0;
    each(id, inode, |_, _| {
        count += 1;
        Look::Continue(())
    });
    if count > 0 || maps::are_shown() { count } else { places::count(id) }
}

/// Whether there is any. This process is looked at first.
pub fn is_any(id: i32, inode: u64) -> bool {
    let mut any = false;
    let mut look = |mapping: &Mapping<'_>| {
        any |= is_of(mapping, id, inode);
        if any { Look::Break(()) } else { Look::Continue(()) }
    };
    let looked = maps::each_of_own(&mut look).is_ok();
    if any || !looked {
        return any || places::count(id) > 0;
    }
    each(id, inode, |_, _| {
        any = true;
        Look::Break(())
    });
    any
}

/// Shows all attachments that this process sees, each with the process that has it.
pub fn each(id: i32, inode: u64, mut look: impl FnMut(u32, &Mapping<'_>) -> Look) {
    let mut done = Look::Continue(());
    // Without /proc there is nothing to see.
    let _ = maps::each_process(|pid| {
        if done.is_break() {
            return;
        }
        let _ = maps::each_of(pid, |mapping| {
            if is_of(mapping, id, inode) {
                done = look(pid, mapping);
            }
            done
        });
    });
}

/// Whether this is a mapping of the memory of the segment. The inode alone could be that of a file
/// on another device.
pub fn is_of(mapping: &Mapping<'_>, id: i32, inode: u64) -> bool {
    mapping.inode == inode && id_of(mapping) == Some(id)
}

/// The segment whose memory this is.
pub fn id_of(mapping: &Mapping<'_>) -> Option<i32> {
    let path = mapping.path.strip_suffix(b" (deleted)").unwrap_or(mapping.path);
    Family::id_of_memory(path.rsplit(|&byte| byte == b'/').next()?)
}
