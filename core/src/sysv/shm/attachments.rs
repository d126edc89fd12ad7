//! Which processes have a segment attached, as /proc shows.
//!
//! Attaches and detaches are not counted: what is mapped is looked up when the number is asked for.
//! So it is correct after a fork, an exec, and any death.
//!
//! A process that may not inspect the processes of other users, or of other PID namespaces, counts
//! fewer. Without /proc this process sees its own attachments.

use std::cell::OnceCell;

use super::places::{self, Attachment};
use crate::os::errno::preserved;
use crate::os::file::path_mapped;
use crate::os::filter;
use crate::os::maps::{self, Look, Mapping};
use crate::sysv::family::Family;

/// Which process has which segment attached. To ask about many, /proc is read once, at the first
/// question.
#[derive(Debug, Default)]
pub struct Attachments {
    seen: OnceCell<Vec<(i32, u64, u32)>>,
}

impl Attachments {
    /// The processes that have the segment attached whose memory has this inode, each as often as
    /// it has.
    pub fn of(&self, id: i32, inode: u64) -> Vec<u32> {
        let is_it = |&&(one, file, _): &&(i32, u64, u32)| (one, file) == (id, inode);
        let seen = self.seen.get_or_init(Self::look);
        seen.iter().filter(is_it).map(|&(_, _, pid)| pid).collect()
    }

    fn look() -> Vec<(i32, u64, u32)> {
        let mut seen = Vec::new();
        each_mapping(|pid, mapping| {
            seen.extend(id_of(mapping).map(|id| (id, mapping.inode, pid)));
            Look::Continue(())
        });
        seen
    }
}

/// The number of attachments.
pub fn count(id: i32, inode: u64) -> usize {
    let mut count = 0;
    each(id, inode, |_, _| {
        count += 1;
        Look::Continue(())
    });
    if count > 0 || maps::are_shown() { count } else { places::count(id) }
}

/// Whether there is any. This process is looked at first, and there what it is known to have: all
/// that it has mapped takes milliseconds to read where that is much.
pub fn is_any(id: i32, inode: u64) -> bool {
    /// Of one segment. Some may have been changed by the program.
    const FEW: usize = 8;
    if places::all(id).take(FEW).any(|known| is_there(&known)) {
        return true;
    }
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

/// Whether an attachment of this process is seen to be mapped still, from end to end. A filter may
/// kill for the question.
#[inline(never)]
fn is_there(known: &Attachment) -> bool {
    let mut space = [0; 1024];
    let end = known.start.saturating_add(known.length);
    let id = || path_mapped(known.start, end, &mut space).ok().and_then(id_in);
    !filter::is_confined() && preserved(id) == Some(known.id)
}

/// Shows all attachments that this process sees, each with the process that has it.
pub fn each(id: i32, inode: u64, mut look: impl FnMut(u32, &Mapping<'_>) -> Look) {
    each_mapping(
        |pid, mapping| {
            if is_of(mapping, id, inode) { look(pid, mapping) } else { Look::Continue(()) }
        },
    );
}

/// Shows all mappings of all processes that this one sees.
fn each_mapping(mut look: impl FnMut(u32, &Mapping<'_>) -> Look) {
    let mut done = Look::Continue(());
    // Without /proc there is nothing to see.
    let _ = maps::each_process(|pid| {
        if done.is_break() {
            return;
        }
        let _ = maps::each_of(pid, |mapping| {
            done = look(pid, mapping);
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
    id_in(mapping.path)
}

/// The same by the path of the file.
fn id_in(path: &[u8]) -> Option<i32> {
    let path = path.strip_suffix(b" (deleted)").unwrap_or(path);
    Family::id_of_memory(path.rsplit(|&byte| byte == b'/').next()?)
}
