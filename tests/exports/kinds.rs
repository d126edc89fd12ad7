//! The kinds of functions that the library exports.

/// A function of the library.
pub struct Function {
    pub name: &'static str,
    pub header: &'static str,
    pub family: &'static str,
    pub standard: &'static str,
    pub cancellation_point: &'static str,
    pub signal_safe: bool,
    pub notes: &'static str,
}

pub const SEMAPHORE: Function = Function {
    name: "",
    header: "<semaphore.h>",
    family: "semaphores",
    standard: "POSIX.1-2017",
    cancellation_point: "no",
    signal_safe: false,
    notes: "",
};

pub const QUEUE: Function =
    Function { header: "<mqueue.h>", family: "message queues", ..SEMAPHORE };

pub const MEMORY: Function =
    Function { header: "<sys/mman.h>", family: "shared memory", ..SEMAPHORE };

pub const SET: Function = Function {
    header: "<sys/sem.h>",
    family: "System V semaphores",
    signal_safe: true,
    ..SEMAPHORE
};

pub const MESSAGES: Function =
    Function { header: "<sys/msg.h>", family: "System V message queues", ..SET };

pub const SEGMENT: Function = Function {
    header: "<sys/shm.h>",
    family: "System V shared memory",
    signal_safe: true,
    notes: "the kernel's own, unless it has none or RSIPC_SYSV names shm",
    ..SEMAPHORE
};

/// Interposed for the queues among the descriptors; without one, they are glibc's own.
pub const POLL: Function = Function {
    header: "<poll.h>",
    family: "waiting for descriptors",
    cancellation_point: "yes",
    signal_safe: true,
    notes: "recognises queues; calls glibc's own if no queue is among the descriptors",
    ..SEMAPHORE
};

/// Interposed so that a queue's descriptor is known under its new number, and forgotten when it
/// goes.
pub const DESCRIPTOR: Function = Function {
    header: "<unistd.h>",
    family: "descriptors",
    signal_safe: true,
    notes: "keeps track of queues; glibc's own for all other descriptors",
    ..SEMAPHORE
};

/// Interposed because a queue's descriptor is a FIFO to the kernel; without a queue, they are
/// glibc's own.
pub const FILE: Function = Function {
    header: "<sys/stat.h>",
    family: "descriptors as files",
    signal_safe: true,
    notes: "shows a queue as a regular file, with its owner and mode; glibc's own for all other descriptors",
    ..SEMAPHORE
};

/// The forms for older programs, for large files, and those that _FORTIFY_SOURCE makes.
pub const FILE_FORM: Function =
    Function { standard: "glibc", notes: "another name of the function above", ..FILE };

/// Of several buffers, or at a position.
pub const VECTOR: Function =
    Function { header: "<sys/uio.h>", cancellation_point: "yes", signal_safe: false, ..FILE };

pub const VECTOR_FORM: Function =
    Function { standard: "glibc", notes: "another name of the function above", ..VECTOR };

/// Interposed so that no process is judged by credentials that it had before.
pub const CREDENTIALS: Function = Function {
    header: "<unistd.h>",
    family: "credentials",
    standard: "Linux",
    signal_safe: true,
    notes: "glibc's own; afterwards, access to System V objects is checked again",
    ..SEMAPHORE
};

/// Interposed so that memory that is gone is not taken to be there.
pub const MAPPING: Function = Function {
    header: "<sys/mman.h>",
    family: "memory",
    standard: "Linux",
    signal_safe: true,
    notes: "glibc's own; afterwards, the memory that it changes is checked again when a call is given it",
    ..SEMAPHORE
};

pub const OWN: Function =
    Function { header: "<rsipc.h>", family: "the library", standard: "none", ..SEMAPHORE };
pub const BATCH: Function = Function {
    cancellation_point: "yes",
    notes: "several messages; waits only for the first one",
    ..OWN
};
