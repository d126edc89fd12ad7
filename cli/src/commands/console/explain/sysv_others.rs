//! The calls on System V message queues and shared memory segments.

use rsipc_core::os::Errno;

use super::meaning::{Meaning, row};

const MESSAGES: &[&str] = &["msgsnd", "msgrcv"];

/// The first row of a call and an error counts.
pub static TABLE: &[Meaning] = &[
    row(
        Errno::ENOENT,
        &["msgget", "msgsnd", "msgrcv", "msgctl"],
        "no queue has this key, and IPC_CREAT was not given",
        "add IPC_CREAT to `msgget` to create it; `rsipc ls msg` lists the queues",
    ),
    row(
        Errno::ENOENT,
        &["shmget", "shmat", "shmctl"],
        "no segment has this key, and IPC_CREAT was not given",
        "add IPC_CREAT to `shmget` to create it; `rsipc ls svshm` lists the segments",
    ),
    row(
        Errno::EEXIST,
        &["msgget", "shmget"],
        "an object has this key already, and IPC_EXCL requires a new one",
        "omit IPC_EXCL to use it, or remove it: IPC_RMID",
    ),
    row(
        Errno::EINVAL,
        &["msgsnd"],
        "there is no queue with this id; or TYPE is below 1; or the message is too long",
        "`rsipc stat ID` shows the maximum length; RSIPC_MSGMAX sets it for new queues",
    ),
    row(
        Errno::EINVAL,
        &["msgrcv", "msgctl"],
        "there is no queue with this id, or it has been removed",
        "`rsipc ls msg` shows the queues",
    ),
    row(
        Errno::EINVAL,
        &["shmget"],
        "SIZE is 0 for a new segment, or is larger than the existing segment",
        "a new segment needs at least one byte; for an existing one give its size or less: `shmctl KEY IPC_STAT` shows it",
    ),
    row(
        Errno::EINVAL,
        &["shmat", "shmdt", "shmctl"],
        "there is no segment with this id, or it is not attached here",
        "`rsipc ls svshm` shows the segments; `list` shows what is attached here",
    ),
    row(
        Errno::EACCES,
        &["msgget", "msgsnd", "msgrcv", "msgctl"],
        "its mode forbids this access: looking and receiving require r, sending requires w",
        "`rsipc stat ID` shows owner and mode",
    ),
    row(
        Errno::EACCES,
        &["shmget", "shmat", "shmctl"],
        "its mode forbids this access: looking requires r, attaching r and w, with SHM_RDONLY r alone",
        "`rsipc stat ID` shows owner and mode",
    ),
    row(
        Errno::EPERM,
        &["msgctl", "shmctl"],
        "only its owner or its creator may remove it or change its mode",
        "`rsipc stat ID` shows both",
    ),
    row(
        Errno::EAGAIN,
        &["msgsnd"],
        "there is no space for the message, and IPC_NOWAIT was given",
        "nothing was sent; without IPC_NOWAIT, the call sleeps until there is space",
    ),
    row(
        Errno::ENOMSG,
        &["msgrcv"],
        "there is no message of this type, and IPC_NOWAIT was given",
        "`rsipc stat ID` shows which types there are; without IPC_NOWAIT, the call sleeps",
    ),
    row(
        Errno::EINTR,
        MESSAGES,
        "a signal interrupted the call while it slept: here, by Ctrl-C or `interrupt`",
        "nothing was sent or received; these calls are never restarted",
    ),
    row(
        Errno::EIDRM,
        MESSAGES,
        "the queue was removed while the call slept",
        "nothing was sent or received",
    ),
    row(
        Errno::ENOSPC,
        &["msgget", "shmget"],
        "there is no space for it: the directory of objects is full, or a limit of the kernel is reached",
        "`rsipc clean` removes what no process has open; `rsipc ls -l` shows the limits",
    ),
    row(
        Errno::ENOMEM,
        &["msgsnd", "shmget", "shmat"],
        "there is no memory for it",
        "`rsipc doctor` shows how much space the directory of objects has",
    ),
];
