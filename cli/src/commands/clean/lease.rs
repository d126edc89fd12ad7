//! Whether any process at all has a file open: the kernel gives a write lease (fcntl(2),
//! `F_SETLEASE`) only on a file that no other process has open or mapped, in any namespace and of
//! any user. No process can open the file during the lease, so a file that is removed under a lease
//! is certainly not in use.
//!
//! Only for files that are to be removed: an open with `O_NONBLOCK`, such as that of `shm_open`,
//! fails during a lease.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;

use crate::objects::file;

/// What is known of the holders of a file.
pub enum Claim {
    /// There are none, and there will be none as long as this is open.
    Free(File),
    /// There are some.
    Held,
    /// The file system knows no leases, or the file is not ours.
    Unknown,
}

/// An open that breaks a lease is told to its holder by a signal.
pub fn ignore_breaks() {
    // SAFETY: ignoring calls no function.
    unsafe { libc::signal(libc::SIGIO, libc::SIG_IGN) };
}

/// Takes a lease, if nobody has the file.
pub fn claim(path: &Path) -> io::Result<Claim> {
    let file = match file::open(path) {
        Ok(file) => file,
        // Its owner may have taken the right to read it away.
        Err(error) if error.raw_os_error() == Some(libc::EACCES) => return Ok(Claim::Unknown),
        Err(error) => return Err(error),
    };
    // SAFETY: takes no pointer.
    if unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLEASE, libc::F_WRLCK) } == 0 {
        return Ok(Claim::Free(file));
    }
    match io::Error::last_os_error().raw_os_error() {
        Some(libc::EAGAIN) => Ok(Claim::Held),
        _ => Ok(Claim::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_file_that_nobody_has_is_free() {
        ignore_breaks();
        let path = Path::new("/dev/shm").join(format!("rsipc-lease-{}", std::process::id()));
        let held = File::create_new(&path).unwrap();
        assert!(matches!(claim(&path), Ok(Claim::Held)));
        drop(held);
        assert!(matches!(claim(&path), Ok(Claim::Free(_))));
        std::fs::remove_file(&path).unwrap();
    }
}
