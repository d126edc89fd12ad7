//! The thread that stands for this process in a queue's registration, and passes the notification on.
//!
//! It is made at the first `mq_notify` on an open queue, and stays until that is closed. To register again it is only
//! called, so that a signal handler may do that. The signal is raised from inside the process: it crosses users and
//! PID namespaces, and can never hit a process that has got the number of a dead one.

use core::ffi::{c_int, c_void};
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicUsize, Ordering};
use core::{mem, ptr};
use std::cell::UnsafeCell;
use std::os::fd::RawFd;
use std::sync::Arc;

use crate::os::Errno;
use crate::os::Result;
use crate::os::futex::{self, Scope};
use crate::os::membarrier;
use crate::os::spawn;
use crate::posix::mq::descriptor::{self, Use};
use crate::posix::mq::notify::registration::{Registered, Registration, Sender};
use crate::shared::claim;
use crate::shared::thread::{FrameTag, Thread};

/// How long a registered herald sleeps without a look, in milliseconds. Two such sleeps and some delay are within a second.
const LOOK_MS: u32 = 300;
/// How often it looks whether a notification that is being delivered makes room for the next registration.
const TRIES: u32 = 1000;

/// `SI_MESGQ` of asm-generic/siginfo.h
const SI_MESGQ: c_int = -3;

/// Heralds of this process that are registered.
static REGISTERED: AtomicUsize = AtomicUsize::new(0);

/// Whether this process is registered with any queue.
pub fn any_registered() -> bool {
    REGISTERED.load(Ordering::SeqCst) > 0
}

/// What the registered process wants to happen.
#[derive(Clone, Copy)]
pub enum Wish {
    /// `SIGEV_NONE`
    Nothing,
    /// `SIGEV_SIGNAL`
    Signal {
        /// Its number.
        number: c_int,
        /// `sigev_value`
        value: libc::sigval,
    },
    /// `SIGEV_THREAD`
    Thread(Start),
}

/// A thread to start: `struct rsipc_notification` of `cbits/notify.c`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Start {
    /// What the thread runs.
    pub function: *const c_void,
    /// `sigev_value`
    pub value: libc::sigval,
    /// A copy of the attributes, if `has_attributes`.
    pub attributes: libc::pthread_attr_t,
    /// Whether there are any.
    pub has_attributes: bool,
    /// Starts it. Written in C: a thread that ends itself must not have Rust on its stack.
    pub start: unsafe extern "C" fn(*const Start),
}

impl Wish {
    fn registered(&self) -> Registered {
        let (how, signal) = match self {
            Self::Nothing => (libc::SIGEV_NONE, 0),
            Self::Signal { number, .. } => (libc::SIGEV_SIGNAL, *number),
            Self::Thread(_) => (libc::SIGEV_THREAD, 0),
        };
        Registered { pid: Sender::this().pid, how: how.cast_unsigned(), signal: signal.cast_unsigned() }
    }
}

/// What a herald is asked for, and how it answers: the values of [`Herald::state`].
mod state {
    /// It waits. A caller may take it to `CALLED`.
    pub const IDLE: u32 = 0;
    /// A caller writes its wish.
    pub const CALLED: u32 = 1;
    /// The wish is there: the herald is to register. It answers with `REGISTERED` or `REFUSED`.
    pub const REGISTER: u32 = 2;
    /// It is registered. When it has notified, it goes back to `IDLE`; a caller may take it to `WITHDRAW`.
    pub const REGISTERED: u32 = 3;
    /// Somebody else is registered. The caller takes it back to `IDLE`.
    pub const REFUSED: u32 = 4;
    /// It is to end the registration, and goes to `IDLE`.
    pub const WITHDRAW: u32 = 5;
    /// It is to end, or has ended.
    pub const DISMISSED: u32 = 6;
}

/// The process's side of a herald.
pub struct Herald {
    /// See [`state`]. The one futex word between callers and the thread.
    state: AtomicU32,
    /// Written by a caller between `CALLED` and `REGISTER`, read by the thread after that.
    wish: UnsafeCell<Wish>,
    /// The process that has the thread: the child of a fork has none.
    pid: u32,
    /// The descriptor that the wish came through. Changes hands with the wish.
    fd: AtomicI32,
    /// Nobody will call any more. Set by the one who closes, read by the thread when it has nothing to do.
    is_dismissed: AtomicBool,
}

