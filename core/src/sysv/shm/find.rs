//! `shmget`

use super::segment::Segment;
use crate::os::{Errno, Result};
use crate::shared::thread::Thread;
use crate::sysv::find::{self, Request};

/// `SHMMAX`: bytes of a segment. It is the kernel's default, which no segment reaches.
pub const SIZE_MAX: u64 = u64::MAX - (1 << 24);

/// The id of the segment with this key, or of a new one of so many bytes. shmget(2).
///
/// Errors: ENOENT, EEXIST; EINVAL for the size; EACCES; ENOSPC: so much memory is not free at the
/// moment; ENOMEM: there is not so much at all, or there are no huge pages.
pub fn get(thread: &'static Thread, key: i32, size: u64, flags: i32) -> Result<i32> {
    let can_be_made = || {
        if !(1..=SIZE_MAX).contains(&size) {
            return Err(Errno::EINVAL);
        }
        if flags & libc::SHM_HUGETLB != 0 || i64::try_from(size).is_err() {
            return Err(Errno::ENOMEM);
        }
        Ok(())
    };
    find::get::<Segment>(thread, Request { key, size, flags }, can_be_made)
}
