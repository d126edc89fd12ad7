//! `shmat`

use core::ffi::c_int;
use std::os::fd::RawFd;

use super::access::Access;
use super::memory;
use super::placement::{Where, map, page};
use super::places::{self, Attachment};
use super::reach;
use super::segment::{Segment, enter};
use crate::atomic::Ordering;
use crate::os::{Errno, Result};
use crate::shared::thread::{FrameTag, Thread};

/// Attaches a segment, and says where. shmat(2).
///
/// Errors: EINVAL for the id or the address; EACCES; ENOMEM, and others of mmap(2).
pub fn attach(thread: &'static Thread, id: i32, address: usize, flags: c_int) -> Result<usize> {
    if id < 0 {
        return Err(Errno::EINVAL);
    }
    let (place, access) = (Where::read(address, flags)?, Access::of_flags(flags));
    let tag = FrameTag::new();
    let entered = enter(thread, id, &tag)?;
    let segment = entered.object;
    segment.check(access.wanted())?;
    let length = segment.size()?.checked_next_multiple_of(page()).ok_or(Errno::ENOMEM)?;
    place.check(length)?;
    let last = segment.words().announce_attach();
    let start = map_memory(segment, length, place, access)
        .inspect_err(|_| segment.words().take_back_attach(last))?;
    places::insert(Attachment { start, length, id });
    segment.words().note_attach();
    Ok(start)
}

fn map_memory(segment: &Segment, length: usize, place: Where, access: Access) -> Result<usize> {
    match memory::open(segment.facts().id, access) {
        Ok(file) => {
            examine(segment, file.fd())?;
            map(file.fd(), length, place, access)
        }
        Err(Errno::ENOENT) => reach::attach(segment, length, place, access),
        Err(Errno::ELOOP | Errno::ENXIO | Errno::EISDIR) => Err(Errno::EINVAL),
        Err(error) => Err(error),
    }
}

/// Looks once whether the memory is as long as the header says.
fn examine(segment: &Segment, file: RawFd) -> Result<()> {
    if !segment.is_sound.load(Ordering::Relaxed) {
        memory::examine(file, segment.size()?)?;
        segment.is_sound.store(true, Ordering::Relaxed);
    }
    Ok(())
}