// SAFETY: `wish` changes hands with `state`.
unsafe impl Sync for Herald {}
// SAFETY: the pointers in a wish are the program's, for any of its threads.
unsafe impl Send for Herald {}

impl Herald {
    /// A herald whose thread runs. The thread has a share in it, too.
    pub fn start() -> Result<Arc<Self>> {
        let herald = Arc::new(Self {
            state: AtomicU32::new(state::IDLE),
            wish: UnsafeCell::new(Wish::Nothing),
            pid: Sender::this().pid,
            fd: AtomicI32::new(-1),
            is_dismissed: AtomicBool::new(false),
        });
        let share = Arc::clone(&herald);
        spawn::background("rsipc-herald", move || share.run())?;
        Ok(herald)
    }

    /// Whether its thread runs in this process.
    pub fn is_here(&self) -> bool {
        self.pid == Sender::this().pid && self.state.load(Ordering::SeqCst) != state::DISMISSED
    }

    /// Registers this process. EBUSY when it or another one is registered.
    pub fn register(&self, fd: RawFd, registration: &Registration, wish: Wish) -> Result<()> {
        while !self.go(state::IDLE, state::CALLED) {
            if registration.registered().is_some() {
                return Err(Errno::EBUSY);
            }
            // It has been fired, and the herald is about to be free.
            self.wait_while(state::REGISTERED);
        }
        // SAFETY: the state is ours.
        unsafe { *self.wish.get() = wish };
        self.fd.store(fd, Ordering::Relaxed);
        self.set(state::REGISTER);
        self.wait_while(state::REGISTER);
        // Registered, or notified already, or refused.
        if self.go(state::REFUSED, state::IDLE) { Err(Errno::EBUSY) } else { Ok(()) }
    }

    /// Ends the registration, if there is one. False: there is none.
    pub fn withdraw(&self, registration: &Registration) -> bool {
        let withdrawn = self.go(state::REGISTERED, state::WITHDRAW);
        if withdrawn {
            registration.call_herald();
            self.wait_while(state::WITHDRAW);
        }
        withdrawn
    }

    /// Ends the thread, at once or when it has ended its registration.
    pub fn dismiss(&self) {
        self.is_dismissed.store(true, Ordering::SeqCst);
        self.go(state::IDLE, state::DISMISSED);
    }

    fn go(&self, from: u32, to: u32) -> bool {
        let gone = self.state.compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        if gone {
            futex::wake(self.state.as_ptr(), c_int::MAX, Scope::Private);
        }
        gone
    }

    fn set(&self, to: u32) {
        self.state.store(to, Ordering::SeqCst);
        futex::wake(self.state.as_ptr(), c_int::MAX, Scope::Private);
    }

    fn wait_while(&self, state: u32) -> u32 {
        loop {
            let now = self.state.load(Ordering::SeqCst);
            if now != state {
                return now;
            }
            futex::wait(&self.state, state, Scope::Private, None);
        }
    }

    /// The thread.
    fn run(&self) {
        let slot = core::cell::Cell::new(ptr::null());
        let Ok(thread) = Thread::adopt(&slot) else { return self.set(state::DISMISSED) };
        loop {
            match self.state.load(Ordering::SeqCst) {
                state::REGISTER => self.serve(thread),
                state::DISMISSED => break,
                _ if self.is_dismissed.load(Ordering::SeqCst) => break,
                other => {
                    self.wait_while(other);
                }
            }
        }
        thread.retire();
    }

