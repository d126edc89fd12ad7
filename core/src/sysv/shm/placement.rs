//! Where in the memory of the process a segment is mapped.

use core::ffi::c_int;
use std::os::fd::RawFd;

use super::access::Access;
use crate::os::{Errno, Result};

/// Since Linux 4.17; libc has no name for it on all targets.
const FIXED_NOREPLACE: c_int = 0x10_0000;

/// Where a segment is to be attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Where {
    /// 0: where the kernel wants, unless `flag` is one of the fixed ones.
    pub address: usize,
    /// For mmap(2): 0, `MAP_FIXED`, or `MAP_FIXED_NOREPLACE`.
    pub flag: c_int,
}

impl Where {
    /// From the arguments of `shmat`. EINVAL: the address is not that of a page, and is not to be
    /// rounded; or SHM_REMAP without an address.
    pub fn read(address: usize, flags: c_int) -> Result<Self> {
        let (rounds, replaces) = (flags & libc::SHM_RND != 0, flags & libc::SHM_REMAP != 0);
        // SHMLBA is the size of a page on all architectures that the library is for.
        let odd = address % page();
        let rounded = address - odd;
        if address == 0 && !replaces {
            return Ok(Self { address, flag: 0 });
        }
        if odd != 0 && !rounds || rounded == 0 && replaces {
            return Err(Errno::EINVAL);
        }
        // The kernel does not ask what is in page 0.
        let flag = if replaces || rounded == 0 { libc::MAP_FIXED } else { FIXED_NOREPLACE };
        Ok(Self { address: rounded, flag })
    }

    /// EINVAL: so many bytes go beyond the end of all addresses.
    pub fn check(self, length: usize) -> Result<()> {
        let wraps = self.address.checked_add(length).is_none();
        if wraps && self.flag == FIXED_NOREPLACE { Err(Errno::EINVAL) } else { Ok(()) }
    }
}

/// Bytes of a page.
pub fn page() -> usize {
    // SAFETY: looks into memory that the kernel gave the program.
    usize::try_from(unsafe { libc::getauxval(libc::AT_PAGESZ) }).unwrap_or(4096).max(4096)
}

/// Maps the memory. EINVAL: something else is there; EACCES: it may not be executed; ENOMEM.
pub fn map(file: RawFd, length: usize, place: Where, access: Access) -> Result<usize> {
    let flags = libc::MAP_SHARED | place.flag;
    place_new(place, length, access.protection(), flags, file).map_err(|error| match error {
        // The file system has nothing that can be executed.
        Errno::EPERM if access.executes => Errno::EACCES,
        other => other,
    })
}

/// Reserves addresses for memory that comes from elsewhere. EINVAL: something else is there.
pub fn keep(length: usize, place: Where) -> Result<usize> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | place.flag;
    place_new(place, length, libc::PROT_NONE, flags, -1)
}

fn place_new(
    place: Where,
    length: usize,
    protection: c_int,
    flags: c_int,
    file: RawFd,
) -> Result<usize> {
    let address = core::ptr::without_provenance_mut(place.address);
    // SAFETY: memory that is free, or that the program has said is to be replaced.
    let map = unsafe { libc::mmap(address, length, protection, flags, file, 0) };
    if map == libc::MAP_FAILED {
        return Err(match Errno::last() {
            Errno::EEXIST => Errno::EINVAL,
            error => error,
        });
    }
    if place.flag != 0 && map.addr() != place.address {
        // A kernel that does not know the flag takes the address as a hint. SAFETY: the mapping
        // that has just been made.
        unsafe { libc::munmap(map, length) };
        return Err(Errno::EINVAL);
    }
    Ok(map.expose_provenance())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_rounded_only_if_that_is_said() {
        let (page, rounds, replaces) = (page(), libc::SHM_RND, libc::SHM_REMAP);
        let anywhere = Where { address: 0, flag: 0 };
        assert_eq!(Where::read(0, rounds), Ok(anywhere));
        assert_eq!(Where::read(page + 1, 0), Err(Errno::EINVAL));
        let there = Where { address: page, flag: FIXED_NOREPLACE };
        assert_eq!(Where::read(page, 0), Ok(there));
        assert_eq!(Where::read(2 * page - 1, rounds), Ok(there));
        let first = Where { address: 0, flag: libc::MAP_FIXED };
        assert_eq!(Where::read(page - 1, rounds), Ok(first));
        let instead = Where { address: page, flag: libc::MAP_FIXED };
        assert_eq!(Where::read(page + 1, rounds | replaces), Ok(instead));
        for address in [0, 1, page - 1] {
            assert_eq!(Where::read(address, rounds | replaces), Err(Errno::EINVAL));
        }
    }
}
