//! The commands of `msgctl`.

use std::ffi::{c_int, c_long, c_ulong, c_ushort};

use libc::{msginfo, msqid_ds};

use crate::sysv::ipc_perm;
use rsipc_core::os::user;
use rsipc_core::os::{Errno, Result};
use rsipc_core::shared::thread::Thread;
use rsipc_core::sysv::msg::{self, Change, Description, Totals};

/// From linux/msg.h
const MSG_STAT: c_int = 11;
const MSG_INFO: c_int = 12;
const MSG_STAT_ANY: c_int = 13;
/// What has no limit here.
const MANY: c_int = 1_024_000_000;
/// `MSGSSZ` and `MSGSEG` of linux/msg.h, which mean nothing any more.
const SEGMENT_SIZE: c_int = 16;
const SEGMENTS: c_ushort = 0xffff;

/// See `msgctl`.
pub fn control(
    thread: &'static Thread,
    id: c_int,
    command: c_int,
    buffer: *mut msqid_ds,
) -> Result<c_int> {
    let done = |result: Result<()>| result.map(|()| 0);
    match command {
        libc::IPC_RMID => done(msg::remove(thread, id)),
        libc::IPC_STAT => {
            let found = msg::describe(thread, id, false)?;
            done(user::write(buffer, &[as_c(&found)]))
        }
        MSG_STAT | MSG_STAT_ANY => {
            let id = msg::id_of_index(thread, id)?;
            let found = msg::describe(thread, id, command == MSG_STAT_ANY)?;
            user::write(buffer, &[as_c(&found)]).map(|()| id)
        }
        libc::IPC_SET => {
            let wanted = user::read(buffer.cast_const())?;
            let permission = wanted.msg_perm;
            let change = Change {
                uid: permission.uid,
                gid: permission.gid,
                mode: ipc_perm::mode_of(&permission),
                bound: wanted.msg_qbytes,
            };
            done(msg::set(thread, id, change))
        }
        libc::IPC_INFO => {
            let highest = msg::highest(thread)?;
            user::write(buffer.cast(), &[info(None)])?;
            Ok(small(highest as u64))
        }
        MSG_INFO => {
            let totals = msg::totals(thread)?;
            user::write(buffer.cast(), &[info(Some(totals))])?;
            Ok(small(totals.highest as u64))
        }
        _ => Err(Errno::EINVAL),
    }
}

fn small(number: u64) -> c_int {
    c_int::try_from(number).unwrap_or(c_int::MAX)
}

fn as_c(found: &Description) -> msqid_ds {
    let time = |seconds: u64| c_long::try_from(seconds).unwrap_or(c_long::MAX);
    // SAFETY: all zeros is a msqid_ds.
    let mut into: msqid_ds = unsafe { core::mem::zeroed() };
    let permission = &found.permission;
    ipc_perm::fill(&mut into.msg_perm, found.key, found.id, permission, permission.mode);
    let [stime, rtime, ctime] = found.times.map(time);
    (into.msg_stime, into.msg_rtime, into.msg_ctime) = (stime, rtime, ctime);
    into.__msg_cbytes = found.amount.bytes as c_ulong;
    into.msg_qnum = found.amount.messages as c_ulong;
    into.msg_qbytes = found.bound as c_ulong;
    let [lspid, lrpid] = found.pids.map(u32::cast_signed);
    (into.msg_lspid, into.msg_lrpid) = (lspid, lrpid);
    into
}

/// `in_use`: for MSG_INFO.
fn info(in_use: Option<Totals>) -> msginfo {
    let limits = msg::of_new_queues();
    let Totals { queues, amount, .. } = in_use.unwrap_or_default();
    let or = |number: u64, limit: c_int| if in_use.is_some() { small(number) } else { limit };
    // SAFETY: all zeros is a msginfo.
    let mut into: msginfo = unsafe { core::mem::zeroed() };
    into.msgpool = or(queues as u64, MANY);
    into.msgmap = or(amount.messages, MANY);
    into.msgmax = small(limits.message);
    into.msgmnb = small(limits.queue);
    into.msgmni = MANY;
    into.msgssz = SEGMENT_SIZE;
    into.msgtql = or(amount.bytes, MANY);
    into.msgseg = SEGMENTS;
    into
}
