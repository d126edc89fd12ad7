//! Semaphores whose memory goes, and calls in signal handlers.

use watch_run::calls::{CALLS, number};
use watch_run::finding::Kind;
use watch_run::tables::{HANDLES, ObjectKind};

use super::case::Case;
use super::semaphores;
use crate::{book, slots};

fn range(case: &Case) -> std::ops::Range<u64> {
    let start = case.call.arguments[0];
    start..start.saturating_add(case.call.arguments[1])
}

/// Threads of this process that wait on a semaphore in the range need it.
pub fn before_unmap(case: &mut Case) {
    let range = range(case);
    for index in 0..HANDLES {
        let handle = case.book.handles[index];
        if handle.pid != case.pid || !range.contains(&handle.key) {
            continue;
        }
        let object = handle.object as usize;
        let waiter = slots::waiter(case.run, object, case.tid);
        if let Some((pid, tid)) = waiter
            && pid == case.pid
            && semaphores::is_blocked(handle.key)
        {
            let text = format_args!("its memory is unmapped while thread {tid} waits on it");
            case.say(Kind::UnmappedWhileAwaited, Some(object), text);
        }
    }
}

pub fn after_unmap(case: &mut Case) {
    if case.call.number != number::MUNMAP || !case.call.has_succeeded() {
        return;
    }
    let (range, pid) = (range(case), case.pid);
    book::drop_handles(case.book, pid, |handle| range.contains(&handle.key));
    // Private memory has gone with what was in it.
    for index in 0..book::used(case.book) {
        let object = &mut case.book.objects[index];
        let own = [u64::from(pid.unsigned_abs()), 0];
        if object.kind == ObjectKind::Unnamed
            && object.place[..2] == own
            && range.contains(&object.place[2])
        {
            object.place = [0; 3];
        }
    }
}

/// A wait in a signal handler.
pub fn in_handler(case: &mut Case) {
    let name = CALLS[case.call.index()].name;
    if !name.starts_with("sem_") && !name.starts_with("mq_") {
        return;
    }
    let object = case.call.object();
    case.say(Kind::InHandler, object, format_args!("{name} in a signal handler"));
}
