//! Tries each family once, with an object of its own that is removed at once.

use std::ffi::CStr;
use std::process;

use rsipc_core::os::Errno;
use rsipc_core::os::Result;
use rsipc_core::posix::mq;
use rsipc_core::posix::mq::How;
use rsipc_core::posix::sem::{self, Open};
use rsipc_core::posix::shm;

use super::finding::Finding;
use crate::failure::{from_errno, reason};
use crate::objects::name::Name;
use crate::objects::open_queue::OpenQueue;

pub fn check() -> Vec<Finding> {
    let name = Name::from_text(&format!("rsipc-doctor-{}", process::id()));
    vec![
        finding("semaphores", try_semaphore(name.c_str())),
        finding("queues", try_queue(&name)),
        finding("memory map", try_memory(name.c_str())),
    ]
}

fn finding(check: &'static str, tried: Result<()>) -> Finding {
    match tried {
        Ok(()) => Finding::good(check, "work"),
        Err(error) => Finding::bad(
            check,
            format!("do not work: {}", reason(&from_errno(error))),
            "see the lines on the directory and the memory",
        ),
    }
}

fn try_semaphore(name: &CStr) -> Result<()> {
    let semaphore = sem::open(name, Open::OrCreate { mode: 0o600, value: 1, exclusive: true })?;
    sem::unlink(name)?;
    // SAFETY: mapped until it is closed.
    let taken = unsafe { (*semaphore).try_take() };
    sem::close(semaphore)?;
    if taken { Ok(()) } else { Err(Errno::EAGAIN) }
}

fn try_queue(name: &Name) -> Result<()> {
    let flags = libc::O_RDWR | libc::O_CREAT | libc::O_EXCL;
    let queue = OpenQueue::open(name, How { flags, mode: 0o600, sizes: Some((2, 64)) });
    let removed = mq::unlink(name.c_str());
    let queue = queue?;
    removed?;
    queue.send(b"doctor", 1, None)?;
    let received = queue.receive(None)?;
    if received.body == b"doctor" { received.take() } else { Err(Errno::EBADF) }
}

fn try_memory(name: &CStr) -> Result<()> {
    let object = shm::open(name, libc::O_RDWR | libc::O_CREAT | libc::O_EXCL, 0o600)?;
    shm::unlink(name)?;
    std::fs::File::from(object).set_len(4096)?;
    Ok(())
}
