//! The FIFO of a queue that is mapped: found and verified, or made anew.

use super::data::Data;
use super::fifo::{Fifo, belongs, fifo_path, open_at};
use crate::os::Errno;
use crate::os::Result;
use crate::os::credentials::file_user;
use crate::os::file::{self, Status};
use crate::posix::mq::layout::FifoId;
use crate::posix::mq::permission;
use crate::shared::pause::Pause;

/// Opens the FIFO of a queue.
///
/// One that is missing, or not of this queue, is made anew by the owner of the queue or the
/// superuser: a process was killed while it removed the queue, or a user has written to the header.
/// `true`: it was made anew, so the queue may have lost its name meanwhile. EACCES for others, once
/// it is clear that no other process is about to do it.
#[inline(never)]
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
        if !pause.wait() {
            // The caller is the owner: another process keeps writing to the header.
            return Err(if makes { Errno::EINVAL } else { Errno::EACCES });
        }
    }
}

/// `None`: it is missing, or not of this queue.
fn open_known(data: &Data, known: FifoId) -> Result<Option<Fifo>> {
    let path = fifo_path(data.status.st_ino, known.nonce);
    let opened = match open_at(&path) {
        // ELOOP, ENXIO and EISDIR: what is there is no FIFO.
        Err(Errno::ENOENT | Errno::ELOOP | Errno::ENXIO | Errno::EISDIR) => None,
        // Another user's, made to keep us out.
        Err(Errno::EACCES)
            if !file::status_of(&path).is_ok_and(|there| belongs(&there, &data.status)) =>
        {
            None
        }
        opened => opened?,
    };
    Ok(opened
        .filter(|(_, status)| belongs(status, &data.status) && status.st_ino == known.inode)
        .map(|(file, status)| Fifo::known(file, status, known.nonce)))
}

fn may_make(data: &Status) -> bool {
    let user = file_user();
    user == 0 || user == data.st_uid
}
