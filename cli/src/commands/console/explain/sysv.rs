//! The calls on System V semaphore sets.

use rsipc_core::os::Errno;

use super::meaning::{Meaning, row};

const OPERATIONS: &[&str] = &["semop", "semtimedop"];
const BY_ID: &[&str] = &["semop", "semtimedop", "semctl"];

/// The first row of a call and an error counts.
pub static TABLE: &[Meaning] = &[
    row(
        Errno::ENOENT,
        &["semget", "semop", "semtimedop", "semctl"],
        "no set has this key, and IPC_CREAT was not given",
        "add IPC_CREAT to `semget` to create it; `rsipc ls svsem` lists the sets",
    ),
    row(
        Errno::ENOENT,
        &["ftok"],
        "there is no such file",
        "use a file that is not replaced: the key contains its inode number",
    ),
    row(
        Errno::EEXIST,
        &["semget"],
        "a set has this key already, and IPC_EXCL requires a new one",
        "omit IPC_EXCL to use it, or remove it: `semctl KEY 0 IPC_RMID`",
    ),
    row(
        Errno::EINVAL,
        &["semget"],
        "COUNT is not 1 to 32000 for a new set, or is larger than the size of the existing set",
        "a new set needs at least one semaphore; for an existing one give its size or less: `semctl KEY 0 IPC_STAT` shows it",
    ),
    row(
        Errno::EINVAL,
        &["semctl"],
        "there is no set with this id, or it has been removed; or it has no such semaphore",
        "`rsipc ls svsem` shows the sets; semaphores are counted from 0",
    ),
    row(
        Errno::EINVAL,
        OPERATIONS,
        "there is no set with this id, or it has been removed; or no operation was given",
        "`rsipc ls svsem` shows the sets",
    ),
    row(
        Errno::EACCES,
        &["semget"],
        "the mode of the set forbids this access",
        "`rsipc stat KEY` shows owner and mode",
    ),
    row(
        Errno::EACCES,
        BY_ID,
        "the mode of the set forbids this access: looking requires r, changing requires w",
        "`rsipc stat ID` shows owner and mode",
    ),
    row(
        Errno::EPERM,
        &["semctl"],
        "only the owner or the creator of a set may remove it or change its mode",
        "`rsipc stat ID` shows both",
    ),
    row(
        Errno::ERANGE,
        &["semctl"],
        "a value must be from 0 to 32767 (SEMVMX)",
        "nothing was changed; use a smaller one",
    ),
    row(
        Errno::ERANGE,
        OPERATIONS,
        "a value, or an amount to undo, would leave its range, whose maximum is 32767",
        "nothing was done; the set is incremented more than it is decremented",
    ),
    row(
        Errno::EAGAIN,
        &["semtimedop"],
        "the operations could not be performed in time, or not at once with IPC_NOWAIT",
        "nothing was done; `rsipc stat ID` shows the values, and which process has taken what",
    ),
    row(
        Errno::EAGAIN,
        &["semop"],
        "an operation cannot be performed now, and has IPC_NOWAIT",
        "none of the operations was performed; without IPC_NOWAIT, the call sleeps",
    ),
    row(
        Errno::EINTR,
        OPERATIONS,
        "a signal interrupted the call while it slept: here, by Ctrl-C or `interrupt`",
        "nothing was done; semop is not restarted after any handler",
    ),
    row(
        Errno::EIDRM,
        OPERATIONS,
        "the set was removed while the call slept",
        "nothing was done; some programs use this to wait for the end of another one",
    ),
    row(
        Errno::EFBIG,
        OPERATIONS,
        "the set has no semaphore with such a number",
        "semaphores are counted from 0; `rsipc stat ID` shows them",
    ),
    row(
        Errno::E2BIG,
        OPERATIONS,
        "there are more than 500 operations",
        "use several calls, if the operations need not be performed together",
    ),
    row(
        Errno::ENOSPC,
        &["semget", "semop", "semtimedop"],
        "the directory of objects is full",
        "`rsipc clean` removes what no process has open; `rsipc doctor` shows its size",
    ),
    row(
        Errno::ENOMEM,
        OPERATIONS,
        "there is no memory for another waiter, or for an amount to undo",
        "`rsipc doctor` shows how much space the directory of objects has",
    ),
];
