//! The commands of `shmctl`.

use std::ffi::{c_int, c_long, c_ulong, c_void};

use libc::shmid_ds;

use crate::sysv::ipc_perm;
use rsipc_core::os::user;
use rsipc_core::os::{Errno, Result};
use rsipc_core::shared::thread::Thread;
use rsipc_core::sysv::shm::{self, Description, Limits, SIZE_MAX, Totals, Usage};

const SHM_LOCK: c_int = 11;
const SHM_UNLOCK: c_int = 12;
const SHM_STAT: c_int = 13;
const SHM_INFO: c_int = 14;
const SHM_STAT_ANY: c_int = 15;

/// What has no limit here: segments.
const MANY: c_ulong = 1_024_000_000;
const PAGE: u64 = 4096;

/// `shmctl` with an argument that the command may need.
pub fn control(
    thread: &'static Thread,
    id: c_int,
    command: c_int,
    argument: *mut c_void,
) -> Result<c_int> {
    if id < 0 {
        return Err(Errno::EINVAL);
    }
    let done = |result: Result<()>| result.map(|()| 0);
    match command {
        libc::IPC_RMID => done(shm::remove(thread, id)),
        SHM_LOCK | SHM_UNLOCK => done(shm::lock(thread, id, command == SHM_LOCK)),
        libc::IPC_STAT => {
            let found = shm::describe(thread, id, false)?;
            done(user::write(argument.cast(), &[as_c(&found)]))
        }
        SHM_STAT | SHM_STAT_ANY => {
            let id = shm::id_of_index(thread, id)?;
            let found = shm::describe(thread, id, command == SHM_STAT_ANY)?;
            user::write(argument.cast(), &[as_c(&found)]).map(|()| id)
        }
        libc::IPC_SET => {
            let permission = user::read(argument.cast::<shmid_ds>())?.shm_perm;
            let mode = ipc_perm::mode_of(&permission);
            done(shm::set_permission(thread, id, permission.uid, permission.gid, mode))
        }
        libc::IPC_INFO => {
            let highest = shm::highest(thread)?;
            user::write(argument.cast(), &[limits()])?;
            Ok(small(highest))
        }
        SHM_INFO => {
            let totals = shm::totals(thread)?;
            user::write(argument.cast(), &[usage(totals)])?;
            Ok(small(totals.highest))
        }
        _ => Err(Errno::EINVAL),
    }
}

fn small(number: usize) -> c_int {
    c_int::try_from(number).unwrap_or(c_int::MAX)
}

fn as_c(found: &Description) -> shmid_ds {
    let time = |seconds: u64| c_long::try_from(seconds).unwrap_or(c_long::MAX);
    // SAFETY: all zeros is a shmid_ds.
    let mut into: shmid_ds = unsafe { core::mem::zeroed() };
    let perm = &mut into.shm_perm;
    ipc_perm::fill(perm, found.key, found.id, &found.permission, found.mode);
    into.shm_segsz = usize::try_from(found.size).unwrap_or(usize::MAX);
    into.shm_atime = time(found.atime);
    into.shm_dtime = time(found.dtime);
    into.shm_ctime = time(found.ctime);
    into.shm_cpid = found.creator.cast_signed();
    into.shm_lpid = found.last.cast_signed();
    into.shm_nattch = found.attached as c_ulong;
    into
}

fn limits() -> Limits {
    Limits {
        shmmax: SIZE_MAX,
        shmmin: 1,
        shmmni: MANY,
        shmseg: MANY,
        shmall: SIZE_MAX / PAGE,
        ..Limits::default()
    }
}

fn usage(totals: Totals) -> Usage {
    let pages = totals.bytes / PAGE;
    // They were reserved when the segments were made.
    let in_memory = pages;
    Usage {
        used_ids: small(totals.segments),
        shm_tot: pages,
        shm_rss: in_memory,
        ..Usage::default()
    }
}
