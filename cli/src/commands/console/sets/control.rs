//! `semctl`: a command for each of its commands.

use rsipc_core::sysv::sem::{self, Description, Question};

use super::id::id;
use crate::commands::console::arguments::{Arguments, usage};
use crate::commands::console::call::{Answer, Result, Step};
use crate::commands::console::session::Session;
use crate::objects::open_queue::this_thread;
use crate::objects::sysv::shown_key;
use crate::output::{escape, time, user};

/// `semctl ID NUMBER COMMAND [VALUE...]`
pub fn control(_: &mut Session, arguments: &mut Arguments) -> Result<Step> {
    let id = id(arguments)?;
    let number = arguments.number("NUMBER")?;
    let command = arguments.word("COMMAND")?;
    let answer = match command {
        b"GETVAL" => ask(arguments, id, number, Question::Value)?,
        b"GETPID" => ask(arguments, id, number, Question::Pid)?,
        b"GETNCNT" => ask(arguments, id, number, Question::Increase)?,
        b"GETZCNT" => ask(arguments, id, number, Question::Zero)?,
        b"SETVAL" => set_value(arguments, id, number)?,
        b"GETALL" => get_all(arguments, id)?,
        b"SETALL" => set_all(arguments, id)?,
        b"IPC_STAT" => describe(arguments, id)?,
        b"IPC_SET" => set_permission(arguments, id)?,
        b"IPC_RMID" => {
            arguments.end()?;
            sem::remove(this_thread()?, id)?;
            Answer::zero()
        }
        other => {
            let what = format!("{} is not a command of semctl", escape::word(other));
            return Err(usage(format!("{what}; `help semctl` lists them")));
        }
    };
    Ok(answer.into())
}

fn ask(arguments: &Arguments, id: i32, number: i32, question: Question) -> Result<Answer> {
    arguments.end()?;
    Ok(Answer::returned(sem::ask(this_thread()?, id, number, question)?, ""))
}

fn set_value(arguments: &mut Arguments, id: i32, number: i32) -> Result<Answer> {
    let value = arguments.number("VALUE")?;
    arguments.end()?;
    sem::set_value(this_thread()?, id, number, value)?;
    Ok(Answer::zero())
}

fn get_all(arguments: &Arguments, id: i32) -> Result<Answer> {
    arguments.end()?;
    let values: Vec<String> = sem::values(this_thread()?, id)?.iter().map(u16::to_string).collect();
    Ok(Answer::returned(0, format!("values {}", values.join(" "))))
}

fn set_all(arguments: &mut Arguments, id: i32) -> Result<Answer> {
    let mut values: Vec<u16> = Vec::new();
    while let Some(value) = arguments.number_if_any("VALUE")? {
        values.push(value);
    }
    let members = sem::members_to_set(this_thread()?, id)?;
    if values.len() != members {
        // The call would read behind the end of the array.
        let count = values.len();
        return Err(usage(format!("{count} values for a set of {members} semaphores")));
    }
    sem::set_all(this_thread()?, id, &values)?;
    Ok(Answer::zero())
}

fn describe(arguments: &Arguments, id: i32) -> Result<Answer> {
    arguments.end()?;
    let Description { key, permission, otime, ctime, members, .. } =
        sem::describe(this_thread()?, id, false)?;
    let ago = |seconds| format!("{} ago", time::short(time::since_unix(seconds)));
    let key = shown_key(key).unwrap_or_else(|| "IPC_PRIVATE".to_owned());
    let (owner, group) = user::names((permission.uid, permission.gid));
    let (creator, _) = user::names((permission.cuid, permission.cgid));
    let operated = if otime == 0 { "never".to_owned() } else { ago(otime) };
    let remark = format!(
        "key {key}, {members} semaphores, owner {owner}, group {group}, creator {creator}, \
         mode {:04o}, sem_otime {operated}, sem_ctime {}",
        permission.mode,
        ago(ctime)
    );
    Ok(Answer::returned(0, remark))
}

fn set_permission(arguments: &mut Arguments, id: i32) -> Result<Answer> {
    let (owner, group) = (arguments.number("USER")?, arguments.number("GROUP")?);
    let mode = u16::try_from(arguments.mode_or(0o600)? & 0o777).unwrap_or(0);
    arguments.end()?;
    sem::set_permission(this_thread()?, id, owner, group, mode)?;
    Ok(Answer::zero())
}
