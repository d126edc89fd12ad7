//! Several messages in one call: `rsipc_mq_sendv`, `rsipc_mq_recvv`.
//!
//! Each message is claimed, copied and committed by itself. So a process that is killed has sent,
//! or received, the messages before, and nothing of the next one. What a batch saves:
//!
//! * the way to the queue;
//! * wakes: sleepers are woken once, for all messages, behind the last commit (`wakes`);
//! * looks at the index: one serves a run of messages below one node (`store::run`);
//! * cache lines. The bodies of the messages ahead are on their way while one is copied. And a call
//!   that finds few messages, or little space, while another thread works on the same queue lets
//!   that thread get on for a moment (`shared::lull`): otherwise each line would go to and fro for
//!   each message.

mod receive;
mod runs;
mod send;
mod wakes;

use std::os::fd::RawFd;

use super::descriptor;
use super::message::{Incoming, Outgoing, Received};
use crate::os::{Errno, Result};
use crate::shared::thread::{FrameTag, Thread};

use receive::Receiving;
use send::Sending;

/// Sends as many of these messages as there is space for, in their order, and says how many. 0:
/// there is no space, or it is the turn of others. An error: of the first message; EBADF, EINVAL,
/// EMSGSIZE, EFAULT.
///
/// # Safety
/// The bodies are valid for reading.
pub unsafe fn send_some(
    thread: &'static Thread,
    fd: RawFd,
    count: usize,
    messages: impl Fn(usize) -> Outgoing,
) -> Result<usize> {
    let tag = FrameTag::new();
    let queue = descriptor::enter(thread, fd, &tag)?;
    let space = queue.queue.layout.space();
    let mut sending = Sending::new(&queue, count);
    let mut sent = 0;
    for message in (0..count).map(messages) {
        match message.check_priority().and_then(|()| queue.check_outgoing(&message)) {
            Err(error) if sent == 0 => return Err(error),
            Err(_) => break,
            Ok(()) if space.is_in_turn() => break,
            Ok(()) => {}
        }
        // SAFETY: checked; the caller vouches for the bodies.
        if !unsafe { sending.send(&message) } {
            break;
        }
        sent += 1;
    }
    sending.end();
    Ok(sent)
}

/// Receives as many messages as there are into as many buffers, gives each to `done`, and says how
/// many. 0 as above. An error: of the first message; EBADF, EMSGSIZE, EFAULT, EBADMSG.
///
/// # Safety
/// The buffers are valid for writing.
pub unsafe fn receive_some(
    thread: &'static Thread,
    fd: RawFd,
    count: usize,
    buffers: impl Fn(usize) -> Incoming,
    mut done: impl FnMut(usize, Received),
) -> Result<usize> {
    let tag = FrameTag::new();
    let queue = descriptor::enter(thread, fd, &tag)?;
    let turn = queue.queue.layout.message();
    let mut receiving = Receiving::new(&queue, count);
    let mut received = 0;
    for into in (0..count).map(buffers) {
        let is_first = received == 0;
        let checked = queue
            .check_incoming(&into)
            .and_then(|()| if into.body.is_null() { Err(Errno::EFAULT) } else { Ok(()) });
        match checked {
            Err(error) if is_first => return Err(error),
            Err(_) => break,
            Ok(()) if turn.is_in_turn() => break,
            Ok(()) => {}
        }
        // SAFETY: checked; the caller vouches for the buffers.
        let Some(message) = (unsafe { receiving.receive(&into, is_first) })? else { break };
        done(received, message);
        received += 1;
    }
    receiving.end();
    Ok(received)
}
