//! Objects of System V.

use watch_run::calls::number;
use watch_run::tables::ObjectKind;

use super::case::Case;
use crate::book;
use crate::call::Call;
use crate::line::Line;
use crate::{next, peek};

const fn kind(call: u64) -> ObjectKind {
    match call {
        number::MSGGET | number::MSGSND | number::MSGRCV | number::MSGCTL => ObjectKind::Messages,
        number::SHMGET | number::SHMAT | number::SHMCTL => ObjectKind::Segment,
        _ => ObjectKind::Set,
    }
}

/// Asked before the call.
pub fn ask_whether_new(call: &mut Call) {
    let (key, last) = (call.arguments[0], if call.number == number::MSGGET { 1 } else { 2 });
    let flags = next::number(call.arguments[last]);
    let is_there = || match call.number {
        number::SEMGET => next::is_set_of(key),
        number::MSGGET => next::is_messages_of(key),
        _ => next::is_segment_of(key),
    };
    let is_private = next::number(key) == libc::IPC_PRIVATE;
    let makes = flags & libc::IPC_CREAT != 0;
    let is_new = is_private || (makes && (flags & libc::IPC_EXCL != 0 || !is_there()));
    call.is_new = i32::from(is_new);
}

fn place(id: u64) -> [u64; 3] {
    [u64::from(next::number(id).unsigned_abs()), 0, 0]
}

/// Operations of a call that are looked at.
const OPERATIONS: usize = 8;

/// The operations of semop(2), as far as there is room for them.
pub fn operations(call: &Call) -> impl Iterator<Item = libc::sembuf> {
    let is_one = matches!(call.number, number::SEMOP | number::SEMTIMEDOP);
    let count = usize::try_from(call.arguments[2]).unwrap_or(0).min(OPERATIONS);
    let first = call.arguments[1];
    (0..if is_one { count as u64 } else { 0 }).map_while(move |index| {
        peek::value(first.wrapping_add(index * size_of::<libc::sembuf>() as u64))
    })
}

/// A call of System V that could wait, and cannot with these arguments.
pub fn returns_at_once(call: &Call) -> bool {
    let has_flag = |flags: i32| flags & libc::IPC_NOWAIT != 0;
    match call.number {
        number::MSGSND => has_flag(next::number(call.arguments[3])),
        number::MSGRCV => has_flag(next::number(call.arguments[4])),
        number::SEMOP | number::SEMTIMEDOP => operations(call)
            .all(|operation| operation.sem_op > 0 || has_flag(i32::from(operation.sem_flg))),
        _ => false,
    }
}

/// The object of this id.
pub fn object(case: &mut Case) -> Option<usize> {
    let (kind, id) = (kind(case.call.number), case.call.arguments[0]);
    let known = book::placed(case.book, kind, place(id));
    known.filter(|&index| case.book.objects[index].is_linked).or_else(|| enter(case, kind, id))
}

fn enter(case: &mut Case, kind: ObjectKind, id: u64) -> Option<usize> {
    let mut name = Line::new();
    let word = match kind {
        ObjectKind::Messages => "msg",
        ObjectKind::Segment => "shm",
        _ => "sem",
    };
    name.put(format_args!("{word}:{}", next::number(id)));
    let index = case.add_object(kind, name.bytes())?;
    case.book.objects[index].place = place(id);
    Some(index)
}

pub fn after(case: &mut Case) {
    let call = &*case.call;
    if !call.has_succeeded() {
        return;
    }
    match call.number {
        number::SEMGET | number::MSGGET | number::SHMGET => {
            let (kind, id) = (kind(call.number), call.result.cast_unsigned());
            let (is_new, pid) = (call.is_new != 0, case.pid);
            let count = next::number(call.arguments[1]).unsigned_abs();
            let known = book::placed(case.book, kind, place(id))
                .filter(|&index| case.book.objects[index].is_linked && !is_new);
            let Some(index) = known.or_else(|| enter(case, kind, id)) else { return };
            let object = &mut case.book.objects[index];
            if is_new {
                (object.is_made, object.maker) = (true, pid);
                object.initial = count;
            }
            case.call.object = i32::try_from(index).unwrap_or(-1);
        }
        number::SEMCTL | number::MSGCTL | number::SHMCTL => {
            let command = if call.number == number::SEMCTL { 2 } else { 1 };
            if next::number(call.arguments[command]) == libc::IPC_RMID
                && let Some(index) = call.object()
            {
                case.book.objects[index].is_linked = false;
            }
        }
        _ => {}
    }
}
