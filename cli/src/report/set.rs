//! A semaphore set as programs read it.

use rsipc_core::sysv::header::Life;
use serde::Serialize;

use crate::objects::set::Snapshot;
use crate::objects::sysv::shown_key;
use crate::processes::Pid;
use crate::survey::{Survey, Wish};

#[derive(Serialize)]
pub struct Set {
    id: i32,
    /// `0x…`; null for IPC_PRIVATE.
    key: Option<String>,
    semaphores: Vec<Semaphore>,
    /// What is undone when a process ends.
    undo: Vec<Undo>,
    /// Null: nobody has operated on it yet.
    operated: Option<u64>,
    changed: u64,
    changes: u64,
    removed: bool,
    /// Why it cannot be used, or null.
    trouble: Option<&'static str>,
}

#[derive(Serialize)]
struct Semaphore {
    value: u16,
    /// Null: nobody yet.
    last_pid: Option<u32>,
    waiting_for_increase: usize,
    waiting_for_zero: usize,
}

#[derive(Serialize)]
struct Undo {
    semaphore: u16,
    amount: i16,
    /// Null: it is not known any more.
    pid: Option<Pid>,
    program: Option<String>,
    ended: bool,
}

/// One of an array of operations.
#[derive(Serialize)]
pub struct SetOperation {
    semaphore: u16,
    amount: i16,
    no_wait: bool,
    undo: bool,
}

impl Set {
    pub fn of(set: &Snapshot, trouble: Option<&'static str>, survey: &Survey) -> Self {
        let semaphores = set.members.iter().map(|member| Semaphore {
            value: member.value,
            last_pid: (member.pid != 0).then_some(member.pid),
            waiting_for_increase: member.increase,
            waiting_for_zero: member.zero,
        });
        let undo = set.adjustments.iter().map(|adjustment| {
            let pid = adjustment.pid.map(u32::cast_signed);
            let program = |pid| String::from_utf8_lossy(survey.program(pid)).into_owned();
            Undo {
                semaphore: adjustment.member,
                amount: adjustment.amount,
                pid,
                program: pid.filter(|_| !adjustment.has_ended).map(program),
                ended: adjustment.has_ended,
            }
        });
        Self {
            id: set.id,
            key: shown_key(set.key),
            semaphores: semaphores.collect(),
            undo: undo.collect(),
            operated: (set.otime != 0).then_some(set.otime),
            changed: set.ctime,
            changes: set.changes,
            removed: set.life == Life::Removed,
            trouble,
        }
    }
}

impl SetOperation {
    /// All that a waiter wants to do.
    pub fn all(wish: &Wish) -> Vec<Self> {
        let one = |operation: &rsipc_core::sysv::sem::Operation| Self {
            semaphore: operation.member,
            amount: operation.amount,
            no_wait: operation.must_not_wait(),
            undo: operation.is_undone(),
        };
        wish.operations.iter().map(one).collect()
    }
}
