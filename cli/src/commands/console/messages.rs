//! `msgget` and the others: System V message queues.

use rsipc_core::os::Errno;
use rsipc_core::sysv::msg::{self, Change, Description, Selector};

use super::arguments::{Arguments, Flags, usage};
use super::call::{Answer, Result, Sleepy, Step};
use super::command::{Command, Family};
use super::keys::{GET_FLAGS, id, key};
use super::session::Session;
use crate::objects::open_messages::{EXCEPT, OpenMessages, Patience};
use crate::objects::open_queue::this_thread;
use crate::objects::sysv::shown_key;
use crate::output::{escape, time, user};

pub const COMMANDS: &[Command] = &[
    Command {
        name: "msgget",
        family: Family::Messages,
        arguments: "KEY [FLAGS [MODE]]",
        summary: "get the id of a message queue; IPC_CREAT creates it",
        more: "KEY: a number such as 0xbeef, or IPC_PRIVATE for a new queue that has none. FLAGS: 0, IPC_CREAT, \
               IPC_CREAT|IPC_EXCL. MODE is 0600. The other commands also take the key instead of the id.",
        example: "msgget 0xbeef IPC_CREAT 0600",
        failure: "-1",
        run: get,
    },
    Command {
        name: "msgsnd",
        family: Family::Messages,
        arguments: "ID TYPE TEXT [FLAGS] [&]",
        summary: "send a message of a type; sleep while there is no space",
        more: "TYPE: from 1 on. FLAGS: IPC_NOWAIT.",
        example: "msgsnd 0xbeef 5 hello",
        failure: "-1",
        run: send,
    },
    Command {
        name: "msgrcv",
        family: Family::Messages,
        arguments: "ID TYPE [FLAGS] [&]",
        summary: "receive a message; sleep while there is none",
        more: "TYPE: 0 for the oldest message; 5 for the oldest of type 5; -5 for the lowest type up to 5. FLAGS: \
               IPC_NOWAIT; MSG_EXCEPT for the oldest of any other type than TYPE.",
        example: "msgrcv 0xbeef 5",
        failure: "-1",
        run: receive,
    },
    Command {
        name: "msgctl",
        family: Family::Messages,
        arguments: "ID COMMAND [VALUE...]",
        summary: "show a queue, change it, or remove it",
        more: "COMMAND: IPC_STAT, IPC_SET USER GROUP MODE BYTES, IPC_RMID. BYTES: the capacity in bytes.",
        example: "msgctl 0xbeef IPC_STAT",
        failure: "-1",
        run: control,
    },
];

const SEND_FLAGS: Flags = &[("IPC_NOWAIT", libc::IPC_NOWAIT)];
const RECEIVE_FLAGS: Flags = &[("IPC_NOWAIT", libc::IPC_NOWAIT), ("MSG_EXCEPT", EXCEPT)];

fn get(_: &mut Session, arguments: &mut Arguments) -> Result<Step> {
    let key = key(arguments)?;
    let flags = arguments.flags(GET_FLAGS)?;
    let mode = arguments.mode_or(0o600)?;
    arguments.end()?;
    let mode = if flags & libc::IPC_CREAT == 0 { 0 } else { mode & 0o777 };
    let id = msg::get(this_thread()?, key, flags | mode.cast_signed())?;
    let remark = shown_key(key).map(|key| format!("{key} leads to this queue"));
    Ok(Answer::returned(id, remark.unwrap_or_default()).into())
}

fn queue(arguments: &mut Arguments) -> Result<OpenMessages> {
    let id = id(arguments, |key| msg::get(this_thread()?, key, 0))?;
    Ok(OpenMessages { id })
}

fn patience(flags: i32) -> Patience {
    if flags & libc::IPC_NOWAIT == 0 { Patience::Until(None) } else { Patience::None }
}

fn send(_: &mut Session, arguments: &mut Arguments) -> Result<Step> {
    let queue = queue(arguments)?;
    let kind = arguments.number("TYPE")?;
    let body = arguments.word("TEXT")?.to_vec();
    let flags = arguments.flags(SEND_FLAGS)?;
    arguments.end()?;
    let is_full = queue.describe().is_ok_and(|Description { amount, bound, .. }| {
        amount.bytes.saturating_add(body.len() as u64) > bound || amount.messages >= bound
    });
    let sleeps_for = (is_full && flags == 0).then_some("space");
    // As msgsnd has it: in Linux a message that is too long is EINVAL, too.
    let call = move || match queue.send(kind, &body, patience(flags)) {
        Err(Errno::E2BIG) => Err(Errno::EINVAL),
        sent => sent.map(|()| Answer::zero()),
    };
    Ok(Step::MaySleep(Sleepy { sleeps_for, call: Box::new(call) }))
}

fn receive(_: &mut Session, arguments: &mut Arguments) -> Result<Step> {
    let queue = queue(arguments)?;
    let kind = arguments.number("TYPE")?;
    let flags = arguments.flags(RECEIVE_FLAGS)?;
    arguments.end()?;
    let is_empty = queue.describe().is_ok_and(|described| described.amount.messages == 0);
    let sleeps_for = (is_empty && flags & libc::IPC_NOWAIT == 0).then_some("a message");
    let call = move || {
        let received = queue.receive(Selector::new(kind, flags), patience(flags))?;
        let text = escape::text(&received.body);
        Ok(Answer::returned(received.body.len(), format!("type {}: {text}", received.kind)))
    };
    Ok(Step::MaySleep(Sleepy { sleeps_for, call: Box::new(call) }))
}

fn control(_: &mut Session, arguments: &mut Arguments) -> Result<Step> {
    let queue = queue(arguments)?;
    let answer = match arguments.word("COMMAND")? {
        b"IPC_STAT" => {
            arguments.end()?;
            Answer::returned(0, described(&queue.describe()?))
        }
        b"IPC_SET" => {
            let (uid, gid) = (arguments.number("USER")?, arguments.number("GROUP")?);
            let mode = u16::try_from(arguments.mode_or(0o600)? & 0o777).unwrap_or(0);
            let bound = arguments.amount("BYTES")?;
            arguments.end()?;
            msg::set(this_thread()?, queue.id, Change { uid, gid, mode, bound })?;
            Answer::zero()
        }
        b"IPC_RMID" => {
            arguments.end()?;
            msg::remove(this_thread()?, queue.id)?;
            Answer::zero()
        }
        other => {
            let what = format!("{} is not a command of msgctl", escape::word(other));
            return Err(usage(format!("{what}; `help msgctl` lists them")));
        }
    };
    Ok(answer.into())
}

fn described(described: &Description) -> String {
    let Description { key, permission, amount, bound, pids, times, .. } = described;
    let key = shown_key(*key).unwrap_or_else(|| "IPC_PRIVATE".to_owned());
    let (owner, group) = user::names((permission.uid, permission.gid));
    let [sent, received, changed] = times.map(|seconds| match seconds {
        0 => "never".to_owned(),
        _ => format!("{} ago", time::short(time::since_unix(seconds))),
    });
    format!(
        "key {key}, msg_qnum {}, msg_cbytes {}, msg_qbytes {bound}, owner {owner}, group {group}, \
         mode {:04o}, msg_lspid {}, msg_lrpid {}, msg_stime {sent}, msg_rtime {received}, \
         msg_ctime {changed}",
        amount.messages, amount.bytes, permission.mode, pids[0], pids[1]
    )
}
