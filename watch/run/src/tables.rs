//! The memory that all processes of a run have in common.
//!
//! | part | who writes | how |
//! |---|---|---|
//! | `Head` | the command, once; counters: everybody | atomics |
//! | `Thread` | the thread that has claimed it | atomics, so that the command can read meanwhile |
//! | `Book` | who has `Head::lock` | plain memory |
//!
//! All bytes zero is the empty state, so a file of [`SIZE`] bytes needs no more than a `Head`.

use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering};

use crate::suspect::{HELD, LINE, SUSPECTS, Suspect};

/// `watch` and a version: what the first bytes have to be.
pub const MAGIC: u64 = u64::from_le_bytes(*b"watch\0\0\x06");

/// Bits of `Head::modes`.
pub mod mode {
    /// Each call is recorded.
    pub const TRACE: u32 = 1;
    /// Calls are judged.
    pub const CHECK: u32 = 2;
    /// Calls are disturbed.
    pub const CHAOS: u32 = 4;
    /// A process is killed.
    pub const KILL: u32 = 8;
}

/// The beginning.
#[repr(C)]
pub struct Head {
    /// [`MAGIC`], stored last by who makes the tables.
    pub magic: AtomicU64,
    /// Bits of [`mode`].
    pub modes: AtomicU32,
    /// The process that the run began with; nobody kills it.
    pub root: AtomicI32,
    /// Of all random decisions.
    pub seed: AtomicU64,
    /// The TID of who has the book, or 0. 0 -> TID: an exchange by that thread. TID -> 0: a store
    /// by that thread. TID of a dead thread -> TID: an exchange by a thread that has seen that it
    /// is dead.
    pub lock: AtomicI32,
    /// What is not in the book, by the reason ([`Gap`]): how often. From the first one on nothing
    /// is concluded from what is not in it.
    pub missed: [AtomicU32; Gap::ALL.len()],
    /// Records that could not be written.
    pub unwritten: AtomicU32,
    /// Findings.
    pub findings: AtomicU32,
    /// 0, or 1 once a process has been killed.
    pub killed: AtomicU32,
}

/// Why something is not in the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Gap {
    /// A thread that was stopped, or had no processor, kept it.
    Kept = 0,
    /// No room for an object.
    Objects,
    /// No room for what a process knows an object by.
    Handles,
    /// No room for a process.
    Processes,
    /// The stack of the thread was too short to write a record.
    Stack,
}

impl Gap {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 5] =
        [Self::Kept, Self::Objects, Self::Handles, Self::Processes, Self::Stack];

    /// What was the matter, behind a number of times.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Kept => "a process that was stopped, or had no processor, kept the book",
            Self::Objects => "there was no room for an object",
            Self::Handles => "there was no room for an object's use by a process",
            Self::Processes => "there was no room for a process",
            Self::Stack => "a stack was too short to write a record",
        }
    }
}

impl Head {
    /// Whether everything that has happened is in the book.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        // Relaxed: a number that nothing else depends on.
        self.missed.iter().all(|count| count.load(Ordering::Relaxed) == 0)
    }
}

/// Program counters that are kept of a stack.
pub const STACK: usize = 16;

/// A thread in a call.
#[repr(C)]
pub struct Thread {
    /// 0: free. 0 -> TID: an exchange by that thread. TID -> 0: a store by that thread, or by the
    /// command when the thread has ended.
    pub tid: AtomicI32,
    /// Its process.
    pub pid: AtomicI32,
    /// The number of the call and 1; 0 while the rest is not filled in. Stored last, with Release.
    pub call: AtomicU32,
    /// The index of the object and 1 (`Book::objects`); 0: unknown.
    pub object: AtomicU32,
    /// When the call began, in nanoseconds of CLOCK_MONOTONIC.
    pub began: AtomicU64,
    /// Its arguments.
    pub arguments: [AtomicU64; 6],
    /// Who called, the nearest first, 0 behind the last; only of a call that may sleep.
    pub stack: [AtomicU64; STACK],
}

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ObjectKind {
    /// The entry is free.
    None = 0,
    /// Made by `sem_open`.
    Named,
    /// Made by `sem_init`.
    Unnamed,
    /// A POSIX queue.
    Queue,
    /// A shared memory object.
    Memory,
    /// A set of System V.
    Set,
    /// A queue of System V.
    Messages,
    /// A segment of System V.
    Segment,
    /// One semaphore of a set of System V.
    Member,
}

/// The longest name that is kept: that of a file and the slash.
pub const NAME: usize = 256;

/// An object that a process of the run has to do with.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Object {
    /// What it is.
    pub kind: ObjectKind,
    /// A process of the run has made it.
    pub is_made: bool,
    /// Its name leads to it (POSIX), its id is valid (System V).
    pub is_linked: bool,
    /// `sem_init` has been called for it, and `sem_destroy` not yet.
    pub is_alive: bool,
    /// The memory that it is in is shared between processes.
    pub is_shared: bool,
    /// Somebody has posted who had taken nothing: it is a signal and no lock.
    pub is_signal: bool,
    /// A process was registered for a notification, and has not registered again since a message
    /// came into the empty queue.
    pub is_notified: bool,
    /// Bytes of `name`.
    pub name_length: u8,
    /// As a user knows it.
    pub name: [u8; NAME],
    /// Where an unnamed semaphore is: device and inode and 1, or pid and 0; and the byte in it. Of
    /// shared memory: its device and inode, and 1. Of a System V object the id,
    /// and of one semaphore of a set its number and 1.
    pub place: [u64; 3],
    /// Who made it.
    pub maker: i32,
    /// The thread that took the last unit of a semaphore with the initial value 1; 0: given back.
    pub taker: i32,
    /// The process of `taker`.
    pub taker_pid: i32,
    /// Registered for a notification: the process, or 0.
    pub notified: i32,
    /// The value it was made with; of a set of System V, how many semaphores it has.
    pub initial: u32,
    /// Units given back by who had taken them.
    pub returns: u32,
    /// Messages sent since a registration.
    pub sent: u32,
    /// The thread that took it first, and whether another one has taken it, too.
    pub first_taker: i32,
    /// See there.
    pub is_common: bool,
    /// The thread that was the first to post what it had not taken; 0: none.
    pub again: i32,
    /// The value that follows from the calls of the run.
    pub value: i64,
    /// A process has used it with SEM_UNDO: its end changes the value.
    pub is_undone: bool,
    /// `taker` has taken it with SEM_UNDO.
    pub is_taken_undone: bool,
    /// Somebody waited for it in vain, after its taker had ended.
    pub is_missed: bool,
    /// When it was taken last, by `Book::clock`.
    pub taken_at: u64,
    /// A descendant of the process that has it in memory of its own, and that has posted to the
    /// copy which fork(2) gave it; 0: none.
    pub copy_poster: i32,
}

