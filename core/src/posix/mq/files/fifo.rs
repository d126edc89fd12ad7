//! The FIFO of a queue: its name, made, opened. The folder's `mod.rs` says which FIFO belongs to
//! which queue.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::access::open_path;
use crate::os::Errno;
use crate::os::Result;
use crate::os::credentials::file_user;
use crate::os::file::change_mode;
use crate::os::file::{self, Status};
use crate::os::random::random;
use crate::os::settings;
use crate::posix::mq::layout::FifoId;

/// Prefix of the FIFOs.
pub const FIFO_PREFIX: &str = "rsipc-mqf.";
/// Names that are tried. That one is taken by chance is not to be expected.
const TRIES: usize = 4;

/// The FIFO with this nonce of the queue with this data file.
pub fn fifo_path(data_inode: u64, nonce: u64) -> PathBuf {
    settings::get().dir.join(format!("{}{nonce:016x}", prefix_of(data_inode)))
}

/// How the names of all FIFOs begin that were made for this data file.
pub(super) fn prefix_of(data_inode: u64) -> String {
    format!("{FIFO_PREFIX}{data_inode:x}.")
}

/// The inode of the data file that a FIFO of this name belongs to.
pub fn data_inode_of(file_name: &OsStr) -> Option<u64> {
    let (inode, nonce) = file_name.to_str()?.strip_prefix(FIFO_PREFIX)?.split_once('.')?;
    let is_nonce = nonce.len() == 16 && nonce.bytes().all(|byte| byte.is_ascii_hexdigit());
    u64::from_str_radix(inode, 16).ok().filter(|_| is_nonce)
}

/// An open FIFO.
pub struct Fifo {
    /// The descriptor.
    pub file: File,
    /// Which file it is.
    pub status: Status,
    nonce: u64,
    provisional: Provisional,
}

/// Where a FIFO lies that is to go with this value.
struct Provisional(Option<PathBuf>);

impl Fifo {
    /// Makes one for the queue with this data file, with this mode, and of the same owner. It is
    /// removed when this value goes, unless it is kept.
    ///
    /// Errors: EPERM when the caller may not give it that owner; those of mkfifo(3) and open(2).
    pub fn make(data: &Status, mode: u32) -> Result<Self> {
        for _ in 0..TRIES {
            let nonce = random();
            let path = fifo_path(data.st_ino, nonce);
            let c_path = file::c_path(&path)?;
            // SAFETY: a C string. No other user may open it before its owner and mode are set.
            if unsafe { libc::mkfifo(c_path.as_ptr(), 0o600) } == 0 {
                return Self::finish(path, nonce, data, mode);
            }
            match Errno::last() {
                Errno::EEXIST => {}
                error => return Err(error),
            }
        }
        // Not EEXIST, which is about the name of the queue.
        Err(Errno::EAGAIN)
    }

    fn finish(path: PathBuf, nonce: u64, data: &Status, mode: u32) -> Result<Self> {
        let opened = open_made(&path).and_then(|opened| {
            let (file, status) = opened.ok_or(Errno::EACCES)?;
            let is_owned = (status.st_uid, status.st_gid) == (data.st_uid, data.st_gid);
            // SAFETY: no pointer.
            if !is_owned && unsafe { libc::fchown(file.as_raw_fd(), data.st_uid, data.st_gid) } != 0
            {
                return Err(Errno::last());
            }
            if status.st_mode & 0o777 != mode {
                change_mode(&file, mode)?;
            }
            Ok((file, status))
        });
        match opened {
            Ok((file, status)) => {
                Ok(Self { file, status, nonce, provisional: Provisional(Some(path)) })
            }
            Err(error) => {
                // Made a moment ago, and not known to any other process.
                let _ = std::fs::remove_file(path);
                Err(error)
            }
        }
    }

    /// One that is there.
    pub(super) fn known(file: File, status: Status, nonce: u64) -> Self {
        Self { file, status, nonce, provisional: Provisional(None) }
    }

    /// What the header tells of it.
    pub fn known_as(&self) -> FifoId {
        FifoId { nonce: self.nonce, inode: self.status.st_ino }
    }

    /// It stays.
    #[must_use]
    pub fn keep(mut self) -> Self {
        self.provisional.0 = None;
        self
    }
}

impl Fifo {
    /// Takes the descriptor's nonce of a file that is not needed any more, if it is lower than its
    /// own: `open` returns the lowest free one, and programs rely on that.
    #[must_use]
    pub fn in_place_of(mut self, file: File) -> Self {
        let (own, lower) = (self.file.as_raw_fd(), file.as_raw_fd());
        // SAFETY: no pointer; both descriptors are ours, and the lower one is closed by it in the
        // same step.
        if lower < own && unsafe { libc::syscall(libc::SYS_dup3, own, lower, libc::O_CLOEXEC) } >= 0
        {
            self.file = file;
        }
        self
    }
}

impl Drop for Provisional {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// One that the caller has just made. The umask may have denied even the owner to open it.
fn open_made(path: &Path) -> Result<Option<(File, Status)>> {
    match open_at(path) {
        Err(Errno::EACCES) => {
            let made = open_path(path)?;
            let status = file::status(made.as_raw_fd())?;
            let is_ours = status.st_uid == file_user();
            if is_ours && file::is_a(&status, libc::S_IFIFO) {
                file::change_mode_of_path(&made, 0o600)?;
            }
            open_at(path)
        }
        opened => opened,
    }
}

/// `None`: what is there is no FIFO.
pub(super) fn open_at(path: &Path) -> Result<Option<(File, Status)>> {
    // Never blocks, whatever it is: a FIFO that is opened for both, or a file.
    let file =
        OpenOptions::new().read(true).write(true).custom_flags(libc::O_NOFOLLOW).open(path)?;
    let status = file::status(file.as_raw_fd())?;
    Ok(file::is_a(&status, libc::S_IFIFO).then_some((file, status)))
}

/// Whether a FIFO, or what is there instead, belongs to the owner of this data file, and in the
/// same file system.
pub(super) fn belongs(fifo: &Status, data: &Status) -> bool {
    file::is_a(fifo, libc::S_IFIFO) && (fifo.st_dev, fifo.st_uid) == (data.st_dev, data.st_uid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_leads_back_to_the_data_file() {
        let path = fifo_path(0x1f2e, 0xabc);
        let name = path.file_name().unwrap();
        assert_eq!(name, "rsipc-mqf.1f2e.0000000000000abc");
        assert_eq!(data_inode_of(name), Some(0x1f2e));
        for foreign in
            ["rsipc-mqf.0000000000000abc", "rsipc-mqf.1.2", "rsipc-mqf.x.0000000000000abc", "x"]
        {
            assert_eq!(data_inode_of(OsStr::new(foreign)), None, "{foreign}");
        }
    }
}
