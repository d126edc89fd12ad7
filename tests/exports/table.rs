//! Every function that the library exports, and what a program may rely on.

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

const SEMAPHORE: Function = Function {
    name: "",
    header: "<semaphore.h>",
    family: "semaphores",
    standard: "POSIX.1-2017",
    cancellation_point: "no",
    signal_safe: false,
    notes: "",
};

const MEMORY: Function = Function { header: "<sys/mman.h>", family: "shared memory", ..SEMAPHORE };

const OWN: Function = Function { header: "<rsipc.h>", family: "the library", standard: "none", ..SEMAPHORE };

/// In the order of the document.
pub const FUNCTIONS: &[Function] = &[
    Function { name: "sem_init", signal_safe: true, notes: "both values of pshared", ..SEMAPHORE },
    Function { name: "sem_destroy", signal_safe: true, notes: "there is nothing to free", ..SEMAPHORE },
    Function {
        name: "sem_open",
        notes: "each open of a name gives the same address, however it is spelled; a file that is no semaphore is EINVAL",
        ..SEMAPHORE
    },
    Function {
        name: "sem_close",
        notes: "counts the opens; EINVAL for what is not an open named semaphore",
        ..SEMAPHORE
    },
    Function { name: "sem_unlink", notes: "those who have it open keep it", ..SEMAPHORE },
    Function {
        name: "sem_wait",
        cancellation_point: "yes",
        notes: "restarted after a handler with SA_RESTART, otherwise EINTR",
        ..SEMAPHORE
    },
    Function { name: "sem_trywait", signal_safe: true, ..SEMAPHORE },
    Function {
        name: "sem_timedwait",
        cancellation_point: "yes",
        notes: "CLOCK_REALTIME; EINTR after any handler, as in glibc",
        ..SEMAPHORE
    },
    Function {
        name: "sem_clockwait",
        standard: "POSIX.1-2024",
        cancellation_point: "when it sleeps",
        notes: "CLOCK_REALTIME and CLOCK_MONOTONIC; EINTR after any handler",
        ..SEMAPHORE
    },
    Function {
        name: "sem_post",
        signal_safe: true,
        notes: "touches nothing of the semaphore once the token is there",
        ..SEMAPHORE
    },
    Function {
        name: "sem_getvalue",
        signal_safe: true,
        notes: "0 while it is locked, as in glibc; RSIPC_SEM_GETVALUE=waiters: minus the number of waiters",
        ..SEMAPHORE
    },
    Function {
        name: "shm_open",
        notes: "adds O_NOFOLLOW, O_CLOEXEC and O_NONBLOCK, as glibc does",
        ..MEMORY
    },
    Function { name: "shm_unlink", notes: "those who have it open or mapped keep it", ..MEMORY },
    Function {
        name: "rsipc_version",
        signal_safe: true,
        notes: "tells a program that it runs on librsipc",
        ..OWN
    },
];
