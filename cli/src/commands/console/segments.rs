//! `shmget` and the others: System V shared memory segments, the kernel's or ours as for a program.

use std::sync::Arc;

use rsipc_core::os::Errno;
use rsipc_core::sysv::shm::{self, kind};

use super::arguments::{Arguments, Flags, usage};
use super::call::{Answer, Result, Step, Trouble};
use super::command::{Command, Family};
use super::keys::{GET_FLAGS, id, key};
use super::mapping::Mapping;
use super::session::{Session, is_in_use};
use crate::objects::open_queue::this_thread;
use crate::objects::sysv::{Account, Contents, shown_key};
use crate::objects::{self, Kind, kernel};
use crate::output::{escape, time, user};

pub const COMMANDS: &[Command] = &[
    Command {
        name: "shmget",
        family: Family::Segments,
        arguments: "KEY SIZE [FLAGS [MODE]]",
        summary: "get the id of a segment; IPC_CREAT creates it",
        more: "KEY: a number such as 0xbeef, or IPC_PRIVATE. SIZE: 4096, 64K, 1M; 0 will do for a segment that is \
               there. FLAGS: 0, IPC_CREAT, IPC_CREAT|IPC_EXCL. MODE is 0600. Segments are the kernel's, unless it has \
               none or RSIPC_SYSV names shm.",
        example: "shmget 0xbeef 4096 IPC_CREAT 0600",
        failure: "-1",
        run: get,
    },
    Command {
        name: "shmat",
        family: Family::Segments,
        arguments: "ID [FLAGS]",
        summary: "attach a segment to the memory of the console",
        more: "FLAGS: SHM_RDONLY. `read` and `write` work on it by the same ID.",
        example: "shmat 0xbeef",
        failure: "(void *) -1",
        run: attach,
    },
    Command {
        name: "shmdt",
        family: Family::Segments,
        arguments: "ID",
        summary: "detach a segment, which continues to exist",
        more: "ID: as typed for `shmat`, instead of the address.",
        example: "shmdt 0xbeef",
        failure: "-1",
        run: detach,
    },
    Command {
        name: "shmctl",
        family: Family::Segments,
        arguments: "ID COMMAND",
        summary: "show a segment, or remove it",
        more: "COMMAND: IPC_STAT; or IPC_RMID: the segment lives until the last process detaches it.",
        example: "shmctl 0xbeef IPC_STAT",
        failure: "-1",
        run: control,
    },
];

const ATTACH_FLAGS: Flags = &[("SHM_RDONLY", libc::SHM_RDONLY)];

/// What a call of the kernel gives, or its error.
fn kernels(answer: libc::c_long) -> std::result::Result<usize, Errno> {
    if answer == -1 {
        return Err(Errno::last());
    }
    usize::try_from(answer.cast_unsigned()).map_err(|_| Errno::ENOMEM)
}

fn get_id(key: i32, size: u64, flags: i32) -> std::result::Result<i32, Errno> {
    if kind::is_ours() {
        return shm::get(this_thread()?, key, size, flags);
    }
    // SAFETY: no pointer.
    let id = kernels(unsafe { libc::syscall(libc::SYS_shmget, key, size, flags) })?;
    i32::try_from(id).map_err(|_| Errno::EINVAL)
}

fn get(_: &mut Session, arguments: &mut Arguments) -> Result<Step> {
    let key = key(arguments)?;
    let size = arguments.amount("SIZE")?;
    let flags = arguments.flags(GET_FLAGS)?;
    let mode = arguments.mode_or(0o600)?;
    arguments.end()?;
    let mode = if flags & libc::IPC_CREAT == 0 { 0 } else { mode & 0o777 };
    let id = get_id(key, size, flags | mode.cast_signed())?;
    let whose = if kind::is_ours() { "ours" } else { "the kernel's" };
    Ok(Answer::returned(id, format!("a segment of {whose}")).into())
}

