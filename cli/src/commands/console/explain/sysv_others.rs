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
        "add IPC_CREAT to `msgget` to make it; `rsipc ls msg` shows what there is",
    ),
    row(
        Errno::ENOENT,
        &["shmget", "shmat", "shmctl"],
        "no segment has this key, and IPC_CREAT was not given",
        "add IPC_CREAT to `shmget` to make it; `rsipc ls svshm` shows what there is",
    ),
    row(
        Errno::EEXIST,
        &["msgget", "shmget"],
        "there is one with this key already, and IPC_EXCL asks for a new one",
        "leave IPC_EXCL out to get it, or remove it: IPC_RMID",
    ),
    row(
        Errno::EINVAL,
        &["msgsnd"],
        "there is no queue with this id; or TYPE is below 1; or the message is too long",
        "`rsipc stat ID` shows how long a message may be; RSIPC_MSGMAX is that of new queues",
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
        "SIZE is 0 for a new segment, or larger than that of the segment that is there",
        "give the size of the segment that is there, or 0; `shmctl KEY IPC_STAT` tells it",
    ),
    row(
        Errno::EINVAL,
        &["shmat", "shmdt", "shmctl"],
        "there is no segment with this id, or it is not attached here",
        "`rsipc ls svshm` shows the segments; `list` shows what is attached here",
    ),
    row(
        Errno::EACCES,
        &["msgget", "msgsnd", "msgrcv", "msgctl", "shmget", "shmat", "shmctl"],
        "its mode does not allow it to you: to look and to receive needs r, to send w",
        "`rsipc stat ID` shows owner and mode",
    ),
    row(
        Errno::EPERM,
        &["msgctl", "shmctl"],
        "only its owner, or who has made it, may remove it or change its mode",
        "`rsipc stat ID` shows both",
    ),
    row(
        Errno::EAGAIN,
        &["msgsnd"],
        "there is no space for the message, and IPC_NOWAIT was given",
        "nothing was sent; without IPC_NOWAIT the call sleeps until somebody receives",
    ),
    row(
        Errno::ENOMSG,
        &["msgrcv"],
        "there is no message of this type, and IPC_NOWAIT was given",
        "`rsipc stat ID` shows the types that there are; without IPC_NOWAIT the call sleeps",
    ),
    row(
        Errno::EINTR,
        MESSAGES,
        "a signal came while the call slept; here you sent it with Ctrl-C or `interrupt`",
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
        "there is no space for it: the directory of objects is full, or the kernel's limit reached",
        "`rsipc clean` removes what no process has open; `rsipc ls -l` shows the limits",
    ),
    row(
        Errno::ENOMEM,
        &["msgsnd", "shmget", "shmat"],
        "there is no memory for it",
        "`rsipc doctor` shows what the directory of objects has left",
    ),
];
