//! `semget` and the others: System V semaphore sets.

mod control;
mod id;

use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use rsipc_core::os::Errno;
use rsipc_core::shared::thread::FrameTag;
use rsipc_core::sysv::sem::{self, Operation};

use super::arguments::{Arguments, usage};
use super::call::{Answer, Result, Sleepy, Step};
use super::command::{Command, Family};
use super::keys::{GET_FLAGS, key};
use super::session::Session;
use crate::objects::open_queue::this_thread;
use crate::objects::set::shown_operation;
use crate::objects::sysv::shown_key;
use control::control;
use id::id;

pub const COMMANDS: &[Command] = &[
    Command {
        name: "ftok",
        family: Family::Sets,
        arguments: "PATH NUMBER",
        summary: "make a key from an existing file and a number",
        more: "The key is made of 16 bits of the inode, 8 of the device and the low 8 of NUMBER: two files may have \
               the same one.",
        example: "ftok /tmp 65",
        failure: "-1",
        run: make_key,
    },
    Command {
        name: "semget",
        family: Family::Sets,
        arguments: "KEY COUNT [FLAGS [MODE]]",
        summary: "get the id of a semaphore set; IPC_CREAT creates it",
        more: "KEY: a number such as 0xbeef, or IPC_PRIVATE for a new set that has none. COUNT: how many semaphores; 0 will \
               do for a set that is there. FLAGS: 0, IPC_CREAT, IPC_CREAT|IPC_EXCL. MODE is 0600. The other commands \
               also take the key instead of the id. All values of a new set are 0.",
        example: "semget 0xbeef 2 IPC_CREAT 0600",
        failure: "-1",
        run: get,
    },
    Command {
        name: "semop",
        family: Family::Sets,
        arguments: "ID OPERATION... [&]",
        summary: "perform all operations or none; sleep until possible",
        more: "OPERATION: NUMBER:AMOUNT, with flags behind another colon: 0:-1 takes one from semaphore 0, 0:+1:SEM_UNDO adds \
               one and takes it back when the process ends, 1:0 waits until semaphore 1 is 0. IPC_NOWAIT: \
               do not sleep. What the console has done with SEM_UNDO is undone when it ends.",
        example: "semop 0xbeef 0:-1:SEM_UNDO 1:0",
        failure: "-1",
        run: |session, arguments| {
            let id = id(arguments)?;
            operate(session, arguments, id, None)
        },
    },
    Command {
        name: "semtimedop",
        family: Family::Sets,
        arguments: "ID TIME OPERATION... [&]",
        summary: "the same; sleep for TIME at most",
        more: "TIME: 2s or 500ms.",
        example: "semtimedop 0xbeef 2s 0:-1",
        failure: "-1",
        run: |session, arguments| {
            let (id, time) = (id(arguments)?, arguments.time()?);
            operate(session, arguments, id, Some(time))
        },
    },
    Command {
        name: "semctl",
        family: Family::Sets,
        arguments: "ID NUMBER COMMAND [VALUE...]",
        summary: "show a set, change it, or remove it",
        more: "COMMAND: GETVAL, GETPID (who used it last), GETNCNT and GETZCNT (how many wait for an increase, for zero) \
               of semaphore NUMBER; SETVAL VALUE. For the whole set, whatever NUMBER is: GETALL, SETALL VALUE..., \
               IPC_STAT, IPC_SET USER GROUP MODE, IPC_RMID.",
        example: "semctl 0xbeef 0 SETVAL 1",
        failure: "-1",
        run: control,
    },
];

fn make_key(_: &mut Session, arguments: &mut Arguments) -> Result<Step> {
    let path = CString::new(arguments.word("PATH")?);
    let path = path.map_err(|_| usage("a path contains no NUL".to_owned()))?;
    let number: i32 = arguments.number("NUMBER")?;
    arguments.end()?;
    // SAFETY: a C string.
    let key = unsafe { libc::ftok(path.as_ptr(), number) };
    let error = Errno::last();
    // -1 may also be the key of a file.
    if key == -1 && std::fs::metadata(OsStr::from_bytes(path.as_bytes())).is_err() {
        return Err(error.into());
    }
    Ok(Answer::returned(format!("0x{key:08x}"), "").into())
}

