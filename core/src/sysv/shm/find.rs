//! `shmget`

use std::path::Path;

use super::segment::Segment;
use crate::os::credentials::{self, Capability};
use crate::os::file::number_in;
use crate::os::{Errno, Result};
use crate::shared::thread::Thread;
use crate::sysv::find::{self, Request};

/// `SHMMAX`: bytes of a segment. It is the kernel's default, which no segment reaches.
pub const SIZE_MAX: u64 = u64::MAX - (1 << 24);

/// The id of the segment with this key, or of a new one of so many bytes. shmget(2).
///
/// Errors: ENOENT, EEXIST; EINVAL for the size; EACCES; ENOSPC: so much memory is not free at the
/// moment; ENOMEM: there is not so much at all, or there are no huge pages; EPERM: huge pages are
/// not for the caller.
pub fn get(thread: &'static Thread, key: i32, size: u64, flags: i32) -> Result<i32> {
    let can_be_made = || {
        if !(1..=SIZE_MAX).contains(&size) {
            return Err(Errno::EINVAL);
        }
        match flags & libc::SHM_HUGETLB {
            0 if i64::try_from(size).is_ok() => Ok(()),
            0 => Err(Errno::EINVAL),
            _ if !has_huge_pages(flags) => Err(Errno::EINVAL),
            _ if may_have_huge_pages() => Err(Errno::ENOMEM),
            _ => Err(Errno::EPERM),
        }
    };
    find::get::<Segment>(thread, Request { key, size, flags }, can_be_made)
}

/// Whether the machine has huge pages of the size that the flags name, SHM_HUGE_2MB and its like.
/// Where that is not known it has.
fn has_huge_pages(flags: i32) -> bool {
    const SIZES: &str = "/sys/kernel/mm/hugepages";
    let shift = flags >> libc::MAP_HUGE_SHIFT & libc::MAP_HUGE_MASK;
    let size = format!("{SIZES}/hugepages-{}kB", 1_u64 << shift >> 10);
    shift == 0 || Path::new(&size).exists() || !Path::new(SIZES).exists()
}

/// Whether the kernel would give the caller huge pages if it had any.
fn may_have_huge_pages() -> bool {
    let group = || number_in(c"/proc/sys/vm/hugetlb_shm_group").unwrap_or(0);
    let is_in = || u32::try_from(group()).is_ok_and(credentials::is_member);
    credentials::has(Capability::IpcLock) || is_in()
}
