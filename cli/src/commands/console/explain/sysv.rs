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
        "add IPC_CREAT to `semget` to make it; `rsipc ls svsem` shows what there is",
    ),
    row(
        Errno::ENOENT,
        &["ftok"],
        "there is no such file",
        "take a file that is there and stays there: its inode is in the key",
    ),
    row(
        Errno::EEXIST,
        &["semget"],
        "a set has this key already, and IPC_EXCL asks for a new one",
        "leave IPC_EXCL out to get it, or remove it: `semctl KEY 0 IPC_RMID`",
    ),
    row(
        Errno::EINVAL,
        &["semget"],
        "COUNT is not 1 to 32000 for a new set, or larger than that of the set that is there",
        "give the number of the set that is there, or 0; `semctl KEY 0 IPC_STAT` tells it",
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
        "the mode of the set does not allow what was asked for",
        "`rsipc stat KEY` shows owner and mode",
    ),
    row(
        Errno::EACCES,
        BY_ID,
        "the mode of the set does not allow it to you: to look needs r, to change w",
        "`rsipc stat ID` shows owner and mode",
    ),
    row(
        Errno::EPERM,
        &["semctl"],
        "only the owner of a set, or who has made it, may remove it or change its mode",
        "`rsipc stat ID` shows both",
    ),
    row(
        Errno::ERANGE,
        &["semctl"],
        "a value is 0 to 32767 (SEMVMX)",
        "nothing was changed; take a smaller one",
    ),
    row(
        Errno::ERANGE,
        OPERATIONS,
        "a value, or what is to be undone, would leave its range: 32767 is the most",
        "nothing was done; somebody adds more than is taken",
    ),
    row(
        Errno::EAGAIN,
        &["semtimedop"],
        "it could not be done until then, or not at once with IPC_NOWAIT",
        "nothing was done; `rsipc stat ID` shows the values and who has taken what",
    ),
    row(
        Errno::EAGAIN,
        &["semop"],
        "it cannot be done now, and the operation has IPC_NOWAIT",
        "nothing was done, not even those before it; without IPC_NOWAIT the call sleeps",
    ),
    row(
        Errno::EINTR,
        OPERATIONS,
        "a signal came while the call slept; here you sent it with Ctrl-C or `interrupt`",
        "nothing was done; semop is never restarted, whatever the flags of the handler",
    ),
    row(
        Errno::EIDRM,
        OPERATIONS,
        "the set was removed while the call slept",
        "nothing was done; a program that waits for the end of another one may count on this",
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
        "do them in several calls, if they need not happen at once",
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
        "there is no memory for one more waiter, or for what is to be undone",
        "`rsipc doctor` shows what the directory of objects has left",
    ),
];
