//! `mq_notify`: how a process registers, and takes that back.

use core::ffi::c_void;
use std::os::fd::RawFd;

use super::internal;
use super::mutex::Guard;
use super::notifier::{Duty, SignalDuty};
use super::registration::{Registration, is_in_force, next_after};
use super::request::{self, How, Request};
use super::signal::{self, Signal};
use crate::os::file;
use crate::os::membarrier;
use crate::os::spawn;
use crate::os::{Errno, Result};
use crate::posix::mq::descriptor::{self, Use};
use crate::shared::pause::Pause;
use crate::shared::thread::{FrameTag, Thread};

/// Lost races after which a registration is given up.
const ATTEMPTS: usize = 64;

/// What the registered process wants to happen.
#[derive(Clone, Copy)]
pub enum Wish {
    /// `SIGEV_NONE`
    Nothing,
    /// `SIGEV_SIGNAL`
    Signal {
        /// Its number, 0..=64.
        signo: u32,
        /// `sigev_value`
        value: u64,
    },
    /// `SIGEV_THREAD`
    Thread(Start),
}

/// How to start what `SIGEV_THREAD` asks for. In C: a thread that ends itself must not have Rust on
/// its stack.
#[derive(Clone, Copy)]
pub struct Start {
    /// What the thread is to run, and how.
    pub notification: *mut c_void,
    /// Starts a thread that waits for its duty, then runs that, and frees it. Or else the error:
    /// EAGAIN.
    pub start: unsafe extern "C" fn(*mut c_void, *const Duty) -> i32,
}

impl Wish {
    /// As long as nothing is known of other users.
    fn request(&self) -> Request {
        match *self {
            Self::Nothing => Request { how: How::Nothing, signal: 0, value: 0 },
            Self::Signal { signo, value } => Request { how: How::Signal, signal: signo, value },
            Self::Thread(_) => Request { how: How::Thread, signal: 0, value: 0 },
        }
    }
}

/// Registers this process, or ends its registration. POSIX.1-2017, `mq_notify`.
///
/// Errors: EBADF, EBUSY; EAGAIN when `SIGEV_THREAD` can have no thread; ENOMEM. If it fails, the
/// caller still owns what belongs to its wish.
pub fn notify(thread: &'static Thread, fd: RawFd, wish: Option<Wish>) -> Result<()> {
    let tag = FrameTag::new();
    let queue = descriptor::enter(thread, fd, &tag)?;
    if !queue.is_open() {
        return Err(Errno::EBADF);
    }
    // The registered process may be due to be notified: then a new registration is possible.
    queue.make_up_for_missed();
    match wish {
        Some(wish) => register(&queue, wish),
        None => withdraw(&queue),
    }
}

fn register(queue: &Use<'_>, wish: Wish) -> Result<()> {
    let registration = queue.queue.layout.notify();
    // Most senders are in the PID namespace of the queue. A process in another namespace has no PID
    // there to which they could send a signal.
    let needs_thread = matches!(wish, Wish::Signal { .. })
        && (registration.was_unreached()
            || !queue.is_at_home()
            || may_be_used_by_others(queue.fd)?);
    let mut request = wish.request();
    if needs_thread {
        request.how = How::SignalOrThread;
    }
    // An exec ends the registration by closing this, even if the program keeps its own descriptor.
    // If it cannot be had, the registration is as good as the program's own descriptor.
    // A filter may kill for opening a file.
    if !queue.thread().filter.is_confined() {
        queue.channel().open();
    }
    let _guard = Guard::take();
    for _ in 0..ATTEMPTS {
        let now = registration.sequence();
        if is_in_force(now) {
            if request::holder(queue.fd, now)?.is_some() {
                return Err(Errno::EBUSY);
            }
            end(registration, now);
        } else if try_register(queue, now, wish, request)? {
            // A sender stores its message and then looks at the registration, without a barrier of
            // its own. From here on it either sees this one, or its message is to be seen.
            membarrier::everywhere();
            return Ok(());
        }
    }
    Err(Errno::EBUSY)
}

