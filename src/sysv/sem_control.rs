//! What `cbits/sysv.c` calls: `semctl` with an argument that is known. Not exported, and not read
//! by cbindgen.

use std::ffi::{c_int, c_long, c_ushort, c_void};

use libc::{semid_ds, seminfo};

use crate::edge::fail;
use crate::sysv::ipc_perm;
use crate::thread::{on_this_thread, this_thread};
use rsipc_core::os::cancel::uncancelled;
use rsipc_core::os::scratch::Scratch;
use rsipc_core::os::settings;
use rsipc_core::os::user;
use rsipc_core::os::{Errno, Result};
use rsipc_core::shared::thread::Thread;
use rsipc_core::sysv::sem::{self, Description, OPERATIONS_MAX, Question, Totals};

/// `SEMVMX`, `SEMMSL`, and what has no limit here.
const VALUE_MAX: c_int = 32767;
const MEMBERS_MAX: c_int = 32000;
const MANY: c_int = 1_024_000_000;
/// `SEMUSZ` of linux/sem.h
const UNDO_SIZE: c_int = 20;

const SEM_STAT: c_int = 18;
const SEM_INFO: c_int = 19;
const SEM_STAT_ANY: c_int = 20;

/// The fourth argument of `semctl`: an integer, or a pointer.
#[unsafe(no_mangle)]
unsafe extern "C" fn rsipc_semctl(
    id: c_int,
    semnum: c_int,
    command: c_int,
    argument: *mut c_void,
) -> c_int {
    if !settings::get().sysv.semaphores {
        // SAFETY: the kernel checks all pointers.
        return kernel(unsafe { libc::syscall(libc::SYS_semctl, id, semnum, command, argument) });
    }
    if let (libc::GETVAL | libc::GETPID, Ok(thread)) = (command, this_thread())
        && let Some(found) = sem::ask_at_once(thread, id, semnum, command == libc::GETPID)
    {
        return number(found);
    }
    number(uncancelled(|| {
        if id < 0 {
            return Err(Errno::EINVAL);
        }
        on_this_thread(|thread| control(thread, id, semnum, command, argument))
    }))
}

fn control(
    thread: &'static Thread,
    id: c_int,
    semnum: c_int,
    command: c_int,
    argument: *mut c_void,
) -> Result<c_int> {
    let done = |result: Result<()>| result.map(|()| 0);
    match command {
        libc::GETVAL => sem::ask(thread, id, semnum, Question::Value),
        libc::GETPID => sem::ask(thread, id, semnum, Question::Pid),
        libc::GETNCNT => sem::ask(thread, id, semnum, Question::Increase),
        libc::GETZCNT => sem::ask(thread, id, semnum, Question::Zero),
        libc::SETVAL => done(sem::set_value(thread, id, semnum, value_of(argument))),
        libc::IPC_RMID => done(sem::remove(thread, id)),
        libc::GETALL => done(user::write(argument.cast(), &sem::values(thread, id)?)),
        libc::SETALL => {
            let mut values = Scratch::new(sem::members_to_set(thread, id)?)?;
            user::read_into::<c_ushort>(argument.cast(), &mut values)?;
            done(sem::set_all(thread, id, &values))
        }
        libc::IPC_STAT => {
            let found = sem::describe(thread, id, false)?;
            done(user::write(argument.cast(), &[as_c(&found)]))
        }
        SEM_STAT | SEM_STAT_ANY => {
            let id = sem::id_of_index(thread, id)?;
            let found = sem::describe(thread, id, command == SEM_STAT_ANY)?;
            user::write(argument.cast(), &[as_c(&found)]).map(|()| id)
        }
        libc::IPC_SET => {
            let permission = user::read(argument.cast::<semid_ds>())?.sem_perm;
            let mode = ipc_perm::mode_of(&permission);
            done(sem::set_permission(thread, id, permission.uid, permission.gid, mode))
        }
        libc::IPC_INFO => {
            let highest = sem::highest(thread)?;
            user::write(argument.cast(), &[info(None)])?;
            Ok(small(highest))
        }
        SEM_INFO => {
            let totals = sem::totals(thread)?;
            user::write(argument.cast(), &[info(Some(totals))])?;
            Ok(small(totals.highest))
        }
        _ => Err(Errno::EINVAL),
    }
}

/// Callers pass an int where the union is as large as a pointer.
#[expect(clippy::cast_possible_truncation, reason = "the low half counts")]
fn value_of(argument: *mut c_void) -> c_int {
    (argument.addr() as u32).cast_signed()
}

fn small(number: usize) -> c_int {
    c_int::try_from(number).unwrap_or(c_int::MAX)
}

fn as_c(found: &Description) -> semid_ds {
    let time = |seconds: u64| c_long::try_from(seconds).unwrap_or(c_long::MAX);
    // SAFETY: all zeros is a semid_ds.
    let mut into: semid_ds = unsafe { core::mem::zeroed() };
    let permission = &found.permission;
    ipc_perm::fill(&mut into.sem_perm, found.key, found.id, permission, permission.mode);
    into.sem_otime = time(found.otime);
    into.sem_ctime = time(found.ctime);
    into.sem_nsems = found.members as libc::c_ulong;
    into
}

/// `in_use`: for SEM_INFO.
fn info(in_use: Option<Totals>) -> seminfo {
    let members = |totals: Totals| c_int::try_from(totals.members).unwrap_or(c_int::MAX);
    seminfo {
        semmap: MANY,
        semmni: MANY,
        semmns: MANY,
        semmnu: MANY,
        semmsl: MEMBERS_MAX,
        semopm: small(OPERATIONS_MAX),
        semume: small(OPERATIONS_MAX),
        semusz: in_use.map_or(UNDO_SIZE, |totals| small(totals.sets)),
        semvmx: VALUE_MAX,
        semaem: in_use.map_or(VALUE_MAX, members),
    }
}

/// The result, or -1 with `errno`.
pub fn number(result: Result<c_int>) -> c_int {
    match result {
        Ok(number) => number,
        Err(error) => fail(error, -1),
    }
}

/// What a system call gave, whose `errno` is in place.
pub fn kernel(result: c_long) -> c_int {
    c_int::try_from(result).unwrap_or(-1)
}