fn get(_: &mut Session, arguments: &mut Arguments) -> Result<Step> {
    let key = key(arguments)?;
    let members = arguments.number("COUNT")?;
    let flags = arguments.flags(GET_FLAGS)?;
    let mode = arguments.mode_or(0o600)?;
    arguments.end()?;
    // The mode of one that is there is what is asked for: nothing, to learn its id.
    let mode = if flags & libc::IPC_CREAT == 0 { 0 } else { mode & 0o777 };
    let id = sem::get(this_thread()?, key, members, flags | mode.cast_signed())?;
    let remark = shown_key(key).map(|key| format!("{key} leads to this set")).unwrap_or_default();
    Ok(Answer::returned(id, remark).into())
}

fn operate(
    _: &mut Session,
    arguments: &mut Arguments,
    id: i32,
    time: Option<Duration>,
) -> Result<Step> {
    let mut operations = Vec::new();
    while let Some(word) = arguments.optional() {
        let text = String::from_utf8_lossy(word);
        let operation = read_operation(&text);
        operations.push(operation.map_err(|wrong| usage(format!("{text}: {wrong}")))?);
    }
    let patience = time.map(|time| libc::timespec {
        tv_sec: time.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: time.subsec_nanos().into(),
    });
    let sleeps_for = blocker(id, &operations);
    let call = move || {
        let tag = FrameTag::new();
        sem::semop(this_thread()?, &tag, id, &operations, patience).map(|()| Answer::zero())
    };
    Ok(Step::MaySleep(Sleepy { sleeps_for, call: Box::new(call) }))
}

/// What the first operation that cannot be done waits for, as it seems: others change the values.
fn blocker(id: i32, operations: &[Operation]) -> Option<&'static str> {
    let values = sem::values(this_thread().ok()?, id).ok()?;
    let mut values: Vec<i32> = values.iter().copied().map(i32::from).collect();
    for operation in operations {
        let value = values.get_mut(usize::from(operation.member))?;
        let after = *value + i32::from(operation.amount);
        let what = match operation.amount {
            0 if *value != 0 => "zero in a semaphore",
            _ if after < 0 => "enough in a semaphore",
            _ => {
                *value = after;
                continue;
            }
        };
        return (!operation.must_not_wait()).then_some(what);
    }
    None
}

/// The reverse of [`shown_operation`].
fn read_operation(text: &str) -> std::result::Result<Operation, String> {
    let mut fields = text.splitn(3, ':');
    let example = || {
        let operation = Operation { member: 0, amount: -1, flags: 0 };
        format!("write NUMBER:AMOUNT, such as {}", shown_operation(operation))
    };
    let member = fields.next().and_then(|field| field.parse().ok()).ok_or_else(example)?;
    let amount = fields.next().and_then(|field| field.parse().ok()).ok_or_else(example)?;
    let mut flags = 0;
    for name in fields.next().unwrap_or("").split('|').filter(|name| !name.is_empty()) {
        flags |= match name {
            "SEM_UNDO" => libc::SEM_UNDO,
            "IPC_NOWAIT" => libc::IPC_NOWAIT,
            _ => return Err(format!("{name} is not one of SEM_UNDO, IPC_NOWAIT")),
        };
    }
    let flags = u16::try_from(flags).map_err(|_| example())?;
    Ok(Operation { member, amount, flags })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_read_as_they_are_shown() {
        for text in ["0:-1", "3:+2", "1:0", "0:-1:SEM_UNDO", "7:-3:IPC_NOWAIT|SEM_UNDO"] {
            assert_eq!(shown_operation(read_operation(text).unwrap()), text);
        }
        for wrong in ["", "0", "0:", ":1", "a:1", "0:1:UNDO", "0:40000", "70000:1", "-1:1"] {
            assert!(read_operation(wrong).is_err(), "{wrong}");
        }
    }
}