impl Object {
    /// A semaphore is given a value: who has it, or had it before, counts no more.
    pub const fn begin(&mut self, value: u32) {
        self.is_alive = true;
        self.initial = value;
        self.is_signal = value == 0;
        (self.taker, self.taker_pid, self.returns) = (0, 0, 0);
        (self.first_taker, self.is_common, self.again) = (0, false, 0);
        (self.value, self.is_missed, self.taken_at) = (value as i64, false, 0);
        self.copy_poster = 0;
    }
}

/// What a process knows an object by.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Handle {
    /// 0: free.
    pub pid: i32,
    /// The index in `Book::objects`.
    pub object: u32,
    /// The address of a semaphore; a queue's descriptor, which is below all addresses.
    pub key: u64,
    /// Opens less closes.
    pub opens: u32,
    /// It was open already in the process that forked this one, which had that pid; 0: it was not.
    pub heir_of: i32,
    /// This process has made a call with it.
    pub is_used: bool,
    /// Closed or destroyed: what comes now is wrong.
    pub is_over: bool,
    /// An heir that has never used it, and alone kept the object when everybody else had done with
    /// it.
    pub is_keeping: bool,
}

/// A process.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Process {
    /// 0: free.
    pub pid: i32,
    /// Children that it has begun.
    pub children: u32,
    /// A number that depends on the seed and on its place in the tree of processes alone.
    pub path: u64,
    /// Programs that it has begun.
    pub programs: u32,
    /// Its name, zeros behind.
    pub name: [u8; 16],
    /// It has ended, and its handles are forgotten.
    pub is_over: bool,
    /// It has been forked, and runs its parent's program: its private memory began as a copy.
    pub is_heir: bool,
    /// The process that forked it, and when, by `Book::clock`; 0: unknown.
    pub parent: i32,
    /// See there.
    pub born: u64,
}

/// That a thread took one lock while it had another.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Order {
    /// The one it had, an index of `Book::objects` and 1; 0: free.
    pub had: u32,
    /// The one it took, likewise.
    pub took: u32,
    /// The first that did so.
    pub tid: i32,
    /// Its process.
    pub pid: i32,
    /// The process had no other thread.
    pub is_alone: bool,
    /// When it did so last, by `Book::clock`.
    pub at: u64,
    /// All that it had.
    pub all: [u32; HELD],
}

/// What a place in a program did after it had asked for a value.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Decision {
    /// The address, mixed with the object; 0: free.
    pub place: u64,
    /// `[value was 0, or more][an operation followed, or none]`: how often.
    pub counts: [[u16; 2]; 2],
}

/// How many of each there may be.
pub const THREADS: usize = 1024;
/// See [`THREADS`].
pub const OBJECTS: usize = 8192;
/// See [`THREADS`]; a power of two.
pub const HANDLES: usize = 16384;
/// See [`THREADS`].
pub const PROCESSES: usize = 1024;
/// See [`THREADS`].
pub const ORDERS: usize = 512;
/// See [`THREADS`].
pub const DECISIONS: usize = 128;
/// See [`THREADS`].
pub const SAID: usize = 1024;

/// What is known of the run.
#[repr(C)]
pub struct Book {
    /// In no order; those that are used come first.
    pub objects: [Object; OBJECTS],
    /// By the hash of pid and key, each in the first free place from there on.
    pub handles: [Handle; HANDLES],
    /// In no order.
    pub processes: [Process; PROCESSES],
    /// In no order; those that are used come first.
    pub orders: [Order; ORDERS],
    /// In no order; those that are used come first.
    pub decisions: [Decision; DECISIONS],
    /// Findings that were reported: hashes of kind, object and place in the program; 0: free.
    pub said: [u64; SAID],
    /// What looks like a mistake, in no order.
    pub suspects: [Suspect; SUSPECTS],
    /// What is reported of each, if it is one.
    pub lines: [[u8; LINE]; SUSPECTS],
    /// The order of events: a number that only grows.
    pub clock: u64,
    /// Entries of `suspects` that are used.
    pub suspects_used: u32,
    /// Entries of `objects` that are used.
    pub objects_used: u32,
    /// Forks so far.
    pub tickets: u32,
    /// Of those before this one the children that have not come yet find nothing any more.
    pub oldest_ticket: u32,
}

/// All of it.
#[repr(C)]
pub struct Tables {
    /// See there.
    pub head: Head,
    /// Each for one call in progress.
    pub threads: [Thread; THREADS],
    /// For who has the lock.
    pub book: std::cell::UnsafeCell<Book>,
}

/// Bytes of the file.
pub const SIZE: usize = size_of::<Tables>();
