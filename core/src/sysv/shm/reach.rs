//! The memory of a segment that has lost its name: it has been removed, and goes on for as long as
//! a process has it attached.
//!
//! This process makes one more mapping of what it has attached itself, or has inherited. With the
//! privilege to do so (CAP_CHECKPOINT_RESTORE) it opens the memory through a mapping of any process
//! that it sees.

use core::ffi::c_int;
use core::fmt::Display;
use std::os::fd::RawFd;

use super::access::Access;
use super::attachments;
use super::placement::{Where, keep, map};
use super::places::{self, Attachment};
use super::segment::Segment;
use crate::os::maps::{self, Look, Mapping, Name};
use crate::os::open::Open;
use crate::os::{Errno, Result};

/// So often it may go while it is attached anew. Only a program that does nothing else makes more
/// of them in vain.
const ATTEMPTS: usize = 64;

/// Attaches it once more. EINVAL: it is out of reach; EACCES: what there is cannot be written to.
pub fn attach(segment: &Segment, length: usize, place: Where, access: Access) -> Result<usize> {
    if let Some(file) = open(segment, access) {
        return map(file.fd(), length, place, access);
    }
    for _ in 0..ATTEMPTS {
        let start = own(segment, access).ok_or(Errno::EINVAL)?;
        match duplicate(segment, start, length, place, access) {
            // Another thread has detached it meanwhile.
            Err(Errno::EFAULT) => {}
            attached => return attached,
        }
    }
    Err(Errno::EINVAL)
}

/// Whether the memory of this segment is mapped there, as far as that can be found out.
fn is_at(segment: &Segment, start: usize) -> bool {
    let (id, inode) = (segment.facts().id, segment.inode());
    let mut is_it = false;
    let looked = maps::each_of_own(|mapping| {
        if (mapping.start..mapping.end).contains(&start) {
            is_it = attachments::is_of(mapping, id, inode);
            return Look::Break(());
        }
        Look::Continue(())
    });
    looked.is_err() || is_it
}

/// Where this process has the beginning of the memory, preferably with this access. The program may
/// have protected or unmapped a part of what follows: a second mapping is as long as it is to be.
fn own(segment: &Segment, access: Access) -> Option<usize> {
    let (id, inode) = (segment.facts().id, segment.inode());
    let mut found = None;
    let looked = maps::each_of_own(|mapping| {
        let Mapping { start, offset, is_writable, .. } = *mapping;
        if offset == 0 && attachments::is_of(mapping, id, inode) {
            found = Some(start);
            if is_writable == access.writes {
                return Look::Break(());
            }
        }
        Look::Continue(())
    });
    // Without /proc.
    if looked.is_err() { places::find(id).map(|attachment| attachment.start) } else { found }
}

/// A second mapping of the same pages: one of no old size. EACCES: what there is cannot be written
/// to; EFAULT: it was not there any more.
fn duplicate(
    segment: &Segment,
    start: usize,
    length: usize,
    place: Where,
    access: Access,
) -> Result<usize> {
    let old: *mut libc::c_void = core::ptr::with_exposed_provenance_mut(start);
    let fixed = if place.flag == 0 { None } else { Some(keep(length, place)?) };
    let target: *mut libc::c_void = core::ptr::with_exposed_provenance_mut(fixed.unwrap_or(0));
    let flag: c_int = if fixed.is_some() { libc::MREMAP_FIXED } else { 0 };
    // SAFETY: the old mapping stays; the new one is where the kernel wants it, or in a place that
    // was kept for it.
    let new = unsafe { libc::mremap(old, 0, length, libc::MREMAP_MAYMOVE | flag, target) };
    if new == libc::MAP_FAILED {
        let error = Errno::last();
        if let Some(kept) = fixed {
            unmap(kept, length);
        }
        return Err(error);
    }
    let new = new.expose_provenance();
    // Another thread may have detached it meanwhile, and attached another one there.
    if !is_at(segment, new) {
        unmap(new, length);
        return Err(Errno::EFAULT);
    }
    // SAFETY: the new mapping.
    if unsafe {
        libc::mprotect(core::ptr::with_exposed_provenance_mut(new), length, access.protection())
    } != 0
    {
        let error = Errno::last();
        unmap(new, length);
        return Err(error);
    }
    Ok(new)
}

fn unmap(start: usize, length: usize) {
    // SAFETY: a mapping that this call has made.
    unsafe { libc::munmap(core::ptr::with_exposed_provenance_mut(start), length) };
}

/// The memory, opened through a mapping. `None`: the privilege is missing, or there is no such
/// mapping.
fn open(segment: &Segment, access: Access) -> Option<Open> {
    let (id, inode) = (segment.facts().id, segment.inode());
    // To look at all processes takes milliseconds.
    if let Some(Attachment { start, length, .. }) = places::find(id) {
        match open_through("self", start, start.saturating_add(length), access) {
            Ok(file) if is_memory(file.fd(), inode) => return Some(file),
            Err(Errno::EPERM) => return None,
            _ => {}
        }
    }
    let mut opened = None;
    attachments::each(id, inode, |pid, mapping| {
        match open_through(pid, mapping.start, mapping.end, access) {
            Ok(file) => opened = Some(file),
            // No other one can be opened, either.
            Err(Errno::EPERM) => return Look::Break(()),
            Err(_) => {}
        }
        if opened.is_some() { Look::Break(()) } else { Look::Continue(()) }
    });
    opened.filter(|file| is_memory(file.fd(), inode))
}

/// EPERM: the privilege is missing.
fn open_through(process: impl Display, start: usize, end: usize, access: Access) -> Result<Open> {
    let path = Name::new(format_args!("/proc/{process}/map_files/{start:x}-{end:x}"));
    Open::new(path.as_c_str(), access.of_open())
}

/// Something else may have been mapped there meanwhile.
fn is_memory(file: RawFd, inode: u64) -> bool {
    crate::os::file::status(file).is_ok_and(|status| status.st_ino == inode)
}
