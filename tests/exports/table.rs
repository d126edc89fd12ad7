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
        notes: "frees nothing, except what a robust use holds: then it is not async-signal-safe",
        ..SEMAPHORE
    },
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
        notes: "touches nothing of the semaphore once the value is incremented",
        ..SEMAPHORE
    },
    Function {
        name: "sem_getvalue",
        signal_safe: true,
        notes: "0 while it is locked, as in glibc; RSIPC_SEM_GETVALUE=waiters: minus the number of waiters",
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
        notes: "what mq_open becomes in programs built with _FORTIFY_SOURCE",
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
        notes: "highest priority first, first in first out among equals",
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
        notes: "up to 32000 semaphores; as many sets as the directory has space for",
        ..SET
    },
    Function {
        name: "semop",
        notes: "not restarted after any handler; SEM_UNDO survives SIGKILL and exec",
        ..SET
    },
    Function { name: "semtimedop", standard: "Linux", notes: "a relative time", ..SET },
    Function {
        name: "semctl",
        notes: "all commands of Linux; SEM_STAT takes a number, which a set keeps while it lives, or an id; the commands on all sets allocate memory",
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
        notes: "not restarted after any handler; bodies of up to 16 MiB where RSIPC_MSGMAX allows them",
        ..MESSAGES
    },
    Function {
        name: "msgrcv",
        cancellation_point: "yes",
        notes: "not restarted after any handler; all flags of Linux; a bad buffer loses no message",
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
        notes: "the kernel's own, unless it has none or RSIPC_SYSV names shm: then the memory is reserved at once, and there are no huge pages",
        ..SEGMENT
    },
    Function { name: "shmat", ..SEGMENT },
    Function { name: "shmdt", ..SEGMENT },
    Function {
        name: "shmctl",
        notes: "the kernel's own, unless it has none or RSIPC_SYSV names shm: then SHM_STAT takes a number, which a segment keeps while it lives, or an id; the commands on all segments allocate memory",
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
        notes: "sees queues; epoll_create is glibc's own",
        ..POLL
    },
    Function { name: "epoll_wait", header: "<sys/epoll.h>", standard: "Linux", ..POLL },
    Function { name: "epoll_pwait", header: "<sys/epoll.h>", standard: "Linux", ..POLL },
    Function { name: "epoll_pwait2", header: "<sys/epoll.h>", standard: "Linux", ..POLL },
    Function {
        name: "sendmsg",
        header: "<sys/socket.h>",
        notes: "keeps a queue that is sent to another process ready to be polled there",
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
    Function { name: "fstatat", notes: "with an empty path, as fstat", ..FILE },
    Function { name: "fstatat64", ..FILE_FORM },
    Function { name: "__fxstatat", ..FILE_FORM },
    Function { name: "__fxstatat64", ..FILE_FORM },
    Function { name: "statx", standard: "Linux", notes: "with an empty path, as fstat", ..FILE },
    Function { name: "fchmod", notes: "sets the mode that mq_open enforces", ..FILE },
    Function {
        name: "fchown",
        header: "<unistd.h>",
        notes: "gives the files of a queue to another user or group",
        ..FILE
    },
    Function {
        name: "read",
        header: "<unistd.h>",
        cancellation_point: "yes",
        notes: "gives the status line of a queue; each process has a position of its own in it",
        ..FILE
    },
    Function { name: "__read_chk", header: "<unistd.h>", cancellation_point: "yes", ..FILE_FORM },
    Function {
        name: "pread",
        header: "<unistd.h>",
        cancellation_point: "yes",
        notes: "gives the status line of a queue",
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
        notes: "in the status line of a queue",
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
        notes: "shows what a queue is open for, and refuses what is for pipes; a cancellation point with F_SETLKW, as glibc's",
        ..FILE
    },
    Function { name: "fcntl64", header: "<fcntl.h>", cancellation_point: "yes", ..FILE_FORM },
    Function {
        name: "ioctl",
        header: "<sys/ioctl.h>",
        standard: "Linux",
        signal_safe: false,
        notes: "FIONREAD counts the status line of a queue, FIOASYNC is ENOTTY, as on Linux",
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
    Function { name: "rsipc_mq_peek", notes: "takes nothing", ..OWN },
    Function { name: "rsipc_mq_loan", cancellation_point: "yes", notes: "may wait", ..OWN },
    Function { name: "rsipc_mq_commit", notes: "sends what is in a loan", ..OWN },
    Function { name: "rsipc_mq_borrow", cancellation_point: "yes", notes: "may wait", ..OWN },
    Function { name: "rsipc_mq_release", notes: "a borrowed message is gone", ..OWN },
    Function { name: "rsipc_mq_return", notes: "it goes back to its place", ..OWN },
    Function { name: "rsipc_sem_setrobust", notes: "for the calling process", ..OWN },
    Function { name: "rsipc_sem_wasdead", signal_safe: true, notes: "each death once", ..OWN },
    Function {
        name: "rsipc_version",
        signal_safe: true,
        notes: "shows a program that it runs on librsipc",
        ..OWN
    },
];
