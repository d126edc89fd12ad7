//! Calls on a descriptor that does not wait, or has changed.

use super::attempt::Transfer;
use super::task::Transferred;
use super::turn::Refusal;
use crate::os::{Errno, Result};
use crate::shared::wait::Attempt;

impl Transfer {
    /// The result for a descriptor with `O_NONBLOCK`. What poll(2) may have reported is waited for,
    /// for a moment, and sleepers of the other side that have been woken: the kernel serves them in
    /// the calls that wake them.
    pub(super) fn refuse(&mut self) -> Result<Transferred> {
        let (mut refusal, other) = (Refusal::default(), self.other_point());
        loop {
            if let Some(done) = self.attempt_at_last()? {
                return Ok(done);
            }
            if !refusal.waits(other, || self.queue.is_promised(self.task.wanted())) {
                break;
            }
        }
        // No thread came: the next call is not to wait for it.
        let is_noted = self.queue.queue.layout.notify().active() != 0;
        if other.is_overdue() || (other.is_awaited() && !is_noted) {
            self.tell_the_other_side();
        }
        self.queue.found_none(self.task.wanted());
        Err(Errno::EAGAIN)
    }

    /// A handler in the middle of the call has changed the descriptor. EBADF: it has closed it.
    #[cold]
    pub(super) fn look_at_descriptor(&mut self) -> Result<Option<Transferred>> {
        // Before the look: another handler may come.
        self.queue.operation.trust();
        if !self.queue.is_open() {
            return Err(Errno::EBADF);
        }
        if self.is_nonblocking()? { self.refuse().map(Some) } else { Ok(None) }
    }

    /// EBADF when the descriptor has been closed behind our back.
    pub(super) fn is_nonblocking(&self) -> Result<bool> {
        // SAFETY: takes no pointer. Not `fcntl`, which is a cancellation point for some commands.
        let flags = unsafe { libc::syscall(libc::SYS_fcntl, self.queue.fd, libc::F_GETFL) };
        if flags < 0 {
            return Err(Errno::last());
        }
        let is_nonblocking = flags & i64::from(libc::O_NONBLOCK) != 0;
        self.queue.queue.nonblocking.learn(is_nonblocking);
        Ok(is_nonblocking)
    }
}
