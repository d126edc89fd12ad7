//! Semaphores whose memory goes.

use watch_run::calls::number;
use watch_run::finding::Kind;
use watch_run::tables::{HANDLES, ObjectKind};

use super::case::Case;
use super::semaphores;
use crate::call::Call;
use crate::{book, maps, slots};

/// What the call unmaps.
fn range(case: &Case) -> std::ops::Range<u64> {
    let start = case.call.arguments[0];
    let length =
        if case.call.number == number::SHMDT { case.call.hash } else { case.call.arguments[1] };
    start..start.saturating_add(length)
}

/// The length of the segment that shmdt(2) detaches, for the time when it is no more to be seen.
fn measure_segment(call: &mut Call) {
    if call.number == number::SHMDT {
        let start = call.arguments[0];
        let region = maps::at(start).filter(|region| region.start == start);
        call.hash = region.map_or(0, |region| region.end - start);
    }
}

pub const fn unmaps(call: u64) -> bool {
    matches!(call, number::MUNMAP | number::SHMDT)
}

/// Threads of this process that wait on a semaphore in the range need it.
pub fn before_unmap(case: &mut Case) {
    measure_segment(case.call);
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
    if !unmaps(case.call.number) || !case.call.has_succeeded() {
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
