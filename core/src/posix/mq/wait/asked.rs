//! What a thread that waits asks of its queue.

use crate::os::{Errno, Result};
use crate::posix::mq::descriptor::Use;
use crate::posix::mq::store::slots::Wanted;
use crate::shared::wait_point::WaitPoint;

/// EBADF when the descriptor has been closed behind our back.
pub fn is_nonblocking(queue: &Use<'static>) -> Result<bool> {
    // SAFETY: takes no pointer. Not `fcntl`, which is a cancellation point for some commands.
    let flags = unsafe { libc::syscall(libc::SYS_fcntl, queue.fd, libc::F_GETFL) };
    if flags < 0 {
        return Err(Errno::last());
    }
    let is_nonblocking = flags & i64::from(libc::O_NONBLOCK) != 0;
    queue.queue.nonblocking.learn(is_nonblocking);
    Ok(is_nonblocking)
}

/// Where threads wait for it.
pub fn point(queue: &Use<'static>, wanted: Wanted) -> &'static WaitPoint {
    match wanted {
        Wanted::Free => queue.queue.layout.space(),
        Wanted::Message => queue.queue.layout.message(),
    }
}

/// Whether it may be there.
pub fn seems_ready(queue: &Use<'_>, wanted: Wanted) -> bool {
    queue.queue.layout.slots().seem_to_have(wanted)
}
