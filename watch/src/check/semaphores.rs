//! The life of semaphores: made, used, destroyed.

use watch_run::calls::number;
use watch_run::finding::Kind;
use watch_run::tables::ObjectKind;

use super::case::Case;
use super::twice;
use crate::{book, maps, peek, slots};

pub fn before(case: &mut Case) {
    let address = case.call.arguments[0];
    if case.call.number == number::SEM_INIT {
        return;
    }
    let Some(index) = case.call.object() else {
        let uses = !matches!(case.call.number, number::SEM_CLOSE | number::SEM_DESTROY);
        if address == 0 && uses {
            let text = format_args!("its address is null, as that of what sem_open could not open");
            case.say(Kind::Uninitialised, None, text);
        }
        if address != 0 && maps::at(address).is_none() {
            let text = format_args!("there is no memory at {address:#x}");
            case.say(Kind::Unmapped, None, text);
        }
        return;
    };
    let object = case.book.objects[index];
    let handle = book::handle(case.book, case.pid, address).map(|index| case.book.handles[index]);
    let is_over = handle.is_some_and(|handle| handle.is_over);
    if object.kind == ObjectKind::Named {
        if is_over {
            let kind =
                if case.call.number == number::SEM_CLOSE { Kind::NotOpen } else { Kind::Closed };
            case.say(kind, Some(index), format_args!("it was closed in this process before"));
        }
    } else if case.call.number == number::SEM_CLOSE {
        let text = format_args!("sem_close of a semaphore that sem_open has not opened");
        case.say(Kind::NotOpen, Some(index), text);
    } else if is_over || (!object.is_alive && object.is_made) {
        case.say(Kind::Destroyed, Some(index), format_args!("it was destroyed before"));
    } else if !object.is_alive {
        let text = format_args!("no process of the run has called sem_init for it");
        case.say(Kind::Uninitialised, Some(index), text);
    }
    if matches!(case.call.number, number::SEM_DESTROY | number::SEM_CLOSE) {
        is_awaited(case, index);
    }
    if case.call.number == number::SEM_DESTROY {
        twice::at_destroy(case, index);
    }
}

/// The semaphore goes while a thread is blocked on it: that thread has called a wait, the value is
/// 0 and a waiter is registered.
fn is_awaited(case: &mut Case, index: usize) {
    let is_close = case.call.number == number::SEM_CLOSE;
    let Some((pid, tid)) = slots::waiter(case.run, index, case.tid) else { return };
    if (is_close && pid != case.pid) || !is_blocked(case.call.arguments[0]) {
        return;
    }
    if is_close {
        let handle = book::handle(case.book, case.pid, case.call.arguments[0]);
        if handle.is_some_and(|handle| case.book.handles[handle].opens > 1) {
            return;
        }
        let text = format_args!("closed while thread {tid} of the same process waits on it");
        case.say(Kind::UnmappedWhileAwaited, Some(index), text);
    } else {
        let text = format_args!("destroyed while thread {tid} of process {pid} waits on it");
        case.say(Kind::DestroyedWhileAwaited, Some(index), text);
    }
}

/// The first word of a semaphore is the same in glibc and librsipc on 64 bits: value below, number
/// of waiters above.
pub fn is_blocked(address: u64) -> bool {
    peek::value::<u64>(address).is_some_and(|word| {
        let (value, waiters) = (word % (1 << 32), word >> 32);
        value == 0 && waiters != 0
    })
}

pub fn after(case: &mut Case) {
    let Some(index) = case.call.object() else { return };
    let address = case.call.arguments[0];
    if case.call.number == number::SEM_POST && case.call.error == libc::EOVERFLOW {
        case.say(Kind::Overflow, Some(index), format_args!("the post failed with EOVERFLOW"));
    }
    if !case.call.has_succeeded() {
        return;
    }
    let handle = book::handle(case.book, case.pid, address);
    match case.call.number {
        number::SEM_INIT => made(case, index),
        // Of private memory a child of the process has a copy.
        number::SEM_DESTROY if !case.book.objects[index].is_shared => {
            if let Some(handle) = handle {
                case.book.handles[handle].is_over = true;
            }
        }
        number::SEM_DESTROY => case.book.objects[index].is_alive = false,
        number::SEM_CLOSE => {
            if let Some(handle) = handle {
                let handle = &mut case.book.handles[handle];
                handle.opens = handle.opens.saturating_sub(1);
                handle.is_over = handle.opens == 0;
            }
        }
        _ => {}
    }
}

fn made(case: &mut Case, index: usize) {
    let (for_all, value) = (case.call.arguments[1] & 0xffff_ffff, case.call.arguments[2]);
    if let Some(handle) = book::handle(case.book, case.pid, case.call.arguments[0]) {
        case.book.handles[handle].is_over = false;
    }
    twice::begins(case, index);
    let (pid, object) = (case.pid, &mut case.book.objects[index]);
    object.is_made = true;
    object.maker = pid;
    object.begin(u32::try_from(value & 0xffff_ffff).unwrap_or(0));
    let is_shared = object.is_shared;
    if for_all != 0 && !is_shared {
        let text = format_args!("made for all processes (pshared {for_all}) in private memory");
        case.say(Kind::NotShared, Some(index), text);
    }
}