    fn serve(&self, thread: &'static Thread) {
        let tag = FrameTag::new();
        let Ok(queue) = descriptor::enter(thread, self.fd.load(Ordering::Relaxed), &tag) else {
            return self.set(state::REFUSED);
        };
        let registration = queue.queue.layout.notify();
        if !take_holder(registration, &queue) {
            return self.set(state::REFUSED);
        }
        // SAFETY: between `REGISTER` and our answer the wish is ours.
        let wish = unsafe { *self.wish.get() };
        let number = registration.begin(wish.registered());
        // A sender stores its message and then looks at the registration, without a barrier of its own. From here on it
        // either sees this one, or its message is to be seen.
        membarrier::everywhere();
        REGISTERED.fetch_add(1, Ordering::SeqCst);
        self.set(state::REGISTERED);
        let sender = self.stand(&queue, number);
        REGISTERED.fetch_sub(1, Ordering::SeqCst);
        registration.end(number);
        claim::release(&registration.holder, &queue.operation);
        drop(queue);
        self.set(state::IDLE);
        if let Some(sender) = sender {
            fulfil(&wish, sender);
        }
    }

    /// Until the registration is fired, which gives the sender, or is to end.
    fn stand(&self, queue: &Use<'_>, number: u32) -> Option<Sender> {
        let (layout, registration) = (&queue.queue.layout, queue.queue.layout.notify());
        let (mut found, mut was_empty) = (None, false);
        loop {
            let changes = registration.changes();
            if let Some(sender) = registration.fired(number) {
                // Who wants to withdraw meanwhile comes too late.
                return Some(sender);
            }
            if self.state.load(Ordering::SeqCst) != state::REGISTERED || !queue.is_open() {
                return None;
            }
            // Nobody may end it but us and who has fired; whoever writes to the memory directly can all the same.
            if registration.registered().is_none() || registration.registration() != number {
                return registration.fired(number);
            }
            was_empty |= layout.slots().count() == 0;
            // A sender that has not fired after a whole sleep of ours never will.
            let overdue = layout.overdue(number, was_empty);
            match overdue.filter(|_| overdue == found) {
                Some(message) => {
                    // It is we who would be called.
                    let _ = registration.fire(number, message.sender);
                }
                None => found = overdue,
            }
            if registration.fired(number).is_none() {
                registration.sleep(changes, LOOK_MS);
            }
        }
    }
}

impl Registration {
    /// Makes whoever is registered look.
    pub fn call_herald(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        futex::wake(self.changes.as_ptr(), i32::MAX, Scope::Shared);
    }

    /// A number that changes when the herald is called.
    pub fn changes(&self) -> u32 {
        self.changes.load(Ordering::SeqCst)
    }

    /// Sleeps until the herald is called, at most so many milliseconds.
    pub fn sleep(&self, changes: u32, milliseconds: u32) {
        futex::wait(&self.changes, changes, Scope::Shared, Some(milliseconds));
    }
}

/// Becomes the holder. A holder that has been fired is about to go, and is waited for.
fn take_holder(registration: &Registration, queue: &Use<'_>) -> bool {
    for _ in 0..TRIES {
        if claim::claim(&registration.holder, &queue.operation) {
            return true;
        }
        if registration.registered().is_some() {
            return false;
        }
        futex::wait(&AtomicU32::new(0), 0, Scope::Private, Some(1));
    }
    false
}

fn fulfil(wish: &Wish, sender: Sender) {
    match wish {
        Wish::Nothing => {}
        Wish::Signal { number, value } => raise(*number, *value, sender),
        // SAFETY: the wish is a copy of what the caller of mq_notify gave.
        Wish::Thread(start) => unsafe { (start.start)(start) },
    }
}

/// `siginfo_t` as the kernel lays it out for queued signals on 64-bit Linux.
#[repr(C)]
struct SigInfo {
    signal: c_int,
    error: c_int,
    code: c_int,
    _padding: c_int,
    pid: u32,
    uid: u32,
    value: libc::sigval,
    _rest: [u8; 96],
}

const _: () = assert!(mem::size_of::<SigInfo>() == mem::size_of::<libc::siginfo_t>());

fn raise(number: c_int, value: libc::sigval, sender: Sender) {
    let info = SigInfo {
        signal: number,
        error: 0,
        code: SI_MESGQ,
        _padding: 0,
        pid: sender.pid,
        uid: sender.uid,
        value,
        _rest: [0; 96],
    };
    // SAFETY: `info` is a siginfo_t. A process may send itself any code.
    unsafe { libc::syscall(libc::SYS_rt_sigqueueinfo, libc::getpid(), number, &raw const info) };
}
