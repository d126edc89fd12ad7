//! `shmdt`: an attachment goes by the address that `shmat` gave.

use super::attachments;
use super::places::{self, Attachment};
use super::segment::Segment;
use crate::os::maps::{self, Look, Mapping};
use crate::os::{Errno, Result};
use crate::shared::thread::{FrameTag, Thread};
use crate::sysv::object::enter_any;

/// Detaches the segment that is attached at this address. shmdt(2). EINVAL: there is none.
pub fn detach(thread: &'static Thread, address: usize) -> Result<()> {
    if !address.is_multiple_of(2) {
        return Err(Errno::EINVAL);
    }
    let claim = places::claim(address)?;
    let id = match &claim {
        Some(claim) if !claim.may_have_changed() && is_whole(&claim.attachment, thread) => {
            unmap(claim.attachment.start, claim.attachment.length);
            claim.attachment.id
        }
        // The program has unmapped parts of it itself, or mapped something else there; or it was
        // not mapped by this library.
        _ => detach_ranges(address)?,
    };
    drop(claim);
    let tag = FrameTag::new();
    // It is known still, unless that takes more memory than there is.
    if let Ok(entered) = enter_any::<Segment>(thread, id, &tag) {
        entered.object.words().note_detach();
    }
    Ok(())
}

/// Whether all of it is mapped still. Then it is what was attached, unless the program has unmapped
/// that itself by a bare system call, mapped something else at the same address, and detaches it
/// all the same. A filter may kill for the question; then that is believed.
fn is_whole(attachment: &Attachment, thread: &Thread) -> bool {
    if thread.filter.is_confined() {
        return true;
    }
    let start = core::ptr::with_exposed_provenance_mut(attachment.start);
    // SAFETY: a range of addresses, whatever is there; with this flag nothing is written.
    unsafe { libc::msync(start, attachment.length, libc::MS_ASYNC) == 0 }
}

/// Ranges of one attachment that are looked for at a time.
const RANGES: usize = 16;

/// Unmaps what is left of the attachment that began at this address: each part that is at its
/// expected address. EINVAL: there is none.
fn detach_ranges(address: usize) -> Result<i32> {
    let mut detached = None;
    loop {
        let (ranges, memory) = ranges(address, detached);
        for (start, length) in ranges.into_iter().flatten() {
            unmap(start, length);
        }
        detached = detached.or(memory);
        if ranges[RANGES - 1].is_none() {
            return detached.map(|(id, _)| id).ok_or(Errno::EINVAL);
        }
    }
}

type Ranges = [Option<(usize, usize)>; RANGES];

/// Ranges of an attachment, and its id and inode. The first part says which segment it is.
fn ranges(address: usize, memory: Option<(i32, u64)>) -> (Ranges, Option<(i32, u64)>) {
    let (mut ranges, mut count, mut memory) = ([None; RANGES], 0, memory);
    let _ = maps::each_of_own(|mapping| {
        let Mapping { start, end, offset, inode, .. } = *mapping;
        let would_lie_here = start.checked_sub(address) == Some(offset);
        if let Some(id) = attachments::id_of(mapping).filter(|_| would_lie_here)
            && memory.is_none_or(|known| known == (id, inode))
        {
            memory = Some((id, inode));
            ranges[count] = Some((start, end - start));
            count += 1;
            if count == RANGES {
                return Look::Break(());
            }
        }
        Look::Continue(())
    });
    (ranges, memory)
}

fn unmap(start: usize, length: usize) {
    // SAFETY: what the program wants to be rid of.
    unsafe { libc::munmap(core::ptr::with_exposed_provenance_mut(start), length) };
}
