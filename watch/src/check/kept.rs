//! Queues that an heir keeps without ever having used them, when all others have done with them.

use watch_run::finding::Kind;
use watch_run::tables::{Book, HANDLES, Handle, ObjectKind};

use super::case::Case;
use crate::{slots, system};

const KEPT: &str = "it kept the queue, which is unlinked and closed everywhere else";

/// The process calls exit(3).
pub fn at_exit(case: &mut Case) {
    kept_open(case);
    leave_to_heirs(case);
}

/// A queue that nobody has any more but this process, which has inherited it and never used it.
fn kept_open(case: &mut Case) {
    for index in 0..HANDLES {
        let handle = case.book.handles[index];
        if handle.pid == case.pid
            && let Some(parent) = is_kept(case.book, handle.pid, index)
        {
            let text = format_args!(
                "inherited from process {parent}, never used and never closed; {KEPT}"
            );
            case.say(Kind::KeptOpen, Some(handle.object as usize), text);
        }
    }
}

/// The process ends, and what it has of queues goes with it.
fn leave_to_heirs(case: &mut Case) {
    for index in 0..HANDLES {
        let handle = case.book.handles[index];
        if handle.pid == case.pid && handle.opens > 0 {
            note_heir(case.book, handle.object as usize, case.pid);
        }
    }
}

/// Every process that has used the queue has done with it, but for `leaving`, which is about to:
/// notes an heir that keeps it without having used it. Whether it ever does is seen at the end,
/// however it ends.
pub fn note_heir(book: &mut Book, object: usize, leaving: i32) {
    let mut kept = (0..HANDLES).filter(|&index| {
        let handle = &book.handles[index];
        handle.object as usize == object
            && handle.opens > 0
            && handle.pid > 0
            && handle.pid != leaving
            && system::is_alive(handle.pid)
    });
    let Some(first) = kept.next().filter(|_| kept.next().is_none()) else { return };
    if is_kept(book, book.handles[first].pid, first).is_some() {
        book.handles[first].is_keeping = true;
    }
}

/// An heir that has ended without a use, and without exit(3).
pub fn was_kept(case: &mut Case, object: usize) {
    let is_it = |handle: &&Handle| {
        handle.is_keeping && !handle.is_used && handle.pid > 0 && handle.object as usize == object
    };
    let Some(&handle) = case.book.handles.iter().find(is_it) else { return };
    let (pid, parent) = (handle.pid, handle.heir_of);
    // One that was killed in a call might have come to use it.
    if slots::is_in_call(case.run, pid) {
        return;
    }
    if case.book.objects[object].kind == ObjectKind::Queue {
        let text =
            format_args!("inherited from process {parent}, never used and never closed; {KEPT}");
        case.found.add(case.book, Kind::KeptOpen, Some(object), (pid, pid), text);
    }
}

/// Of which process it is inherited, if the handle alone keeps its queue.
fn is_kept(book: &Book, pid: i32, index: usize) -> Option<i32> {
    let handle = book.handles[index];
    let object = &book.objects[handle.object as usize];
    let is_idle = |handle: &Handle| handle.heir_of != 0 && !handle.is_used;
    if object.kind != ObjectKind::Queue
        || object.is_linked
        || handle.opens == 0
        || !is_idle(&handle)
    {
        return None;
    }
    let has_other_user = book.handles.iter().any(|other| {
        other.pid > 0
            && other.pid != pid
            && other.object == handle.object
            && other.opens > 0
            && system::is_alive(other.pid)
    });
    (!has_other_user).then_some(handle.heir_of)
}
