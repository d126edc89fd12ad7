//! Every function that the library exports, and what a program may rely on.

use crate::kinds::{
    BATCH, CREDENTIALS, DESCRIPTOR, FILE, FILE_FORM, Function, MAPPING, MEMORY, MESSAGES, OWN,
    POLL, QUEUE, SEGMENT, SEMAPHORE, SET, VECTOR, VECTOR_FORM,
};

/// In the order of the document.
pub const FUNCTIONS: &[Function] = &[
    Function { name: "sem_init", signal_safe: true, notes: "both values of pshared", ..SEMAPHORE },
    Function {
        name: "sem_destroy",
        signal_safe: true,
        notes: "ends a robust use of the semaphore; in that case it is not async-signal-safe",
        ..SEMAPHORE
    },
    Function {
        name: "sem_open",
        notes: "each open of a semaphore returns the same address, however its name is spelled; EINVAL for a file that is no semaphore",
        ..SEMAPHORE
    },
    Function {
        name: "sem_close",
        notes: "the semaphore stays mapped until the last open is closed; EINVAL for what is not an open named semaphore",
        ..SEMAPHORE
    },
    Function { name: "sem_unlink", notes: "processes that have it open keep it", ..SEMAPHORE },
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
        notes: "does not access the semaphore after the increment",
        ..SEMAPHORE
    },
    Function {
        name: "sem_getvalue",
        signal_safe: true,
        notes: "0 while it is locked, as in glibc; with RSIPC_SEM_GETVALUE=waiters minus the number of waiters",
        ..SEMAPHORE
    },
    Function {
        name: "mq_open",
        notes: "up to 65536 messages of up to 16 MiB; the descriptor works in poll, select and epoll",
        ..QUEUE
    },
    Function {
        name: "__mq_open_2",
        standard: "glibc",
        notes: "mq_open without a mode in programs built with _FORTIFY_SOURCE",
        ..QUEUE
    },
    Function { name: "mq_close", notes: "also while others use or wait on the queue", ..QUEUE },
    Function { name: "mq_unlink", notes: "processes that have it open keep it", ..QUEUE },
    Function { name: "mq_send", cancellation_point: "yes", signal_safe: true, ..QUEUE },
    Function {
        name: "mq_timedsend",
        cancellation_point: "yes",
        signal_safe: true,
        notes: "CLOCK_REALTIME",
        ..QUEUE
    },
    Function {
        name: "mq_receive",
        cancellation_point: "yes",
        signal_safe: true,
        notes: "highest priority first; among messages of equal priority, the oldest first",
        ..QUEUE
    },
    Function {
        name: "mq_timedreceive",
        cancellation_point: "yes",
        signal_safe: true,
        notes: "CLOCK_REALTIME",
        ..QUEUE
    },
    Function { name: "mq_notify", notes: "SIGEV_NONE, SIGEV_SIGNAL and SIGEV_THREAD", ..QUEUE },
    Function { name: "mq_getattr", signal_safe: true, ..QUEUE },
    Function {
        name: "mq_setattr",
        signal_safe: true,
        notes: "sets and clears O_NONBLOCK",
        ..QUEUE
    },
    Function { name: "shm_open", notes: "adds O_NOFOLLOW and O_CLOEXEC, as glibc does", ..MEMORY },
    Function {
        name: "shm_unlink",
        notes: "processes that have it open or mapped keep it",
        ..MEMORY
    },
    Function {
        name: "semget",
        signal_safe: false,
        notes: "up to 32000 semaphores in a set; as many sets as the directory has space for",
        ..SET
    },
    Function {
        name: "semop",
        notes: "not restarted after any handler; operations with SEM_UNDO are undone after SIGKILL, too, and kept over exec",
        ..SET
    },
    Function { name: "semtimedop", standard: "Linux", notes: "the time is relative", ..SET },
    Function {
        name: "semctl",
        notes: "all commands of Linux; SEM_STAT takes an id, or an index that a set keeps as long as it exists; the commands on all sets allocate memory",
        ..SET
    },
    Function {
        name: "msgget",
        signal_safe: false,
        notes: "as many queues as the directory has space for",
        ..MESSAGES
    },
    Function {
        name: "msgsnd",
        cancellation_point: "yes",
        notes: "not restarted after any handler; messages of up to 16 MiB where RSIPC_MSGMAX allows them",
        ..MESSAGES
    },
    Function {
        name: "msgrcv",
        cancellation_point: "yes",
        notes: "not restarted after any handler; all flags of Linux; a message stays in the queue if the buffer is invalid",
        ..MESSAGES
    },
    Function {
        name: "msgctl",
        notes: "all commands of Linux; IPC_SET raises msg_qbytes without privilege; the commands on all queues allocate memory",
        ..MESSAGES
    },
    Function {
        name: "shmget",
        signal_safe: false,
        notes: "the kernel's own, unless it has none or RSIPC_SYSV names shm; in that case the memory is reserved at once, and there are no huge pages",
        ..SEGMENT
    },
    Function { name: "shmat", ..SEGMENT },
    Function { name: "shmdt", ..SEGMENT },
    Function {
        name: "shmctl",
        notes: "the kernel's own, unless it has none or RSIPC_SYSV names shm; in that case SHM_STAT takes an id, or an index that a segment keeps as long as it exists, and the commands on all segments allocate memory",
        ..SEGMENT
    },
    Function { name: "poll", ..POLL },
    Function { name: "ppoll", standard: "POSIX.1-2024", ..POLL },
    Function {
        name: "__poll_chk",
        standard: "glibc",
        notes: "poll in programs built with _FORTIFY_SOURCE",
        ..POLL
    },
    Function {
        name: "__ppoll_chk",
        standard: "glibc",
        notes: "ppoll in programs built with _FORTIFY_SOURCE",
        ..POLL
    },
    Function { name: "select", header: "<sys/select.h>", ..POLL },
    Function { name: "pselect", header: "<sys/select.h>", ..POLL },
    Function {
        name: "epoll_ctl",
        header: "<sys/epoll.h>",
        standard: "Linux",
        cancellation_point: "no",
        notes: "recognises queues; epoll_create is glibc's own",
        ..POLL
    },
    Function { name: "epoll_wait", header: "<sys/epoll.h>", standard: "Linux", ..POLL },
    Function { name: "epoll_pwait", header: "<sys/epoll.h>", standard: "Linux", ..POLL },
    Function { name: "epoll_pwait2", header: "<sys/epoll.h>", standard: "Linux", ..POLL },
    Function {
        name: "sendmsg",
        header: "<sys/socket.h>",
        notes: "a queue that is sent to another process can be polled there",
        ..POLL
    },
    Function {
        name: "sendmmsg",
        header: "<sys/socket.h>",
        standard: "Linux",
        notes: "as `sendmsg`",
        ..POLL
    },
    Function { name: "close", cancellation_point: "yes", ..DESCRIPTOR },
    Function { name: "close_range", standard: "Linux", ..DESCRIPTOR },
    Function { name: "closefrom", standard: "glibc", ..DESCRIPTOR },
    Function { name: "dup", ..DESCRIPTOR },
    Function { name: "dup2", ..DESCRIPTOR },
    Function { name: "dup3", standard: "POSIX.1-2024", ..DESCRIPTOR },
    Function { name: "fstat", ..FILE },
    Function { name: "fstat64", ..FILE_FORM },
    Function { name: "__fxstat", ..FILE_FORM },
    Function { name: "__fxstat64", ..FILE_FORM },
    Function { name: "fstatat", notes: "like fstat for a queue, if the path is empty", ..FILE },
    Function { name: "fstatat64", ..FILE_FORM },
    Function { name: "__fxstatat", ..FILE_FORM },
    Function { name: "__fxstatat64", ..FILE_FORM },
    Function {
        name: "statx",
        standard: "Linux",
        notes: "like fstat for a queue, if the path is empty",
        ..FILE
    },
    Function { name: "fchmod", notes: "sets the mode that mq_open enforces", ..FILE },
    Function {
        name: "fchown",
        header: "<unistd.h>",
        notes: "sets the owner and group of a queue",
        ..FILE
    },
    Function {
        name: "read",
        header: "<unistd.h>",
        cancellation_point: "yes",
        notes: "returns the status line of a queue; each process has a position of its own in it",
        ..FILE
    },
    Function { name: "__read_chk", header: "<unistd.h>", cancellation_point: "yes", ..FILE_FORM },
    Function {
        name: "pread",
        header: "<unistd.h>",
        cancellation_point: "yes",
        notes: "returns the status line of a queue",
        ..FILE
    },
    Function { name: "pread64", header: "<unistd.h>", cancellation_point: "yes", ..FILE_FORM },
    Function { name: "__pread_chk", header: "<unistd.h>", cancellation_point: "yes", ..FILE_FORM },
    Function {
        name: "__pread64_chk",
        header: "<unistd.h>",
        cancellation_point: "yes",
        ..FILE_FORM
    },
    Function {
        name: "write",
        header: "<unistd.h>",
        cancellation_point: "yes",
        notes: "EINVAL for a queue, as on Linux",
        ..FILE
    },
    Function {
        name: "lseek",
        header: "<unistd.h>",
        notes: "sets the position in the status line of a queue",
        ..FILE
    },
    Function { name: "lseek64", header: "<unistd.h>", ..FILE_FORM },
    Function { name: "readv", notes: "as read", ..VECTOR },
    Function { name: "preadv", standard: "Linux", notes: "as pread", ..VECTOR },
    Function { name: "preadv64", ..VECTOR_FORM },
    Function { name: "preadv2", standard: "Linux", notes: "as read or pread", ..VECTOR },
    Function { name: "preadv64v2", ..VECTOR_FORM },
    Function { name: "pwrite", header: "<unistd.h>", notes: "as write", ..VECTOR },
    Function { name: "pwrite64", header: "<unistd.h>", ..VECTOR_FORM },
    Function { name: "writev", notes: "as write", ..VECTOR },
    Function { name: "pwritev", standard: "Linux", notes: "as write", ..VECTOR },
    Function { name: "pwritev64", ..VECTOR_FORM },
    Function { name: "pwritev2", standard: "Linux", notes: "as write", ..VECTOR },
    Function { name: "pwritev64v2", ..VECTOR_FORM },
    Function {
        name: "fcntl",
        header: "<fcntl.h>",
        cancellation_point: "yes",
        notes: "shows whether a queue is open for reading, writing or both, and refuses commands for pipes; a cancellation point with F_SETLKW, as in glibc",
        ..FILE
    },
    Function { name: "fcntl64", header: "<fcntl.h>", cancellation_point: "yes", ..FILE_FORM },
    Function {
        name: "ioctl",
        header: "<sys/ioctl.h>",
        standard: "Linux",
        signal_safe: false,
        notes: "FIONREAD returns the length of the status line of a queue, and FIOASYNC fails with ENOTTY, as on Linux",
        ..FILE
    },
    Function { name: "setuid", standard: "POSIX.1-2017", ..CREDENTIALS },
    Function { name: "seteuid", standard: "POSIX.1-2017", ..CREDENTIALS },
    Function { name: "setreuid", standard: "POSIX.1-2017", ..CREDENTIALS },
    Function { name: "setresuid", ..CREDENTIALS },
    Function { name: "setgid", standard: "POSIX.1-2017", ..CREDENTIALS },
    Function { name: "setegid", standard: "POSIX.1-2017", ..CREDENTIALS },
    Function { name: "setresgid", ..CREDENTIALS },
    Function { name: "setgroups", header: "<grp.h>", ..CREDENTIALS },
    Function { name: "setfsuid", header: "<sys/fsuid.h>", ..CREDENTIALS },
    Function { name: "setfsgid", header: "<sys/fsuid.h>", ..CREDENTIALS },
    Function { name: "capset", header: "none", ..CREDENTIALS },
    Function { name: "unshare", header: "<sched.h>", ..CREDENTIALS },
    Function { name: "setns", header: "<sched.h>", ..CREDENTIALS },
    Function { name: "munmap", standard: "POSIX.1-2017", ..MAPPING },
    Function { name: "mprotect", standard: "POSIX.1-2017", ..MAPPING },
    Function { name: "pkey_mprotect", ..MAPPING },
    Function { name: "mmap", standard: "POSIX.1-2017", ..MAPPING },
    Function { name: "mmap64", standard: "glibc", ..MAPPING },
    Function { name: "mremap", ..MAPPING },
    Function {
        name: "rsipc_mq_clocksend",
        cancellation_point: "yes",
        notes: "`mq_timedsend` with a clock",
        ..OWN
    },
    Function {
        name: "rsipc_mq_clockreceive",
        cancellation_point: "yes",
        notes: "`mq_timedreceive` with a clock",
        ..OWN
    },
    Function { name: "rsipc_mq_sendv", ..BATCH },
    Function { name: "rsipc_mq_recvv", ..BATCH },
    Function { name: "rsipc_mq_peek", notes: "copies a message and leaves it in the queue", ..OWN },
    Function {
        name: "rsipc_mq_loan",
        cancellation_point: "yes",
        notes: "lends a free slot for a message; may wait for one",
        ..OWN
    },
    Function { name: "rsipc_mq_commit", notes: "sends the message in a loan", ..OWN },
    Function {
        name: "rsipc_mq_borrow",
        cancellation_point: "yes",
        notes: "borrows the next message; may wait for one",
        ..OWN
    },
    Function { name: "rsipc_mq_release", notes: "ends the borrowing of a message", ..OWN },
    Function { name: "rsipc_mq_return", notes: "undoes a borrow or a loan", ..OWN },
    Function { name: "rsipc_sem_setrobust", notes: "for the calling process", ..OWN },
    Function {
        name: "rsipc_sem_wasdead",
        signal_safe: true,
        notes: "tells of each death once",
        ..OWN
    },
    Function {
        name: "rsipc_version",
        signal_safe: true,
        notes: "tells a program that it runs on librsipc",
        ..OWN
    },
];
