//! Which users may open a queue, and for what.
//!
//! Every participant writes to the mapping, receivers, too. So a class of users to which the mode
//! gives any access gets reading and writing on the files; the mode itself is in the header, and
//! `mq_open` enforces it. Among cooperating processes that is POSIX; it does not keep a hostile
//! process from receiving what it may only send.

use crate::os::Errno;
use crate::os::Result;
use crate::os::credentials::{self, Capability};
use crate::os::file::Status;

const READ: u32 = 4;
const WRITE: u32 = 2;

/// What a queue is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// `O_RDONLY` or `O_RDWR`
    pub receive: bool,
    /// `O_WRONLY` or `O_RDWR`
    pub send: bool,
}

impl Access {
    /// For neither: what `mq_open` gives with the access mode 3, if it makes the queue.
    pub const NONE: Self = Self { receive: false, send: false };

    /// From the flags of open(2). EINVAL for 3, which is no access mode.
    pub fn from_flags(flags: i32) -> Result<Self> {
        match flags & libc::O_ACCMODE {
            libc::O_RDONLY => Ok(Self { receive: true, send: false }),
            libc::O_WRONLY => Ok(Self { receive: false, send: true }),
            libc::O_RDWR => Ok(Self { receive: true, send: true }),
            _ => Err(Errno::EINVAL),
        }
    }

    /// The reverse of [`Access::bits`].
    pub fn from_bits(bits: u32) -> Self {
        Self { receive: bits & READ != 0, send: bits & WRITE != 0 }
    }

    /// What POSIX calls them in a mode: 4 to receive, 2 to send.
    pub fn bits(self) -> u32 {
        u32::from(self.receive) * READ + u32::from(self.send) * WRITE
    }
}

/// The permission bits of the files of a queue with this mode. Its owner, who could change them,
/// always gets both.
pub fn of_files(mode: u32) -> u32 {
    0o600
        + [3, 0]
            .iter()
            .map(|shift| if mode >> shift & (READ | WRITE) == 0 { 0 } else { 0o6 << shift })
            .sum::<u32>()
}

/// EACCES unless the mode of the queue gives this access to the caller. `file` is the data file,
/// which the caller has opened, and whose owner is the queue's.
pub fn check(file: &Status, mode: u32, access: Access) -> Result<()> {
    let gives = |class: u32| class & access.bits() == access.bits();
    // If each class has this access or none at all, the kernel has checked it when the file was
    // opened.
    let is_decided = gives(mode >> 6)
        && [mode >> 3, mode].into_iter().all(|class| gives(class) || class & (READ | WRITE) == 0);
    if is_decided {
        return Ok(());
    }
    let class = if credentials::file_user() == file.st_uid {
        mode >> 6
    } else if credentials::is_member(file.st_gid) {
        mode >> 3
    } else {
        mode
    };
    // As for any file: root may do so by capabilities, which it can give up.
    let is_exempt = || {
        credentials::has(Capability::OverrideModes)
            || !access.send && credentials::has(Capability::ReadAll)
    };
    if gives(class) || is_exempt() { Ok(()) } else { Err(Errno::EACCES) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_gets_all_or_nothing_on_the_files() {
        assert_eq!(of_files(0o640), 0o660);
        assert_eq!(of_files(0o420), 0o660);
        assert_eq!(of_files(0o602), 0o606);
        assert_eq!(of_files(0o111), 0o600);
    }

    #[test]
    fn access_modes() {
        assert_eq!(Access::from_flags(libc::O_RDONLY).unwrap().bits(), READ);
        assert_eq!(Access::from_flags(libc::O_WRONLY | libc::O_CREAT).unwrap().bits(), WRITE);
        assert_eq!(Access::from_flags(libc::O_RDWR).unwrap().bits(), READ | WRITE);
        assert_eq!(Access::from_flags(3).err(), Some(Errno::EINVAL));
    }
}
