//! A System V message queue that this process takes part in, by the calls of the library.

use std::mem::MaybeUninit;

use rsipc_core::os::clock::Deadline;
use rsipc_core::os::{Errno, Result};
use rsipc_core::shared::thread::Thread;
use rsipc_core::shared::wait::Wait;
use rsipc_core::sysv::msg::{
    self, CallStorage, Change, Description, Done, Incoming, Outcome, Outgoing, Selector, Waiting,
};

use super::open_queue::this_thread;
use super::sysv::Typed;
use crate::interrupt;

/// `MSG_EXCEPT` of linux/msg.h
pub const EXCEPT: i32 = 0o20_000;
/// Bytes of a type, in front of a body.
const TYPE: usize = size_of::<i64>();

/// A queue by its id.
#[derive(Clone, Copy)]
pub struct OpenMessages {
    pub id: i32,
}

/// How long a call may wait.
#[derive(Clone, Copy)]
pub enum Patience {
    /// Not at all: EAGAIN, ENOMSG.
    None,
    /// Until then: ETIMEDOUT; or as long as it takes.
    Until(Option<Deadline>),
}

/// A message that was received.
pub struct Received {
    pub kind: i64,
    pub body: Vec<u8>,
}

impl OpenMessages {
    /// One that is there. ENOENT, EACCES.
    pub fn find(typed: Typed) -> Result<Self> {
        let id = match typed {
            Typed::Id(id) => id,
            Typed::Key(key) => msg::get(this_thread()?, key, 0)?,
        };
        Ok(Self { id })
    }

    /// EINVAL, EACCES.
    pub fn describe(self) -> Result<Description> {
        msg::describe(this_thread()?, self.id, false)
    }

    /// Changes how many bytes may be in it. EPERM.
    pub fn set_bound(self, bound: u64) -> Result<()> {
        let Description { permission, .. } = self.describe()?;
        let change =
            Change { uid: permission.uid, gid: permission.gid, mode: permission.mode, bound };
        msg::set(this_thread()?, self.id, change)
    }

    /// Sends. E2BIG: the message is too long for the queue; EINVAL for a type below 1, and for the
    /// id; EAGAIN, ETIMEDOUT; EIDRM.
    pub fn send(self, kind: i64, body: &[u8], patience: Patience) -> Result<()> {
        if kind < 1 {
            return Err(Errno::EINVAL);
        }
        if msg::is_too_long(this_thread()?, self.id, body.len()) {
            return Err(Errno::E2BIG);
        }
        let message = Outgoing { kind, body: body.as_ptr(), length: body.len() };
        perform(patience, |thread, flags, room| {
            // SAFETY: the room is on the stack of `perform`, and the body lives in the caller.
            let sent = unsafe { msg::send_or_wait(thread, self.id, &message, flags, room) }?;
            Ok(match sent {
                Outcome::Done(()) => Outcome::Done(Done::Sent),
                Outcome::MustWait => Outcome::MustWait,
            })
        })
        .map(drop)
    }

    /// Receives. EINVAL for the id; ENOMSG, ETIMEDOUT; EIDRM.
    pub fn receive(self, selector: Selector, patience: Patience) -> Result<Received> {
        let longest = usize::try_from(self.describe()?.longest).map_err(|_| Errno::EINVAL)?;
        let mut bytes = vec![0; TYPE + longest];
        let into = Incoming { into: bytes.as_mut_ptr(), capacity: longest, selector, cut: false };
        let done = perform(patience, |thread, flags, room| {
            // SAFETY: the room is on the stack of `perform`; the bytes live in this function.
            let got = unsafe { msg::receive_or_wait(thread, self.id, &into, flags, room) }?;
            Ok(match got {
                Outcome::Done(length) => Outcome::Done(Done::Received(length)),
                Outcome::MustWait => Outcome::MustWait,
            })
        })?;
        let Done::Received(length) = done else { return Err(Errno::EINTR) };
        let kind = bytes.first_chunk().map_or(0, |kind| i64::from_ne_bytes(*kind));
        bytes.truncate(TYPE + length);
        bytes.drain(..TYPE);
        Ok(Received { kind, body: bytes })
    }
}

/// Makes a call, and waits to the end if it must. EINTR.
fn perform(
    patience: Patience,
    call: impl Fn(&'static Thread, i32, *mut CallStorage) -> Result<Outcome<Done>>,
) -> Result<Done> {
    let (flags, until) = match patience {
        Patience::None => (libc::IPC_NOWAIT, None),
        Patience::Until(until) => (0, until),
    };
    let mut room = MaybeUninit::<CallStorage>::uninit();
    let at = room.as_mut_ptr();
    if let Outcome::Done(done) = call(this_thread()?, flags, at)? {
        return Ok(done);
    }
    // SAFETY: the call has placed a wait, which nobody moves.
    unsafe {
        let wait: *mut Wait<Waiting> = (&raw mut (*at).wait).cast();
        Wait::finish(wait, until)
    }
}

/// Makes a call anew that was interrupted, unless the signal asks for the end of the program.
pub fn through_signals<T>(call: impl Fn() -> Result<T>) -> Result<T> {
    loop {
        match call() {
            Err(Errno::EINTR) => interrupt::end_if_asked(),
            decided => return decided,
        }
    }
}
