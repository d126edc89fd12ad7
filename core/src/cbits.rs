//! What Rust and C (`cbits/`) share: the layouts of `cbits/rsipc_cbits.h`, and the constants by
//! which the two sides communicate.
//!
//! `tests/abi` has the crate ctest read this file and compare each item with its counterpart in C.
//! For that the file stands alone: it refers to `core` and to `libc`, and to no other module.
//!
//! C allocates each of these structures, on its stack or elsewhere. Rust gets a pointer that is
//! valid during the call.

use core::ffi::{c_int, c_long, c_uint, c_void};

/// `struct futex_waitv` of linux/futex.h
#[repr(C)]
#[derive(Clone, Copy)]
pub struct WaitV {
    /// The word has to hold this.
    pub value: u64,
    /// Of the word.
    pub address: u64,
    /// Its size, and whether it is private.
    pub flags: u32,
    /// 0.
    pub reserved: u32,
}

/// A system call that sleeps: Rust describes it (`os/sleep.rs`), and C makes it.
///
/// It holds pointers into itself from `prepare` on, so it must stay where it is until the call is
/// made.
#[repr(C)]
pub struct Sleep {
    /// Of the call.
    pub number: c_long,
    /// Those that it does not take are 0.
    pub arguments: [c_long; 6],
    /// When the sleep ends, if `arguments` refers to it.
    pub until: libc::timespec,
    /// What ends the sleep, if `arguments` refers to it.
    pub waitv: [WaitV; 2],
    /// Signals are held back until the call, and then this mask is set; null: they are not.
    pub mask: *const u64,
    /// Whether a handler with `SA_RESTART` lets it go on.
    pub may_restart: c_int,
    /// Whether a handler has run that ends the wait, though the sleep may have ended otherwise.
    pub struck: c_int,
}

/// Storage for a wait: `shared::wait::Wait<A>`, whatever its `A`, but for `posix::mq`. It begins
/// with its sleep.
#[repr(C)]
pub struct WaitStorage {
    /// What C does next.
    pub sleep: Sleep,
    /// The rest of the wait.
    pub rest: [c_long; 44],
}

/// Storage for a wait on a POSIX queue, which may sleep on many words.
#[repr(C)]
pub struct MqWaitStorage {
    /// What it is to the code that drives waits.
    pub wait: WaitStorage,
    /// The rest.
    pub words: [c_long; 96],
}

/// A message of a batch: `struct rsipc_mq_message` of `<rsipc.h>`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct MqMessage {
    /// What is sent, or where a message goes.
    pub body: *mut c_void,
    /// Bytes there; of a message that has been received, its own.
    pub length: usize,
    /// Its priority.
    pub priority: c_uint,
}

/// What a call of `mq_send` was given: [`Outgoing`](crate::posix::mq::Outgoing), and the queue.
#[repr(C)]
pub struct MqSend {
    /// Where the message is.
    pub body: *const c_void,
    /// Bytes.
    pub length: usize,
    /// Its priority.
    pub priority: c_uint,
    /// The queue.
    pub queue: c_int,
}

/// What a call of `mq_receive` was given: [`Incoming`](crate::posix::mq::Incoming), and the queue.
#[repr(C)]
pub struct MqReceive {
    /// Where the message goes.
    pub body: *mut c_void,
    /// Bytes there.
    pub capacity: usize,
    /// Where the priority goes; may be NULL.
    pub priority: *mut c_uint,
    /// The queue.
    pub queue: c_int,
}

/// What Rust does with waits of one kind.
#[repr(C)]
pub struct WaitKind {
    /// After a sleep that ended with this error, 0 = none. Answers [`MUST_SLEEP`], 0 or an errno.
    pub woken: unsafe extern "C" fn(*mut WaitStorage, c_int) -> c_int,
    /// Called instead of `woken`, where the thread is cancelled in its sleep.
    pub cancelled: unsafe extern "C" fn(*mut WaitStorage),
    /// Whether the thread can be cancelled in its sleep.
    pub is_cancellation_point: c_int,
}

/// The answer of a step of a wait when the thread must sleep. No errno is as large.
pub const MUST_SLEEP: c_int = 4096;

/// How a sleep has ended that has not begun, as the thread lost its processor just before.
pub const NOT_BEGUN: c_int = 4097;

/// What `rsipc_mq_try_hold` is to do: give a loan.
pub const LOAN: c_int = 0;
/// Borrow a message.
pub const BORROW: c_int = 1;

/// For `rsipc_mq_loan`: `RSIPC_MQ_LOAN_ALL` of `<rsipc.h>`.
pub const MQ_LOAN_ALL: c_uint = 1;

/// Storage for what a notifying thread waits for: `posix::mq::Duty`.
#[repr(C)]
pub struct DutyStorage {
    /// Opaque to C.
    pub words: [u64; 5],
}

/// What a call that closes a descriptor has to remember from before the close until after it.
#[repr(C)]
pub struct Closing {
    /// Of [`CLOSE_QUEUE`]: the open queue, opaque to C.
    pub open: *mut c_void,
    /// Of [`CLOSE_UNKNOWN`]: the device and the inode of the FIFO.
    pub fifo: [u64; 2],
    /// The descriptor.
    pub fd: c_int,
    /// What it is: one of the `CLOSE_` constants.
    pub kind: c_int,
}

/// What a call has to remember that puts another file under the number of one of our descriptors.
#[repr(C)]
#[derive(Default)]
pub struct Moved {
    /// `Reserved::to_bits`; 0 = none is moved.
    pub kept: u32,
    /// How many locks there are.
    pub count: u32,
    /// The first byte and the last of each lock that the process has on the file.
    pub locks: [[i64; 2]; 8],
}

/// The descriptor is none of ours.
pub const CLOSE_FREELY: c_int = 0;
/// A descriptor of the library's own, which the program cannot close: EBADF.
pub const CLOSE_SPARE: c_int = 1;
/// A queue.
pub const CLOSE_QUEUE: c_int = 2;
/// The FIFO of a queue that this process does not know.
pub const CLOSE_UNKNOWN: c_int = 3;

/// A bit of `rsipc_concern`: the process has, or had, a descriptor of a queue.
pub const QUEUES: c_uint = 1;
/// A bit of `rsipc_concern`: the process has, or had, a descriptor of the library's own.
pub const RESERVED: c_uint = 2;
/// A bit of `rsipc_concern`: a queue is, or was, in the set of an epoll.
pub const IN_EPOLL: c_uint = 4;

/// Returned instead of the result of a call on a file: the descriptor does not belong to a queue
/// after all. No negative error number is as small.
pub const NOT_A_QUEUE: c_long = -4096;

/// A bit of the reasons for which a call that polls does not sleep: a queue has what is polled for.
pub const EXPECTED: c_int = 1;
/// The same: a handler has run since the call began.
pub const STRUCK: c_int = 2;
