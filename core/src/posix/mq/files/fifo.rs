//! The FIFO of a queue: found, made, verified. What belongs to what is told in the folder's `mod.rs`.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::data::Data;
use crate::os::Errno;
use crate::os::Result;
use crate::os::file::{self, Status};
use crate::os::random::random;
use crate::os::settings;
use crate::posix::mq::layout::FifoId;
use crate::posix::mq::permission;
use crate::shared::pause::Pause;

/// Prefix of the FIFOs.
pub const FIFO_PREFIX: &str = "rsipc-mqf.";
/// Names that are tried. That one is taken by chance is not to be expected.
const TRIES: usize = 4;

/// The FIFO with this number of the queue with this data file.
pub fn fifo_path(data_inode: u64, number: u64) -> PathBuf {
    settings::get().dir.join(format!("{}{number:016x}", prefix_of(data_inode)))
}

/// How the names of all FIFOs begin that were made for this data file.
pub(super) fn prefix_of(data_inode: u64) -> String {
    format!("{FIFO_PREFIX}{data_inode:x}.")
}

/// The inode of the data file that a FIFO of this name belongs to.
pub fn data_inode_of(file_name: &OsStr) -> Option<u64> {
    let (inode, number) = file_name.to_str()?.strip_prefix(FIFO_PREFIX)?.split_once('.')?;
    let is_number = number.len() == 16 && number.bytes().all(|byte| byte.is_ascii_hexdigit());
    u64::from_str_radix(inode, 16).ok().filter(|_| is_number)
}

/// An open FIFO.
pub struct Fifo {
    /// The descriptor.
    pub file: File,
    /// Which file it is.
    pub status: Status,
    number: u64,
    provisional: Provisional,
}

/// Where a FIFO lies that is to go with this value.
struct Provisional(Option<PathBuf>);

impl Fifo {
    /// Makes one for the queue with this data file, with this mode, and of the same owner. It is removed when this value
    /// goes, unless it is kept.
    ///
    /// Errors: EPERM when it is not for the caller to give it that owner; those of mkfifo(3) and open(2).
    pub fn make(data: &Status, mode: u32) -> Result<Self> {
        for _ in 0..TRIES {
            let number = random();
            let path = fifo_path(data.st_ino, number);
            let c_path = file::c_path(&path)?;
            // SAFETY: a C string. Nobody else may open it before it is as it shall be.
            if unsafe { libc::mkfifo(c_path.as_ptr(), 0o600) } == 0 {
                return Self::finish(path, number, data, mode);
            }
            match Errno::last() {
                Errno::EEXIST => {}
                error => return Err(error),
            }
        }
        // Not EEXIST, which is about the name of the queue.
        Err(Errno::EAGAIN)
    }

    fn finish(path: PathBuf, number: u64, data: &Status, mode: u32) -> Result<Self> {
        let opened = open_at(&path).and_then(|opened| {
            let (file, status) = opened.ok_or(Errno::EACCES)?;
            let is_owned = (status.st_uid, status.st_gid) == (data.st_uid, data.st_gid);
            // SAFETY: no pointer.
            if !is_owned && unsafe { libc::fchown(file.as_raw_fd(), data.st_uid, data.st_gid) } != 0 {
                return Err(Errno::last());
            }
            if status.st_mode & 0o777 != mode {
                change_mode(&file, mode)?;
            }
            Ok((file, status))
        });
        match opened {
            Ok((file, status)) => Ok(Self { file, status, number, provisional: Provisional(Some(path)) }),
            Err(error) => {
                // Made a moment ago, and not known to anybody.
                let _ = std::fs::remove_file(path);
                Err(error)
            }
        }
    }

    /// What the header tells of it.
    pub fn known_as(&self) -> FifoId {
        FifoId { number: self.number, inode: self.status.st_ino }
    }

    /// It stays.
    #[must_use]
    pub fn keep(mut self) -> Self {
        self.provisional.0 = None;
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

/// By the descriptor: a path could lead to another file by now. Not C's `fchmod`, which has ours in front of it.
pub(super) fn change_mode(file: &File, mode: u32) -> Result<()> {
    // SAFETY: no pointer.
    let changed = unsafe { libc::syscall(libc::SYS_fchmod, file.as_raw_fd(), mode) } == 0;
    if changed { Ok(()) } else { Err(Errno::last()) }
}

/// Opens the FIFO of a queue.
///
/// One that is missing, or not of this queue, is made anew by the owner of the queue or the superuser: its maker was
/// killed while it removed the queue, or somebody has written to the header. `true`: it was, so the queue may have lost
/// its name meanwhile. EACCES for others, once it is clear that nobody else is about to do it.
pub fn open_fifo(data: &Data) -> Result<(Fifo, bool)> {
    let mut pause = Pause::default();
    loop {
        let known = data.layout.fifo();
        if let Some(fifo) = open_known(data, known)? {
            return Ok((fifo, false));
        }
        let makes = may_make(&data.status);
        if makes && data.layout.fifo() == known {
            let fifo = Fifo::make(&data.status, permission::of_files(data.layout.mode()))?;
            if data.layout.replace_fifo(known, fifo.known_as()) {
                return Ok((fifo.keep(), true));
            }
        }
        if !pause.turn() {
            // To the owner: somebody keeps writing to the header.
            return Err(if makes { Errno::EINVAL } else { Errno::EACCES });
        }
    }
}

/// `None`: it is missing, or not of this queue.
fn open_known(data: &Data, known: FifoId) -> Result<Option<Fifo>> {
    let path = fifo_path(data.status.st_ino, known.number);
    let opened = match open_at(&path) {
        // ELOOP, ENXIO and EISDIR: what is there is no FIFO.
        Err(Errno::ENOENT | Errno::ELOOP | Errno::ENXIO | Errno::EISDIR) => None,
        // Somebody else's, who wants to keep us out.
        Err(Errno::EACCES) if !file::status_of(&path).is_ok_and(|there| belongs(&there, &data.status)) => {
            None
        }
        opened => opened?,
    };
    Ok(opened
        .filter(|(_, status)| belongs(status, &data.status) && status.st_ino == known.inode)
        .map(|(file, status)| Fifo { file, status, number: known.number, provisional: Provisional(None) }))
}

/// `None`: what is there is no FIFO.
fn open_at(path: &Path) -> Result<Option<(File, Status)>> {
    // Never blocks, whatever it is: a FIFO that is opened for both, or a file.
    let file = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NOFOLLOW).open(path)?;
    let status = file::status(file.as_raw_fd())?;
    Ok(file::is_a(&status, libc::S_IFIFO).then_some((file, status)))
}

/// Whether a FIFO, or what is there in its place, is of the owner of this data file, and in the same file system.
pub(super) fn belongs(fifo: &Status, data: &Status) -> bool {
    file::is_a(fifo, libc::S_IFIFO) && (fifo.st_dev, fifo.st_uid) == (data.st_dev, data.st_uid)
}

fn may_make(data: &Status) -> bool {
    // SAFETY: takes no arguments.
    let user = unsafe { libc::geteuid() };
    user == 0 || user == data.st_uid
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
        for foreign in ["rsipc-mqf.0000000000000abc", "rsipc-mqf.1.2", "rsipc-mqf.x.0000000000000abc", "x"] {
            assert_eq!(data_inode_of(OsStr::new(foreign)), None, "{foreign}");
        }
    }
}