/// After this sequence number, at which no process is registered. False: another one was faster, or
/// is about to be.
fn try_register(queue: &Use<'_>, after: u32, wish: Wish, request: Request) -> Result<bool> {
    let (registration, sequence) = (queue.queue.layout.notify(), next_after(after));
    // Registrations that are over.
    request::unlock_all(queue.fd)?;
    if !lock(queue.fd, sequence, request)? {
        // A process is about to take this sequence number. Or had it long ago, and keeps the lock;
        // or is stopped.
        let mut pause = Pause::default();
        while registration.sequence() == after && !pause.is_over() {
            pause.wait();
        }
        registration.skip(after);
        return Ok(false);
    }
    internal::note_registration();
    let duty = match start_thread(queue, after, wish, request) {
        Ok(duty) => duty,
        // The sender may not need it.
        Err(_) if request.how == How::SignalOrThread => {
            request::unlock(queue.fd, sequence)?;
            if !lock(queue.fd, sequence, wish.request())? {
                return Ok(false);
            }
            None
        }
        Err(error) => {
            request::unlock(queue.fd, sequence)?;
            return Err(error);
        }
    };
    if matches!(wish, Wish::Signal { .. }) {
        queue.queue.mapping.note_registration(sequence);
    }
    let has_begun = registration.begin(after);
    if !has_begun {
        if let Some(duty) = duty {
            duty.dismiss();
        }
        request::unlock(queue.fd, sequence)?;
    }
    Ok(has_begun)
}

/// ENOMEM when the kernel has no memory for it.
fn lock(fd: RawFd, sequence: u32, request: Request) -> Result<bool> {
    request::lock(fd, sequence, request).map_err(|error| match error {
        Errno(libc::ENOLCK) => Errno::ENOMEM,
        error => error,
    })
}

/// The thread that the wish needs, if it needs one.
fn start_thread(queue: &Use<'_>, after: u32, wish: Wish, request: Request) -> Result<Option<Duty>> {
    if !request.how.has_thread() {
        return Ok(None);
    }
    let duty = Duty::new(queue.queue.layout.notify(), after, queue.queue.fifo)?;
    let started = if let Wish::Thread(Start { notification, start }) = wish {
        // SAFETY: the maker of the wish guarantees it.
        let error = unsafe { start(notification, &raw const duty) };
        if error == 0 { Ok(()) } else { Err(Errno(error)) }
    } else {
        let signal = Signal { signo: request.signal, value: request.value };
        spawn::bare(SignalDuty::perform, SignalDuty { duty, signal }).map(|_| ())
    };
    if started.is_err() {
        duty.finish();
    }
    started.map(|()| Some(duty))
}

/// Ends the registration of this process, if it is registered.
fn withdraw(queue: &Use<'_>) -> Result<()> {
    let registration = queue.queue.layout.notify();
    let guard = Guard::take();
    let sequence = registration.sequence();
    let is_own = is_in_force(sequence)
        && request::holder(queue.fd, sequence)?
            .is_some_and(|holder| holder.pid == signal::own_pid());
    if is_own {
        // First: a handler that does this ends the wait that it has interrupted.
        queue.queue.mapping.note_registration(0);
        end(registration, sequence);
        request::unlock(queue.fd, sequence)?;
    }
    drop(guard);
    internal::close_deferred(queue.queue.fifo);
    Ok(())
}

fn end(registration: &Registration, sequence: u32) {
    if registration.end(sequence) {
        registration.call_thread();
    }
}

/// Whether another user than that of this process may open the queue. (The superuser may, and may
/// send any signal.)
fn may_be_used_by_others(fd: RawFd) -> Result<bool> {
    let status = file::status(fd)?;
    // SAFETY: takes no arguments.
    Ok(status.st_mode & 0o077 != 0 || status.st_uid != unsafe { libc::geteuid() })
}