fn attach(session: &mut Session, arguments: &mut Arguments) -> Result<Step> {
    let label = arguments.peek().unwrap_or_default().to_vec();
    let id = id(arguments, |key| get_id(key, 0, 0))?;
    let flags = arguments.flags(ATTACH_FLAGS)?;
    arguments.end()?;
    if session.mappings.contains_key(&label) {
        let what = format!("{} is attached already", escape::word(&label));
        return Err(Trouble::Refused(what, "`shmdt` detaches it".to_owned()));
    }
    let length = match account(id)?.contents {
        Contents::Segment { bytes, .. } => usize::try_from(bytes).map_err(|_| Errno::ENOMEM)?,
        _ => return Err(Errno::EINVAL.into()),
    };
    let at = if kind::is_ours() {
        shm::attach(this_thread()?, id, 0, flags)?
    } else {
        // SAFETY: at an address of the kernel's choice.
        kernels(unsafe { libc::syscall(libc::SYS_shmat, id, 0, flags) })?
    };
    let mapping = Mapping::attached(at, length, flags & libc::SHM_RDONLY == 0, release);
    session.mappings.insert(label, Arc::new(mapping));
    Ok(Answer::returned(format_args!("{at:#x}"), format!("{length} bytes")).into())
}

/// What detaches a mapping, when nobody has a share in it any more.
fn release(at: usize) {
    if kind::is_ours() {
        let _ = this_thread().and_then(|thread| shm::detach(thread, at));
    } else {
        // SAFETY: attached here, and not used any more.
        unsafe { libc::syscall(libc::SYS_shmdt, at) };
    }
}

fn detach(session: &mut Session, arguments: &mut Arguments) -> Result<Step> {
    let label = arguments.word("ID")?;
    arguments.end()?;
    let mapping = session.mappings.get(label).ok_or(Errno::EINVAL)?;
    if is_in_use(mapping) {
        let what = format!("{} contains semaphores, which would be lost", escape::word(label));
        return Err(Trouble::Refused(what, "`sem_destroy` destroys them".to_owned()));
    }
    session.mappings.remove(label);
    Ok(Answer::zero().into())
}

/// What is known of a segment, ours or the kernel's as the calls are. EINVAL.
fn account(id: i32) -> std::result::Result<Account, Errno> {
    let accounts = if kind::is_ours() {
        let all = objects::scan().map_err(|_| Errno::EINVAL)?;
        all.iter().filter_map(objects::Object::account).collect()
    } else {
        kernel::list()
    };
    let is_it = |account: &Account| account.kind == Kind::Svshm && account.id == id;
    accounts.into_iter().find(is_it).ok_or(Errno::EINVAL)
}

fn control(_: &mut Session, arguments: &mut Arguments) -> Result<Step> {
    let id = id(arguments, |key| get_id(key, 0, 0))?;
    let command = arguments.word("COMMAND")?;
    arguments.end()?;
    match command {
        b"IPC_STAT" => Ok(Answer::returned(0, described(&account(id)?)).into()),
        b"IPC_RMID" => {
            if kind::is_ours() {
                shm::remove(this_thread()?, id)?;
            } else {
                kernel::remove(Kind::Svshm, id).map_err(Errno::from)?;
            }
            Ok(Answer::zero().into())
        }
        other => {
            let what = format!("{} is not a command of shmctl here", escape::word(other));
            Err(usage(format!("{what}; `help shmctl` lists them")))
        }
    }
}

fn described(account: &Account) -> String {
    let key = shown_key(account.key).unwrap_or_else(|| "IPC_PRIVATE".to_owned());
    let (owner, group) = user::names(account.owner);
    let ago = |seconds| match seconds {
        0 => "never".to_owned(),
        _ => format!("{} ago", time::short(time::since_unix(seconds))),
    };
    let (mode, [attach, detach]) = (account.mode & 0o777, account.times.map(ago));
    let Contents::Segment { bytes, attached, creator, last_user } = account.contents else {
        return String::new();
    };
    format!(
        "key {key}, shm_segsz {bytes}, shm_nattch {attached}, owner {owner}, group {group}, \
         mode {mode:04o}, shm_cpid {creator}, shm_lpid {last_user}, shm_atime {attach}, \
         shm_dtime {detach}"
    )
}
